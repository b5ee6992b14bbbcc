package hnsw

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Index is a hierarchical navigable small world graph over the vectors of items. Make one
// with [New], [Build], [Load] or [Open]; the zero Index is only good for ReadFrom.
//
// All methods but ReadFrom and Close may run at the same time. Searches do not wait
// for writers, but for the moment in which one gives an item its row; writers wait for each
// other.
type Index struct {
	cfg     Config // but for Effort
	effort  atomic.Int64
	dim     int
	store   atomic.Pointer[store]
	epochs  epochs
	scratch *sync.Pool
	mapped  *envelope.Mapped
	closed  bool

	moves atomic.Uint64 // odd while a writer gives or takes a row

	mu     sync.Mutex // of writers; guards the rest
	writer writer
}

var _ retrieval.StoredIndex = (*Index)(nil)

// New returns an index of items, whose vectors are the rows of a matrix, in the same
// order. It copies both. There may be none, but the dimension must be at least 1.
//
// It fails with [retrieval.ErrNotFinite] for a vector with a NaN or an infinity and with
// [retrieval.ErrDuplicate] when an item comes twice; both name rows.
func New(cfg Config, items []recsys.ItemID, vectors vector.Matrix) (*Index, error) {
	return Build(context.Background(), cfg, items, vectors)
}

// Build is [New] with a context, whose error it returns, wrapped, when it ends before the
// graph is done.
//
// The index is the same, to the byte that WriteTo writes, for any number of workers.
// Linking an item costs a search with a pool of EfConstruction and about 4M prunings of a
// pair: 0.1 ms for 64 dimensions and 100,000 items.
func Build(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (*Index, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := check(items, vectors); err != nil {
		return nil, fmt.Errorf("hnsw: %w", err)
	}
	s := newStore(&cfg, new(retrieval.Rows), vectors.Dim, len(items))
	if err := s.fill(items, vectors, cfg.Metric == retrieval.Cosine); err != nil {
		return nil, fmt.Errorf("hnsw: %w", err)
	}
	b := &builder{store: s, cfg: &cfg}
	if err := b.build(ctx, s.linkOrder(cfg.Seed)); err != nil {
		return nil, fmt.Errorf("hnsw: build: %w", err)
	}
	if len(items) > 0 {
		s.finish(&cfg, b.workers[0])
	}
	x := new(Index)
	x.reset(cfg, s, nil)
	return x, nil
}

// reset makes s the content of the index.
func (x *Index) reset(cfg Config, s *store, mapped *envelope.Mapped) {
	x.cfg, x.dim, x.mapped, x.closed = cfg, s.dim, mapped, false
	x.effort.Store(int64(cfg.Effort))
	x.writer = writer{}
	x.store.Store(s)
	if x.scratch == nil {
		var made atomic.Uint32
		x.scratch = &sync.Pool{New: func() any { return &scratch{shard: made.Add(1)} }}
	}
}

func check(items []recsys.ItemID, vectors vector.Matrix) error {
	if err := vectors.Check(); err != nil {
		var bad *vector.NonFiniteError
		if errors.As(err, &bad) && bad.Row < len(items) {
			return fmt.Errorf("item %d: %w: %w", items[bad.Row], err, retrieval.ErrNotFinite)
		}
		return err
	}
	switch {
	case vectors.Dim < 1 || vectors.Dim > maxDim:
		return fmt.Errorf("vectors of dimension %d: %w; want 1 to %d", vectors.Dim, retrieval.ErrDimension, maxDim)
	case len(items) != vectors.Rows:
		return fmt.Errorf("%d items with %d vectors; want as many: %w", len(items), vectors.Rows, retrieval.ErrDimension)
	case len(items) > math.MaxInt32-64:
		return fmt.Errorf("%d items: %w", len(items), retrieval.ErrFull)
	}
	return nil
}

// fill stores items and vectors, which it normalises if it is told to. Under inner product rows are in descending order of
// norm: what searches come to most lies together, a scan of the allowed rows can stop
// early, and the graph grows from those that all others link to.
func (s *store) fill(items []recsys.ItemID, vectors vector.Matrix, normalize bool) error {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	if s.metric == retrieval.InnerProduct {
		norms := make([]float32, len(items))
		for i := range norms {
			norms[i] = simd.Dot(vectors.Row(i), vectors.Row(i))
		}
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(norms[b], norms[a]), cmp.Compare(items[a], items[b]), a-b)
		})
	}
	peaks := make([]float32, len(items))
	for i, at := range order {
		vec := s.vector(uint32(i))
		copy(vec, vectors.Row(at))
		if normalize {
			vector.Normalize(vec)
		}
		peaks[i] = peak(vec)
	}
	if scale, ok := commonScale(s.metric, peaks); ok || s.codes == nil {
		s.scale = scale
	} else {
		s.units = make([]float32, s.capacity)
	}
	for _, at := range order {
		row, err := s.rows.Reserve()
		if err == nil {
			err = s.rows.Insert(items[at], row)
		}
		if err != nil {
			if errors.Is(err, retrieval.ErrDuplicate) {
				i := slices.Index(items, items[at])
				j := i + 1 + slices.Index(items[i+1:], items[at])
				return fmt.Errorf("item %d is at rows %d and %d: %w", items[at], i, j, retrieval.ErrDuplicate)
			}
			return err
		}
		s.put(row)
	}
	return nil
}

