package window

import (
	"iter"
	"math"
)

// Rows iterates over the rows, at now, of the keys whose row has changed since it
// was handed out: an event has come, or one has left a window. It is what is to be written to a
// store. The row is valid until the next one. What a consumer that stops has not
// seen comes again. Decays and ages change all the time; they are as of Row.Time,
// which is now, or the key's newest event where that is later.
//
// A key whose windows are empty is handed out once more, with its zeros, before it
// can be forgotten; Rows forgets those that are idle for longer than the Horizon.
//
// Rows needs Config.Changes, and panics without it. now must not decrease from call to
// call. It looks at every key, one lock at a time; readers and writers go on meanwhile. Two calls at
// once share the rows between them.
func (a *Aggregator) Rows(now int64) iter.Seq[*Row] {
	if !a.plan.config.Changes {
		panic("window: Rows without Config.Changes")
	}
	now = min(max(now, -MaxTime), MaxTime)
	return func(yield func(*Row) bool) {
		row := new(Row)
		for i := range a.shards {
			s := &a.shards[i]
			for slot := uint32(0); s.next(a, &slot, now, row); slot++ {
				if !yield(row) {
					return
				}
			}
		}
		a.Forget()
	}
}

// next finds the first record from slot on whose row has changed, and fills row.
func (s *shard) next(a *Aggregator, slot *uint32, now int64, row *Row) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; *slot < s.records.used; *slot++ {
		rec := s.records.at(*slot)
		if int64(rec[recNewest]) == never || int64(rec[recDue]) > now {
			continue
		}
		row.shape(a.plan)
		row.Time = now
		a.fill(rec, s, row)
		rec[recDue] = uint64(a.plan.due(rec, s, row.Time))
		return true
	}
	return false
}

// due returns when the row changes next without an event, math.MaxInt64 if it does not.
func (p *plan) due(rec []uint64, s *shard, now int64) int64 {
	next := int64(math.MaxInt64)
	for i := range p.tracks {
		t := &p.tracks[i]
		next = min(next, t.due(rec, t.queue(rec, &s.queues[i]), floorDiv(now, t.g)))
	}
	for i := range p.lists {
		next = min(next, p.lists[i].due(rec, now))
	}
	for i := range p.sets {
		next = min(next, p.sets[i].due(rec, &s.tables[i], now))
	}
	return next
}
