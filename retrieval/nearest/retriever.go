package nearest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

// Retriever proposes the items whose vectors are nearest to that of the user; the score is
// that of the index. It is safe for concurrent use and allocates nothing in steady state,
// as far as the index does not.
//
// A request whose user has no vector proposes nothing; under [retrieval.InnerProduct] and
// [retrieval.Cosine], by which a zero vector is as near to all items, zero is no vector.
type Retriever struct {
	index   retrieval.Index
	config  Config
	history *profile.Reader
	field   recsys.Field // of Column, once bound
	bound   bool
	search  *Interests
	pool    *sync.Pool // of *scratch
}

var (
	_ recsys.Retriever                = (*Retriever)(nil)
	_ recsys.ItemScorer               = (*Retriever)(nil)
	_ recsys.Binder[recsys.Retriever] = (*Retriever)(nil)
	_ recsys.Versioned                = (*Retriever)(nil)
	_ io.Closer                       = (*Retriever)(nil)
)

// scratch is the memory of one call.
type scratch struct {
	queries  []float32 // the vectors of the user
	vector   []float32 // of an item
	sum      []float64
	exclude  []recsys.ItemID
	found    []retrieval.Neighbor
	score    []float32
	anchored bool // the anchors of the request are what the vector is made of
}

// New returns a retriever over an index. The error names every field of the configuration
// that is out of its domain.
func New(index retrieval.Index, cfg Config) (*Retriever, error) {
	var missing error
	if index == nil {
		missing = errors.New("nearest: the index is nil")
	}
	if err := errors.Join(missing, cfg.validate()); err != nil {
		return nil, err
	}
	history, err := profile.New(cfg.History)
	if err != nil {
		return nil, err
	}
	return &Retriever{index: index, config: cfg, history: history, search: &Interests{Balanced: cfg.Balanced}, pool: new(sync.Pool)}, nil
}

// Bind returns a retriever that knows where Config.Column stands in the request row.
func (r *Retriever) Bind(s *recsys.Schema) (recsys.Retriever, error) {
	if r.config.Column == "" {
		return r, nil
	}
	f, err := s.Vector(r.config.Column)
	if err != nil {
		return nil, err
	}
	if f.Scope != recsys.PerRequest {
		return nil, fmt.Errorf("nearest: column %q is one of items; want one of the request", f.Name)
	}
	if dim := r.index.Dim(); dim == 0 || f.Dim%dim != 0 {
		return nil, fmt.Errorf("nearest: column %q has dimension %d, the index %d; want the same, or a multiple for several vectors: %w",
			f.Name, f.Dim, dim, retrieval.ErrDimension)
	}
	bound := *r
	bound.field, bound.bound = f, true
	return &bound, nil
}

// Version returns 16 hex digits that name what is searched, by Config.Version and the version
// that the index itself may have, and the configuration but for its functions; "" when there
// is neither, since the configuration alone does not say what was searched.
func (r *Retriever) Version() string {
	c, index := r.config, ""
	if v, ok := r.index.(recsys.Versioned); ok {
		index = v.Version()
	}
	if index == "" && c.Version == "" {
		return ""
	}
	c.Vectors, c.Filter = nil, nil
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %+v", index, c.Version, c)) // maps are printed in order
	return hex.EncodeToString(sum[:8])
}

// Close closes the index if Config.Owned is set and the index is an io.Closer.
func (r *Retriever) Close() error {
	if c, ok := r.index.(io.Closer); ok && r.config.Owned {
		return c.Close()
	}
	return nil
}

// Retrieve adds the nearest items, best first. The request's Exclude and Allow take no
// room, and anchors that the vector of the user is made of are not proposed. It does not
// look at ctx.
func (r *Retriever) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	n := out.Room()
	if n <= 0 {
		return nil
	}
	if q.Explain {
		n *= 2 // the pipeline keeps as many again, to tell why not
	}
	s := r.acquire()
	defer r.pool.Put(s)
	if err := r.read(s, q); err != nil || len(s.queries) == 0 {
		return err
	}
	opt := retrieval.SearchOptions{Effort: r.config.Effort, Exclude: q.Exclude}
	if len(q.Allow) > 0 {
		opt.Allow = q.Allow
	}
	if s.anchored {
		s.exclude = append(append(s.exclude[:0], q.Exclude...), q.Items...)
		opt.Exclude = s.exclude
	}
	if r.config.Filter != nil {
		opt.Filter = r.config.Filter(q)
	}
	var err error
	if s.found, err = r.search.Search(s.found[:0], r.index, s.queries, n, opt); err != nil {
		return err
	}
	for _, x := range s.found {
		if !out.Add(x.Item, x.Score) {
			break
		}
	}
	return nil
}

