package itemsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval"
)

// kind and version say what an envelope of a model holds.
const (
	kind         = "itemsim"
	version      = 1
	denseVersion = 2 // with dense weights
)

var (
	_ io.WriterTo   = (*Model)(nil)
	_ io.ReaderFrom = (*Model)(nil)
)

// WriteTo writes the model as a file of kind "itemsim", and returns how many bytes dst took.
// Equal models give equal bytes. Models of sparse weights are of version 1, those of [Dense]
// ones, which older programs do not read, of version 2.
func (m *Model) WriteTo(dst io.Writer) (int64, error) {
	starts := m.matrix.starts()
	total := int(starts[len(starts)-1])
	v := uint32(version)
	if m.matrix.dense != nil {
		v = denseVersion
	}
	w := envelope.NewWriter(dst, kind, v, 0)
	w.WriteJSON("model", m.header)
	envelope.Write(w, "items", m.Items())
	envelope.Write(w, "saturation", m.saturation)
	envelope.Write(w, "start", starts)
	envelope.WriteSeq(w, "index", total, func(yield func([]int32) bool) {
		for _, r := range m.matrix.rows {
			if !yield(r.to) {
				return
			}
		}
	})
	envelope.WriteSeq(w, "weight", total, func(yield func([]float32) bool) {
		for _, r := range m.matrix.rows {
			if !yield(r.weights) {
				return
			}
		}
	})
	if d := m.matrix.dense; d != nil {
		envelope.WriteValue(w, "dense-items", int64(d.n))
		envelope.Write(w, "base", m.matrix.base)
		envelope.Write(w, "dense", d.codes)
	}
	n, err := w.Close()
	if err != nil {
		return n, fmt.Errorf("itemsim: %w", err)
	}
	return n, nil
}

// ReadFrom replaces m, which must not be in use, by the model that src holds, and returns
// how many bytes it read: the model's own and no more. After an error m is as it was. The
// error says whether the file is of another kind, newer than this program, truncated or
// corrupt.
func (m *Model) ReadFrom(src io.Reader) (int64, error) {
	r := envelope.NewReader(src, kind, denseVersion)
	var h header
	r.ReadJSON("model", &h)
	items := envelope.Read[recsys.ItemID](r, "items")
	saturation := envelope.Read[float32](r, "saturation")
	weights := &retrieval.CSR{
		Cols:   len(items),
		Start:  envelope.ReadN[int64](r, "start", len(items)+1),
		Index:  envelope.Read[int32](r, "index"),
		Weight: envelope.Read[float32](r, "weight"),
	}
	var dense *Dense
	var base []int32
	if r.Version() >= denseVersion {
		dense = &Dense{n: int(envelope.ReadValue[int64](r, "dense-items"))}
		base = envelope.Read[int32](r, "base")
		dense.codes = envelope.Read[uint16](r, "dense")
	}
	var in *Model
	if r.Err() == nil {
		var err error
		h.Config = compact(h.Config)
		if in, err = assemble(h, items, saturation, parts{weights, dense, base}); err != nil {
			r.Fail(err.Error())
		}
	}
	n, err := r.Close()
	if err != nil {
		return n, fmt.Errorf("itemsim: %w", err)
	}
	*m = *in
	m.name()
	return n, nil
}

// compact returns the configuration in the form in which it is written.
func compact(config json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if len(config) == 0 || json.Compact(&b, config) != nil {
		return json.RawMessage("null")
	}
	return b.Bytes()
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
