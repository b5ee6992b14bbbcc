package retrievaltest

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Exact is an index that compares the query with every vector, one after the other: what
// other indexes are judged by, and the contract of [retrieval.MutableIndex] in its shortest
// form. A search takes O(n (dim + k)) time. It is safe for concurrent use; writers wait for
// searches and searches for writers.
//
// The zero Exact is good for ReadFrom alone.
type Exact struct {
	metric retrieval.Metric
	dim    int

	mu      sync.RWMutex
	items   []recsys.ItemID
	vectors []float32 // row-major
	rows    map[recsys.ItemID]int
	scratch sync.Pool // of *[]float32, a query
}

var _ retrieval.MutableIndex = (*Exact)(nil)

// NewExact returns an index of items and their vectors, the rows of a matrix, which it
// copies. It fails with [retrieval.ErrNotFinite], [retrieval.ErrDuplicate], or when the
// numbers do not fit.
func NewExact(metric retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix) (*Exact, error) {
	if metric > retrieval.L2 {
		return nil, fmt.Errorf("retrievaltest: metric is %v; want ip, cos or l2", metric)
	}
	if len(items) != vectors.Rows {
		return nil, fmt.Errorf("retrievaltest: %d items with %d vectors", len(items), vectors.Rows)
	}
	x := &Exact{metric: metric, dim: vectors.Dim, rows: make(map[recsys.ItemID]int, len(items))}
	for i, item := range items {
		if old, ok := x.rows[item]; ok {
			return nil, fmt.Errorf("retrievaltest: item %d at rows %d and %d: %w", item, old, i, retrieval.ErrDuplicate)
		}
		if err := x.Insert(item, vectors.Row(i)); err != nil {
			return nil, fmt.Errorf("retrievaltest: row %d: %w", i, err)
		}
	}
	return x, nil
}

// Search compares q with all vectors.
func (x *Exact) Search(dst []retrieval.Neighbor, q []float32, k int, opt retrieval.SearchOptions) ([]retrieval.Neighbor, error) {
	if err := x.check(q); err != nil {
		return dst, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.metric == retrieval.Cosine {
		s := x.normalized(q)
		defer x.scratch.Put(s)
		q = *s
	}
	base, scored := len(dst), 0
	for row, item := range x.items {
		if k <= 0 || !passes(item, &opt) {
			continue
		}
		scored++
		n := retrieval.Neighbor{Item: item, Score: x.score(q, row)}
		at := len(dst)
		for at > base && better(n, dst[at-1]) {
			at--
		}
		switch {
		case len(dst)-base < k:
			dst = slices.Insert(dst, at, n)
		case at < len(dst):
			copy(dst[at+1:], dst[at:])
			dst[at] = n
		}
	}
	if opt.Stats != nil {
		*opt.Stats = retrieval.SearchStats{Plan: "exact", Scored: scored}
	}
	return dst, nil
}

// passes spells out what the options let through.
func passes(item recsys.ItemID, opt *retrieval.SearchOptions) bool {
	return (opt.Filter == nil || opt.Filter.Match(item)) &&
		(opt.Allow == nil || slices.Contains(opt.Allow, item)) &&
		!slices.Contains(opt.Exclude, item)
}

func better(a, b retrieval.Neighbor) bool {
	return a.Score > b.Score || a.Score == b.Score && a.Item < b.Item
}

// normalized returns the query in memory that belongs to x.scratch.
func (x *Exact) normalized(q []float32) *[]float32 {
	s, ok := x.scratch.Get().(*[]float32)
	if !ok {
		s = new([]float32)
	}
	*s = append((*s)[:0], q...)
	vector.Normalize(*s)
	return s
}

func (x *Exact) score(q []float32, row int) float32 {
	v := x.vectors[row*x.dim : (row+1)*x.dim]
	if x.metric == retrieval.L2 {
		return -vector.L2Sq(q, v)
	}
	return vector.Dot(q, v)
}

func (x *Exact) check(v []float32) error {
	switch {
	case len(v) != x.dim:
		return fmt.Errorf("retrievaltest: vector of length %d; want %d: %w", len(v), x.dim, retrieval.ErrDimension)
	case !vector.Finite(v):
		return fmt.Errorf("retrievaltest: %w", retrieval.ErrNotFinite)
	}
	return nil
}

// Score writes the score of each item.
func (x *Exact) Score(dst []float32, q []float32, items []recsys.ItemID) error {
	if err := x.check(q); err != nil {
		return err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.metric == retrieval.Cosine {
		s := x.normalized(q)
		defer x.scratch.Put(s)
		q = *s
	}
	for i, item := range items {
		dst[i] = nan
		if row, ok := x.rows[item]; ok {
			dst[i] = x.score(q, row)
		}
	}
	return nil
}

// Vector appends the vector of an item.
func (x *Exact) Vector(dst []float32, item recsys.ItemID) ([]float32, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	row, ok := x.rows[item]
	if !ok {
		return dst, false
	}
	return append(dst, x.vectors[row*x.dim:(row+1)*x.dim]...), true
}

// Len returns the number of items.
func (x *Exact) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.items)
}

