package als

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// cells are the interactions of one side's rows and how sure they are.
type cells struct {
	*retrieval.CSR
	confidence []float32 // of each cell; nil: uniform
	uniform    float32   // 0: they differ
	total      float64   // of all confidences
}

// newCells returns the cells of m with a weight above 0. The error names the weight whose
// confidence is out of its domain.
func newCells(m *retrieval.CSR, cfg *Config) (*cells, error) {
	c := &cells{CSR: observed(m)}
	curve := cfg.Confidence
	if curve == nil {
		curve = cfg.curve
	}
	for i, r := range c.Weight {
		if i > 0 && (cfg.Confidence == nil && cfg.Alpha == 0 || r == c.Weight[i-1] && c.confidence == nil) {
			continue
		}
		x := curve(r)
		if !(x >= float32(cfg.Unobserved) && x <= maxConfidence) {
			return nil, fmt.Errorf("Config.Confidence(%v) is %v; want at least Unobserved, %v, and at most 2^60", r, x, cfg.Unobserved)
		}
		switch {
		case i == 0:
			c.uniform = x
		case c.confidence == nil && x != c.uniform:
			c.confidence = make([]float32, len(c.Weight))
			for k := range i {
				c.confidence[k] = c.uniform
			}
		}
		if c.confidence != nil {
			c.confidence[i] = x
		}
	}
	if c.confidence == nil {
		c.total = float64(c.uniform) * float64(c.Len())
		return c, nil
	}
	c.uniform = 0
	for _, x := range c.confidence {
		c.total += float64(x)
	}
	return c, nil
}

// observed returns m without the cells of weight 0.
func observed(m *retrieval.CSR) *retrieval.CSR {
	zeros := 0
	for _, w := range m.Weight {
		if w == 0 {
			zeros++
		}
	}
	if zeros == 0 {
		return m
	}
	c := &retrieval.CSR{Cols: m.Cols, Start: make([]int64, 1, m.Rows()+1)}
	for r := range m.Rows() {
		cols, weights := m.Row(r)
		for k, w := range weights {
			if w > 0 {
				c.Index, c.Weight = append(c.Index, cols[k]), append(c.Weight, w)
			}
		}
		c.Start = append(c.Start, int64(len(c.Index)))
	}
	return c
}

// row returns row r for the equations e, in the memory of w.
func (c *cells) row(w *workspace, e *equations, r int) row {
	lo, hi := c.Start[r], c.Start[r+1]
	n := int(hi - lo)
	w.grow(n)
	out := row{cols: w.cols[:n], confidence: w.confidence[:n], excess: w.excess[:n]}
	for k, col := range c.Index[lo:hi] {
		out.cols[k] = uint32(col)
	}
	if e.unit {
		x := float32(float64(c.uniform) / e.scale)
		for k := range out.confidence {
			out.confidence[k] = x
		}
		return out
	}
	if c.confidence == nil {
		for k := range out.confidence {
			out.confidence[k] = c.uniform
		}
	} else {
		copy(out.confidence, c.confidence[lo:hi])
	}
	for k, x := range out.confidence {
		out.excess[k] = excess(x, e.config)
	}
	return out
}

// grow makes room for a row of n interactions.
func (w *workspace) grow(n int) {
	if cap(w.cols) < n {
		w.cols = make([]uint32, n+n/4)
		w.confidence, w.excess = make([]float32, n+n/4), make([]float32, n+n/4)
	}
	w.cols, w.confidence, w.excess = w.cols[:cap(w.cols)], w.confidence[:cap(w.confidence)], w.excess[:cap(w.excess)]
}

// keepRoots computes the roots of the rows that are solved in the dual form, once for each
// length that occurs.
func (e *equations) keepRoots(c *cells) {
	for r := range c.Rows() {
		n := int(c.Start[r+1] - c.Start[r])
		if n == 0 || !e.dual(n) {
			continue
		}
		for len(e.roots) <= n {
			e.roots = append(e.roots, nil)
		}
		if e.roots[n] == nil {
			e.roots[n] = make([]float32, e.vectors.Dim)
			e.fillRoots(e.roots[n], n)
		}
	}
}

// half is a half step: all rows of one side are solved for.
type half struct {
	workers  []*workspace
	cells    *cells
	fixed    *equations
	old, dst vector.Matrix // before and after
	name     func(row int) string
}

// rowsAtOnce is how many rows a worker takes.
const rowsAtOnce = 16

// solve returns the sum of the energies, and of λ|x|², over all rows.
func (h *half) solve(ctx context.Context) (energy, penalty float64, err error) {
	n := h.cells.Rows()
	sums := make([][2]float64, (n+rowsAtOnce-1)/rowsAtOnce)
	err = each(ctx, h.workers, n, rowsAtOnce, func(w *workspace, start, end int) error {
		sum := &sums[start/rowsAtOnce]
		for r := start; r < end; r++ {
			e, err := h.solveRow(w, r)
			if err != nil {
				return fmt.Errorf("%w: %s: %w", ErrDiverged, h.name(r), err)
			}
			x := h.dst.Row(r)
			length := int(h.cells.Start[r+1] - h.cells.Start[r])
			sum[0] += e
			sum[1] += float64(h.fixed.config.lambda(length, h.fixed.vectors.Rows)) * float64(simd.Dot(x, x))
		}
		return nil
	})
	for _, sum := range sums { // in order, whoever came first
		energy += sum[0]
		penalty += sum[1]
	}
	return energy, penalty, err
}

var (
	errSingular = errors.New("the normal equations are not positive definite; raise Regularization, or lower the weights")
	errRange    = errors.New("the vector leaves the range of numbers; raise Regularization, or lower the weights")
)

// solveRow solves for row r and returns its energy.
func (h *half) solveRow(w *workspace, r int) (energy float64, err error) {
	x, cfg := h.dst.Row(r), h.fixed.config
	if h.cells.Start[r] == h.cells.Start[r+1] {
		clear(x)
		return 0, nil
	}
	in, ok := h.cells.row(w, h.fixed, r), true
	switch cfg.Solver {
	case ConjugateGradient:
		copy(x, h.old.Row(r))
		energy = h.fixed.conjugateGradient(w, in, x, cfg.Steps)
	case Blocks:
		copy(x, h.old.Row(r))
		energy, ok = h.fixed.blocks(w, in, x, cfg.Block)
	default:
		energy, ok = h.fixed.exact(w, in, x)
	}
	switch {
	case !ok:
		return 0, errSingular
	case !factor.Bounded(x):
		return 0, errRange
	}
	return energy, nil
}
