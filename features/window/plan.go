package window

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// plan is a declaration made ready: where everything lies in the record of a key, and
// what an event of each kind touches.
//
// A record is a run of 64-bit words without pointers:
//
//	key, newest, due
//	of each track    ref, span, clock, a position for each window, totals
//	of each decay    mark, high, low
//	of each list     length, K × (time, ID)
//	of each sketch   ref, used, base, clock
type plan struct {
	config   Config
	columns  []recsys.Column
	defaults []float64 // of the Float columns: what an unknown key reads
	ids      int
	ops      []op

	tracks []track
	decays []decay
	lists  []list
	sets   []set
	words  int // of a record

	horizon int64
	hash    uint64
	kinds   [256]kindPlan
}

// Words of a record before its tracks.
const (
	recKey    = 0
	recNewest = 1 // time of the newest event; never for a free slot
	recDue    = 2 // when the row changes next without an event; see Rows
	recTracks = 3
)

// track is the windows that move on one granularity.
type track struct {
	g       int64
	lanes   []lane
	windows []span // longest first
	stride  int    // words of an entry: granule, then lanes

	at     int // word of the record: ref, span, clock, positions
	totals []total
}

// Words of a track in the record.
const (
	trackRef   = 0
	trackSpan  = 1
	trackClock = 2
	trackPos   = 3
)

// span is a window: k granules, and the part of the one that Now is in.
type span struct {
	k      int64
	totals []int // positions in track.totals
}

type laneKind uint8

const (
	countLane laneKind = iota
	sumLane            // two words: high and low
	minLane
	maxLane
)

// lane is what a track keeps of each granule.
type lane struct {
	kind  laneKind
	kinds kindSet
	at    int // word of an entry
}

// total is the sum of a lane over a window.
type total struct {
	window int // of track.windows
	lane   int
	sum    bool
	entry  int // word of an entry
	at     int // word of the record
}

type kindSet [4]uint64

func newKindSet(kinds []recsys.EventKind) (s kindSet) {
	if len(kinds) == 0 {
		return kindSet{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}
	}
	for _, k := range kinds {
		s[k>>6] |= 1 << (k & 63)
	}
	return s
}

func (s *kindSet) has(k uint8) bool { return s[k>>6]>>(k&63)&1 != 0 }

// decay is one exponentially decaying sum.
type decay struct {
	half  int64 // half-life in nanoseconds
	value bool
	kinds kindSet
	at    int
}

// list is the last K events.
type list struct {
	k      int
	unique bool
	ages   bool
	g, w   int64
	kinds  kindSet
	at     int
}

// set is a sketch of the different IDs.
type set struct {
	g         int64
	precision int
	kinds     kindSet
	windows   []int64 // in granules, longest first
	at        int
}

// op computes one Float column, or all columns of a list.
type op struct {
	fn   Func
	unit int // index of the track, decay, list or set
	k    int64
	a, b int // totals of the track; of Min and Max, a is the lane
	to   int // Float column
	ids  int // first ID column of a list
}

// kindPlan is what an event of one kind touches.
type kindPlan struct {
	matched bool
	tracks  []kindTrack
	decays  []int
	lists   []int
	sets    []int
}

type kindTrack struct {
	track  *track
	unit   int
	lanes  []lane
	totals []total
}

// newPlan makes a declaration ready, whose config has its defaults and no mistakes.
func newPlan(c Config) *plan {
	p := &plan{config: c}
	for i := range c.Aggregates {
		p.collect(&c.Aggregates[i])
	}
	for i := range p.tracks {
		slices.SortFunc(p.tracks[i].windows, func(a, b span) int { return cmp.Compare(b.k, a.k) })
	}
	for i := range p.sets {
		slices.SortFunc(p.sets[i].windows, func(a, b int64) int { return cmp.Compare(b, a) })
	}
	for i := range c.Aggregates {
		p.compile(&c.Aggregates[i])
	}
	p.layOut()
	p.resolve()
	p.hash = p.digest()
	return p
}

