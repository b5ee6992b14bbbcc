package als

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Model proposes the items whose vectors have the largest inner products with the vector of
// the user. It is immutable and safe for concurrent use, and in steady state it allocates
// nothing.
//
// A request that has a history is answered by what the history says: the vector of the user
// is folded in, which is what training would make of these interactions. Anchors stand in
// for a history; see [retrieval.History]. Where neither has an item that the model knows and
// that someone took, the user's vector of the training counts. Items of the history are
// proposed like any other; those that must not come stand in Request.Exclude.
//
// All items are scored, in time proportional to items times factors; over an index, a model
// of many items answers faster:
//
//	source, err := nearest.New(index, nearest.Config{Vectors: model.UserVector})
//
// The zero Model is good for ReadFrom alone.
type Model struct {
	config  Config
	factors *factor.Model
	history *profile.Reader
	curve   func(r float32) float32 // nil: has yet to be given
	users   *equations              // for a user, whose items have vectors
	items   func() *equations       // for an item, whose users have vectors
	pool    *sync.Pool              // of *call
	version func() string
}

var (
	_ recsys.Retriever  = (*Model)(nil)
	_ recsys.ItemScorer = (*Model)(nil)
	_ recsys.Versioned  = (*Model)(nil)
	_ recsys.Validator  = (*Model)(nil)

	_ retrieval.Explainer = (*Model)(nil)
)

// ErrConfidence is what a model fails with that was trained with a Config.Confidence and
// read from a file, before [Model.WithConfidence] has given it the function again.
var ErrConfidence = errors.New("als: the model was trained with a Config.Confidence, which its file does not hold; give it to Model.WithConfidence")

// newModel puts a model together; cfg has its defaults.
func newModel(cfg Config, f *factor.Model) (*Model, error) {
	cfg.Workers, cfg.MaxBytes, cfg.Progress, cfg.Start = 0, 0, nil, nil
	m := &Model{factors: f, curve: cfg.Confidence, pool: &sync.Pool{New: func() any { return new(call) }}}
	if m.curve == nil {
		m.curve = cfg.curve
	}
	err := m.setConfig(cfg)
	if err != nil {
		return nil, err
	}
	m.users = m.equations(f.ItemVectors)
	m.items = sync.OnceValue(func() *equations { return m.equations(f.UserVectors) })
	return m, nil
}

// setConfig sets what follows from the configuration.
func (m *Model) setConfig(cfg Config) (err error) {
	cfg.History.Kinds = maps.Clone(cfg.History.Kinds) // the caller may change its own
	m.config = cfg
	m.history, err = profile.New(cfg.History)
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) })
	return err
}

// equations returns the equations of rows whose other side has the vectors.
func (m *Model) equations(v vector.Matrix) *equations {
	g, err := gram(context.Background(), newWorkspaces(runtime.GOMAXPROCS(0)), v)
	if err != nil {
		panic(err) // a context without end does not end
	}
	uniform := float32(0)
	if m.config.Confidence == nil && m.config.Alpha == 0 {
		uniform = 1
	}
	return newEquations(&m.config, v, g, false, uniform)
}

// Config returns the configuration, defaults filled in, without Start, Workers, MaxBytes and
// Progress. Epochs counts all that the model has seen. Its map is the model's, not to be
// written to.
func (m *Model) Config() Config { return m.config }

// Version returns 16 hex digits that name the model by its contents, configuration
// included. The first call reads the whole model.
func (m *Model) Version() string { return m.version() }

// Validate returns [ErrConfidence] when the model lacks its Confidence.
func (m *Model) Validate() error {
	if m.curve == nil {
		return ErrConfidence
	}
	return nil
}

// Users returns the users, ascending. The slice is the model's.
func (m *Model) Users() []recsys.UserID { return m.factors.Users }

// UserVectors returns the vectors of the users: row i belongs to user i of Users. A user
// without interactions has the vector 0. The memory is the model's.
func (m *Model) UserVectors() vector.Matrix { return m.factors.UserVectors }

// Items returns the items, ascending. The slice is the model's.
func (m *Model) Items() []recsys.ItemID { return m.factors.Items.IDs() }

// Vectors returns the vectors of the items: row i belongs to item i of Items. They lie along
// their principal axes: the columns are orthogonal, and each has less length than the one
// before, but for rounding. The memory is the model's.
func (m *Model) Vectors() vector.Matrix { return m.factors.ItemVectors }

// WithHistory returns a model that reads histories in another way. It shares the memory of
// m. The error is that of h.Validate.
func (m *Model) WithHistory(h retrieval.History) (*Model, error) {
	cfg := m.config
	cfg.History = h
	return m.with(cfg, m.curve)
}

// WithConfidence returns a model that trusts the events of a request by another function; see
// Config.Confidence. Values outside of the domain count as its nearest end. It shares the
// memory of m.
func (m *Model) WithConfidence(f func(r float32) float32) (*Model, error) {
	if f == nil {
		return nil, errors.New("als: the confidence is nil")
	}
	cfg := m.config
	cfg.Confidence = f
	return m.with(cfg, f)
}

// with returns m with another configuration of serving.
func (m *Model) with(cfg Config, curve func(float32) float32) (*Model, error) {
	other := *m
	other.curve = curve
	if err := other.setConfig(cfg); err != nil {
		return nil, err
	}
	if m.config.Confidence == nil && cfg.Confidence != nil {
		other.users = other.equations(other.factors.ItemVectors)
	}
	other.items = sync.OnceValue(func() *equations { return other.equations(other.factors.UserVectors) })
	return &other, nil
}
