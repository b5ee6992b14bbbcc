package gfcf

import (
	"context"
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/spectral"
)

// filter computes columns of F. Matrices are row-major.
type filter struct {
	users, items   int
	byUser, byItem *retrieval.CSR // the normalised matrix R̃ and its transpose
	sharpen        []float32      // coefficients of f, the constant first
	factors        int            // of the low-pass filter, 0 for none
	left, right    []float32      // items × factors: its part of F is left·rightᵀ
	popular        []float32      // by item: the factor of its column
}

// newFilter normalises the interactions and finds the singular vectors.
func newFilter(ctx context.Context, in *retrieval.Interactions, cfg *Config) (*filter, error) {
	f := &filter{users: in.NumUsers(), items: in.NumItems(), factors: max(cfg.Factors, 0), sharpen: rungeKutta(cfg.Sharpening)}
	unit := unit(in.ByUser())
	user, item := degrees(in.ByUser(), unit), degrees(in.ByItem(), unit)
	byUser, byItem := powers(user, -cfg.UserExponent), powers(item, -cfg.ItemExponent)
	f.byUser, f.byItem = normalized(in.ByUser(), byUser, byItem, unit), normalized(in.ByItem(), byItem, byUser, unit)
	v, values, err := spectral.Decompose(ctx, f.byUser, f.byItem, spectral.Config{
		Factors:      max(cfg.Factors, 1), // one at least, for the largest value
		Iterations:   cfg.Iterations,
		Oversampling: cfg.Oversampling,
		Seed:         cfg.Seed,
		Workers:      cfg.Workers,
		Progress:     cfg.part(0, 300),
	})
	if err != nil {
		return nil, err
	}
	if values[0] > 0 {
		for _, m := range []*retrieval.CSR{f.byUser, f.byItem} {
			for k, w := range m.Weight {
				m.Weight[k] = float32(float64(w) / values[0])
			}
		}
	}
	f.popular = make([]float32, f.items)
	for i, x := range powers(item, cfg.Popularity) {
		f.popular[i] = float32(x)
	}
	if f.factors > 0 {
		f.left, f.right = v.Data, make([]float32, len(v.Data))
		up := powers(item, cfg.ItemExponent)
		for i := range f.items {
			left, right := f.left[i*f.factors:(i+1)*f.factors], f.right[i*f.factors:(i+1)*f.factors]
			copy(right, left)
			simd.Scale(float32(up[i]), right)
			simd.Scale(float32(cfg.Alpha*byItem[i]), left)
		}
	}
	return f, nil
}

// rungeKutta returns the coefficients of the polynomial that one step of the classical
// Runge-Kutta method applies for y' = -yP over the time t.
func rungeKutta(t float64) []float32 {
	if t == 0 {
		return []float32{1}
	}
	return []float32{1, float32(-t), float32(t * t / 2), float32(-t * t * t / 6), float32(t * t * t * t / 24)}
}

// unit returns the power of two that brings the largest weight to [1, 2): weights of any unit
// give the same filter, within the range of float32.
func unit(m *retrieval.CSR) float64 {
	top := float32(0)
	for _, w := range m.Weight {
		top = max(top, w)
	}
	_, exp := math.Frexp(float64(top))
	return math.Ldexp(1, 1-exp)
}

// degrees returns the sums of the rows.
func degrees(m *retrieval.CSR, unit float64) []float64 {
	d := make([]float64, m.Rows())
	for r := range d {
		_, weights := m.Row(r)
		for _, w := range weights {
			d[r] += float64(float64(w) * unit)
		}
	}
	return d
}

// powers returns d to the power of e, and 0 where d is 0.
func powers(d []float64, e float64) []float64 {
	p := make([]float64, len(d))
	for i, x := range d {
		if x > 0 {
			p[i] = fmath.Pow(x, e)
		}
	}
	return p
}

// normalized returns m with the weights times unit and the factors of their row and column.
func normalized(m *retrieval.CSR, row, col []float64, unit float64) *retrieval.CSR {
	c := *m
	c.Weight = make([]float32, len(m.Weight))
	for r := range m.Rows() {
		cols, weights := m.Row(r)
		_, to := c.Row(r)
		for k, j := range cols {
			to[k] = float32(float64(weights[k]) * unit * row[r] * col[j])
		}
	}
	return &c
}

// block is how many columns are computed at once.
const block = 64

// strip is a matrix of block columns, as part of the memory of a worker.
type strip struct {
	*filter
	y      []float32 // items × block
	z      []float32 // users × block
	packed simd.Packed
}

func (f *filter) strip() *strip {
	return &strip{filter: f, y: make([]float32, f.items*block), z: make([]float32, f.users*block)}
}

// times makes y = P y.
func (s *strip) times(ctx context.Context) {
	multiply(ctx, s.z, s.byUser, s.y)
	multiply(ctx, s.y, s.byItem, s.z)
}

// multiply makes y = M x. When ctx ends it leaves off.
func multiply(ctx context.Context, y []float32, m *retrieval.CSR, x []float32) {
	for r := range m.Rows() {
		if r%1024 == 0 && ctx.Err() != nil {
			return
		}
		to := y[r*block : (r+1)*block]
		clear(to)
		cols, weights := m.Row(r)
		for k, c := range cols {
			simd.Axpy(weights[k], x[int(c)*block:][:block], to)
		}
	}
}

// worker returns a function that computes columns of F, in memory of its own.
func (f *filter) worker(ctx context.Context) func(first, count int, dst []float32) {
	s := f.strip()
	return func(first, count int, dst []float32) {
		s.linear(ctx, first, count)
		if f.factors > 0 {
			s.packed.PackT(f.right[first*f.factors:], f.factors, count, f.factors)
			simd.Gemm(s.y, block, f.left, f.factors, f.items, &s.packed, true)
		}
		scale := f.popular[first : first+count]
		for i := range f.items {
			for c, x := range s.y[i*block : i*block+count] {
				dst[c*f.items+i] = x * scale[c]
			}
		}
	}
}

// linear makes y the columns of P f(P).
func (s *strip) linear(ctx context.Context, first, count int) {
	clear(s.y)
	for k := len(s.sharpen) - 1; k >= 0; k-- {
		for c := range count {
			s.y[(first+c)*block+c] += s.sharpen[k]
		}
		s.times(ctx)
	}
}
