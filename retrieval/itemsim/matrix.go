package itemsim

import (
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

// matrix holds the weights and the items that its rows and columns stand for. Where it has
// dense weights, its rows hold those from or to items that dense says nothing of. It is
// immutable and safe for concurrent use. Matrices share rows with those that they were
// made from.
type matrix struct {
	items itemindex.Index
	rows  []row
	dense *Dense    // nil: the rows are all
	base  []int32   // by item, its row and column in dense, -1: none; nil: the item's own place
	pool  sync.Pool // of *scratch
}

// row holds the weights from one item: to ascends.
type row struct {
	to      []int32
	weights []float32
}

// at returns the weight to an item, 0 if there is none.
func (r row) at(item int32) float32 {
	if k, ok := slices.BinarySearch(r.to, item); ok {
		return r.weights[k]
	}
	return 0
}

func newMatrix(items itemindex.Index, rows []row) *matrix { return &matrix{items: items, rows: rows} }

// starts returns where each row begins when one follows the other, and where the last ends.
func (m *matrix) starts() []int64 {
	starts := make([]int64, len(m.rows)+1)
	for i, r := range m.rows {
		starts[i+1] = starts[i] + int64(len(r.to))
	}
	return starts
}

// scratch is the memory of one call.
type scratch struct {
	profile []profile.Entry
	scores  []float32 // by item, all zero between calls
	touched []int32   // items whose score may not be zero; one may stand twice
	keys    []uint64
	wide    []float32 // scores by row of dense
	part    []float32 // of a row of dense
}

// acquire returns scratch memory for one call; release gives it back.
func (m *matrix) acquire() *scratch {
	if s, ok := m.pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{scores: make([]float32, m.items.Len())}
}

func (m *matrix) release(s *scratch) {
	if len(s.touched) < len(s.scores)/8 {
		for _, c := range s.touched {
			s.scores[c] = 0
		}
	} else {
		clear(s.scores)
	}
	s.touched = s.touched[:0]
	m.pool.Put(s)
}

// accumulate adds up the rows of the profile.
func (m *matrix) accumulate(s *scratch) {
	if m.dense != nil {
		m.accumulateDense(s)
	}
	scores, touched := s.scores, s.touched
	for _, e := range s.profile {
		r := m.rows[e.Item]
		weights := r.weights[:len(r.to)]
		for k, c := range r.to {
			old := scores[c]
			if old == 0 {
				touched = append(touched, c)
			}
			scores[c] = old + float32(e.Weight*weights[k])
		}
	}
	s.touched = touched
}

// finite bounds a score: weights near the largest float32 could add up to an infinity,
// and infinities to NaN, which counts as nothing known.
func finite(x float32) float32 {
	if x != x {
		return 0
	}
	return min(max(x, -math.MaxFloat32), math.MaxFloat32)
}
