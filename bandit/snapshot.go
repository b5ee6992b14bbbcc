package bandit

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/hash"
)

const (
	fileKind    = "bandit"
	fileVersion = 1
)

// header is what a file says of the policy.
type header struct {
	Policy string `json:"policy"` // its Version
	Latest int64  `json:"latest"`
	Timed  bool   `json:"timed"`
	Count  uint64 `json:"count"` // decisions ever
	Stats  Stats  `json:"stats"`
}

// WriteTo writes all that the policy knows: what it learned and the decisions that it remembers, in the envelope
// format. Equal states have equal bytes. They are made in memory first, so that Explore and Learn do not wait for dst.
func (p *Policy) WriteTo(dst io.Writer) (int64, error) {
	var file bytes.Buffer
	if _, err := p.WriteToAt(&file, func() {}); err != nil {
		return 0, err
	}
	n, err := file.WriteTo(dst)
	if err != nil {
		return n, fmt.Errorf("bandit: %w", err)
	}
	return n, nil
}

// WriteToAt is WriteTo that calls at before it writes, while no change can come in between; see [Policy.Watch]. It
// writes straight to dst, for which Explore and Learn wait.
func (p *Policy) WriteToAt(dst io.Writer, at func()) (int64, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	at()
	w := envelope.NewWriter(dst, fileKind, fileVersion, hash.String(0, p.Version()))
	w.WriteJSON("policy", header{Policy: p.Version(), Latest: p.latest, Timed: p.timed, Count: p.memory.count, Stats: p.stats})
	p.writeSegments(w)
	p.writeDecisions(w)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("bandit: %w", err)
	}
	return n, nil
}

func (p *Policy) writeSegments(w *envelope.Writer) {
	segments := slices.Sorted(maps.Keys(p.segments))
	var e encoder
	ends := make([]uint64, len(segments))
	for i, s := range segments {
		p.segments[s].save(&e)
		ends[i] = uint64(len(e.b))
	}
	envelope.Write(w, "segments", segments)
	envelope.Write(w, "segment-ends", ends)
	envelope.Write(w, "segment-states", e.b)
}

// decisions are the columns of what is remembered, in order of arrival.
type decisions struct {
	ids                 []string
	numbers, segments   []uint64
	at                  []int64
	ends                []int32 // of a cascade
	places, seen, width []uint32
	items               []recsys.ItemID
	arms, ticks, keys   []uint64
	props, totals, x    []float64
	choices             []int32
	states              []uint8
}

func (p *Policy) writeDecisions(w *envelope.Writer) {
	var c decisions
	m := &p.memory
	for i := range m.ring {
		d := &m.ring[(m.head+i)%len(m.ring)]
		c.ids, c.numbers, c.segments = append(c.ids, d.id), append(c.numbers, d.number), append(c.segments, d.segment)
		c.at, c.ends = append(c.at, d.at), append(c.ends, int32(d.end))
		c.places, c.seen = append(c.places, uint32(len(d.items))), append(c.seen, uint32(len(d.seen)))
		c.width = append(c.width, uint32(len(d.x)))
		c.items, c.arms, c.ticks = append(c.items, d.items...), append(c.arms, d.arms...), append(c.ticks, d.ticks...)
		c.keys, c.props, c.totals = append(c.keys, d.seen...), append(c.props, d.props...), append(c.totals, d.total...)
		c.x, c.choices, c.states = append(c.x, d.x...), append(c.choices, d.choices...), append(c.states, d.state...)
	}
	w.WriteStrings("decisions", c.ids)
	envelope.Write(w, "numbers", c.numbers)
	envelope.Write(w, "decision-segments", c.segments)
	envelope.Write(w, "times", c.at)
	envelope.Write(w, "cascade-ends", c.ends)
	envelope.Write(w, "places", c.places)
	envelope.Write(w, "feedback", c.seen)
	envelope.Write(w, "context-widths", c.width)
	envelope.Write(w, "items", c.items)
	envelope.Write(w, "arms", c.arms)
	envelope.Write(w, "ticks", c.ticks)
	envelope.Write(w, "feedback-keys", c.keys)
	envelope.Write(w, "propensities", c.props)
	envelope.Write(w, "totals", c.totals)
	envelope.Write(w, "contexts", c.x)
	envelope.Write(w, "choices", c.choices)
	envelope.Write(w, "states", c.states)
}

// ReadFrom replaces all that the policy knows by what WriteTo has written, for a policy of the same [Policy.Version]; the
// policy then does what that one would have done, to the bit. [Config].Retention and
// Window may differ: beyond Retention the oldest decisions are dropped. It changes nothing on an error, which wraps a
// sentinel of the envelope (corrupt, truncated, newer, another schema).
func (p *Policy) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, fileKind, fileVersion)
	in := newStore(p.bindings(), p.cfg)
	var h header
	r.ReadJSON("policy", &h)
	if r.Err() == nil && h.Policy != p.Version() {
		r.CheckSchema(hash.String(0, p.Version()))
		r.Fail(fmt.Sprintf("the policy is %q; want %q", h.Policy, p.Version()))
	}
	in.latest, in.timed, in.stats = h.Latest, h.Timed, h.Stats
	in.readSegments(r)
	in.readDecisions(r, h.Count)
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("bandit: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watch != nil {
		return n, errWatched
	}
	p.segments, p.memory, p.latest, p.timed, p.stats = in.segments, in.memory, in.latest, in.timed, in.stats
	return n, nil
}

