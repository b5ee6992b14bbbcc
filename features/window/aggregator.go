package window

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys"
)

// Aggregator keeps the declared aggregates of every key over a stream of events, and
// reads them at any Now.
//
// A window of length W on granularity g covers (⌊Now/g⌋·g - W, Now]. Its left end moves
// in steps of g, its right end with Now: an event counts at once, and leaves, with the
// others of its granule, when a multiple of g that is W later has come. A read later than the key's newest
// event sees what is still in the window by then. A read earlier than it cannot
// leave out what has been added already: it sees the window as of the
// newest event, and Row.Time says so. Events of other keys do not matter to it.
//
// The watermark is the time of the newest event seen, of whatever key, less
// Config.Lateness. An event earlier than the watermark is late: it is dropped and
// counted. What is not late may come in any order, and twice: it counts twice.
//
// Add costs O(1) amortised: each granule of a key enters a window once and leaves it
// once; an event out of order finds its granule by binary search, and where nothing has happened in it yet, moves
// the later ones up. Reading a column does not look at events: at most at the granules that have
// left since the key's newest event, for Min and Max at all of the window, for
// Distinct at the sketch, which has a bounded size. Neither allocates in steady state.
//
// Memory is for keys with an event within the Horizon. The rest is forgotten, a
// few slots for each new key, which is counted and changes nothing that can be read but
// that the key is unknown. A key takes the words of its record, and for each granularity those of the
// granules in which something happened.
//
// Any number of readers run beside writers, and a read sees a key between two events. One
// writer at a time makes the result depend on the order of events alone; with several
// at once, which of them comes first decides what is late.
type Aggregator struct {
	plan   *plan
	newest atomic.Int64 // event time
	shards [shardCount]shard

	late, future, invalid, ignored atomic.Uint64

	registers sync.Pool // *[1 << maxPrecision]uint8
}

// New returns an empty aggregator. The error lists every mistake in the configuration.
func New(config Config) (*Aggregator, error) {
	config, err := config.fill()
	if err != nil {
		return nil, err
	}
	return newAggregator(newPlan(config)), nil
}

func newAggregator(p *plan) *Aggregator {
	a := &Aggregator{plan: p}
	a.newest.Store(never)
	a.registers.New = func() any { return new([1 << maxPrecision]uint8) }
	for i := range a.shards {
		a.shards[i].init(p)
	}
	return a
}

// Columns returns the columns in the order of the declaration, of scope PerItem: Float
// ones whose default is what a key reads that nothing happened to (0 for counts, sums,
// decays and distinct, else missing), and the ID ones of LastK. The slice is read-only.
func (a *Aggregator) Columns() []recsys.Column { return a.plan.columns }

// Hash identifies what is computed: the aggregates in their order, with names and all
// options, and the lateness. It stands in checkpoints, and in the Computed of a features.View.
func (a *Aggregator) Hash() uint64 { return a.plan.hash }

// Horizon returns how long a key is known after its newest event: the longest window
// and its granularity, or 66 half-lives of a decay.
func (a *Aggregator) Horizon() time.Duration { return time.Duration(a.plan.horizon) }

// Watermark returns the time before which events are late, in Unix nanoseconds, and
// false when no event has come.
func (a *Aggregator) Watermark() (int64, bool) {
	newest := a.newest.Load()
	return a.plan.watermark(newest), newest != never
}

func (p *plan) watermark(newest int64) int64 {
	if newest == never {
		return never
	}
	return newest - int64(p.config.Lateness)
}

// judge says what becomes of an event when newest is the newest time seen, and the
// newest time with it.
func (p *plan) judge(e *Event, newest int64) (Outcome, int64) {
	switch {
	case e.Time > MaxTime || e.Time < -MaxTime || e.Value-e.Value != 0:
		return Invalid, newest
	case e.Arrival != 0 && e.Time > e.Arrival && uint64(e.Time)-uint64(e.Arrival) > uint64(p.config.Future):
		return Future, newest
	case e.Time > newest:
		newest = e.Time
	case e.Time < p.watermark(newest):
		return Late, newest
	}
	if !p.kinds[e.Kind].matched {
		return Ignored, newest
	}
	return Accepted, newest
}

