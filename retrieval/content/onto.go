package content

import (
	"context"
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// maxDim bounds the dimension that Onto maps to.
const maxDim = 1 << 16

// Onto returns a model in the space of another one, whose item vectors learned from behaviour:
// items[i] has row i of vectors there. The items of m that it has keep these vectors; those
// that it has not get what a linear map predicts from their content, and so does
// [Model.Embed]. Thus a new item enters the index of a matrix factorisation before anybody has
// taken it. Items that m does not have play no part.
//
// The map y = ȳ + Wᵀ(x - x̄) is that of the smallest squared error over the items that both
// have, plus ridge × their number / Dim × the squares in W; ridge > 0, and 1 is a good start.
//
// Time is O(items × Dim × (Dim + dimension)) and O(Dim³), memory 4 × Dim × (Dim + dimension)
// bytes beside the new vectors. The bits may differ between processors. It fails if the
// model is one of Onto already, ridge is not finite and > 0, the lengths differ, the items do
// not ascend, none is in m, or a vector is not finite; and, when ctx ends first, with an
// error that wraps its cause.
//
// Source: Gantner, Drumond, Freudenthaler, Rendle and Schmidt-Thieme, Learning
// Attribute-to-Feature Mappings for Cold-Start Recommendations, ICDM 2010, section IV-B, by
// least squares.
func (m *Model) Onto(ctx context.Context, items []recsys.ItemID, vectors vector.Matrix, ridge float64) (*Model, error) {
	known, err := m.checkOnto(items, vectors, ridge)
	if err != nil {
		return nil, err
	}
	var from, to []int // rows of m and of vectors that belong together
	for row, id := range m.items {
		if at := known.Find(id); at >= 0 {
			from, to = append(from, row), append(to, int(at))
		}
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("content: none of the %d items of Onto is in the model", len(items))
	}
	d, out := m.config.Dim, vectors.Dim
	meanX, meanY := mean(m.vectors, from), mean(vectors, to)
	gram, product := make([]float32, d*d), make([]float32, d*out)
	x, y := make([]float32, d), make([]float32, out)
	for k := range from {
		if k%1024 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("content: Onto stopped: %w", context.Cause(ctx))
		}
		copy(x, m.vectors.Row(from[k]))
		simd.Sub(x, meanX)
		copy(y, vectors.Row(to[k]))
		simd.Sub(y, meanY)
		simd.Syrk(gram, d, d, x, d, 1)
		for j, w := range x {
			if w != 0 {
				simd.Axpy(w, y, product[j*out:(j+1)*out])
			}
		}
	}
	for j := range d {
		gram[j*d+j] += float32(ridge * float64(len(from)) / float64(d))
	}
	if !simd.Potrf(gram, d, d) {
		return nil, fmt.Errorf("content: ridge is %v, too small for the map to be determined; raise it", ridge)
	}
	column := make([]float32, d)
	for j := range out {
		for i := range column {
			column[i] = product[i*out+j]
		}
		simd.Potrs(gram, d, column)
		for i, w := range column {
			product[i*out+j] = w
		}
	}
	for j, w := range meanX {
		simd.Axpy(-w, product[j*out:(j+1)*out], meanY)
	}
	if !vector.Finite(product) || !vector.Finite(meanY) {
		return nil, fmt.Errorf("content: the map onto the vectors is not finite; raise ridge, which is %v, or scale the vectors", ridge)
	}
	return m.moved(product, meanY, from, to, vectors), nil
}

// moved returns m in the other space: rows from of it have the rows to of vectors, the others
// what the map makes of their content.
func (m *Model) moved(onto, shift []float32, from, to []int, vectors vector.Matrix) *Model {
	n := newModel(m.config, m.items)
	n.terms, n.rarity, n.unknown, n.knots = m.terms, m.rarity, m.unknown, m.knots
	n.onto, n.shift = onto, shift
	n.vectors = vector.NewMatrix(len(m.items), len(shift))
	for row := range m.items {
		dst := n.vectors.Row(row)
		if len(from) > 0 && from[0] == row {
			copy(dst, vectors.Row(to[0]))
			from, to = from[1:], to[1:]
			continue
		}
		copy(dst, shift)
		simd.GemvT(dst, onto, len(dst), m.vectors.Row(row))
	}
	return n
}

func (m *Model) checkOnto(items []recsys.ItemID, vectors vector.Matrix, ridge float64) (itemindex.Index, error) {
	switch {
	case m.onto != nil:
		return itemindex.Index{}, fmt.Errorf("content: the model is one of Onto already; call Onto of the model that Train returned")
	case !(ridge > 0 && ridge <= math.MaxFloat32):
		return itemindex.Index{}, fmt.Errorf("content: ridge is %v; want a finite number > 0", ridge)
	case len(items) != vectors.Rows:
		return itemindex.Index{}, fmt.Errorf("content: Onto of %d items with %d vectors; want as many", len(items), vectors.Rows)
	case vectors.Dim < 1 || vectors.Dim > maxDim:
		return itemindex.Index{}, fmt.Errorf("content: Onto vectors of dimension %d; want 1 to %d", vectors.Dim, maxDim)
	}
	if err := vectors.Check(); err != nil {
		return itemindex.Index{}, fmt.Errorf("content: Onto: %w", err)
	}
	known, err := itemindex.New(items)
	if err != nil {
		return known, fmt.Errorf("content: Onto: %w", err)
	}
	return known, nil
}

// mean returns the mean of some rows.
func mean(v vector.Matrix, rows []int) []float32 {
	sum := make([]float64, v.Dim)
	for _, r := range rows {
		for j, x := range v.Row(r) {
			sum[j] += float64(x)
		}
	}
	out := make([]float32, v.Dim)
	for j, x := range sum {
		out[j] = float32(x / float64(len(rows)))
	}
	return out
}
