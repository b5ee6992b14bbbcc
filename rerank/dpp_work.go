package rerank

import (
	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// dppLeast is what must be left of a row for it to be chosen by its determinant. The
// entries of a kernel with ones in the diagonal are known to about 1e-7, and a Cholesky factor adds up as many errors as it has rows.
const dppLeast = 1e-5

// dppMode is how a DPP is reckoned.
type dppMode uint8

const (
	inColumns dppMode = iota // all rows at every pick
	byBounds                 // the rows that might be the best
	inWindow
)

// steepest is the range of relevance, times steep, from which on bounds pay; far below the one in which exp is not 0.
const steepest = 19

// dppWork is the memory of one call of a DPP.
type dppWork struct {
	list
	cfg   *boundDPP
	scale scale

	mode    dppMode // which of the next three is in use
	columns columns
	all     determinantal[float32]
	slide   sliding[float32]
	steep   float64 // how much more the logarithm of what is left of a row must be to outweigh a relevance of 1

	vectors []float32 // all rows of the table
	dim     int
	unknown recsys.Bits
	inverse []float32 // 1 over the length of the vector of each item
	gather  []uint32  // the rows of the items
	unit    []float32 // of each pick: its vector over its length
	square  []float32
}

func newDPPWork(cfg *boundDPP) *dppWork {
	w := &dppWork{cfg: cfg}
	w.all.dot, w.all.similarities, w.all.score = simd.Dot, w.withPicks, w.score
	w.slide.similarities, w.slide.entry, w.slide.score = w.withAll, w.entry, w.score
	w.slide.gemvT, w.slide.subSquares = simd.GemvT, w.subSquares
	return w
}

// read takes the rows to consider.
func (w *dppWork) read(q *recsys.Query, c *recsys.Candidates, order []int32) {
	w.vectors, w.dim = c.Vectors(w.cfg.vector.Index)
	w.unknown = c.Missing(w.cfg.vector.Group)
	top := w.cfg.Top
	if top == 0 {
		top = q.K
	}
	top = max(0, min(top, len(order)))
	w.inverse, w.gather, w.unit = w.inverse[:0], w.gather[:0], w.unit[:0]
	w.list.read(c, order, w.cfg.Depth)
	utility := c.Utility()
	w.scale = newScale(w.cfg.Relevance, w.rows, utility)
	w.steep = w.cfg.Theta / (1 - w.cfg.Theta) // +Inf at 1
	switch {
	case w.cfg.Window > 0 && w.cfg.Window < top:
		w.mode = inWindow
		w.slide.reset(w.cfg.Window-1, len(order), dppLeast)
		w.unit = resize(w.unit, w.dim)
	case !(w.steep*w.scale.span() <= steepest):
		w.mode = byBounds
		w.all.reset(top, dppLeast)
	default:
		w.mode = inColumns
		w.columns.reset(w.dim, len(order), float32((1-w.cfg.Own)/2), dppLeast)
	}
	for _, row := range w.rows {
		w.add(row, utility[row])
	}
	if w.mode == inColumns {
		simd.Exp(w.columns.weight, w.columns.weight)
	}
}

// add appends an item.
func (w *dppWork) add(row int32, utility float32) {
	inverse := float32(0)
	if !w.unknown.Has(int(row)) {
		v := w.vectorOf(row)
		inverse = inverseOf(simd.Dot(v, v))
	}
	relevance := w.scale.of(utility)
	if w.mode == inColumns {
		w.columns.add(w.vectorOf(row), inverse)
		weight := w.columns.weight[len(w.columns.weight)-1:]
		weight[0] = float32(w.steep * (relevance - w.scale.top()))
		if len(w.chosen) > 0 || len(w.columns.picks) > 0 { // the others have been through this
			simd.Exp(weight, weight)
		}
		return
	}
	w.inverse, w.gather = append(w.inverse, inverse), append(w.gather, uint32(row))
	base := float32(w.cfg.Theta * relevance)
	if w.mode == inWindow {
		w.slide.add(base, 1)
	} else {
		w.all.add(base, 1)
	}
}

func (w *dppWork) vectorOf(row int32) []float32 {
	at := int(row) * w.dim
	return w.vectors[at : at+w.dim : at+w.dim]
}

// score weighs relevance and what is left of a row.
func (w *dppWork) score(base, rest float32) float32 {
	return base + float32((1-w.cfg.Theta)*fmath.Log(float64(rest)))
}

func (w *dppWork) best(open recsys.Bits) (i int) {
	switch w.mode {
	case inColumns:
		return w.columns.best(w.rows, open)
	case inWindow:
		i, _ = w.slide.best(w.rows, open)
	default:
		i, _ = w.all.best(w.rows, open)
	}
	return i
}

func (w *dppWork) pick(i int) {
	switch w.mode {
	case inColumns:
		w.columns.pick(i)
		return
	case inWindow:
		w.slide.pick(i)
		return
	}
	before := len(w.all.picks)
	if w.all.pick(i); len(w.all.picks) > before {
		w.unit = append(w.unit, w.vectorOf(w.rows[i])...)
		w.normalize(w.unit[before*w.dim:], w.inverse[i])
	}
}

// normalize brings a vector to length 1, and one that has no direction to zeros.
func (w *dppWork) normalize(v []float32, inverse float32) {
	if inverse == 0 { // its elements may be anything
		clear(v)
		return
	}
	simd.Scale(inverse, v)
}

// kernel turns products with a vector of length 1 into entries of the kernel, beside the diagonal.
func (w *dppWork) kernel(product, inverse float32) float32 {
	if inverse == 0 { // the product may be anything
		product = 0
	}
	cosine := max(-1, min(1, product*inverse))
	return float32((1-w.cfg.Own)/2) * (1 + cosine)
}

// withPicks fills dst with the entries of item i with the picks from the one called from on.
func (w *dppWork) withPicks(dst []float32, i, from int) {
	simd.DotBatch(dst, w.vectorOf(w.rows[i]), w.unit[from*w.dim:], w.dim)
	for s, x := range dst {
		dst[s] = w.kernel(x, w.inverse[i])
	}
}

// withAll fills dst with the entries of all items with item p.
func (w *dppWork) withAll(dst []float32, p int) {
	copy(w.unit, w.vectorOf(w.rows[p]))
	w.normalize(w.unit, w.inverse[p])
	simd.DotGather(dst, w.unit, w.vectors, w.dim, w.gather)
	for i, x := range dst {
		dst[i] = w.kernel(x, w.inverse[i])
	}
	dst[p] = 1
}

// entry returns the entry of two items.
func (w *dppWork) entry(i, p int) float32 {
	if i == p {
		return 1
	}
	if w.inverse[p] == 0 {
		return w.kernel(0, 1)
	}
	return w.kernel(simd.Dot(w.vectorOf(w.rows[i]), w.vectorOf(w.rows[p]))*w.inverse[p], w.inverse[i])
}

// subSquares subtracts the squares of x.
func (w *dppWork) subSquares(rest, x []float32) {
	w.square = append(w.square[:0], x...)
	simd.Mul(w.square, x)
	simd.Sub(rest, w.square)
}
