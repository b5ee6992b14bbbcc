// Package asof makes training data that knows no more than serving would have known.
//
// The main thing is the [Join]: each label (who, what, when, what came of it) gets the
// feature rows as they stood at its moment, from several feature tables in one pass:
//
//	stats := asof.TableOf(&itemStats) // the features.View that is served
//	stats.Rows, stats.Arrival = rows, true
//	clicks := asof.TableOf(&userClicks)
//	clicks.Rows, clicks.Strict = history, true
//
//	j, err := asof.New(asof.Config{
//		Labels: asof.Labels{Rows: labels, Keys: []string{"user", "item"}, Heads: []string{"click"}},
//		Tables: []asof.Table{stats, clicks},
//	})
//	…
//	for row, err := range j.All(ctx) {
//		… // row.Floats, row.IDs, row.Values, row.Weight
//	}
//	fmt.Print(j.Report())
//
// # Which row a label gets
//
// Of the rows with the label's key, those count that had happened and had arrived:
// event time <= t, or < t where the table is Strict because its rows come of the very
// events that the labels are made of; and created <= t where the table has arrival times. Of those the
// one with the largest event time is taken; of equal ones the one created last; of equal ones
// still, the one further down in the file, as the online store keeps what came last. When t - event
// time is more than the table's TTL the row has expired and the label has none. Stale values, defaults and ages follow the view. That
// is what [features.Store] answers at a query's Now = t, if it was fed as the rows arrived, and a test holds the two
// together.
//
// With one exception: a row that is dated ahead of its arrival, but within the tolerance of the view, is taken from its event time on. The store,
// which has one row of an entity, has given up the one before by then: until that time it serves the row of the
// future, or none with RefuseFuture. [TableReport].Ahead counts such rows.
//
// A table without arrival times takes each row for known from its event time on. Rows that arrived
// late then leak the future into the past; the [Report] says so, and which tables.
//
// # Memory
//
// A row becomes visible at max(event time, created), or max(event time + 1 ns, created) where the table is Strict,
// and stays so. Rows are therefore read in the order in which they become visible, beside labels in the order
// of time; of each entity only the best visible row is kept, since every row that is not yet visible is still to come and
// every other visible one has lost for ever. So memory is that of one row per entity, whatever the number of
// rows and labels. An expired row stays: it has no younger visible rival.
//
// The order of event time would not do: where rows arrive late, an entity can have any number of rows
// that have happened and are not known.
//
// An input that is not in this order is sorted first, on disk, in memory that [Config].Memory
// bounds. Sorting is stable.
//
// # Negatives, and rows as served
//
// A [Sampler] draws items that a user did not take, with the weight that makes them stand for all
// of them; [Seen] knows what to leave out. [Exposures] turns an exposure log into labels with
// features as they were served. To train on exactly these no join is needed, and ranking.Collector makes the
// dataset in one step; Exposures is for logs beyond memory, for joining features that
// were not served then, and for comparing what was served with what a join finds (ExposureConfig.Prefix, skew.CompareServed).
//
// # What it does not do
//
// It computes no features: rows come as they were materialised; materialize.History keeps them. It does not look features up
// by anything but one key per table. It starts no goroutines, so a join takes one core.
package asof