// collect finds or makes the track, lanes and windows of an aggregate.
func (p *plan) collect(a *Aggregate) {
	g, kinds := int64(a.Granularity), newKindSet(a.Kinds)
	for _, w := range a.Windows {
		p.horizon = max(p.horizon, int64(w+a.Granularity))
	}
	switch a.Func {
	case LastK:
		p.lists = append(p.lists, list{k: a.K, unique: a.Unique, ages: a.Ages, g: g, w: int64(a.Windows[0]), kinds: kinds})
	case Decay, DecaySum:
		for _, h := range a.HalfLives {
			p.horizon = max(p.horizon, (decayReach+2)*int64(h))
			p.decays = append(p.decays, decay{half: int64(h), value: a.Func == DecaySum, kinds: kinds})
		}
	case Distinct:
		s := &p.sets[p.setFor(a)]
		for _, w := range a.Windows {
			if k := int64(w) / g; !slices.Contains(s.windows, k) {
				s.windows = append(s.windows, k)
			}
		}
	default:
		t := p.trackFor(g)
		for _, w := range a.Windows {
			k := int64(w) / g
			if !slices.ContainsFunc(t.windows, func(s span) bool { return s.k == k }) {
				t.windows = append(t.windows, span{k: k})
			}
		}
	}
}

func (p *plan) setFor(a *Aggregate) int {
	kinds := newKindSet(a.Kinds)
	i := slices.IndexFunc(p.sets, func(s set) bool {
		return s.g == int64(a.Granularity) && s.precision == a.Precision && s.kinds == kinds
	})
	if i < 0 {
		p.sets = append(p.sets, set{g: int64(a.Granularity), precision: a.Precision, kinds: kinds})
		i = len(p.sets) - 1
	}
	return i
}

func (p *plan) trackFor(g int64) *track {
	for i := range p.tracks {
		if p.tracks[i].g == g {
			return &p.tracks[i]
		}
	}
	p.tracks = append(p.tracks, track{g: g, stride: 1})
	return &p.tracks[len(p.tracks)-1]
}

// lane returns the position of a lane, which it makes where there is none.
func (t *track) lane(kind laneKind, kinds []recsys.EventKind) int {
	want := newKindSet(kinds)
	for i := range t.lanes {
		if l := &t.lanes[i]; l.kind == kind && l.kinds == want {
			return i
		}
	}
	t.lanes = append(t.lanes, lane{kind, want, t.stride})
	t.stride++
	if kind == sumLane {
		t.stride++
	}
	return len(t.lanes) - 1
}

// total returns the position of the total of a lane over k granules.
func (t *track) total(k int64, kind laneKind, kinds []recsys.EventKind) int {
	w := slices.IndexFunc(t.windows, func(s span) bool { return s.k == k })
	l := t.lane(kind, kinds)
	for i := range t.totals {
		if t.totals[i].window == w && t.totals[i].lane == l {
			return i
		}
	}
	t.totals = append(t.totals, total{window: w, lane: l, sum: kind == sumLane, entry: t.lanes[l].at})
	t.windows[w].totals = append(t.windows[w].totals, len(t.totals)-1)
	return len(t.totals) - 1
}

// compile appends the columns of an aggregate and what computes them.
func (p *plan) compile(a *Aggregate) {
	first := len(p.defaults)
	for _, c := range a.columns() {
		p.columns = append(p.columns, c)
		switch {
		case c.Kind == recsys.ID:
			p.ids++
		case c.Default != nil:
			p.defaults = append(p.defaults, float64(*c.Default))
		default:
			p.defaults = append(p.defaults, math.NaN())
		}
	}
	switch a.Func {
	case LastK:
		n := p.count(LastK)
		p.ops = append(p.ops, op{fn: LastK, unit: n, to: first, ids: p.ids - a.K})
		return
	case Decay, DecaySum:
		n := p.count(Decay) + p.count(DecaySum)
		for i := range a.HalfLives {
			p.ops = append(p.ops, op{fn: a.Func, unit: n + i, to: first + i})
		}
		return
	case Distinct:
		unit := p.setFor(a)
		for i, w := range a.Windows {
			p.ops = append(p.ops, op{fn: Distinct, unit: unit, k: int64(w / a.Granularity), to: first + i})
		}
		return
	}
	t := p.trackFor(int64(a.Granularity))
	for i, w := range a.Windows {
		o := op{fn: a.Func, k: int64(w / a.Granularity), to: first + i}
		switch a.Func {
		case Count:
			o.a = t.total(o.k, countLane, a.Kinds)
		case Sum:
			o.a = t.total(o.k, sumLane, a.Kinds)
		case Mean:
			o.a, o.b = t.total(o.k, sumLane, a.Kinds), t.total(o.k, countLane, a.Kinds)
		case Rate:
			o.a, o.b = t.total(o.k, countLane, a.Kinds), t.total(o.k, countLane, a.Of)
		case Min:
			o.a = t.lane(minLane, a.Kinds)
		case Max:
			o.a = t.lane(maxLane, a.Kinds)
		}
		o.unit = slices.IndexFunc(p.tracks, func(u track) bool { return u.g == t.g })
		p.ops = append(p.ops, o)
	}
}

