// Package features holds what is known of items and users while requests are
// served: the columns that rankers, filters and constraints read.
//
// The stage's interface is [recsys.FeatureSource]: it declares columns, and writes
// their values for the candidates of a request straight into the candidate table. The
// main source is the [Store], one row for each item or user in memory:
//
//	items, err := features.NewStore(features.StoreConfig{View: features.View{
//		Name: "item.stats",
//		TTL:  24 * time.Hour,
//		Columns: []features.Column{
//			{Name: "ctr.1h", MaxAge: 2 * time.Hour},
//			{Name: "creator", Kind: recsys.ID},
//			{Name: "embedding", Kind: recsys.Vector, Dim: 64},
//		},
//	}})
//	…
//	row, err := items.Row(uint64(id), event.Time, map[string]any{
//		"ctr.1h": 0.07, "creator": creator, "embedding": v,
//	})
//	stored, err := items.Put(row)
//	…
//	p, err := recsys.NewPipeline(
//		recsys.Retrieve("als", als),
//		recsys.Features(items),
//		recsys.Features(features.Retrieval{Sources: []string{"als"}}),
//		recsys.Rank(model),
//	).Build()
//
// # Conventions
//
// Time is event time. A row carries the moment at which its values were true; ages are
// taken at the Now of the query, never at a clock of this package, so that a
// offline evaluation is not disturbed by when it runs. Only a write is judged by a clock, the store's: a row
// whose event time is too far ahead of it is refused and counted, as it would keep out what comes after. Columns that are updated
// together form one store; what another job updates at another pace forms another
// one, because a row has one event time.
//
// A value can be fresh, stale or missing, and each is visible. Stale: older than its
// column's MaxAge; the row's Stale bit is set, whatever the [StalePolicy]. Missing: there is no row, or it is past
// the TTL of its [View]; the row's Missing bit is set and every column has its default, NaN for a float that
// declares none. A single NaN in a known row is a missing value of that row: it
// becomes the column's default, and sets no bit. [Store.Stats] counts rows of each kind.
//
// Keys are integers: an ItemID, a UserID, the [PairKey] of both, or an ID column of the request's context. Every value is a key, 0 included. Strings
// stay at the edge, in a [Vocabulary].
//
// Reading is concurrent with everything, takes no lock and allocates nothing. The
// sources here are in process and wait for nobody; only a source that asks
// another machine is marked [recsys.Remote].
//
// Package featurestest checks a source of your own against the interface's contract.
//
// # Sources
//
//	source          columns                                 scope         cost of n rows
//	Store           any that were put                       by entity     n look-ups, n copies
//	Retrieval       scores and ranks of the retrievers      item          n × sources
//	ItemScore       a model's score of every candidate      item          the model's ScoreItems
//	RequestTime     hour and weekday, on a circle           request       O(1)
//	RequestHistory  length of the history, time since       request       O(length)
//	RequestSession  counts, dwell, items, last of a kind    request       O(length × windows)
//
// A function with a list of columns is a source as [recsys.FeatureFunc]; what is known only
// to the caller enters as context, see [recsys.Context].
//
// # What it does not do
//
// The store keeps the latest row of a key, no history: a query about the past sees
// today's rows, or none of them with RefuseFuture. Its memory grows with its keys unless a bound, or a TTL with
// sweeps, holds it. It is of one process: several are fed by the same events.
package features
