package bandit

import "github.com/recsyskit/recsys"

// memory holds decisions in order of arrival, up to a number of them, and those that wait by time.
type memory struct {
	most    int
	ring    []pending
	head    int // slot of the oldest, once the ring is full
	index   map[string]int32
	heap    []appointment // by time, then by order of arrival; stale ones among them
	count   uint64        // decisions so far
	waiting int           // places that wait
}

// pending is one decision. Its slices keep their memory when the slot is used again.
type pending struct {
	id      string
	slot    int32
	number  uint64 // of the decision, in order of arrival
	at      int64  // Unix nanoseconds
	segment uint64

	items   []recsys.ItemID
	arms    []uint64
	props   []float64
	choices []int32
	x       []float64 // contexts, one after the other

	total   []float64 // rewards of a place so far, not yet held within the domain
	ticks   []uint64  // see outcome
	state   []uint8   // of a place: waits, observed or unseen
	waiting int       // places that wait
	end     int       // of a cascade: places below the first reward, from here, count as not seen
	seen    []uint64  // hashes of the feedback that has come
}

// States of a place.
const (
	placeWaits uint8 = iota
	placeObserved
)

// reset makes d a new decision without places.
func (d *pending) reset(id string) {
	d.id = id
	d.items, d.arms, d.props, d.choices, d.x = d.items[:0], d.arms[:0], d.props[:0], d.choices[:0], d.x[:0]
	d.total, d.ticks, d.state, d.seen, d.waiting, d.end = d.total[:0], d.ticks[:0], d.state[:0], d.seen[:0], 0, 0
}

// context returns what was remembered of a place.
func (d *pending) context(place int) []float64 {
	if len(d.x) == 0 {
		return nil
	}
	w := len(d.x) / len(d.items)
	return d.x[place*w : (place+1)*w]
}

func (d *pending) place(item recsys.ItemID) int {
	for i, x := range d.items {
		if x == item {
			return i
		}
	}
	return -1
}

// appointment is a decision that is to be settled.
type appointment struct {
	at     int64
	number uint64
	slot   int32
}

func (a appointment) before(b appointment) bool {
	return a.at < b.at || a.at == b.at && a.number < b.number
}

func (m *memory) open(most int) {
	*m = memory{most: most, index: map[string]int32{}}
}

// next returns the slot of a new decision. If it holds one already, that is the oldest, and must go.
func (m *memory) next() (d *pending, evicted bool) {
	m.count++
	if len(m.ring) < m.most {
		m.ring = append(m.ring, pending{slot: int32(len(m.ring))})
		return &m.ring[len(m.ring)-1], false
	}
	d = &m.ring[m.head]
	m.head = (m.head + 1) % m.most
	return d, true
}

// find returns the decision of an ID, nil if it is not remembered.
func (m *memory) find(id string) *pending {
	if slot, ok := m.index[id]; ok {
		return &m.ring[slot]
	}
	return nil
}

// due notes that d waits.
func (m *memory) due(d *pending) {
	if len(m.heap) >= 2*len(m.ring)+64 {
		m.sweep()
	}
	m.heap = append(m.heap, appointment{d.at, d.number, d.slot})
	for i := len(m.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !m.heap[i].before(m.heap[up]) {
			break
		}
		m.heap[i], m.heap[up] = m.heap[up], m.heap[i]
		i = up
	}
}

// overdue returns a decision of a time before now that still waits, the earliest first, nil
// when there is none. It will not be returned again.
func (m *memory) overdue(now int64) *pending {
	for len(m.heap) > 0 && m.heap[0].at < now {
		a := m.heap[0]
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
		m.sink(0)
		if m.waits(a) {
			return &m.ring[a.slot]
		}
	}
	return nil
}

// waits reports whether the decision is still remembered and has places that wait.
func (m *memory) waits(a appointment) bool {
	d := &m.ring[a.slot]
	return d.number == a.number && d.waiting > 0
}

func (m *memory) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(m.heap) {
			return
		}
		if child+1 < len(m.heap) && m.heap[child+1].before(m.heap[child]) {
			child++
		}
		if !m.heap[child].before(m.heap[i]) {
			return
		}
		m.heap[i], m.heap[child] = m.heap[child], m.heap[i]
		i = child
	}
}

// sweep drops appointments that are stale.
func (m *memory) sweep() {
	keep := m.heap[:0]
	for _, a := range m.heap {
		if m.waits(a) {
			keep = append(keep, a)
		}
	}
	m.heap = keep
	for i := len(keep)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
}
