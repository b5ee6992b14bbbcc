package window

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// Batch computes the same aggregates from a whole log, by the definition: it keeps every
// event and looks at those of the window. It is the reference that an [Aggregator] is tested
// against, and what training data and reports are computed with: it reads any Now, past
// ones included.
//
// The events are given in the order in which they arrived, since that decides
// which are late: the same are dropped and counted as online. A read at Now
// sees the events with Time <= Now, and of those that have an Arrival the ones with
// Arrival <= Now: nothing that could not have been known.
//
// For a Now that is neither before the watermark nor before the key's newest event, and when all
// had arrived by then, it reads what an Aggregator reads: counts, lists and sketches exactly,
// sums and decays to 1e-12 of the sum of the absolute values. A key that an
// aggregator evicted (MaxKeys) is none that it knows.
//
// Memory is 40 bytes and more for each event; a read costs the events of the key in the
// window. A batch is immutable and safe for concurrent use.
type Batch struct {
	plan  *plan
	stats Stats
	keys  map[uint64][]Event // by time, then larger ID first
}

// NewBatch returns the aggregates of a log. The error lists every mistake in the
// configuration, of which MaxKeys and Changes have no effect.
func NewBatch(config Config, events iter.Seq[Event]) (*Batch, error) {
	config, err := config.fill()
	if err != nil {
		return nil, err
	}
	b := &Batch{plan: newPlan(config), keys: map[uint64][]Event{}}
	newest := int64(never)
	for e := range events {
		var o Outcome
		o, newest = b.plan.judge(&e, newest)
		switch o {
		case Accepted:
			b.stats.Accepted++
			b.keys[e.Key] = append(b.keys[e.Key], e)
		case Late:
			b.stats.Late++
		case Future:
			b.stats.Future++
		case Invalid:
			b.stats.Invalid++
		case Ignored:
			b.stats.Ignored++
		}
	}
	for _, list := range b.keys {
		slices.SortStableFunc(list, func(x, y Event) int {
			return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(y.ID, x.ID))
		})
	}
	b.stats.Keys = len(b.keys)
	return b, nil
}

// Columns returns the columns, as [Aggregator.Columns].
func (b *Batch) Columns() []recsys.Column { return b.plan.columns }

// Hash identifies what is computed, as [Aggregator.Hash].
func (b *Batch) Hash() uint64 { return b.plan.hash }

// Stats returns how many events were counted and why others were not.
func (b *Batch) Stats() Stats { return b.stats }

