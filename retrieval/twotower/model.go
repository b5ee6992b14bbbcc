package twotower

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Model holds the two towers: of users as a network that is computed for each request, of
// items as the vectors that it gave. It is immutable and safe for concurrent use, and in
// steady state serving allocates nothing. The zero Model is good for ReadFrom alone.
//
// The vector of a user comes from the id, if the model knows it; from the items of the
// request's history that it knows, or of its anchors, see [retrieval.History]; and from
// features: those of the request row, where the pipeline has columns of their names (see
// [Model.Bind]), else those of the user in training. Who has none of these gets nothing.
//
// Items of the history are proposed like any other; those that must not come stand in
// Request.Exclude.
type Model struct {
	config       Config
	users        []recsys.UserID // ascending
	scan         *factor.Model   // the items
	net          *network
	userFeatures *inputs
	itemFeatures *inputs // specs alone
	epochs       int
	state        *state // of an interrupted training
	history      *profile.Reader
	fields       []recsys.Field // of the request row, by user feature, once bound; "" where it has none
	pool         *sync.Pool     // of *scratch
	version      func() string
}

var (
	_ recsys.Retriever                = (*Model)(nil)
	_ recsys.ItemScorer               = (*Model)(nil)
	_ recsys.Binder[recsys.Retriever] = (*Model)(nil)
	_ recsys.Versioned                = (*Model)(nil)
)

// newModel makes a model of its parts, or says which do not fit or are not finite.
func newModel(cfg Config, users []recsys.UserID, items []recsys.ItemID, net *network, userFeatures, itemFeatures *inputs, vectors vector.Matrix) (*Model, error) {
	scan, err := factor.New(nil, items, vector.Matrix{Dim: vectors.Dim, Stride: vectors.Dim}, vectors)
	if err != nil {
		return nil, err
	}
	for k, row := range net.strangers {
		if row < 0 || int(row) >= len(users) || k > 0 && row <= net.strangers[k-1] {
			return nil, fmt.Errorf("user %d of %d without interactions is out of order", row, len(users))
		}
	}
	for u := 1; u < len(users); u++ {
		if users[u-1] >= users[u] {
			return nil, fmt.Errorf("user %d follows user %d", users[u], users[u-1])
		}
	}
	tables, names := net.tables()
	for i, t := range tables {
		if err := t.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
		if !vector.Finite(t.W) {
			return nil, fmt.Errorf("%s: a value that is not finite", names[i])
		}
	}
	if !vector.Finite(net.userWeights) || !vector.Finite(net.itemWeights) {
		return nil, errors.New("a weight that is not finite")
	}
	h := cfg.History
	if h.Last == 0 {
		h.Last = cfg.Last
	}
	m := &Model{
		config: cfg, users: users, scan: scan, net: net, userFeatures: userFeatures,
		itemFeatures: &inputs{specs: itemFeatures.specs}, pool: new(sync.Pool),
	}
	m.itemFeatures.layout()
	if m.history, err = profile.New(h); err != nil {
		return nil, err
	}
	net.pack(false)
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) })
	return m, nil
}

// Config returns the configuration, defaults filled in, Workers, MaxBytes, Progress and Start
// left out. Its slices and maps are the model's.
func (m *Model) Config() Config { return m.config }

// Epochs returns how many epochs the model has seen: with Config.Validation those up to
// the best one.
func (m *Model) Epochs() int { return m.epochs }

// Interrupted reports whether the training was stopped before its end: the model then holds,
// and writes, what going on takes.
func (m *Model) Interrupted() bool { return m.state != nil }

// Items returns the items, ascending. The slice is the model's.
func (m *Model) Items() []recsys.ItemID { return m.scan.Items.IDs() }

// Vectors returns the vectors of the items, for an index: row i belongs to item i of Items.
// They have length 1 unless Config.Dot is set. The memory is the model's.
func (m *Model) Vectors() vector.Matrix { return m.scan.ItemVectors }

