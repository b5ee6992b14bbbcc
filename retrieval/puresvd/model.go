package puresvd

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

// Model holds a vector for each item: the rows of V. An index over them, by inner product,
// serves it. It is immutable and safe for concurrent use. The zero Model is good for
// ReadFrom alone.
type Model struct {
	config  Config
	items   []recsys.ItemID
	vectors vector.Matrix
	values  []float32
	version func() string
}

var (
	_ recsys.Versioned = (*Model)(nil)
	_ io.WriterTo      = (*Model)(nil)
	_ io.ReaderFrom    = (*Model)(nil)
)

func newModel(cfg Config, items []recsys.ItemID, vectors vector.Matrix, values []float32) *Model {
	m := &Model{config: cfg, items: items, vectors: vectors, values: values}
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) })
	return m
}

// Config returns the configuration, defaults filled in, Workers, MaxBytes and Progress left
// out.
func (m *Model) Config() Config { return m.config }

// Items returns the items, ascending. The slice is the model's.
func (m *Model) Items() []recsys.ItemID { return m.items }

// Vectors returns the vectors: row i belongs to item i of Items and has Factors values. The
// columns are orthonormal, but for those of the value 0. The memory is the model's.
func (m *Model) Vectors() vector.Matrix { return m.vectors }

// Values returns the singular values by column, the largest first; 0 where the data has a
// lower rank. The slice is the model's.
func (m *Model) Values() []float32 { return m.values }

// Version returns 16 hex digits that name the model by its contents, configuration
// included. The first call reads the whole model.
func (m *Model) Version() string { return m.version() }

// kind and version say what an envelope of a model holds.
const (
	kind    = "puresvd"
	version = 1
)

// WriteTo writes the model as a file of kind "puresvd", version 1, and returns how many
// bytes dst took. Equal models give equal bytes.
func (m *Model) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	w.WriteJSON("config", m.config)
	envelope.Write(w, "items", m.items)
	envelope.Write(w, "values", m.values)
	envelope.Write(w, "vectors", m.vectors.Data)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("puresvd: %w", err)
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
	items := envelope.Read[recsys.ItemID](r, "items")
	values := envelope.Read[float32](r, "values")
	vectors := envelope.Read[float32](r, "vectors")
	if r.Err() == nil {
		if err := check(cfg, items, values, vectors); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("puresvd: %w", err)
	}
	*m = *newModel(cfg, items, vector.Matrix{Data: vectors, Rows: len(items), Dim: cfg.Factors, Stride: cfg.Factors}, values)
	m.version = sync.OnceValue(func() string { return fingerprint.Of(m) }) // of m, not of what it was copied from
	return n, nil
}

// check says how the parts of a file contradict each other.
func check(cfg Config, items []recsys.ItemID, values, vectors []float32) error {
	whole, err := cfg.withDefaults()
	switch {
	case err != nil:
		return err
	case whole.Factors != cfg.Factors || whole.Iterations != cfg.Iterations || whole.Oversampling != cfg.Oversampling:
		return errors.New("a configuration without its defaults")
	case len(values) != cfg.Factors || len(vectors)/cfg.Factors != len(items) || len(vectors)%cfg.Factors != 0:
		return fmt.Errorf("%d items of %d factors with %d values and %d components", len(items), cfg.Factors, len(values), len(vectors))
	case !vector.Finite(values) || !vector.Finite(vectors):
		return errors.New("a value that is not finite")
	}
	for i := 1; i < len(items); i++ {
		if items[i-1] >= items[i] {
			return fmt.Errorf("item %d follows item %d", items[i], items[i-1])
		}
	}
	return nil
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