// bindings returns the algorithm as it was bound last.
func (st *store) bindings() Algorithm {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.alg
}

func (st *store) readSegments(r *envelope.Reader) {
	segments := envelope.Read[uint64](r, "segments")
	ends := envelope.ReadN[uint64](r, "segment-ends", len(segments))
	states := envelope.Read[uint8](r, "segment-states")
	if r.Err() != nil {
		return
	}
	from := uint64(0)
	for i, s := range segments {
		if ends[i] < from || ends[i] > uint64(len(states)) || i > 0 && segments[i-1] >= s {
			r.Fail("segments are not in order")
			return
		}
		d := decoder{b: states[from:ends[i]]}
		l := st.alg.newLearner()
		l.load(&d)
		if len(d.b) > 0 {
			d.fail(errTrailing)
		}
		if d.err != nil {
			r.Fail(fmt.Sprintf("segment %d: %v", s, d.err))
			return
		}
		st.segments[s], from = l, ends[i]
	}
	if from != uint64(len(states)) {
		r.Fail("segments have bytes that belong to none")
	}
}

func (st *store) readDecisions(r *envelope.Reader, count uint64) {
	var c decisions
	c.ids = r.ReadStrings("decisions")
	n := len(c.ids)
	c.numbers = envelope.ReadN[uint64](r, "numbers", n)
	c.segments = envelope.ReadN[uint64](r, "decision-segments", n)
	c.at = envelope.ReadN[int64](r, "times", n)
	c.ends = envelope.ReadN[int32](r, "cascade-ends", n)
	c.places = envelope.ReadN[uint32](r, "places", n)
	c.seen = envelope.ReadN[uint32](r, "feedback", n)
	c.width = envelope.ReadN[uint32](r, "context-widths", n)
	places, seen, width := sum(c.places), sum(c.seen), sum(c.width)
	c.items = envelope.ReadN[recsys.ItemID](r, "items", places)
	c.arms = envelope.ReadN[uint64](r, "arms", places)
	c.ticks = envelope.ReadN[uint64](r, "ticks", places)
	c.keys = envelope.ReadN[uint64](r, "feedback-keys", seen)
	c.props = envelope.ReadN[float64](r, "propensities", places)
	c.totals = envelope.ReadN[float64](r, "totals", places)
	c.x = envelope.ReadN[float64](r, "contexts", width)
	c.choices = envelope.ReadN[int32](r, "choices", places)
	c.states = envelope.ReadN[uint8](r, "states", places)
	if r.Err() != nil {
		return
	}
	if !finite(c.totals, c.x) {
		r.Fail("decisions hold numbers that are not finite")
		return
	}
	if err := checkChances(c.props, c.choices); err != nil {
		r.Fail("of the places of all decisions, " + err.Error())
		return
	}
	for i := range n {
		if err := st.restore(&c, i); err != nil {
			r.Fail(err.Error())
			return
		}
	}
	if n > 0 && c.numbers[n-1] > count {
		r.Fail("a decision is of the future")
	}
	st.memory.count = count
}

// restore takes decision i off the front of the columns.
func (st *store) restore(c *decisions, i int) error {
	places := int(c.places[i])
	switch {
	case places == 0 || c.width[i]%c.places[i] != 0 || c.ends[i] < 0 || int(c.ends[i]) > places:
		return fmt.Errorf("decision %q has impossible places", c.ids[i])
	case i > 0 && c.numbers[i-1] >= c.numbers[i]:
		return fmt.Errorf("decision %q is out of order", c.ids[i])
	case st.memory.find(c.ids[i]) != nil:
		return fmt.Errorf("decision %q is doubled", c.ids[i])
	}
	m := &st.memory
	d, evicted := m.next()
	if evicted {
		m.waiting -= d.waiting
		delete(m.index, d.id)
	}
	d.reset(c.ids[i])
	d.number, d.at, d.segment, d.end = c.numbers[i], c.at[i], c.segments[i], int(c.ends[i])
	d.items, d.arms = append(d.items, take(&c.items, places)...), append(d.arms, take(&c.arms, places)...)
	d.props, d.choices = append(d.props, take(&c.props, places)...), append(d.choices, take(&c.choices, places)...)
	d.total, d.ticks = append(d.total, take(&c.totals, places)...), append(d.ticks, take(&c.ticks, places)...)
	d.state = append(d.state, take(&c.states, places)...)
	d.seen = append(d.seen, take(&c.keys, int(c.seen[i]))...)
	d.x = append(d.x, take(&c.x, int(c.width[i]))...)
	for _, s := range d.state {
		if s > placeObserved {
			return fmt.Errorf("decision %q has a place of an unknown state", d.id)
		}
		if s == placeWaits {
			d.waiting++
		}
	}
	m.index[d.id] = d.slot
	m.waiting += d.waiting
	if d.waiting > 0 && st.cfg.Window >= 0 {
		m.due(d)
	}
	return nil
}

// take cuts the first n elements off s.
func take[E any](s *[]E, n int) []E {
	first := (*s)[:n:n]
	*s = (*s)[n:]
	return first
}

func sum(s []uint32) int {
	total := 0
	for _, x := range s {
		total += int(x)
	}
	return total
}