// Version returns 16 hex digits that name the model by its contents, configuration included.
// The first call reads the whole model.
func (m *Model) Version() string { return m.version() }

// Bind returns a model that reads those features of users from the request row that the
// pipeline has as request columns of their names. It fails when such a column has another
// kind or dimension than in training.
func (m *Model) Bind(s *recsys.Schema) (recsys.Retriever, error) {
	fields, any := make([]recsys.Field, len(m.userFeatures.specs)), false
	for i, spec := range m.userFeatures.specs {
		f, ok := s.Field(spec.Name)
		if !ok || f.Scope != recsys.PerRequest {
			continue
		}
		if f.Kind != spec.Kind || f.Dim != spec.Dim {
			return nil, fmt.Errorf("twotower: column %q is a %v of dimension %d; the model was trained on a %v of dimension %d", f.Name, f.Kind, f.Dim, spec.Kind, spec.Dim)
		}
		fields[i], any = f, true
	}
	if !any {
		return m, nil
	}
	bound := *m
	bound.fields = fields
	return &bound, nil
}

// scratch is the memory of one call.
type scratch struct {
	activations
	profile []profile.Entry
	items   []int32
	weights []float32
	values  []float32
	cats    []int32
	vector  []float32
}

func (m *Model) acquire() *scratch {
	if s, ok := m.pool.Get().(*scratch); ok {
		return s
	}
	s := &scratch{
		vector: make([]float32, m.config.Dim),
		values: make([]float32, m.userFeatures.dense),
		cats:   make([]int32, m.userFeatures.cats),
	}
	m.net.user.resize(&s.activations, 1, false)
	return s
}

// errVector says that a user's vector cannot be scored with.
var errVector = errors.New("twotower: the vector of the user is out of range: features or weights are too large")

// read makes the vector of the user, and reports whether anything is known that it can be
// made of.
func (m *Model) read(s *scratch, q *recsys.Query) (known bool, err error) {
	row := int32(-1)
	if at, ok := slices.BinarySearch(m.users, q.User); ok {
		row = int32(at)
	}
	id := nobody
	if row >= 0 {
		id = m.net.userAt(row, q.User)
		known = id != nobody
	}
	s.profile = m.history.Read(s.profile, q, &m.scan.Items)
	s.items, s.weights = s.items[:0], s.weights[:0]
	for _, e := range s.profile {
		if m.net.itemAt[e.Item] == nobody {
			continue
		}
		s.items, s.weights = append(s.items, e.Item), append(s.weights, e.Weight)
		known = true
	}
	values, cats := s.values, s.cats
	if len(values)+len(cats) > 0 && m.describe(s, q, row) {
		known = true
	}
	if !known {
		return false, nil
	}
	m.net.userInput(s.in, id, s.items, s.weights, m.userFeatures, values, cats)
	m.net.user.forward(&s.activations, s.vector, !m.config.Dot, 0, 0)
	if !factor.Bounded(s.vector) {
		return false, errVector
	}
	return true, nil
}

// describe fills the features of a user and reports whether there are any.
func (m *Model) describe(s *scratch, q *recsys.Query, row int32) (known bool) {
	clear(s.values)
	for i := range s.cats {
		s.cats[i] = -1
	}
	if row >= 0 {
		values, cats := m.userFeatures.row(row)
		copy(s.values, values)
		copy(s.cats, cats)
		known = slices.ContainsFunc(values, func(x float32) bool { return x != 0 }) ||
			slices.ContainsFunc(cats, func(c int32) bool { return c >= 0 })
	}
	if m.fields == nil {
		return known
	}
	values, cats := s.values, s.cats
	for i := range m.userFeatures.specs {
		spec, f := &m.userFeatures.specs[i], &m.fields[i]
		here := f.Name != "" && !q.Missing(f.Group)
		known = known || here
		switch spec.Kind {
		case recsys.Float:
			if here {
				values[0] = spec.float(q.Floats()[f.Index])
			}
			values = values[1:]
		case recsys.Vector:
			if here {
				spec.vector(values[:spec.Dim], q.Vector(f.Index))
			}
			values = values[spec.Dim:]
		default:
			if here {
				cats[0] = category(i, q.IDs()[f.Index], m.config.CategoryBuckets)
			}
			cats = cats[1:]
		}
	}
	return known
}

