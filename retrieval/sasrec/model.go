package sasrec

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Model proposes the items that follow the request's history. It is immutable and safe for
// concurrent use, and in steady state it allocates nothing.
//
// The user's ID plays no part, so that a user who arrived a second ago is served like any
// other. Items of the history are proposed like all others; those that must not come stand in
// Request.Exclude.
//
// A request takes the time of one pass of its newest events through the network and a scan of
// all items; with an index over [Model.Vectors] and [Model.UserVector], only the pass.
//
// The zero Model is good for ReadFrom alone.
type Model struct {
	config  Config
	items   itemindex.Index
	vectors vector.Matrix
	network *network
	trained Training
	history *profile.Reader
	pool    *sync.Pool // of *scratch
	version func() string
}

var (
	_ recsys.Retriever  = (*Model)(nil)
	_ recsys.ItemScorer = (*Model)(nil)
	_ recsys.Versioned  = (*Model)(nil)
)

// scratch is the memory of one call.
type scratch struct {
	*activations
	sequence []int32 // rows of items, oldest first
	user     []float32
	hits     []vector.Hit
	keys     []uint64
	rows     []uint32
	scores   []float32
}

// newModel puts a model together from its parts, which have been checked, and which it keeps.
func newModel(cfg Config, items []recsys.ItemID, vectors, weights []float32) (*Model, error) {
	cfg.History.Kinds = maps.Clone(cfg.History.Kinds) // the caller may change its own
	history, err := profile.New(cfg.History)
	if err != nil {
		return nil, err
	}
	index, err := itemindex.New(items)
	if err != nil {
		return nil, err
	}
	m := &Model{config: cfg, items: index, history: history, pool: new(sync.Pool)}
	m.vectors = vector.Matrix{Data: vectors, Rows: len(items), Dim: cfg.Dim, Stride: cfg.Dim}
	m.network = cfg.network(weights)
	m.network.pack(false)
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) })
	return m, nil
}

// Training says how a model came about.
type Training struct {
	Epochs int     // passes over the data; 0 for a model that was not trained here
	Loss   float64 // mean per event of the last of them, dropout included
	NDCG   float64 // at 10 of the best validation, 0 without one
}

// Training returns how the model came about.
func (m *Model) Training() Training { return m.trained }

// Config returns the configuration, defaults filled in, without what does not belong to a
// model: Workers, Progress and Start. Its map is the model's, not to be written to.
func (m *Model) Config() Config { return m.config }

// Items returns the items, ascending. The slice is the model's.
func (m *Model) Items() []recsys.ItemID { return m.items.IDs() }

// Vectors returns the vectors of the items: row i, of Dim values, belongs to item i of Items.
// A score is the inner product of one with [Model.UserVector]. The memory is the model's.
func (m *Model) Vectors() vector.Matrix { return m.vectors }

// Version returns 16 hex digits that name the model by its contents, configuration
// included. The first call reads the whole model.
func (m *Model) Version() string { return m.version() }

// UserVector appends the vector of the request's user to dst, Dim values, and returns it;
// nothing when the request has no event with an item that the model knows. It allocates only
// to grow dst. As Config.Vectors of package nearest it makes a retriever of an index:
//
//	index, err := flat.New(flat.Config{}, model.Items(), model.Vectors())
//	…
//	source, err := nearest.New(index, nearest.Config{Vectors: model.UserVector})
//
// The error is always nil.
func (m *Model) UserVector(dst []float32, q *recsys.Query) ([]float32, error) {
	s := m.acquire()
	defer m.pool.Put(s)
	if m.read(s, q) {
		dst = append(dst, s.user...)
	}
	return dst, nil
}