// count returns how many operations of a function there are.
func (p *plan) count(f Func) (n int) {
	for i := range p.ops {
		if p.ops[i].fn == f {
			n++
		}
	}
	return n
}

// layOut gives everything its words in the record.
func (p *plan) layOut() {
	at := recTracks
	take := func(n int) int { at += n; return at - n }
	for i := range p.tracks {
		t := &p.tracks[i]
		t.at = take(trackPos + len(t.windows))
		for j := range t.totals {
			words := 1
			if t.totals[j].sum {
				words = totalWords
			}
			t.totals[j].at = take(words)
		}
	}
	for i := range p.decays {
		p.decays[i].at = take(decayWords)
	}
	for i := range p.lists {
		p.lists[i].at = take(1 + 2*p.lists[i].k)
	}
	for i := range p.sets {
		p.sets[i].at = take(setWords)
	}
	p.words = at
}

// resolve lists for each kind of event what it touches.
func (p *plan) resolve() {
	for kind := range p.kinds {
		k, kp := uint8(kind), &p.kinds[kind]
		for i := range p.tracks {
			t := &p.tracks[i]
			kt := kindTrack{track: t, unit: i}
			for j := range t.lanes {
				if t.lanes[j].kinds.has(k) {
					kt.lanes = append(kt.lanes, t.lanes[j])
				}
			}
			for _, w := range t.windows {
				for _, j := range w.totals {
					if t.lanes[t.totals[j].lane].kinds.has(k) {
						kt.totals = append(kt.totals, t.totals[j])
					}
				}
			}
			if len(kt.lanes) > 0 {
				kp.tracks = append(kp.tracks, kt)
			}
		}
		for i := range p.decays {
			if p.decays[i].kinds.has(k) {
				kp.decays = append(kp.decays, i)
			}
		}
		for i := range p.lists {
			if p.lists[i].kinds.has(k) {
				kp.lists = append(kp.lists, i)
			}
		}
		for i := range p.sets {
			if p.sets[i].kinds.has(k) {
				kp.sets = append(kp.sets, i)
			}
		}
		kp.matched = len(kp.tracks)+len(kp.decays)+len(kp.lists)+len(kp.sets) > 0
	}
}

// digest hashes what the numbers depend on: all that is declared, in order, and the
// lateness; not MaxKeys, Future and Changes.
func (p *plan) digest() uint64 {
	h := hash.Combine(1, uint64(p.config.Lateness), uint64(len(p.config.Aggregates)))
	for i := range p.config.Aggregates {
		a := &p.config.Aggregates[i]
		h = hash.Combine(h, hash.String(0, a.Name), uint64(a.Func), uint64(a.Granularity), uint64(a.K), uint64(a.Precision), flag(a.Unique), flag(a.Ages))
		for _, kinds := range [...][]recsys.EventKind{a.Kinds, a.Of} {
			set := newKindSet(kinds)
			h = hash.Combine(h, set[:]...)
		}
		for _, spans := range [...][]time.Duration{a.Windows, a.HalfLives} {
			h = hash.Combine(h, uint64(len(spans)))
			for _, s := range spans {
				h = hash.Combine(h, uint64(s))
			}
		}
	}
	return h
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
