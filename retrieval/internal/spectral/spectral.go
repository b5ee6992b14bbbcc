// Package spectral finds the leading singular values and vectors of sparse matrices, for the
// retrievers that are linear in the history.
package spectral

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Config says how many singular vectors are sought, and how hard.
type Config struct {
	Factors      int // that are kept, >= 1
	Iterations   int // passes over the matrix and back, >= 1
	Oversampling int // further directions that are iterated, >= 0
	Seed         uint64
	Workers      int // >= 1; the result does not depend on it
	Progress     func(done, all int)
}

// Decompose returns the right singular vectors of the largest singular values, as the
// Factors columns of a matrix with a row per column of a, and the values in descending
// order. transposed is the transpose of a. Where the rank is lower than Factors, values and
// columns are 0. Of the two forms of a vector it is the one whose largest component is
// positive. If ctx ends first, the error wraps its cause and says in which iteration.
//
// It is subspace iteration (Halko, Martinsson and Tropp, SIAM Review 2011, algorithm 4.4):
// O(Iterations × (cells × w + columns × w²) + w³) time for w = Factors+Oversampling, and the
// memory that [Bytes] says. The result has the same bits for any number of
// workers and on any machine. Weights are used as they are; those whose squares leave the
// range of float32 must be scaled first.
func Decompose(ctx context.Context, a, transposed *retrieval.CSR, cfg Config) (v vector.Matrix, values []float64, err error) {
	t := newIteration(a, transposed, cfg)
	for i := range cfg.Iterations {
		t.pass(ctx)
		t.orthonormalize(ctx)
		if i == cfg.Iterations-1 {
			// Columns that were nearly dependent still lean on each other after one round
			// (CholeskyQR2, Fukaya et al., ScalA 2014).
			t.orthonormalize(ctx)
		}
		if err := context.Cause(ctx); err != nil {
			return vector.Matrix{}, nil, fmt.Errorf("iteration %d of %d: %w", i+1, cfg.Iterations, err)
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, cfg.Iterations)
		}
	}
	v, values = t.factors(ctx)
	if err := context.Cause(ctx); err != nil {
		return vector.Matrix{}, nil, fmt.Errorf("the last of %d iterations: %w", cfg.Iterations, err)
	}
	return v, values, nil
}

// Bytes returns how many bytes [Decompose] takes, its result included, for a matrix of so many
// rows and columns.
func Bytes(rows, cols int, cfg Config) int64 {
	width := int64(min(cfg.Factors+cfg.Oversampling, rows, cols))
	return 4*(width*(int64(rows)+2*int64(cols))+int64(cols)*int64(cfg.Factors)) + 8*(gramBlocks+2)*width*width
}

// iteration is the state of the iterated subspace. Matrices are row-major.
type iteration struct {
	cfg            Config
	byUser, byItem *retrieval.CSR
	users, items   int
	width          int       // of the subspace
	y              []float32 // items x width: the subspace
	z              []float32 // users x width
	next           []float32 // items x width: free
}

func newIteration(a, transposed *retrieval.CSR, cfg Config) *iteration {
	t := &iteration{cfg: cfg, byUser: a, byItem: transposed, users: a.Rows(), items: transposed.Rows()}
	t.width = min(cfg.Factors+cfg.Oversampling, t.items, t.users)
	t.y, t.next = make([]float32, t.items*t.width), make([]float32, t.items*t.width)
	t.z = make([]float32, t.users*t.width)
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x70757265737664))
	for i := range t.y {
		t.y[i] = 2*rng.Float32() - 1
	}
	return t
}

// rowsAtOnce is how many rows a worker takes.
const rowsAtOnce = 128

// each calls f for all rows below n, by several workers, unless ctx ends. wide is memory for
// a row of float64.
func (t *iteration) each(ctx context.Context, n int, f func(row int, wide []float64)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(t.cfg.Workers, (n+rowsAtOnce-1)/rowsAtOnce) {
		wg.Go(func() {
			wide := make([]float64, t.width)
			for ctx.Err() == nil {
				end := int(next.Add(rowsAtOnce))
				for row := end - rowsAtOnce; row < min(end, n); row++ {
					f(row, wide)
				}
				if end >= n {
					return
				}
			}
		})
	}
	wg.Wait()
}

// toUsers makes z = A y, where A has a row per user.
func (t *iteration) toUsers(ctx context.Context) {
	t.each(ctx, t.users, func(u int, _ []float64) {
		z := t.z[u*t.width : (u+1)*t.width]
		clear(z)
		items, weights := t.byUser.Row(u)
		for k, i := range items {
			simd.Axpy(weights[k], t.y[int(i)*t.width:][:t.width], z)
		}
	})
}