// UserVector appends the vector of the request's user to dst and returns it; nothing when
// nothing is known of the user. It is what nearest.Config.Vectors takes, to serve the model
// through an index of [Model.Vectors]: by inner product. It allocates only to grow dst.
func (m *Model) UserVector(dst []float32, q *recsys.Query) ([]float32, error) {
	s := m.acquire()
	defer m.pool.Put(s)
	known, err := m.read(s, q)
	if !known || err != nil {
		return dst, err
	}
	return append(dst, s.vector...), nil
}

// Retrieve adds the items whose vectors have the largest inner products with that of the
// user, best first, from an exact scan: O(items × Dim). For large catalogues put an index
// between: see [Model.UserVector]. Retrieve does not look at ctx.
func (m *Model) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	s := m.acquire()
	defer m.pool.Put(s)
	known, err := m.read(s, q)
	if !known || err != nil {
		return err
	}
	m.scan.Propose(s.vector, q, out)
	return nil
}

// ScoreItems writes the score of each item for the request, 0 for items that the model does
// not know, and for all when nothing is known of the user.
func (m *Model) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	s := m.acquire()
	defer m.pool.Put(s)
	known, err := m.read(s, q)
	if !known || err != nil {
		clear(dst)
		return err
	}
	m.scan.Score(s.vector, items, dst)
	return nil
}

// AppendItemVector appends the vector of an item to dst, one that the model need not have
// met: that of its id, if it knows it, and of its features, given as columns of one value in the order of
// training. A column without values is missing. It fails when the columns are others than those
// of training.
func (m *Model) AppendItemVector(dst []float32, item recsys.ItemID, columns ...Column) ([]float32, error) {
	f := &inputs{specs: m.itemFeatures.specs}
	f.layout()
	f.values, f.bucket = make([]float32, f.dense), make([]int32, f.cats)
	if len(columns) != len(f.specs) {
		var names []string
		for i := range f.specs {
			names = append(names, f.specs[i].Name)
		}
		return dst, fmt.Errorf("twotower: %d columns of features; the model was trained on %d: %q", len(columns), len(f.specs), names)
	}
	values, cats := f.row(0)
	for i := range columns {
		c, s := &columns[i], &f.specs[i]
		if c.Name != s.Name || len(c.Floats) > 0 && s.Kind != recsys.Float || len(c.Categories) > 0 && s.Kind != recsys.ID ||
			c.Vectors.Rows > 0 && (s.Kind != recsys.Vector || c.Vectors.Dim != s.Dim) {
			return dst, fmt.Errorf("twotower: column %d is %q; the model was trained on %q, a %v", i, c.Name, s.Name, s.Kind)
		}
		switch s.Kind {
		case recsys.Float:
			if len(c.Floats) > 0 {
				values[0] = s.float(c.Floats[0])
			}
			values = values[1:]
		case recsys.Vector:
			if c.Vectors.Rows > 0 {
				s.vector(values, c.Vectors.Row(0))
			}
			values = values[s.Dim:]
		default:
			cats[0] = -1
			if len(c.Categories) > 0 {
				cats[0] = category(i, c.Categories[0], m.config.CategoryBuckets)
			}
			cats = cats[1:]
		}
	}
	n := m.net
	var a activations
	n.item.resize(&a, 1, false)
	at := nobody
	if row := m.scan.Items.Find(item); row >= 0 {
		at = n.itemAt[row]
	}
	gather(a.in[:n.items.Dim], n.items, at)
	values, cats = f.row(0)
	f.fill(a.in[n.items.Dim:], values, cats, n.itemCats)
	out := make([]float32, n.items.Dim)
	n.item.forward(&a, out, !m.config.Dot, 0, 0)
	return append(dst, out...), nil
}
