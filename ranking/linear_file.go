package ranking

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/envelope"
)

const (
	linearKind    = "linear"
	linearVersion = 2 // 1 ends before the views; it is still written where there are none
)

// What can be wrong with a model file; the errors of LoadLinear and ReadFrom wrap one of them.
var (
	ErrKind      = envelope.ErrKind      // not a model file, or one of another kind
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

// Save writes the model to the file path, whole or not at all.
func (m *Linear) Save(path string) error {
	err := envelope.Save(path, func(w io.Writer) error {
		_, err := m.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("ranking: linear: %w", err)
	}
	return nil
}

// LoadLinear reads a model from a file that [Linear.Save] wrote. Its error names
// the file and wraps ErrKind, ErrNewer, ErrTruncated or ErrCorrupt, or what the
// operating system reported. The model is not bound.
func LoadLinear(path string) (*Linear, error) {
	m := new(Linear)
	err := envelope.Load(path, func(r io.Reader) error {
		_, err := m.ReadFrom(r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ranking: %w", err)
	}
	return m, nil
}

// WriteTo writes the model to w and returns the number of bytes.
func (m *Linear) WriteTo(w io.Writer) (int64, error) {
	version := uint32(linearVersion)
	if len(m.views) == 0 {
		version = 1
	}
	e := envelope.NewWriter(w, linearKind, version, m.schemaHash())
	e.WriteStrings("columns", m.columns)
	e.WriteStrings("id_columns", m.idColumns)
	e.WriteStrings("heads", m.heads)
	envelope.Write(e, "mean", m.mean)
	envelope.Write(e, "scale", m.scale)
	envelope.Write(e, "intercepts", m.bias)
	envelope.Write(e, "weights", m.weights)
	envelope.Write(e, "missing_weights", m.absent)
	envelope.Write(e, "importance", m.importance)
	counts := make([]uint64, len(m.ids))
	for k, ids := range m.ids {
		counts[k] = uint64(len(ids))
	}
	envelope.Write(e, "id_counts", counts)
	envelope.Write(e, "ids", slices.Concat(m.ids...))
	envelope.Write(e, "id_weights", m.idWeights)
	if version > 1 {
		e.WriteJSON("views", m.views)
	}
	return e.Close()
}

// ReadFrom makes m the model that r holds, and returns the number of bytes read.
// It must not run while m is in use. On an error m stays as it was; the error
// wraps ErrKind, ErrNewer, ErrTruncated, ErrCorrupt or r's error. Memory grows with
// the bytes that r holds, whatever they say.
func (m *Linear) ReadFrom(r io.Reader) (int64, error) {
	e := envelope.NewReader(r, linearKind, linearVersion)
	var in Linear
	in.columns, in.idColumns, in.heads = e.ReadStrings("columns"), e.ReadStrings("id_columns"), e.ReadStrings("heads")
	if e.Err() == nil && e.Schema() != in.schemaHash() {
		e.Fail("the names are not those of the header")
	}
	d, c, h := len(in.columns), len(in.idColumns), len(in.heads)
	in.mean = envelope.ReadN[float64](e, "mean", d)
	in.scale = envelope.ReadN[float64](e, "scale", d)
	in.bias = envelope.ReadN[float64](e, "intercepts", h)
	in.weights = envelope.ReadN[float64](e, "weights", h*d)
	in.absent = envelope.Read[float64](e, "missing_weights")
	in.importance = envelope.ReadN[float64](e, "importance", h*(d+c))
	counts := envelope.ReadN[uint64](e, "id_counts", c)
	ids := envelope.Read[uint64](e, "ids")
	in.idWeights = envelope.ReadN[float32](e, "id_weights", h*len(ids))
	if e.Version() > 1 {
		e.ReadJSON("views", &in.views)
	}
	if e.Err() == nil {
		if err := in.adopt(counts, ids); err != "" {
			e.Fail(err)
		}
	}
	n, err := e.Close()
	if err != nil {
		return n, fmt.Errorf("linear: %w", err)
	}
	in.finish()
	*m = in
	return n, nil
}

// adopt divides the ids among their columns and checks what the checksums cannot:
// it returns what is wrong, or "".
func (m *Linear) adopt(counts, ids []uint64) string {
	if len(m.heads) == 0 {
		return "there are no heads"
	}
	names := Dataset{Columns: m.columns, IDColumns: m.idColumns, Heads: m.heads}
	for _, err := range names.checkShape() {
		return err.Error()
	}
	for k, n := range counts {
		if n > uint64(len(ids)) || n > math.MaxInt32 {
			return fmt.Sprintf("column %q has %d of %d ids", m.idColumns[k], n, len(ids))
		}
		if !strictlyAscending(ids[:n]) {
			return fmt.Sprintf("the ids of column %q are not in ascending order", m.idColumns[k])
		}
		m.ids, ids = append(m.ids, ids[:n:n]), ids[n:]
	}
	if len(ids) > 0 {
		return fmt.Sprintf("%d ids of no column", len(ids))
	}
	if n := len(m.absent); n != 0 && n != len(m.weights) {
		return fmt.Sprintf("%d weights of missing values; want %d", n, len(m.weights))
	}
	for _, values := range [][]float64{m.mean, m.bias, m.weights, m.absent, m.importance} {
		for _, v := range values {
			if !(math.Abs(v) <= maxWeight) {
				return fmt.Sprintf("a value is %v", v)
			}
		}
	}
	for _, s := range m.scale {
		if !(s >= 1/maxScale && s <= maxScale) {
			return fmt.Sprintf("a scale is %v", s)
		}
	}
	for _, v := range m.idWeights {
		if v-v != 0 {
			return fmt.Sprintf("the weight of an id is %v", v)
		}
	}
	return ""
}

func strictlyAscending(ids []uint64) bool {
	for i := 1; i < len(ids); i++ {
		if ids[i] <= ids[i-1] {
			return false
		}
	}
	return true
}