// pass makes y = Aᵀ A y.
func (t *iteration) pass(ctx context.Context) {
	t.toUsers(ctx)
	t.each(ctx, t.items, func(i int, _ []float64) {
		y := t.y[i*t.width : (i+1)*t.width]
		clear(y)
		users, weights := t.byItem.Row(i)
		for k, u := range users {
			simd.Axpy(weights[k], t.z[int(u)*t.width:][:t.width], y)
		}
	})
}

// noise is the share of a square below which the rounding of float32 decides.
const noise = 1e-11

// orthonormalize makes the columns of y orthonormal; a column that depends on those before
// it becomes 0.
func (t *iteration) orthonormalize(ctx context.Context) {
	t.rotate(ctx, inverseFactor(ctx, t.gram(ctx, t.y, t.items), t.width))
}

// gramBlocks is how many partial sums a Gram matrix has: as many whatever the workers.
const gramBlocks = 16

// gram returns xᵀx, width x width, of n rows.
func (t *iteration) gram(ctx context.Context, x []float32, n int) []float64 {
	size := t.width * t.width
	partial := make([][]float64, gramBlocks)
	per := (n + gramBlocks - 1) / gramBlocks
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(t.cfg.Workers, gramBlocks) {
		wg.Go(func() {
			for b := int(next.Add(1)) - 1; b < gramBlocks && ctx.Err() == nil; b = int(next.Add(1)) - 1 {
				sum, wide := make([]float64, size), make([]float64, t.width)
				for row := b * per; row < min((b+1)*per, n); row++ {
					addOuter(sum, widen(wide, x[row*t.width:(row+1)*t.width]))
				}
				partial[b] = sum
			}
		})
	}
	wg.Wait()
	total := make([]float64, size)
	for _, sum := range partial {
		for i, v := range sum {
			total[i] += v
		}
	}
	for i := range t.width {
		for j := range i {
			total[i*t.width+j] = total[j*t.width+i]
		}
	}
	return total
}

// widen fills dst with the values of x and returns it.
func widen(dst []float64, x []float32) []float64 {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = float64(v)
	}
	return dst
}

// addOuter adds x xᵀ to the upper triangle of sum.
func addOuter(sum, x []float64) {
	n := len(x)
	for i, a := range x {
		row, rest := sum[i*n+i:(i+1)*n], x[i:]
		for j, b := range rest {
			row[j] += float64(a * b)
		}
	}
}

// rotate makes column j of y the combination of its columns that row j of vectors gives.
func (t *iteration) rotate(ctx context.Context, vectors []float64) {
	rows := make([][]float64, t.width)
	for j := range rows {
		rows[j] = vectors[j*t.width : (j+1)*t.width]
		for n := len(rows[j]); n > 0 && rows[j][n-1] == 0; n-- { // triangular, as often as not
			rows[j] = rows[j][:n-1]
		}
	}
	t.each(ctx, t.items, func(i int, wide []float64) {
		from, to := widen(wide, t.y[i*t.width:(i+1)*t.width]), t.next[i*t.width:(i+1)*t.width]
		for j, row := range rows {
			to[j] = float32(dot(row, from[:len(row)]))
		}
	})
	t.y, t.next = t.next, t.y
}

// dot is the inner product in four partial sums.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float64(a[0] * b[0])
		s1 += float64(a[1] * b[1])
		s2 += float64(a[2] * b[2])
		s3 += float64(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	for i, x := range a {
		s0 += float64(x * b[i])
	}
	return s0 + s1 + (s2 + s3)
}

// factors returns the right singular vectors, a row per item, and the singular values.
func (t *iteration) factors(ctx context.Context) (vector.Matrix, []float64) {
	out, values := vector.NewMatrix(t.items, t.cfg.Factors), make([]float64, t.cfg.Factors)
	if t.width == 0 {
		return out, values
	}
	t.toUsers(ctx)
	squares, vectors := eigen(ctx, t.gram(ctx, t.z, t.users), t.width)
	if vectors == nil {
		return out, values
	}
	t.rotate(ctx, vectors)
	for j := range min(t.width, t.cfg.Factors) {
		if !(squares[j] > noise*squares[0]) {
			break
		}
		values[j] = math.Sqrt(squares[j])
		sign := t.sign(j)
		for i := range t.items {
			out.Row(i)[j] = sign * t.y[i*t.width+j]
		}
	}
	return out, values
}

// sign returns the factor that makes the largest component of column j positive: a
// singular vector has two forms, which score alike.
func (t *iteration) sign(j int) float32 {
	top := float32(0)
	for i := range t.items {
		if x := t.y[i*t.width+j]; math.Abs(float64(x)) > math.Abs(float64(top)) {
			top = x
		}
	}
	if top < 0 {
		return -1
	}
	return 1
}
