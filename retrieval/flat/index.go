package flat

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Index is an exact index. New, ReadFrom, Load or Open make one; Close ends its use.
//
// Searches never wait for writers: they work on what was there when they began. Insert and
// Update add a row of their own, Delete marks one. Writers keep what was added in order, in
// runs that they merge now and then, and leave out what is dead, so that searches are about
// as fast as those of a new index at all times. Some calls of writers pay for it on behalf
// of the others: when a 32nd of the rows have been added, or half of all are dead, a
// call takes the time of a fresh build on one core, but for the sort; some 13 ms at
// 41,000 × 64.
type Index struct {
	set     settings
	epoch   atomic.Pointer[epoch]
	scratch *sync.Pool // of *search
	batches *sync.Pool // of *batch

	mu     sync.Mutex // held by writers
	mapped *envelope.Mapped
}

var _ retrieval.StoredIndex = (*Index)(nil)

// Len returns the number of items.
func (x *Index) Len() int { return x.epoch.Load().rows.Len() }

// Dim returns the dimension of the vectors.
func (x *Index) Dim() int { return x.set.Dim }

// Metric returns how vectors are compared.
func (x *Index) Metric() retrieval.Metric { return x.set.Metric }

// Bytes returns the memory that vectors, codes and tables take.
func (x *Index) Bytes() int {
	e := x.epoch.Load()
	l := e.layers.Load()
	n := 8*e.rows.Limit() + e.main.bytes() + 4*len(e.main.vectors)
	if l.main != e.main {
		n += l.main.bytes() + 4*len(l.main.vectors)
	}
	for _, run := range l.runs {
		n += run.bytes() + 4*len(run.vectors)
	}
	if a := e.added.Load(); a != nil {
		n += 4*len(a.vectors) + 4*len(a.norms)
	}
	if died := e.died.Load(); died != nil {
		n += 4 * len(*died)
	}
	return n
}

// bytes returns the memory that a segment takes but for vectors.
func (s *segment) bytes() int {
	return 4*len(s.ids) + 4*len(s.norms) + len(s.codes) + 4*len(s.starts) + 4*len(s.bounds)
}

// Resident returns the part of Bytes that searches of an opened index keep in use: all but
// the float vectors, of which they read a few rows, unless there are no codes to scan.
func (x *Index) Resident() int {
	if s := x.epoch.Load().main; len(s.codes) > 0 {
		return x.Bytes() - 4*len(s.vectors)
	}
	return x.Bytes()
}

// Vector appends the stored vector of an item to dst.
func (x *Index) Vector(dst []float32, item recsys.ItemID) (_ []float32, ok bool) {
	e := x.epoch.Load()
	row, ok := e.rows.Find(item)
	if !ok {
		return dst, false
	}
	return append(dst, e.vector(row)...), true
}

// Score writes the score of each item to dst, NaN for items that are not there.
func (x *Index) Score(dst []float32, q []float32, items []recsys.ItemID) error {
	if len(dst) != len(items) {
		return fmt.Errorf("flat: room for %d scores of %d items: %w", len(dst), len(items), retrieval.ErrDimension)
	}
	e := x.epoch.Load()
	if e.closed {
		return closed("score")
	}
	if err := x.checkVector(q); err != nil {
		return fmt.Errorf("flat: query: %w", err)
	}
	s := x.scratch.Get().(*search)
	q = s.prepare(x.set, q)
	for i, item := range items {
		if row, ok := e.rows.Find(item); ok {
			dst[i] = x.set.score(q, e.vector(row))
		} else {
			dst[i] = float32(math.NaN())
		}
	}
	x.scratch.Put(s)
	return nil
}

// closed says that a call came after Close.
func closed(call string) error { return fmt.Errorf("flat: %s: %w", call, retrieval.ErrClosed) }

// score is the score of a row with a prepared query.
func (s settings) score(q, row []float32) float32 {
	if s.Metric == retrieval.L2 {
		return -simd.L2Sq(q, row)
	}
	return simd.Dot(q, row)
}

// checkVector says why a vector is none of the index.
func (x *Index) checkVector(v []float32) error {
	if len(v) != x.set.Dim {
		return fmt.Errorf("a vector of length %d; the index has %d: %w", len(v), x.set.Dim, retrieval.ErrDimension)
	}
	if !vector.Finite(v) {
		for i, value := range v {
			if value-value != 0 {
				return fmt.Errorf("component %d is %v: %w", i, value, retrieval.ErrNotFinite)
			}
		}
	}
	return nil
}
