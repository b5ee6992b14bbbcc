package ivf

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Index is an inverted file: vectors in lists by their nearest centroid. Make one with
// [Build], [Load] or [Open]; the zero Index is of no use but to ReadFrom.
//
// It is safe for concurrent use. Searches never wait for writers, but for one that has a
// filter or a list of items and meets a change at that moment. A search sees the index as
// it was when it began.
type Index struct {
	metric retrieval.Metric
	dim    int
	cfg    Config // resolved; without Queries, Workers and Progress

	readers readers
	state   atomic.Pointer[state]

	mu      sync.Mutex // writers; guards the rest
	owner   []uint32   // list of each row
	retired []retirement
	sample  vector.Matrix // of Config.Queries
	dots    []float32
	mapped  *envelope.Mapped
	closed  bool
}

var _ retrieval.StoredIndex = (*Index)(nil)

// state is what searches see. It never changes but for items that are deleted; a writer
// stores a new one.
type state struct {
	rows    *retrieval.Rows
	codec   *codec
	coarse  *coarse
	lists   table
	items   int
	version uint64 // of the rows
	changes int    // since the lists were made
	tuning  tuning
	longest float32 // bound of |x|

	// The vectors by row: the first ones as built or mapped, the others behind each other
	// in a slice that grows. What a row that no list holds has there may change.
	base, tail []float32
	baseRows   uint32
}

// retirement is a row that no list holds, and the epoch in which it was taken out.
type retirement struct {
	row   uint32
	epoch uint64
}

// l2 reports whether distances count, not products.
func (ix *Index) l2() bool { return ix.metric == retrieval.L2 }

// Len returns the number of items.
func (ix *Index) Len() int { return ix.state.Load().rows.Len() }

// Dim returns the dimension of the vectors.
func (ix *Index) Dim() int { return ix.dim }

// Metric returns how vectors are compared.
func (ix *Index) Metric() retrieval.Metric { return ix.metric }

// Lists returns the number of lists.
func (ix *Index) Lists() int { return ix.state.Load().coarse.centroids.Rows }

// vector returns the vector of a row.
func (s *state) vector(row uint32, dim int) []float32 {
	data := s.base
	if row >= s.baseRows {
		data, row = s.tail, row-s.baseRows
	}
	return data[int(row)*dim : (int(row)+1)*dim : (int(row)+1)*dim]
}

// scores writes the exact scores of rows to dst.
func (s *state) scores(dst, q []float32, rows []uint32, l2 bool) {
	for at := 0; at < len(rows); {
		row := rows[at]
		if row >= s.baseRows {
			dst[at] = score(q, s.vector(row, len(q)), l2)
			at++
			continue
		}
		end := at + 1
		for end < len(rows) && rows[end] < s.baseRows {
			end++
		}
		if !l2 {
			simd.DotGather(dst[at:end], q, s.base, len(q), rows[at:end])
		} else {
			simd.L2SqGather(dst[at:end], q, s.base, len(q), rows[at:end])
			for i := range dst[at:end] {
				dst[at+i] = -dst[at+i]
			}
		}
		at = end
	}
}

// closed says that a call came after Close.
func closed(call string) error { return fmt.Errorf("ivf: %s: %w", call, retrieval.ErrClosed) }

// Score writes the score of each item to dst; see [retrieval.Index].
func (ix *Index) Score(dst []float32, q []float32, items []recsys.ItemID) error {
	if ix.closed {
		return closed("score")
	}
	if len(dst) != len(items) {
		return fmt.Errorf("ivf: room for %d scores of %d items: %w", len(dst), len(items), retrieval.ErrDimension)
	}
	if err := ix.checkVector(q); err != nil {
		return fmt.Errorf("ivf: query: %w", err)
	}
	s := ix.readers.enter()
	defer ix.readers.leave(s)
	q = s.prepare(q, ix.metric)
	st := ix.state.Load()
	ix.scoreItems(dst, q, items, st)
	if st.rows.Version() != st.version {
		// A change has come between: with no writer the answer is of one moment.
		ix.mu.Lock()
		defer ix.mu.Unlock()
		ix.scoreItems(dst, q, items, ix.state.Load())
	}
	return nil
}

func (ix *Index) scoreItems(dst, q []float32, items []recsys.ItemID, st *state) {
	limit := st.limit(max(1, ix.dim))
	for i, item := range items {
		dst[i] = nan
		if row, ok := st.rows.Find(item); ok && row < limit {
			dst[i] = score(q, st.vector(row, ix.dim), ix.l2())
		}
	}
}

// limit returns a bound of the rows that the state has memory for.
func (s *state) limit(dim int) uint32 { return s.baseRows + uint32(len(s.tail)/dim) }

// Vector appends the stored vector of an item to dst; see [retrieval.Index].
func (ix *Index) Vector(dst []float32, item recsys.ItemID) (_ []float32, ok bool) {
	s := ix.readers.enter()
	defer ix.readers.leave(s)
	st := ix.state.Load()
	row, ok := st.rows.Find(item)
	if st.rows.Version() != st.version {
		ix.mu.Lock()
		defer ix.mu.Unlock()
		st = ix.state.Load()
		row, ok = st.rows.Find(item)
	}
	if !ok {
		return dst, false
	}
	return append(dst, st.vector(row, ix.dim)...), true
}

// checkVector says why a vector is none of the index.
func (ix *Index) checkVector(v []float32) error {
	if len(v) != ix.dim {
		return fmt.Errorf("a vector of %d values; want %d: %w", len(v), ix.dim, retrieval.ErrDimension)
	}
	if vector.Finite(v) {
		return nil
	}
	i := slices.IndexFunc(v, func(x float32) bool { return x-x != 0 })
	return fmt.Errorf("component %d is %v: %w", i, v[i], retrieval.ErrNotFinite)
}