// Keys returns the keys of all events that were counted, in ascending order.
func (b *Batch) Keys() []uint64 {
	keys := make([]uint64, 0, len(b.keys))
	for k := range b.keys {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Read fills row with the values of a key at now, and reports whether it is known: it is
// when one of the events that the read sees is not older than the Horizon.
func (b *Batch) Read(key uint64, now int64, row *Row) bool {
	now = min(max(now, -MaxTime), MaxTime)
	row.shape(b.plan)
	row.Key, row.Time, row.Newest = key, now, never
	for e := range b.visible(key, math.MinInt64, now) {
		row.Newest = max(row.Newest, e.Time)
	}
	if row.Newest == never || row.Newest < now-b.plan.horizon {
		row.Newest = never
		return false
	}
	for i := range b.plan.ops {
		b.compute(&b.plan.ops[i], row)
	}
	return true
}

// visible iterates over the events of a key in (from, now] that have arrived by now, oldest first.
func (b *Batch) visible(key uint64, from, now int64) iter.Seq[*Event] {
	return func(yield func(*Event) bool) {
		list := b.keys[key]
		first, _ := slices.BinarySearchFunc(list, from, func(e Event, t int64) int {
			if e.Time <= t {
				return -1
			}
			return 1
		})
		for i := first; i < len(list) && list[i].Time <= now; i++ {
			if (list[i].Arrival == 0 || list[i].Arrival <= now) && !yield(&list[i]) {
				return
			}
		}
	}
}

// matching iterates over the visible events of a kind.
func (b *Batch) matching(row *Row, kinds *kindSet, from int64) iter.Seq[*Event] {
	return func(yield func(*Event) bool) {
		for e := range b.visible(row.Key, from, row.Time) {
			if kinds.has(uint8(e.Kind)) && !yield(e) {
				return
			}
		}
	}
}

// compute writes the columns of one operation.
func (b *Batch) compute(o *op, row *Row) {
	p := b.plan
	switch o.fn {
	case LastK:
		b.last(&p.lists[o.unit], o, row)
	case Decay, DecaySum:
		row.Floats[o.to] = b.decayed(&p.decays[o.unit], row)
	case Distinct:
		s := &p.sets[o.unit]
		row.Floats[o.to] = cardinality(b.registers(s, row, floorDiv(row.Time, s.g)*s.g-o.k*s.g), s.precision)
	case Min, Max:
		t := &p.tracks[o.unit]
		best := math.NaN()
		for e := range b.matching(row, &t.lanes[o.a].kinds, floorDiv(row.Time, t.g)*t.g-o.k*t.g) {
			v := float64(e.Value)
			if best != best || (v < best) == (o.fn == Min) {
				best = v
			}
		}
		row.Floats[o.to] = best
	default:
		t := &p.tracks[o.unit]
		from := floorDiv(row.Time, t.g)*t.g - o.k*t.g
		v := b.total(t, o.a, row, from)
		if o.fn == Mean || o.fn == Rate {
			v /= b.total(t, o.b, row, from)
			if math.IsInf(v, 0) {
				v = math.NaN()
			}
		}
		row.Floats[o.to] = v
	}
}

// total returns the count or the sum of a window.
func (b *Batch) total(t *track, total int, row *Row, from int64) float64 {
	o := &t.totals[total]
	var n int
	var s neumaier
	for e := range b.matching(row, &t.lanes[o.lane].kinds, from) {
		n++
		s.add(float64(e.Value))
	}
	if o.sum {
		return s.total()
	}
	return float64(n)
}

// decayed returns a decaying sum.
func (b *Batch) decayed(d *decay, row *Row) float64 {
	var s neumaier
	newest := int64(never)
	for e := range b.matching(row, &d.kinds, math.MinInt64) {
		newest = e.Time
		w := math.Exp2(-float64(row.Time-e.Time) / float64(d.half))
		if d.value {
			w *= float64(e.Value)
		}
		s.add(w)
	}
	if newest == never || floorDiv(row.Time, d.half)-floorDiv(newest, d.half) > decayReach {
		return 0
	}
	return s.total()
}

// last writes a list.
func (b *Batch) last(l *list, o *op, row *Row) {
	events := slices.Collect(b.matching(row, &l.kinds, floorDiv(row.Time, l.g)*l.g-l.w))
	slices.Reverse(events)
	n := 0
	for i, e := range events {
		if n == l.k {
			break
		}
		if l.unique && slices.ContainsFunc(events[:i], func(f *Event) bool { return f.ID == e.ID }) {
			continue
		}
		row.IDs[o.ids+n] = e.ID
		if l.ages {
			row.Floats[o.to+n] = float64(row.Time-e.Time) / 1e9
		}
		n++
	}
}

// registers returns the registers of a HyperLogLog over the events after from, by the
// definition: the position of the first one bit behind the bits that choose the register.
func (b *Batch) registers(s *set, row *Row, from int64) []uint8 {
	registers := make([]uint8, 1<<s.precision)
	for e := range b.matching(row, &s.kinds, from) {
		h := hash.Combine(0, e.ID)
		rank := 1
		for bit := 63 - s.precision; bit >= 0 && h>>bit&1 == 0; bit-- {
			rank++
		}
		r := &registers[h>>(64-s.precision)]
		*r = max(*r, uint8(rank))
	}
	return registers
}

// Registers returns the registers behind a Distinct column, as [Aggregator.Registers].
func (b *Batch) Registers(column string, key uint64, now int64, dst []uint8) ([]uint8, error) {
	o, err := b.plan.sketch(column)
	if err != nil {
		return nil, err
	}
	s := &b.plan.sets[o.unit]
	row := &Row{Key: key, Time: min(max(now, -MaxTime), MaxTime)}
	return append(dst, b.registers(s, row, floorDiv(row.Time, s.g)*s.g-o.k*s.g)...), nil
}

// neumaier is a compensated sum.
//
// Source: Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
// Summen", ZAMM 54, 1974, algorithm IV.
type neumaier struct{ sum, rest float64 }

func (s *neumaier) add(x float64) {
	t := s.sum + x
	if math.Abs(s.sum) >= math.Abs(x) {
		s.rest += (s.sum - t) + x
	} else {
		s.rest += (x - t) + s.sum
	}
	s.sum = t
}

func (s *neumaier) total() float64 { return s.sum + s.rest }
