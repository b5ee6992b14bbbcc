package itemknn

import (
	"errors"
	"fmt"
	"io"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/internal/itemitem"
)

// kind and version say what an envelope of a model holds.
const (
	kind    = "itemknn"
	version = 1
)

var (
	_ io.WriterTo   = (*Model)(nil)
	_ io.ReaderFrom = (*Model)(nil)
)

// WriteTo writes the model as a file of kind "itemknn", version 1, and returns how many
// bytes dst took. Equal models give equal bytes.
func (m *Model) WriteTo(dst io.Writer) (int64, error) {
	w := envelope.NewWriter(dst, kind, version, 0)
	w.WriteJSON("config", m.config)
	envelope.Write(w, "items", m.matrix.Items.IDs())
	envelope.Write(w, "length", m.weigher.length)
	envelope.Write(w, "start", m.matrix.Start)
	envelope.Write(w, "index", m.matrix.Index)
	envelope.Write(w, "weight", m.matrix.Weight)
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("itemknn: %w", err)
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
	ids := envelope.Read[recsys.ItemID](r, "items")
	length := envelope.Read[float32](r, "length")
	rows := itemitem.Rows{
		Start:  envelope.ReadN[int64](r, "start", len(ids)+1),
		Index:  envelope.Read[int32](r, "index"),
		Weight: envelope.Read[float32](r, "weight"),
	}
	var in *Model
	if r.Err() == nil {
		var err error
		if in, err = assemble(cfg, ids, length, rows); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("itemknn: %w", err)
	}
	*m = *in
	return n, nil
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

// assemble makes a model of the parts of a file, or says how they contradict each other.
func assemble(cfg Config, ids []recsys.ItemID, length []float32, rows itemitem.Rows) (*Model, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	w := &weigher{weighting: cfg.Weighting, k1: float32(cfg.K1)}
	switch {
	case cfg.Weighting == BM25 && len(length) != len(ids):
		return nil, fmt.Errorf("%d lengths of %d items", len(length), len(ids))
	case cfg.Weighting == BM25:
		w.length = length
	case len(length) > 0:
		return nil, errors.New("lengths without BM25")
	}
	for i, l := range length {
		if !(l >= 0) || l-l != 0 {
			return nil, fmt.Errorf("length %v of item %d", l, ids[i])
		}
	}
	m, err := itemitem.New(ids, rows)
	if err != nil {
		return nil, err
	}
	return newModel(cfg, m, w)
}