// linkOrder returns the rows in the order in which they are linked: the given one under
// inner product, else a random one, since items often come in groups of similar ones.
func (s *store) linkOrder(seed uint64) []uint32 {
	order := make([]uint32, s.rows.Limit())
	for i := range order {
		order[i] = uint32(i)
	}
	if s.metric != retrieval.InnerProduct {
		key := func(row uint32) uint64 { return hash.Combine(seed, 1, uint64(row)) }
		slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(key(a), key(b)) })
	}
	return order
}

// Len returns the number of items.
func (x *Index) Len() int { return x.store.Load().rows.Len() }

// Dim returns the dimension of the vectors.
func (x *Index) Dim() int { return x.dim }

// Metric returns how vectors are compared.
func (x *Index) Metric() retrieval.Metric { return x.cfg.Metric }

// Config returns the configuration of the index with defaults filled in. Workers and
// Progress are not part of a file.
func (x *Index) Config() Config {
	c := x.cfg
	c.Effort = x.Effort()
	return c
}

// Effort returns the pool of a search whose options do not say.
func (x *Index) Effort() int { return int(x.effort.Load()) }

// SetEffort sets what Effort returns, from the next search on. A file keeps it. An effort
// below 1 counts as 1, one above 65536 as that.
func (x *Index) SetEffort(effort int) { x.effort.Store(int64(min(max(effort, 1), maxEffort))) }

// Bytes returns the memory that vectors, codes and links take.
func (x *Index) Bytes() int { return x.Resident() + 4*x.mappable() }

// Resident returns the part of Bytes that searches of an opened index keep in use: all
// but the float vectors, of which they read a few rows, unless they walk on those.
func (x *Index) Resident() int {
	s := x.store.Load()
	n := 4*len(s.vectors) + len(s.codes) + 4*(len(s.units)+len(s.squares)+len(s.tops)+len(s.links)+len(s.twins)) + s.upper.bytes() + 8*s.rows.Limit()
	return n - 4*x.mappable()
}

// mappable returns the number of float values that may stay in the file.
func (x *Index) mappable() int {
	if s := x.store.Load(); s.codes != nil {
		return len(s.vectors)
	}
	return 0
}

// Vector appends the stored vector of an item to dst; see [retrieval.Index].
func (x *Index) Vector(dst []float32, item recsys.ItemID) ([]float32, bool) {
	sc := x.scratch.Get().(*scratch)
	defer x.scratch.Put(sc)
	defer x.epochs.enter(sc.shard).Add(-1)
	s, row, ok := x.locate(item)
	if !ok {
		return dst, false
	}
	return append(dst, s.vector(row)...), true
}

// closed says that a call came after Close.
func closed(call string) error { return fmt.Errorf("hnsw: %s: %w", call, retrieval.ErrClosed) }

// Score writes the score of each item to dst; see [retrieval.Index].
func (x *Index) Score(dst, q []float32, items []recsys.ItemID) error {
	if x.closed {
		return closed("score")
	}
	if len(dst) != len(items) {
		return fmt.Errorf("hnsw: dst has length %d; want %d, that of items: %w", len(dst), len(items), retrieval.ErrDimension)
	}
	if err := x.checkVector(q); err != nil {
		return fmt.Errorf("hnsw: query: %w", err)
	}
	sc := x.scratch.Get().(*scratch)
	defer x.scratch.Put(sc)
	defer x.epochs.enter(sc.shard).Add(-1)
	q = sc.prepare(x.cfg.Metric, q)
	for i, item := range items {
		s, row, ok := x.locate(item)
		switch {
		case !ok:
			dst[i] = float32(math.NaN())
		case s.metric == retrieval.L2:
			dst[i] = -simd.L2Sq(q, s.vector(row))
		default:
			dst[i] = simd.Dot(q, s.vector(row))
		}
	}
	return nil
}

// locate returns the row of an item and the store that holds it. A store that was replaced
// meanwhile may lack the row, or hold what was there before.
func (x *Index) locate(item recsys.ItemID) (s *store, row uint32, ok bool) {
	for {
		s = x.store.Load()
		if row, ok = s.rows.Find(item); x.store.Load() == s {
			return s, row, ok
		}
	}
}

func (x *Index) checkVector(v []float32) error {
	if len(v) != x.dim {
		return fmt.Errorf("length %d: %w; want %d", len(v), retrieval.ErrDimension, x.dim)
	}
	for i, value := range v {
		if value-value != 0 {
			return fmt.Errorf("%v at place %d: %w", value, i, retrieval.ErrNotFinite)
		}
	}
	return nil
}
