package rerank

import (
	"math"
	"slices"

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
	inOrder // relevance is all that counts
)

// steepest is the range of relevance, times steep, up to which relevance weighs by its exponential; from there on, far below where exp is 0,
// logarithms are compared, and bounds pay.
const steepest = 19

// dppWork is the memory of one call of a DPP.
type dppWork struct {
	list
	directions
	weights
	cfg   *boundDPP
	scale scale

	mode    dppMode // which of the next three is in use, if any
	columns columns
	all     determinantal[float32]
	slide   sliding[float32]
	flat    bool    // relevance weighs by its exponential
	steep   float64 // how much more the logarithm of what is left of a row must be to outweigh a relevance of 1

	vectors []float32 // all rows of the table
	unknown recsys.Bits
	picked  []float32 // by bounds: the directions of the picks
	square  []float32

	byWeight func(rest []float32, rows []int32, open recsys.Bits) int // the method, made into a value once
}

func newDPPWork(cfg *boundDPP) *dppWork {
	w := &dppWork{cfg: cfg}
	w.columns.directions = &w.directions
	w.all.dot, w.all.similarities, w.all.score = simd.Dot, w.withPicks, w.score
	w.slide.similarities, w.slide.entry, w.slide.score = w.entries, w.entry, w.score
	w.slide.gemvT, w.slide.divide = simd.GemvT, w.divide
	w.byWeight = w.bestByWeight
	return w
}

// release drops what belongs to the pipeline.
func (w *dppWork) release() { w.vectors, w.unknown = nil, nil }

// read takes the rows to consider.
func (w *dppWork) read(q *recsys.Query, c *recsys.Candidates, order []int32) {
	data, dim := c.Vectors(w.cfg.vector.Index)
	w.vectors, w.unknown = data, c.Missing(w.cfg.vector.Group)
	top := w.cfg.Top
	if top == 0 {
		top = q.K
	}
	top = max(0, min(top, len(order)))
	w.list.read(c, order, w.cfg.Depth)
	w.directions.reset(dim, float32((1-w.cfg.Own)/2))
	w.weight, w.picked = w.weight[:0], w.picked[:0]
	utility := c.Utility()
	w.scale = newScale(w.cfg.Relevance, w.rows, utility)
	w.steep = w.cfg.Theta / (1 - w.cfg.Theta)
	w.flat = w.steep*w.scale.span() <= steepest
	switch {
	case w.cfg.Theta == 1:
		w.mode = inOrder
	case w.cfg.Window > 0 && w.cfg.Window < top:
		w.mode, w.slide.first = inWindow, nil
		w.slide.reset(w.cfg.Window-1, len(order), dppLeast)
		if w.flat {
			w.slide.first = w.byWeight
		}
	case w.flat:
		w.mode = inColumns
		w.columns.reset(len(order), dppLeast)
	default:
		w.mode = byBounds
		w.all.reset(top, dppLeast)
	}
	for _, row := range w.rows {
		w.add(row, utility[row])
	}
}

// add appends an item.
func (w *dppWork) add(row int32, utility float32) {
	inverse := float32(0)
	at := int(row) * w.dim
	v := w.vectors[at : at+w.dim]
	if !w.unknown.Has(int(row)) {
		inverse = inverseOf(simd.Dot(v, v))
	}
	w.directions.add(v, inverse)
	relevance := w.scale.of(utility)
	base, weight := float32(w.cfg.Theta*relevance), float32(0)
	if w.flat {
		weight = float32(fmath.Exp(w.steep * (relevance - w.scale.top())))
	}
	w.weight = append(w.weight, weight)
	switch w.mode {
	case inOrder:
	case inColumns:
		w.columns.add()
	case inWindow:
		w.slide.add(base, 1)
	default:
		w.all.add(base, 1)
	}
}

// score weighs relevance and what is left of a row.
func (w *dppWork) score(base, rest float32) float32 {
	return base + float32((1-w.cfg.Theta)*fmath.Log(float64(rest)))
}

func (w *dppWork) bestByWeight(rest []float32, rows []int32, open recsys.Bits) int {
	return w.weights.best(rest, dppLeast, rows, open)
}

func (w *dppWork) best(open recsys.Bits) (i int) {
	switch w.mode {
	case inOrder:
		return slices.IndexFunc(w.rows, func(row int32) bool { return open.Has(int(row)) })
	case inColumns:
		return w.bestByWeight(w.columns.rest, w.rows, open)
	case inWindow:
		i, _ = w.slide.best(w.rows, open)
	default:
		i, _ = w.all.best(w.rows, open)
	}
	return i
}

func (w *dppWork) pick(i int) {
	switch w.mode {
	case inOrder:
	case inColumns:
		w.columns.pick(i)
	case inWindow:
		w.slide.pick(i)
	default:
		before := len(w.all.picks)
		if w.all.pick(i); len(w.all.picks) > before {
			w.picked = append(w.picked, w.of(i)...)
		}
	}
}

// withPicks fills dst with the entries of item i with the picks from the one called from on.
func (w *dppWork) withPicks(dst []float32, i, from int) {
	simd.DotBatch(dst, w.of(i), w.picked[from*w.dim:], w.dim)
	for s, x := range dst {
		dst[s] = float32(w.half*x) + w.half
	}
}

// divide does what the function of this name does.
func (w *dppWork) divide(rest, c []float32, pivot float32) {
	simd.Scale(1/float32(math.Sqrt(float64(pivot))), c)
	w.square = subSquares(rest, c, w.square)
}
