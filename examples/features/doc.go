// Command features streams an event log into an online store, serves while it updates, and says how fresh and how true what it served was.
//
//	go run ./examples/features
//	go run ./examples/features -log 'events-*.jsonl' -report features.html
//	go run ./examples/features -flush 1m -crash 0         # staler rows, no crash
//
// Events are JSON lines, plain or gzip, in the order in which they arrived; the fields are those of materialize.Log. Without -log
// the program simulates one.
//
// # What it does
//
// Three views are defined once (views.go): of items, what was shown, clicked and by how many in windows up to an hour, and a
// heat that decays; of users, their last clicks; of pairs of both, how often the user saw the item. features/materialize keeps
// three stores of them up to date. At every so manieth event its user is served: a pipeline hydrates the items that were
// last clicked by anybody, encodes rates with a prior, and ranks. Requests come at the time at which the event arrived, between two
// lines of the log, so a run is the same each time it is made; times of the clock are not.
//
// In the middle of the simulated log the process is taken to crash (-crash): the stores are lost, with all that they acknowledged, and
// a second run goes on from the checkpoint. It finds empty stores, and fills them from the aggregates before it reads on.
//
// Afterwards the whole log is counted again as a batch, and each value that was served is held against
// what a training row would have: the windows at the time of the request, of the events that had arrived by then.
//
// # What it says
//
// Freshness lag: the age of a row when it was served, the time of the request less that of the row, which is that of the newest event of the
// log when it was written. The lag is what flushing (-flush) and events that arrive late add to it. A row in which nothing changes is
// written again after a minute (-renew), so that an old row means a store that is behind.
//
// Skew (package features/skew): the share of served values, by column, that differ from the batch, and whether their distribution does. Both count with the same
// definitions, so what differs is staleness: it goes to nearly nothing with -flush 0, but for decays, which move with time itself. The
// verdict is of the distribution (PSI, KS) alone.
//
// # The simulated log
//
// Users arrive as a Poisson process and have sessions of geometric length: in each step, after a pause that is exponentially
// distributed, they are shown an item, and click it with a probability that is the item's appeal times the user's taste for its topic. Items are
// shown by a Zipf law over their rank, and every 20 minutes another item becomes hot: it is shown fifty times as often, for half an
// hour. A click is followed by a dwell time, log-normally distributed. An event arrives a second later in the mean, one in a hundred up to three
// minutes later, and one in fifty twice.
package main
