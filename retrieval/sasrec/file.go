package sasrec

import (
	"errors"
	"fmt"
	"io"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// kind and version say what an envelope of a model holds.
const (
	kind    = "sasrec"
	version = 1
)

var (
	_ io.WriterTo   = (*Model)(nil)
	_ io.ReaderFrom = (*Model)(nil)
)

// WriteTo writes the model as a file of kind "sasrec", version 1, and returns how many bytes
// dst took. Equal models give equal bytes.
func (m *Model) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	w.WriteJSON("config", m.config)
	w.WriteJSON("training", m.trained)
	envelope.Write(w, "items", m.items.IDs())
	envelope.Write(w, "vectors", m.vectors.Data)
	envelope.Write(w, "weights", m.network.all)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("sasrec: %w", err)
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
	var trained Training
	r.ReadJSON("training", &trained)
	items := envelope.Read[recsys.ItemID](r, "items")
	vectors := envelope.Read[float32](r, "vectors")
	weights := envelope.Read[float32](r, "weights")
	var in *Model
	if r.Err() == nil {
		var err error
		if in, err = assemble(cfg, items, vectors, weights); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("sasrec: %w", err)
	}
	in.trained = trained
	*m = *in
	return n, nil
}

// assemble makes a model of the parts of a file, or says how they contradict each other.
func assemble(cfg Config, items []recsys.ItemID, vectors, weights []float32) (*Model, error) {
	a, err := cfg.Architecture.withDefaults()
	switch {
	case err != nil:
		return nil, err
	case a != cfg.Architecture:
		return nil, errors.New("an architecture without its defaults")
	case len(vectors)/a.Dim != len(items) || len(vectors)%a.Dim != 0:
		return nil, fmt.Errorf("%d items of %d dimensions with %d values", len(items), a.Dim, len(vectors))
	case len(weights) != a.parameters():
		return nil, fmt.Errorf("%d weights of a network of %d", len(weights), a.parameters())
	case !vector.Finite(vectors) || !vector.Finite(weights):
		return nil, errors.New("a value that is not finite")
	}
	return newModel(cfg, items, vectors, weights)
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
