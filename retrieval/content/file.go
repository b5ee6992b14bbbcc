package content

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// kind and version say what an envelope of a model holds.
const (
	kind    = "content"
	version = 1
)

var (
	_ io.WriterTo   = (*Model)(nil)
	_ io.ReaderFrom = (*Model)(nil)
)

// WriteTo writes the model as a file of kind "content", version 1, and returns how many
// bytes dst took. Equal models give equal bytes.
func (m *Model) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	w.WriteJSON("config", m.config)
	envelope.Write(w, "items", m.items)
	envelope.Write(w, "terms", m.terms.IDs())
	envelope.Write(w, "rarity", m.rarity)
	envelope.WriteValue(w, "unknown", m.unknown)
	envelope.Write(w, "knots", m.knots)
	envelope.Write(w, "shift", m.shift)
	envelope.Write(w, "onto", m.onto)
	envelope.Write(w, "vectors", m.vectors.Data)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("content: %w", err)
	}
	return n, nil
}

// ReadFrom replaces m, which must not be in use, by the model that src holds, and returns
// how many bytes it read: the model's own and no more. After an error m is as it was. The
// error says whether the file is of another kind, newer than this program, truncated or
// corrupt.
func (m *Model) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, version)
	var cfg Config
	r.ReadJSON("config", &cfg)
	p := parts{
		items:   envelope.Read[recsys.ItemID](r, "items"),
		terms:   envelope.Read[recsys.ItemID](r, "terms"),
		rarity:  envelope.Read[float32](r, "rarity"),
		unknown: envelope.ReadValue[float32](r, "unknown"),
		knots:   envelope.Read[float32](r, "knots"),
		shift:   envelope.Read[float32](r, "shift"),
		onto:    envelope.Read[float32](r, "onto"),
		vectors: envelope.Read[float32](r, "vectors"),
	}
	var in *Model
	if r.Err() == nil {
		var err error
		if in, err = p.assemble(cfg); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("content: %w", err)
	}
	*m = *in
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) }) // of m, not of what it was copied from
	return n, nil
}

// parts are the arrays of a file.
type parts struct {
	items, terms  []recsys.ItemID
	rarity, knots []float32
	unknown       float32
	shift, onto   []float32
	vectors       []float32
}

// assemble makes a model of the parts, or says how they contradict each other.
func (p *parts) assemble(cfg Config) (*Model, error) {
	whole, err := cfg.withDefaults()
	switch {
	case err != nil:
		return nil, err
	case whole.Dim != cfg.Dim || !weighted(cfg.Bags) || !weighted(cfg.Numbers):
		return nil, errors.New("a configuration without its defaults")
	case len(p.rarity) != len(p.terms):
		return nil, fmt.Errorf("%d weights of %d terms", len(p.rarity), len(p.terms))
	case len(p.knots) != len(cfg.Numbers)*(levels+1):
		return nil, fmt.Errorf("%d quantiles of %d numbers", len(p.knots), len(cfg.Numbers))
	case len(p.shift) > maxDim || len(p.onto) != len(p.shift)*cfg.Dim:
		return nil, fmt.Errorf("a map of %d values onto %d dimensions", len(p.onto), len(p.shift))
	}
	for _, values := range [][]float32{p.rarity, {p.unknown}, p.knots, p.shift, p.onto, p.vectors} {
		if !vector.Finite(values) {
			return nil, errors.New("a value that is not finite")
		}
	}
	for i := 1; i < len(p.items); i++ {
		if p.items[i-1] >= p.items[i] {
			return nil, fmt.Errorf("item %d follows item %d", p.items[i], p.items[i-1])
		}
	}
	for i := 1; i < len(p.knots); i++ {
		if i%(levels+1) != 0 && p.knots[i-1] > p.knots[i] {
			return nil, fmt.Errorf("quantile %v follows %v", p.knots[i], p.knots[i-1])
		}
	}
	m := newModel(cfg, p.items)
	if err := m.learned(p.terms, p.rarity, p.unknown, p.knots); err != nil {
		return nil, err
	}
	if len(p.shift) > 0 {
		m.shift, m.onto = p.shift, p.onto
	}
	dim := m.Dim()
	if len(p.vectors)/dim != len(p.items) || len(p.vectors)%dim != 0 {
		return nil, fmt.Errorf("%d components for %d items of %d", len(p.vectors), len(p.items), dim)
	}
	m.vectors = vector.Matrix{Data: p.vectors, Rows: len(p.items), Dim: dim, Stride: dim}
	return m, nil
}

// weighted reports whether all fields have a weight.
func weighted(fields []Field) bool {
	for _, f := range fields {
		if f.Weight == 0 {
			return false
		}
	}
	return true
}

// Save writes the model to a file, as [Model.WriteTo] does. An old file is replaced when the
// new one is complete, and stays as it was when something fails.
func (m *Model) Save(path string) error { return envelope.WriteFile(path, m) }

// Load returns the model that a file holds; errors are those of [Model.ReadFrom], with the
// path.
func Load(path string) (*Model, error) {
	m := new(Model)
	if err := envelope.ReadFile(path, m); err != nil {
		return nil, err
	}
	return m, nil
}
