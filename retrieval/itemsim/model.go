package itemsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

// Model proposes the items for which those of the request's history speak most. It is
// immutable and safe for concurrent use, and in steady state it allocates nothing.
//
// Items of the history are proposed like any other; those that must not come stand in
// Request.Exclude.
//
// The zero Model is good for ReadFrom alone.
type Model struct {
	header     header
	matrix     *matrix
	saturation []float32 // by item, of Saturating alone
	history    *profile.Reader
	version    func() string
}

var (
	_ recsys.Retriever  = (*Model)(nil)
	_ recsys.ItemScorer = (*Model)(nil)
	_ recsys.Versioned  = (*Model)(nil)

	_ retrieval.Explainer = (*Model)(nil)
)

// Spec is what a model holds beside its items and weights.
type Spec struct {
	// Trainer names what the weights come from, and Config is its configuration, which
	// must have a form in JSON: a model says how it was made. Both may be left out.
	Trainer string
	Config  any

	// History says how the events of a request count.
	History retrieval.History

	// Damping says how the weight of an item in the history counts. The zero value is
	// Linear.
	Damping Damping

	// Saturation, of Saturating alone, has the s of each item, >= 0 and finite. The model
	// keeps the slice.
	Saturation []float32
}

// header is the part of a Spec that a file holds as JSON.
type header struct {
	Trainer string
	Config  json.RawMessage
	History retrieval.History
	Damping Damping
}

// New returns a model of the weights: row i of weights holds those from items[i], column j
// those to items[j]. The items ascend. The model keeps both; the caller must not write to
// them again.
//
// The error says what of the spec is out of its domain, which item is out of order, or
// which weight is not finite; that of an ill-formed matrix is from [retrieval.CSR.Check].
func New(items []recsys.ItemID, weights *retrieval.CSR, spec Spec) (*Model, error) {
	h, err := spec.header()
	if err != nil {
		return nil, err
	}
	if weights == nil {
		return nil, errors.New("itemsim: weights are nil")
	}
	m, err := assemble(h, items, spec.Saturation, parts{sparse: weights})
	if err != nil {
		return nil, fmt.Errorf("itemsim: %w", err)
	}
	return m, nil
}

// header returns what a file holds of s as JSON.
func (s *Spec) header() (header, error) {
	config, err := json.Marshal(s.Config)
	if err != nil {
		return header{}, fmt.Errorf("itemsim: Spec.Config: %w", err)
	}
	return header{s.Trainer, config, s.History, s.Damping}, nil
}

// parts are the weights of a model: at least one of both.
type parts struct {
	sparse *retrieval.CSR
	dense  *Dense
	base   []int32
}

// assemble makes a model of its parts, or says how they contradict each other.
func assemble(h header, items []recsys.ItemID, saturation []float32, w parts) (*Model, error) {
	index, err := itemindex.New(items)
	if err != nil {
		return nil, err
	}
	if err := h.Damping.check(saturation, items); err != nil {
		return nil, err
	}
	mat := newMatrix(index, make([]row, index.Len()))
	if w.sparse != nil {
		if err := mat.setSparse(w.sparse); err != nil {
			return nil, err
		}
	}
	if w.sparse == nil || w.dense != nil {
		if err := mat.setDense(w.dense, w.base); err != nil {
			return nil, err
		}
	}
	h.History.Kinds = maps.Clone(h.History.Kinds) // the caller may change its own
	return newModel(h, mat, saturation)
}

// newModel puts a model together from parts that fit.
func newModel(h header, mat *matrix, saturation []float32) (*Model, error) {
	history, err := profile.New(h.History)
	if err != nil {
		return nil, err
	}
	m := &Model{header: h, matrix: mat, saturation: saturation, history: history}
	m.name()
	return m, nil
}

// name makes the version of m one of its contents.
func (m *Model) name() { m.version = sync.OnceValue(func() string { return fingerprint.Of(m) }) }

// Trainer returns the name of what the weights come from, "" if New was not told.
func (m *Model) Trainer() string { return m.header.Trainer }

// Config returns the configuration of the trainer as JSON, "null" if New was not told. A
// trainer of this module writes its Config, defaults filled in, without its History, Workers
// and callbacks. The slice is the model's.
func (m *Model) Config() json.RawMessage { return m.header.Config }

// History returns how events count. Its map is the model's, not to be written to.
func (m *Model) History() retrieval.History { return m.header.History }

// Items returns the items that the model knows, ascending. The slice is the model's.
func (m *Model) Items() []recsys.ItemID { return m.matrix.items.IDs() }

// NumItems returns the number of items that the model knows.
func (m *Model) NumItems() int { return m.matrix.items.Len() }

// Version returns 16 hex digits that name the model by its contents, trainer, configuration
// and history included. The first call reads the whole model.
func (m *Model) Version() string { return m.version() }

// Weights returns the weights in memory of their own: row i holds those from Items()[i],
// column j those to Items()[j].
func (m *Model) Weights() *retrieval.CSR {
	if m.matrix.dense != nil {
		return m.matrix.sparse()
	}
	c := &retrieval.CSR{Cols: m.NumItems(), Start: m.matrix.starts()}
	n := c.Start[len(c.Start)-1]
	c.Index, c.Weight = make([]int32, 0, n), make([]float32, 0, n)
	for _, r := range m.matrix.rows {
		c.Index, c.Weight = append(c.Index, r.to...), append(c.Weight, r.weights...)
	}
	return c
}

// WithHistory returns a model that reads histories in another way. It shares the memory of
// m. The error is that of h.Validate.
func (m *Model) WithHistory(h retrieval.History) (*Model, error) {
	head := m.header
	head.History = h
	head.History.Kinds = maps.Clone(h.Kinds)
	return newModel(head, m.matrix, m.saturation)
}
