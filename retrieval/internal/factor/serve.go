package factor

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// block is how many rows are scored between two looks at the threshold.
const block = 112

// Scratch is the memory of one call.
type Scratch struct {
	keys   []uint64
	rows   [block + 16]uint32
	scores [block + 16]float32
}

// acquire returns scratch memory for one call; release gives it back.
func (m *Model) acquire() *Scratch {
	if s, ok := m.pool.Get().(*Scratch); ok {
		return s
	}
	return new(Scratch)
}

func (m *Model) release(s *Scratch) { m.pool.Put(s) }

// Propose adds to out the items with the largest inner products with the user's vector,
// best first, ties by item ID, until out is full. The vector has Dim components, within
// [Limit]. It reads all vectors of items, or those that the request allows, and allocates
// nothing in steady state.
func (m *Model) Propose(user []float32, q *recsys.Query, out *recsys.Sink) {
	n := min(out.Room(), m.Items.Len())
	if n <= 0 {
		return
	}
	if q.Explain {
		n *= 2 // the pipeline keeps as many again, to tell why not
	}
	s := m.acquire()
	defer m.release(s)
	if s.keys = s.keys[:0]; len(q.Allow) > 0 {
		m.allowed(s, user, q, out)
	} else {
		m.scan(s, user, n+len(q.Exclude)) // those take no room
	}
	ids := m.Items.IDs()
	for _, key := range topk.Best(s.keys, n+len(q.Exclude)) {
		if !out.Add(ids[topk.Position(key)], topk.Score(key)) {
			return
		}
	}
}

// scan collects the keys of the best n items, and of some others. Positions ascend, so that
// an item that only equals the worst of the best so far comes after it.
func (m *Model) scan(s *Scratch, user []float32, n int) {
	v := m.ItemVectors
	n = min(n, v.Rows)
	threshold := float32(math.Inf(-1))
	for start := 0; start < v.Rows; start += block {
		if len(s.keys) >= 2*n+block {
			s.keys = topk.Best(s.keys, n)
			threshold = topk.Score(s.keys[n-1])
		}
		rows := min(block, v.Rows-start)
		kept := simd.DotAbove(s.rows[:], s.scores[:], user, v.Data[start*v.Stride:], v.Stride, rows, threshold, uint32(start))
		for k, row := range s.rows[:kept] {
			s.keys = append(s.keys, topk.Key(s.scores[k], int32(row)))
		}
	}
}

// allowed collects the keys of the items that the request allows.
func (m *Model) allowed(s *Scratch, user []float32, q *recsys.Query, out *recsys.Sink) {
	for _, id := range q.Allow {
		if at := m.Items.Find(id); at >= 0 && out.Accepts(id) {
			s.keys = append(s.keys, topk.Key(simd.Dot(user, m.ItemVectors.Row(int(at))), at))
		}
	}
	slices.Sort(s.keys) // an item that is named twice has the same key twice
	s.keys = slices.Compact(s.keys)
}

// Score writes into dst[i] the inner product of the user's vector and that of items[i], 0
// for an item that the model does not know. It has the bits that Propose gives, and
// allocates nothing in steady state. Items in the order of the model are read fastest.
func (m *Model) Score(user []float32, items []recsys.ItemID, dst []float32) {
	s := m.acquire()
	defer m.release(s)
	for len(items) > 0 {
		n := min(block, len(items))
		m.scoreBlock(s, user, items[:n], dst[:n])
		items, dst = items[n:], dst[n:]
	}
}

// scoreBlock is Score for at most block items.
func (m *Model) scoreBlock(s *Scratch, user []float32, items []recsys.ItemID, dst []float32) {
	v := m.ItemVectors
	known, run := 0, true // whether the known items are neighbours in the matrix
	for _, id := range items {
		if at := m.Items.Find(id); at >= 0 {
			s.rows[known] = uint32(at)
			run = run && s.rows[known] == s.rows[0]+uint32(known)
			known++
		}
	}
	scores := s.scores[:known]
	if run && known > 0 {
		simd.DotBatch(scores, user, v.Data[int(s.rows[0])*v.Stride:], v.Stride)
	} else {
		simd.DotGather(scores, user, v.Data, v.Stride, s.rows[:known])
	}
	if known == len(items) {
		for i, x := range scores {
			dst[i] = x + 0 // -0 is 0, as in a key
		}
		return
	}
	known = 0
	for i, id := range items {
		dst[i] = 0
		if m.Items.Find(id) >= 0 {
			dst[i] = scores[known] + 0
			known++
		}
	}
}