// Dim returns the dimension of the vectors.
func (x *Exact) Dim() int { return x.dim }

// Metric returns how vectors are compared.
func (x *Exact) Metric() retrieval.Metric { return x.metric }

// Insert adds an item.
func (x *Exact) Insert(item recsys.ItemID, vec []float32) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.rows[item]; ok {
		return fmt.Errorf("retrievaltest: item %d: %w", item, retrieval.ErrDuplicate)
	}
	if err := x.check(vec); err != nil {
		return fmt.Errorf("item %d: %w", item, err)
	}
	x.rows[item] = len(x.items)
	x.items = append(x.items, item)
	x.vectors = append(x.vectors, vec...)
	x.store(len(x.items)-1, vec)
	return nil
}

func (x *Exact) store(row int, vec []float32) {
	v := x.vectors[row*x.dim : (row+1)*x.dim]
	copy(v, vec)
	if x.metric == retrieval.Cosine {
		vector.Normalize(v)
	}
}

// Update replaces the vector of an item.
func (x *Exact) Update(item recsys.ItemID, vec []float32) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	row, ok := x.rows[item]
	if !ok {
		return fmt.Errorf("retrievaltest: item %d: %w", item, retrieval.ErrNotFound)
	}
	if err := x.check(vec); err != nil {
		return fmt.Errorf("item %d: %w", item, err)
	}
	x.store(row, vec)
	return nil
}

// Delete removes an item; the last row takes its place.
func (x *Exact) Delete(item recsys.ItemID) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	row, ok := x.rows[item]
	if !ok {
		return fmt.Errorf("retrievaltest: item %d: %w", item, retrieval.ErrNotFound)
	}
	last := len(x.items) - 1
	x.items[row] = x.items[last]
	copy(x.vectors[row*x.dim:(row+1)*x.dim], x.vectors[last*x.dim:])
	x.rows[x.items[row]] = row
	delete(x.rows, item)
	x.items, x.vectors = x.items[:last], x.vectors[:last*x.dim]
	return nil
}

const (
	exactKind    = "retrievaltest.exact"
	exactVersion = 1
)

type exactConfig struct {
	Metric retrieval.Metric
	Dim    int
}

// WriteTo writes the index as it is now.
func (x *Exact) WriteTo(dst io.Writer) (int64, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	w := envelope.NewWriter(dst, exactKind, exactVersion, 0)
	w.WriteJSON("config", exactConfig{x.metric, x.dim})
	envelope.Write(w, "items", x.items)
	envelope.Write(w, "vectors", x.vectors)
	return w.Close()
}

// ReadFrom replaces an index that nobody uses yet by what WriteTo wrote. After an error it
// is as it was.
func (x *Exact) ReadFrom(src io.Reader) (int64, error) {
	var (
		in Exact
		c  exactConfig
	)
	r := envelope.NewReader(src, exactKind, exactVersion)
	r.ReadJSON("config", &c)
	in.metric, in.dim = c.Metric, c.Dim
	in.items = envelope.Read[recsys.ItemID](r, "items")
	in.vectors = envelope.Read[float32](r, "vectors")
	if err := in.restore(); err != nil {
		r.Fail(err.Error())
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("retrievaltest: %w", err)
	}
	x.metric, x.dim, x.items, x.vectors, x.rows = in.metric, in.dim, in.items, in.vectors, in.rows
	return n, nil
}

// restore builds what a file lacks.
func (x *Exact) restore() error {
	if x.metric > retrieval.L2 || x.dim < 0 || x.dim > len(x.vectors) && len(x.items) > 0 || len(x.vectors) != len(x.items)*x.dim {
		return fmt.Errorf("%d vectors of dimension %d in %d values, metric %v", len(x.items), x.dim, len(x.vectors), x.metric)
	}
	if !vector.Finite(x.vectors) {
		return retrieval.ErrNotFinite
	}
	x.rows = make(map[recsys.ItemID]int, len(x.items))
	for row, item := range x.items {
		if _, ok := x.rows[item]; ok {
			return fmt.Errorf("item %d: %w", item, retrieval.ErrDuplicate)
		}
		x.rows[item] = row
	}
	return nil
}
