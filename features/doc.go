// Package features holds what is known of items and users while requests are served: the columns that rankers,
// filters and constraints read, from one definition for what writes them, serves them and trains on them.
//
// The definition is a [View]: whose features they are, the columns, how old they may be, and the encoders that make model inputs
// of them. A store keeps its rows, a pipeline reads the store, a join takes training data from the same view, and a model
// remembers which version it was trained on:
//
//	stats := []features.Column{{Name: "clicks.7d"}, {Name: "shown.7d"}}
//	set, err := encoder.NewSet(encoder.Config{Inputs: stats, Steps: []encoder.Step{
//		{Name: "ctr.7d", From: []string{"clicks.7d", "shown.7d"}, Encoder: encoder.Rate{}},
//	}})
//	set, err = set.Fit(ctx, encoder.One(history), encoder.FitConfig{})
//	view := features.View{Name: "item.stats", TTL: 24 * time.Hour, Columns: stats, Encoders: set}
//
//	store, err := features.NewStore(features.StoreConfig{View: view}) // or redis.Open: both are an OnlineStore
//	row, err := store.Row(uint64(item), event.Time, map[string]any{"clicks.7d": 3, "shown.7d": 40})
//	w, err := store.PutBatch(ctx, []features.Row{row}) // or package materialize, from an event log
//
//	table := asof.TableOf(&view) // training rows as they would have been served
//	table.Rows = rows
//	join, err := asof.New(asof.Config{Labels: labels, Tables: []asof.Table{table}})
//	joined, err := join.Collect(ctx)
//	data := ranking.Dataset(*joined) // whose Views name this version; set.Apply adds ctr.7d
//	model, err := ranking.TrainLinear(ctx, ranking.LinearConfig{}, &data)
//
//	p, err := recsys.NewPipeline(
//		recsys.Retrieve("als", als), recsys.Features(store), recsys.Features(set), recsys.Rank(model),
//	).Build() // refuses a model of another version of item.stats
//
// # Which package for what
//
//	you want                                        take
//	a definition                                    View, here
//	rows in the memory of the process               Store, here
//	rows that several processes share, Feast's too  features/redis (a module of its own)
//	model inputs: buckets, rates, crosses, vectors  features/encoder
//	counts and rates over the last hour or week     features/window
//	an event log in the stores, surviving kill -9   features/materialize
//	training rows that do not know the future       features/asof
//	the rows that serving could read, for a join    features/materialize, History
//	negatives, rows of exposure logs                features/asof
//	to know whether serving and training agree      features/skew
//	tables: CSV, TSV, libsvm, .npy                  features/frame
//	Parquet                                         features/parquet (a module of its own)
//	what the request says: time, session, history   RequestTime, RequestSession, RequestHistory, here
//	what retrieval knows: ranks, scores             Retrieval, ItemScore, here
//	numbers for strings                             Vocabulary, here
//	to test a source or a store of your own         features/featurestest
//
// # Sources
//
// What a pipeline reads is a [recsys.FeatureSource]: it declares columns, and writes their values for the candidates of a request
// straight into the candidate table.
//
//	source          columns                                 scope         cost of n rows
//	Store           those of a View                         by entity     n look-ups, n copies
//	redis.Store     those of a View                         by entity     a round trip, less with a near-cache
//	encoder.Set     made of the columns of others           both          n rows of each step
//	window.Source   aggregates of events                    by key        n × aggregates
//	Retrieval       scores and ranks of the retrievers      item          n × sources
//	ItemScore       a model's score of every candidate      item          the model's ScoreItems
//	RequestTime     hour and weekday, on a circle           request       O(1)
//	RequestHistory  length of the history, time since       request       O(length)
//	RequestSession  counts, dwell, items, last of a kind    request       O(length × windows)
//
// A function with a list of columns is a source as [recsys.FeatureFunc]; what is
// known only to the caller enters as context, see [recsys.Context].
//
// # Conventions
//
// Time is event time. A row carries the moment at which its values were true; ages are taken at the Now of the query, never at a
// clock of this package, so that an offline evaluation is not disturbed by when it runs. Only a write is judged by a clock, the
// store's: a row whose event time is too far ahead of it is refused and counted, as it would keep out what comes after. Columns that
// are updated together form one view; what another job updates at another pace forms another one, because a row has one event time.
//
// So what an item is and what happened to it are two views, in two stores. A catalogue job writes the first, package materialize the second,
// and a pipeline reads both:
//
//	facts, err := features.NewStore(features.StoreConfig{View: features.View{
//		Name: "item.facts", Columns: []features.Column{{Name: "price"}, {Name: "creator", Kind: recsys.ID}},
//	}})
//	row, err := facts.Row(uint64(item), changed, map[string]any{"price": 9.5, "creator": name})
//	w, err := facts.PutBatch(ctx, []features.Row{row})
//	p, err := recsys.NewPipeline(…, recsys.Features(facts), recsys.Features(stats), …).Build() // stats: clicks.1h, shown.1h
//
// Only what an event log can be counted for comes back by itself: a materialize.Materializer writes its rows again when a store has lost
// them, and knows nothing of rows that were put by hand. Their source is whoever put them. Put all of them again when a process starts and,
// in Redis, now and then: rows that are there already change nothing, by their event time. For a Store, [Store.Save] and [Store.Load] spare the
// wait.
//
// A value can be fresh, stale or missing, and each is visible. Stale: older than its column's MaxAge; the row's Stale bit is set,
// whatever the [StalePolicy]. Missing: there is no row, or it is past the TTL of its View; the row's Missing bit is set and every
// column has its default, NaN for a float that declares none. A single NaN in a known row is a missing value of that row: it
// becomes the column's default, and sets no bit. [Store.Stats] counts rows of each kind.
//
// A version is a hash of what values mean, [View.Hash]: it stands in stored rows, snapshots, models and exposure records. What
// meets another version is an error that names the view ([ViewError]), or a missing row that is counted. How long values are served
// is no part of it.
//
// Keys are integers: an ItemID, a UserID, the [PairKey] of both, or an ID column of the request's context. Every value is a key, 0
// included, but for context, where 0 is a missing ID. Strings stay at the edge, in a [Vocabulary].
//
// Reading the sources of this package is concurrent with everything, takes no lock and allocates nothing. They are in process and
// wait for nobody; only a source that asks another machine is marked [recsys.Remote].
//
// # What it does not do
//
// A store keeps the latest row of a key, no history: a query about the past sees today's rows, or none of them with RefuseFuture; what
// was known then is a join of the log. The memory of a Store grows with its keys unless a bound, or a TTL with sweeps, holds it.
package features