// Retrieve adds the items with the largest scores, whatever their sign. A request without
// events with known items gets nothing. Retrieve does not look at ctx.
func (m *Model) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	n := min(out.Room(), m.items.Len())
	if n <= 0 {
		return nil
	}
	if q.Explain {
		n *= 2 // the pipeline keeps as many again, to tell why not
	}
	s := m.acquire()
	defer m.pool.Put(s)
	if !m.read(s, q) {
		return nil
	}
	ids := m.items.IDs()
	if len(q.Allow) > 0 {
		m.scoreAllowed(s, q, out)
		for _, key := range topk.Best(s.keys, n) {
			if !out.Add(ids[topk.Position(key)], topk.Score(key)) {
				break
			}
		}
		return nil
	}
	s.hits = vector.TopK(s.hits[:0], s.user, m.vectors, n+len(q.Exclude)) // excluded ones take no room
	for _, h := range s.hits {
		if !out.Add(ids[h.Row], h.Score) {
			break
		}
	}
	return nil
}

// scoreAllowed makes keys of the items that the request names and does not exclude.
func (m *Model) scoreAllowed(s *scratch, q *recsys.Query, out *recsys.Sink) {
	s.rows, s.keys = s.rows[:0], s.keys[:0]
	for _, id := range q.Allow {
		if at := m.items.Find(id); at >= 0 && out.Accepts(id) {
			s.rows = append(s.rows, uint32(at))
		}
	}
	slices.Sort(s.rows)
	s.rows = slices.Compact(s.rows)
	s.scores = slices.Grow(s.scores[:0], len(s.rows))[:len(s.rows)]
	vector.DotGather(s.scores, s.user, m.vectors, s.rows)
	for i, row := range s.rows {
		if s.scores[i] == s.scores[i] {
			s.keys = append(s.keys, topk.Key(s.scores[i], int32(row)))
		}
	}
}

// ScoreItems writes the score of each item for the request, 0 for items that the model does
// not know, and for all when the user has no vector.
func (m *Model) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	clear(dst)
	s := m.acquire()
	defer m.pool.Put(s)
	if !m.read(s, q) {
		return nil
	}
	s.rows = s.rows[:0]
	for _, id := range items {
		s.rows = append(s.rows, uint32(max(m.items.Find(id), 0)))
	}
	vector.DotGather(dst[:len(items)], s.user, m.vectors, s.rows)
	for i, id := range items {
		if x := dst[i]; x != x || s.rows[i] == 0 && m.items.Find(id) < 0 {
			dst[i] = 0
		}
	}
	return nil
}

// WithHistory returns a model that reads histories in another way. It shares the memory of
// m. The error is that of h.Validate.
func (m *Model) WithHistory(h retrieval.History) (*Model, error) {
	cfg := m.config
	cfg.History = h
	other, err := newModel(cfg, m.items.IDs(), m.vectors.Data, m.network.all)
	if err != nil {
		return nil, err
	}
	other.trained = m.trained
	return other, nil
}

func (m *Model) acquire() *scratch {
	if s, ok := m.pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{
		activations: m.network.newActivations(),
		sequence:    make([]int32, 0, m.config.Length),
		user:        make([]float32, m.config.Dim),
	}
}

// read makes s.user the vector of the request's user and reports whether there is one.
func (m *Model) read(s *scratch, q *recsys.Query) bool {
	if m.items.Len() == 0 {
		return false
	}
	s.sequence = s.sequence[:0]
	if !m.history.Anchored(q) {
		m.history.Each(q, func(item recsys.ItemID, _ float32) {
			if at := m.items.Find(item); at >= 0 && len(s.sequence) < cap(s.sequence) {
				s.sequence = append(s.sequence, at)
			}
		})
	}
	if len(s.sequence) == 0 {
		for _, item := range slices.Backward(q.Items) {
			if at := m.items.Find(item); at >= 0 && len(s.sequence) < cap(s.sequence) {
				s.sequence = append(s.sequence, at)
			}
		}
	}
	if len(s.sequence) == 0 {
		return false
	}
	slices.Reverse(s.sequence)
	m.network.answer(s.user, s.activations, s.sequence, m.vectors.Data)
	return true
}