// Add counts an event, or says why it does not; see [Outcome].
func (a *Aggregator) Add(e Event) Outcome {
	var outcome Outcome
	var newest int64
	for {
		seen := a.newest.Load()
		outcome, newest = a.plan.judge(&e, seen)
		if newest == seen || a.newest.CompareAndSwap(seen, newest) {
			break
		}
	}
	switch outcome {
	case Accepted:
		a.put(&e, newest)
	case Late:
		a.late.Add(1)
	case Future:
		a.future.Add(1)
	case Invalid:
		a.invalid.Add(1)
	case Ignored:
		a.ignored.Add(1)
	}
	return outcome
}

// put counts an accepted event.
func (a *Aggregator) put(e *Event, newest int64) {
	p, h := a.plan, hashOf(e.Key)
	s := &a.shards[h>>60]
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, idle := s.find(h, e.Key), p.watermark(newest)-p.horizon
	switch {
	case rec == nil:
		s.sweep(p, idle, sweepSlots)
		if limit := p.config.MaxKeys; limit > 0 && s.live >= max(limit/shardCount, 1) {
			s.evict(p)
		}
		rec = s.insert(p, h, e.Key)
	case p.idle(rec, idle): // forgotten, if the sweep has not come by yet
		s.release(p, rec)
		p.blank(rec, e.Key)
		s.forgotten++
	}
	p.apply(rec, s, e)
	s.accepted++
}

// apply counts an event for its record.
func (p *plan) apply(rec []uint64, s *shard, e *Event) {
	rec[recNewest] = uint64(max(int64(rec[recNewest]), e.Time))
	changed := int64(never)
	rec[recDue] = uint64(changed)
	kp := &p.kinds[e.Kind]
	for i := range kp.tracks {
		kt := &kp.tracks[i]
		kt.add(rec, &s.queues[kt.unit], e)
	}
	for _, i := range kp.decays {
		p.decays[i].add(rec, e)
	}
	for _, i := range kp.lists {
		p.lists[i].add(rec, e)
	}
	for _, i := range kp.sets {
		p.sets[i].add(rec, &s.tables[i], &s.work, e)
	}
}

// Read fills row with the values of a key at now, in Unix nanoseconds, and reports
// whether the key is known: it is when it has had an event within the Horizon before now, or before the
// watermark if that is later. The row of an unknown key has the columns' defaults. row's memory is reused.
// now is at most MaxTime from 1970; it is held to that.
func (a *Aggregator) Read(key uint64, now int64, row *Row) bool {
	p, h := a.plan, hashOf(key)
	now = min(max(now, -MaxTime), MaxTime)
	row.shape(p)
	row.Key, row.Time, row.Newest = key, now, never
	limit := max(now, p.watermark(a.newest.Load())) - p.horizon
	s := &a.shards[h>>60]
	s.mu.RLock()
	defer s.mu.RUnlock()
	rec := s.find(h, key)
	if rec == nil || int64(rec[recNewest]) < limit {
		return false
	}
	a.fill(rec, s, row)
	return true
}

// fill writes the values of a record at row.Time, or at its newest event if that is later.
func (a *Aggregator) fill(rec []uint64, s *shard, row *Row) {
	p := a.plan
	row.Key, row.Newest = rec[recKey], int64(rec[recNewest])
	row.Time = max(row.Time, row.Newest)
	unit, f, entries := -1, int64(0), []uint64(nil) // of the track that was read last
	for i := range p.ops {
		o := &p.ops[i]
		switch o.fn {
		case LastK:
			l := &p.lists[o.unit]
			var ages []float64
			if l.ages {
				ages = row.Floats[o.to : o.to+l.k]
			}
			l.read(rec, row.Time, row.IDs[o.ids:o.ids+l.k], ages)
		case Decay, DecaySum:
			row.Floats[o.to] = p.decays[o.unit].read(rec, row.Time)
		case Distinct:
			row.Floats[o.to] = a.distinct(rec, s, o, row.Time)
		default:
			t := &p.tracks[o.unit]
			if o.unit != unit {
				unit, f, entries = o.unit, floorDiv(row.Time, t.g), t.queue(rec, &s.queues[o.unit])
			}
			row.Floats[o.to] = t.read(rec, entries, o, f)
		}
	}
}

