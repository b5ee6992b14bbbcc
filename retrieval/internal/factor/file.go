package factor

import (
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// maxDim bounds the dimension that a file may claim.
const maxDim = 1 << 16

// Write adds the sections of the model to an envelope.
func (m *Model) Write(w *envelope.Writer) {
	envelope.WriteValue(w, "dimension", uint32(m.Dim()))
	envelope.Write(w, "users", m.Users)
	envelope.Write(w, "items", m.Items.IDs())
	envelope.Write(w, "user-vectors", packed(m.UserVectors))
	envelope.Write(w, "item-vectors", packed(m.ItemVectors))
}

// packed returns the vectors without what lies between them.
func packed(v vector.Matrix) []float32 {
	if v.Stride == v.Dim {
		return v.Data[:v.Rows*v.Dim]
	}
	data := make([]float32, 0, v.Rows*v.Dim)
	for i := range v.Rows {
		data = append(data, v.Row(i)...)
	}
	return data
}

// Read returns the model whose sections come next, or nil: then r has the error, which may
// be that they do not fit each other.
func Read(r *envelope.Reader) *Model {
	dim := int(envelope.ReadValue[uint32](r, "dimension"))
	if r.Err() == nil && dim > maxDim {
		r.Fail(fmt.Sprintf("a dimension of %d; want at most %d", dim, maxDim))
	}
	users := envelope.Read[recsys.UserID](r, "users")
	items := envelope.Read[recsys.ItemID](r, "items")
	userVectors := matrix(envelope.ReadN[float32](r, "user-vectors", len(users)*dim), len(users), dim)
	itemVectors := matrix(envelope.ReadN[float32](r, "item-vectors", len(items)*dim), len(items), dim)
	if r.Err() != nil {
		return nil
	}
	m, err := New(users, items, userVectors, itemVectors)
	if err != nil {
		r.Fail(err.Error())
		return nil
	}
	return m
}

func matrix(data []float32, rows, dim int) vector.Matrix {
	return vector.Matrix{Data: data, Rows: rows, Dim: dim, Stride: dim}
}
