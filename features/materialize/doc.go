// Package materialize keeps online stores up to date: it reads an event log, counts its events in
// windows, and writes the rows of features that come of it, from a checkpoint on and without counting an
// event twice, however often it is killed.
//
//	clicks := window.Config{Lateness: time.Minute, Aggregates: []window.Aggregate{
//		{Name: "clicks", Kinds: []recsys.EventKind{recsys.Click}, Windows: []time.Duration{time.Hour}},
//	}}
//	a, err := window.New(clicks)
//	items, err := features.NewStore(features.StoreConfig{View: features.View{
//		Name: "item.stats", Columns: []features.Column{{Name: "clicks.1h", MaxAge: 10 * time.Minute}}, // or a.Columns()
//		Computed: a.Hash(),
//	}})
//	…
//	stats, err := materialize.Materialize(ctx, materialize.Config{
//		Log:         materialize.Log{Paths: []string{"/var/log/events-*.jsonl"}, Follow: true},
//		Targets:     []materialize.Target{{Store: items, Aggregates: clicks}},
//		Checkpoints: "/var/lib/features",
//	})
//
// A view that says what it is Computed by becomes another version when an aggregate is redefined, whatever its columns are called.
//
// The main type is [Materializer]; [Log] says what a line of the log is. The same windows, computed from the whole log by
// [window.Batch], are what training data is made of, so a row in the store and a row of training data are the same number.
//
// # What is promised
//
// Every event of the log counts once. A checkpoint holds the aggregates, the place in the log, which events' ids were
// seen, and when each row was last acknowledged; it is saved after all of that has been written, all of it or nothing. A run that
// starts from it reads on from there and writes again what the killed one may have written since: a row that is written twice
// is the same row, and a store keeps the one of later event time.
//
// A log that is not the one that was read is found: a position has hashes of the first and the last 4 KiB before
// it. A malformed line ends the run or is passed over, counted and named, up to a bound.
//
// A row's event time is that of the newest event of the log when it was computed, so its age tells how far behind
// the store is. It has the values of that moment. Between two flushes ([Config.FlushEvents]) a row lacks the newest events, between
// two refreshes ([Config.Refresh]) it has some that have left a window. At the end of a log, and when a run has caught up with
// one that is followed, every row is as the batch computes it for the time of the newest event.
//
// A store that is down is waited for, with growing pauses, until the context is done or [Retry.Attempts] are made; [Materializer.Stats] and
// [Retry.Report] say meanwhile what is wrong. Rows that it refuses as of the future, as its clock is behind, are counted and written again with each flush. A store that has lost what
// it acknowledged, as Redis can in a failover, is found out by a comparison, which comes by itself after errors and at the start of a
// run, and made whole from the aggregates: see [Materializer.Verify].
//
// A view whose version changed, by its stored columns or by what computes them, has no checkpoint of its own and
// starts at the beginning of the log, beside the views that go on: list the old version and the new one, each with a store of its own, and
// switch what reads them when [Target.CaughtUp] is called. Checkpoints of versions that are not listed any more stay until somebody
// removes them.
//
// # Cost
//
// A line costs 0.4 µs to read and about as much for each view that counts it (BenchmarkMaterialize). A flush costs a
// row for each key that changed; a refresh a look at every key; a checkpoint a write of the whole state, a
// comparison a read of every row. Memory is that of the aggregates, 40 bytes or so for each of their keys, and as
// much for each id within [Config.Horizon].
//
// # What it does not do
//
// It reads a log from its beginning: when old files are gone, a new version of a view begins with those that are left, which
// does when they reach back as far as the longest window. It is one process for one checkpoint folder, which others find locked ([ErrLocked]); a log that one process cannot
// count is cut by key into several, each with its own. Files that are renamed while they are read are not followed
// ([Log.Follow]). It joins nothing: what an item is, not what happened to it, is put by whoever knows, into a store of its
// own: rows that a store has lost are restored here only if a log can be counted for them. See package features.
package materialize
