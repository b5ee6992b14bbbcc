// Package window counts what happens to items and users over the last hour, day or week
// while it happens: clicks, dwell time, click rates, the last items, how many
// different ones, what has been trending.
//
// An [Aggregator] takes events in about the order in which they arrive and has, at any Now,
// the declared aggregates of every key:
//
//	items, err := window.New(window.Config{
//		Granularity: 5 * time.Minute,
//		Lateness:    time.Minute,
//		Aggregates: []window.Aggregate{
//			{Name: "clicks", Kinds: clicks, Windows: []time.Duration{time.Hour, 24 * time.Hour}},
//			{Name: "ctr", Func: window.Rate, Kinds: clicks, Of: impressions, Windows: []time.Duration{24 * time.Hour}},
//			{Name: "trend", Func: window.Decay, Kinds: clicks, HalfLives: []time.Duration{time.Hour}},
//		},
//	})
//	…
//	items.Add(window.Event{Key: uint64(item), Time: at.UnixNano(), Kind: recsys.Click, ID: uint64(user)})
//	…
//	source, err := window.NewSource(items, window.SourceConfig{}) // columns clicks.1h, clicks.24h, ctr.24h, trend.1h
//	p, err := recsys.NewPipeline(…, recsys.Features(source), …).Build()
//
// A [Batch] computes the same from a whole log by the definition, for any Now: for
// training data, reports and tests.
//
// # Time
//
// Time is event time. A window of length W moves on its granularity g: at Now it covers
//
//	(⌊Now/g⌋·g - W, Now]
//
// so that it is between W and W + g long, an event counts from the moment it is added, and state is a number
// for each g in which something happened, not the events. Division rounds down, before 1970 too.
//
// The watermark follows the newest event seen, of any key, at a distance of
// Config.Lateness. Events before it are dropped and counted, here and in a Batch; those after it may come
// in any order. No clock is read: an aggregator that sees no events does not
// move, but what is read from it does, since Now is the caller's.
//
// # Functions
//
//	Func               value                              exactness
//	Count, Rate, Mean  of events, kinds over kinds, value counts are integers
//	Sum                of values                          sums in 106 bits
//	Min, Max           of values                          exact
//	LastK              IDs, newest first, and ages        exact; ties by smaller ID
//	Distinct           IDs by HyperLogLog                 registers exact; estimate 1.04/√2^p
//	Decay, DecaySum    Σ v·2^(-age/half-life)             each event rounded once
//
// # Checkpoints
//
// [Aggregator.WriteTo] and [Aggregator.ReadFrom] keep everything, to the bit: what is
// added afterwards gives the same rows as without the stop. [Aggregator.Rows] hands out
// the rows that have changed, for a store that another process reads.
//
// # What it does not do
//
// It does not know an event that comes twice from two events: a log is deduplicated
// before. It keeps no events, so windows cannot be declared afterwards; a Batch of
// the log can compute them. It is of one process.
package window