// ScoreItems writes the score of each item for the request, the best over the vectors of
// the user; 0 for items that the index does not have, and for all when the user has no
// vector. Exclude, Allow and the filter play no part.
func (r *Retriever) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	clear(dst)
	s := r.acquire()
	defer r.pool.Put(s)
	if err := r.read(s, q); err != nil || len(s.queries) == 0 || len(items) == 0 {
		return err
	}
	s.score = slices.Grow(s.score[:0], len(items))[:len(items)]
	if err := best(dst, s.score, r.index, s.queries, items); err != nil {
		return err
	}
	for i, x := range dst {
		if x != x {
			dst[i] = 0
		}
	}
	return nil
}

func (r *Retriever) acquire() *scratch {
	if s, ok := r.pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{sum: make([]float64, r.index.Dim())}
}

// errUnbound says that Retrieve came before Bind.
var errUnbound = errors.New("nearest: Config.Column is set, and the retriever is not bound: a pipeline binds it, or recsys.Bind")

// read fills s.queries with the vectors of the user.
func (r *Retriever) read(s *scratch, q *recsys.Query) (err error) {
	s.queries, s.anchored = s.queries[:0], false
	switch {
	case r.config.Vectors != nil:
		if s.queries, err = r.config.Vectors(s.queries, q); err != nil {
			return err
		}
	case r.config.Column == "":
		r.fold(s, q)
	case !r.bound:
		return errUnbound
	case !q.Missing(r.field.Group):
		s.queries = append(s.queries, q.Vector(r.field.Index)...)
	}
	return r.drop(s)
}

// drop removes the vectors that are zero, where zero is no vector.
func (r *Retriever) drop(s *scratch) error {
	if len(s.queries) == 0 {
		return nil
	}
	dim := r.index.Dim()
	if dim == 0 || len(s.queries)%dim != 0 {
		return fmt.Errorf("nearest: the user has %d values; want a multiple of %d: %w", len(s.queries), dim, retrieval.ErrDimension)
	}
	if r.index.Metric() == retrieval.L2 {
		return nil
	}
	kept := s.queries[:0]
	for at := 0; at < len(s.queries); at += dim {
		if v := s.queries[at : at+dim]; slices.ContainsFunc(v, func(x float32) bool { return x != 0 }) {
			kept = append(kept, v...)
		}
	}
	s.queries = kept
	return nil
}

// fold makes the vector of the user from those of the items of the history.
func (r *Retriever) fold(s *scratch, q *recsys.Query) {
	clear(s.sum)
	total := 0.0
	add := func(item recsys.ItemID, weight float32) {
		var ok bool
		if s.vector, ok = r.index.Vector(s.vector[:0], item); !ok {
			return
		}
		total += float64(weight)
		for j, x := range s.vector {
			s.sum[j] += float64(float64(weight) * float64(x))
		}
	}
	if !r.history.Anchored(q) {
		r.history.Each(q, add)
	}
	if total == 0 {
		for _, item := range q.Items {
			add(item, 1)
		}
		s.anchored = total > 0
	}
	if total == 0 {
		return
	}
	scale := 1.0
	if r.index.Metric() == retrieval.L2 {
		scale = 1 / total
	}
	// Weights may be as large as float32 holds; what counts is the direction.
	if top := largest(s.sum) * scale; top > math.MaxFloat32 {
		scale *= math.MaxFloat32 / 2 / top
	}
	for _, x := range s.sum {
		s.queries = append(s.queries, float32(x*scale))
	}
}

func largest(v []float64) float64 {
	top := 0.0
	for _, x := range v {
		top = max(top, math.Abs(x))
	}
	return top
}
