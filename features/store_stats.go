package features

// Stats is what a [Store] has counted since it was made.
type Stats struct {
	Rows  int   // that there are
	Bytes int64 // of rows and index, room for growth included

	// Each row that was written counts as one of these three.
	Stored uint64 // writes that took effect
	Late   uint64 // writes refused for a row of later event time
	Early  uint64 // writes refused for an event time beyond the clock and View.Future

	Ahead   uint64 // writes with an event time after the clock, but within View.Future: clocks that differ; also in Stored or Late
	Deleted uint64 // by Delete
	Swept   uint64 // by Sweep
	Evicted uint64 // to make room

	// Each row that Hydrate was asked for counts as one of these three.
	Fresh   uint64
	Stale   uint64 // some value was older than its column's MaxAge
	Missing uint64 // no such key, or past the TTL, or in the future and RefuseFuture is set

	Expired uint64 // rows read past their TTL; also in Missing
	Future  uint64 // rows read whose event time was after Now; also in Fresh or Missing
}

// Stats returns the counts. They are exact when nothing runs concurrently.
func (s *Store) Stats() Stats {
	st := Stats{Rows: s.Len()}
	for _, t := range *s.tables.Load() {
		st.Bytes += 8 * int64(len(t.index)+len(t.rows))
	}
	for k := range s.shards {
		sh := &s.shards[k]
		st.Stored += sh.stored.Load()
		st.Late += sh.late.Load()
		st.Early += sh.early.Load()
		st.Ahead += sh.ahead.Load()
		st.Deleted += sh.removed.Load()
		st.Swept += sh.swept.Load()
		st.Evicted += sh.evicted.Load()
	}
	for i := range s.epochs.stripes {
		c := &s.epochs.stripes[i]
		st.Fresh += c.fresh.Load()
		st.Stale += c.stale.Load()
		st.Missing += c.missing.Load()
		st.Expired += c.expired.Load()
		st.Future += c.future.Load()
	}
	return st
}
