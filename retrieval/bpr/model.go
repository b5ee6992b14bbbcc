package bpr

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Model holds a vector for each user and item. It is immutable and safe for concurrent use,
// and in steady state it allocates nothing. The zero Model is good for ReadFrom alone.
type Model struct {
	config  Config
	epochs  int      // that it was trained for
	repeats []uint16 // how often an item stands in draws
	draws   []int32  // what negatives are drawn from
	factors *factor.Model
	state   state
	history *profile.Reader
	version func() string
	pool    *sync.Pool // of *scratch
}

var (
	_ recsys.Retriever  = (*Model)(nil)
	_ recsys.ItemScorer = (*Model)(nil)
	_ recsys.Versioned  = (*Model)(nil)
)

// newModel puts a model together from its parts; cfg has its defaults.
func newModel(cfg Config, epochs int, repeats []uint16, factors *factor.Model, state state) (*Model, error) {
	cfg.Start, cfg.Workers, cfg.MaxBytes, cfg.Progress = nil, 0, 0, nil
	cfg.History.Kinds = maps.Clone(cfg.History.Kinds) // the caller may change its own
	history, err := profile.New(cfg.History)
	if err != nil {
		return nil, err
	}
	m := &Model{config: cfg, epochs: epochs, repeats: repeats, factors: factors, state: state, history: history, pool: new(sync.Pool)}
	m.draws = make([]int32, 0, len(repeats))
	for i := range repeats {
		m.draws = repeated(m.draws, repeats, int32(i))
	}
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) })
	return m, nil
}

// model returns what has been learned after some epochs.
func (t *trainer) model(in *retrieval.Interactions, epochs int) (*Model, error) {
	p := &t.p
	d := t.cfg.width()
	users, items := vector.NewMatrix(in.NumUsers(), d), vector.NewMatrix(in.NumItems(), d)
	for u := range users.Rows {
		copy(users.Row(u), p.user(int32(u)))
		if t.cfg.Biases {
			users.Row(u)[d-1] = 1
		}
	}
	for i := range items.Rows {
		copy(items.Row(i), p.item(int32(i)))
		if t.cfg.Biases {
			items.Row(i)[d-1] = p.bias[i]
		}
	}
	factors, err := factor.New(in.Users(), in.Items(), users, items)
	if err != nil {
		return nil, fmt.Errorf("bpr: %w", err)
	}
	return newModel(t.cfg, epochs, t.repeats, factors, p.state)
}

// width returns the dimension of the vectors, the bias included.
func (c *Config) width() int {
	if c.Biases {
		return c.Factors + 1
	}
	return c.Factors
}

// bounded reports whether all parameters can be served.
func (p *parameters) bounded() bool {
	for _, a := range p.all() {
		if !factor.Bounded(*a) {
			return false
		}
	}
	return true
}

// goOn takes over what a model has learned.
func (t *trainer) goOn(in *retrieval.Interactions, m *Model) error {
	if m.config.Factors != t.cfg.Factors || m.config.Biases != t.cfg.Biases || m.config.Loss != t.cfg.Loss {
		return fmt.Errorf("bpr: Config.Start has Loss %v, %d Factors, Biases %v; want those of the Config: %v, %d, %v",
			m.config.Loss, m.config.Factors, m.config.Biases, t.cfg.Loss, t.cfg.Factors, t.cfg.Biases)
	}
	if m.epochs > t.cfg.Epochs {
		return fmt.Errorf("bpr: Config.Start was trained for %d epochs; want at most Config.Epochs, which is %d", m.epochs, t.cfg.Epochs)
	}
	p, d := &t.p, t.cfg.Factors
	for u, id := range in.Users() {
		if at := m.factors.FindUser(id); at >= 0 && !zero(m.factors.UserVectors.Row(at)[:d]) {
			copy(p.user(int32(u)), m.factors.UserVectors.Row(at)[:d])
			p.userSquares[u] = m.state.userSquares[at]
			if p.userBias != nil {
				p.userBias[u], p.userBiasSquares[u] = m.state.userBias[at], m.state.userBiasSquares[at]
			}
		}
	}
	for i, id := range in.Items() {
		if at := m.factors.Items.Find(id); at >= 0 {
			row := m.factors.ItemVectors.Row(int(at))
			copy(p.item(int32(i)), row[:d])
			p.itemSquares[i] = m.state.itemSquares[at]
			if t.cfg.Biases {
				p.bias[i], p.biasSquares[i] = row[d], m.state.biasSquares[at]
			}
		}
	}
	return nil
}

// Config returns the configuration, defaults filled in, Start, Workers, MaxBytes and Progress
// left out. Its map is the model's, not to be written to.
func (m *Model) Config() Config { return m.config }

// Epochs returns how many epochs the model was trained for: Config.Epochs, unless the
// training was cancelled.
func (m *Model) Epochs() int { return m.epochs }

// Users returns the users of the training, ascending. The slice is the model's.
func (m *Model) Users() []recsys.UserID { return m.factors.Users }

// Items returns the items, ascending. The slice is the model's.
func (m *Model) Items() []recsys.ItemID { return m.factors.Items.IDs() }

// UserVectors returns the learned vectors of users: row u belongs to user u of Users. They
// have Factors components, all 0 for a user without interactions, and with Config.Biases one
// more, which is 1. The memory is the model's.
func (m *Model) UserVectors() vector.Matrix { return m.factors.UserVectors }

// Vectors returns the vectors of items for an index by inner product: row i belongs to item i
// of Items. They have Factors components, with Config.Biases one more, which is the bias. The
// memory is the model's.
func (m *Model) Vectors() vector.Matrix { return m.factors.ItemVectors }

// Version returns 16 hex digits that name the model by its contents, configuration
// included. The first call reads the whole model.
func (m *Model) Version() string { return m.version() }

// Retrieve adds the items with the highest scores, the inner product with the vector of
// the user, which is that of [Model.UserVector]. It proposes nothing when there is none. It
// reads the vectors of all items and does not look at ctx.
func (m *Model) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	s := m.acquire()
	defer m.pool.Put(s)
	if m.user(s, q) {
		m.factors.Propose(s.vector, q, out)
	}
	return nil
}

// ScoreItems writes the score of each item for the request, 0 for items that the model does
// not know and for all when the user has no vector.
func (m *Model) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	s := m.acquire()
	defer m.pool.Put(s)
	if !m.user(s, q) {
		clear(dst)
		return nil
	}
	m.factors.Score(s.vector, items, dst)
	return nil
}

// UserVector appends the vector of the request's user to dst, ready for an index over Vectors,
// and returns it; nothing when the model knows neither interactions of the user nor an item of
// the history. It can serve as nearest.Config.Vectors.
func (m *Model) UserVector(dst []float32, q *recsys.Query) ([]float32, error) {
	s := m.acquire()
	defer m.pool.Put(s)
	if m.user(s, q) {
		dst = append(dst, s.vector...)
	}
	return dst, nil
}

// WithHistory returns a model that reads histories in another way. It shares the memory of
// m. The error is that of h.Validate.
func (m *Model) WithHistory(h retrieval.History) (*Model, error) {
	cfg := m.config
	cfg.History = h
	return newModel(cfg, m.epochs, m.repeats, m.factors, m.state)
}