// read computes a column at clock f.
func (t *track) read(rec, entries []uint64, o *op, f int64) float64 {
	switch o.fn {
	case Min, Max:
		return t.extreme(entries, &t.lanes[o.a], o.k, f)
	case Mean, Rate:
		of := t.value(rec, entries, &t.totals[o.b], f)
		if of == 0 {
			return math.NaN()
		}
		return t.value(rec, entries, &t.totals[o.a], f) / of
	}
	return t.value(rec, entries, &t.totals[o.a], f)
}

func (a *Aggregator) distinct(rec []uint64, s *shard, o *op, now int64) float64 {
	scratch := a.registers.Get().(*[1 << maxPrecision]uint8)
	defer a.registers.Put(scratch)
	set := &a.plan.sets[o.unit]
	return cardinality(set.registers(rec, &s.tables[o.unit], o.k, now, scratch[:]), set.precision)
}

// Registers returns the HyperLogLog registers behind a Distinct column at now, appended
// to dst: 2^Precision ranks, 0 to 65-Precision, all 0 for an unknown key. The register of
// an ID is the first Precision bits of its 64-bit hash, its rank the number of zeros that the rest begins
// with, plus one. The error says that there is no such column.
func (a *Aggregator) Registers(column string, key uint64, now int64, dst []uint8) ([]uint8, error) {
	o, err := a.plan.sketch(column)
	if err != nil {
		return nil, err
	}
	set := &a.plan.sets[o.unit]
	from := len(dst)
	dst = append(dst, make([]uint8, 1<<set.precision)...)
	h := hashOf(key)
	s := &a.shards[h>>60]
	s.mu.RLock()
	defer s.mu.RUnlock()
	if rec := s.find(h, key); rec != nil {
		now = max(min(now, MaxTime), int64(rec[recNewest]))
		set.registers(rec, &s.tables[o.unit], o.k, now, dst[from:])
	}
	return dst, nil
}

// sketch returns what computes a Distinct column.
func (p *plan) sketch(column string) (*op, error) {
	to := 0
	for _, c := range p.columns {
		if c.Kind != recsys.Float {
			continue
		}
		if c.Name == column {
			for i := range p.ops {
				if o := &p.ops[i]; o.fn == Distinct && o.to == to {
					return o, nil
				}
			}
		}
		to++
	}
	return nil, fmt.Errorf("window: column %q is none of Distinct", column)
}

// Forget drops all keys whose newest event is longer ago than the Horizon, and returns
// how many. Adding does that in passing, for as long as there are new keys.
func (a *Aggregator) Forget() int {
	limit := a.plan.watermark(a.newest.Load())
	if limit == never {
		return 0
	}
	n := 0
	for i := range a.shards {
		s := &a.shards[i]
		s.mu.Lock()
		before := s.forgotten
		s.sweep(a.plan, limit-a.plan.horizon, math.MaxInt)
		n += int(s.forgotten - before)
		s.mu.Unlock()
	}
	return n
}

// Len returns the number of keys, those included that wait to be forgotten.
func (a *Aggregator) Len() int { return a.Stats().Keys }

// Stats returns the counts. They are exact when nothing runs concurrently.
func (a *Aggregator) Stats() Stats {
	st := Stats{Late: a.late.Load(), Future: a.future.Load(), Invalid: a.invalid.Load(), Ignored: a.ignored.Load()}
	for i := range a.shards {
		s := &a.shards[i]
		s.mu.RLock()
		st.Accepted += s.accepted
		st.Forgotten += s.forgotten
		st.Evicted += s.evicted
		st.Keys += s.live
		st.Bytes += s.bytes()
		s.mu.RUnlock()
	}
	return st
}
