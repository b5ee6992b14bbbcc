package puresvd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Train returns the model of the interactions. Its items are those of in; one without
// interactions has the vector 0. The model keeps no part of in but the slice of its items.
//
// Memory beside the model is 4 bytes × (Factors+Oversampling) for each user and each item.
//
// The errors are those of cfg, field by field, and, when ctx ends first, one that wraps
// its cause.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*Model, error) {
	if in == nil {
		return nil, errors.New("puresvd: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	t := newTrainer(in, cfg)
	for i := range cfg.Iterations {
		t.pass(ctx)
		t.orthonormalize(ctx)
		if i == cfg.Iterations-1 {
			// Columns that were nearly dependent still lean on each other after one round
			// (CholeskyQR2, Fukaya et al., ScalA 2014).
			t.orthonormalize(ctx)
		}
		if err := context.Cause(ctx); err != nil {
			return nil, fmt.Errorf("puresvd: training stopped in iteration %d of %d: %w", i+1, cfg.Iterations, err)
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, cfg.Iterations)
		}
	}
	vectors, values := t.factors(ctx)
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("puresvd: training stopped: %w", err)
	}
	cfg.Workers, cfg.Progress = 0, nil
	return newModel(cfg, in.Items(), vectors, values), nil
}

// trainer iterates a subspace. Matrices are row-major.
type trainer struct {
	cfg            Config
	byUser, byItem *retrieval.CSR
	scale          []float64 // of an item's column
	unit           float64   // the power of two in all scales, which keeps squares within float32
	users, items   int
	width          int       // of the subspace
	y              []float32 // items x width: the subspace
	z              []float32 // users x width
	next           []float32 // items x width: free
	workers        int
}

func newTrainer(in *retrieval.Interactions, cfg Config) *trainer {
	t := &trainer{cfg: cfg, byUser: in.ByUser(), byItem: in.ByItem(), users: in.NumUsers(), items: in.NumItems(), workers: cfg.Workers}
	if t.workers == 0 {
		t.workers = runtime.GOMAXPROCS(0)
	}
	t.width = min(cfg.Factors+cfg.Oversampling, t.items, t.users)
	t.scale = make([]float64, t.items)
	top := 0.0
	for i := range t.scale {
		square, largest := 0.0, float32(0)
		_, weights := t.byItem.Row(i)
		for _, w := range weights {
			square += float64(float64(w) * float64(w))
			largest = max(largest, w)
		}
		if square > 0 {
			t.scale[i] = fmath.Pow(square, -cfg.Normalize/2)
			top = max(top, t.scale[i]*float64(largest))
		}
	}
	t.unit = 1
	if _, exp := math.Frexp(top); top > 0 && (exp < -20 || exp > 20) {
		t.unit = math.Ldexp(1, -exp)
	}
	for i, s := range t.scale {
		if t.scale[i] = s * t.unit; t.unit == 1 {
			t.scale[i] = float64(float32(s)) // as models of version 1 were trained
		}
	}
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
func (t *trainer) each(ctx context.Context, n int, f func(row int, wide []float64)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(t.workers, (n+rowsAtOnce-1)/rowsAtOnce) {
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

// toUsers makes z = R D y, where R has a row per user and D the scales of the items.
func (t *trainer) toUsers(ctx context.Context) {
	t.each(ctx, t.users, func(u int, _ []float64) {
		z := t.z[u*t.width : (u+1)*t.width]
		clear(z)
		items, weights := t.byUser.Row(u)
		for k, i := range items {
			simd.Axpy(float32(float64(weights[k])*t.scale[i]), t.y[int(i)*t.width:][:t.width], z)
		}
	})
}

// pass makes y = D Rᵀ R D y.
func (t *trainer) pass(ctx context.Context) {
	t.toUsers(ctx)
	t.each(ctx, t.items, func(i int, _ []float64) {
		y := t.y[i*t.width : (i+1)*t.width]
		clear(y)
		users, weights := t.byItem.Row(i)
		for k, u := range users {
			simd.Axpy(float32(float64(weights[k])*t.scale[i]), t.z[int(u)*t.width:][:t.width], y)
		}
	})
}

// noise is the share of a square below which the rounding of float32 decides.
const noise = 1e-11

// orthonormalize makes the columns of y orthonormal; a column that depends on those before
// it becomes 0.
func (t *trainer) orthonormalize(ctx context.Context) {
	t.rotate(ctx, inverseFactor(t.gram(ctx, t.y, t.items), t.width))
}

// gramBlocks is how many partial sums a Gram matrix has: as many whatever the workers.
const gramBlocks = 16

// gram returns xᵀx, width x width, of n rows.
func (t *trainer) gram(ctx context.Context, x []float32, n int) []float64 {
	size := t.width * t.width
	partial := make([][]float64, gramBlocks)
	per := (n + gramBlocks - 1) / gramBlocks
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(t.workers, gramBlocks) {
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
func (t *trainer) rotate(ctx context.Context, vectors []float64) {
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
func (t *trainer) factors(ctx context.Context) (vector.Matrix, []float32) {
	out, values := vector.NewMatrix(t.items, t.cfg.Factors), make([]float32, t.cfg.Factors)
	if t.width == 0 {
		return out, values
	}
	t.toUsers(ctx)
	squares, vectors := eigen(t.gram(ctx, t.z, t.users), t.width)
	t.rotate(ctx, vectors)
	for j := range min(t.width, t.cfg.Factors) {
		if !(squares[j] > noise*squares[0]) {
			break
		}
		values[j] = float32(min(math.Sqrt(squares[j])/t.unit, math.MaxFloat32))
		sign := t.sign(j)
		for i := range t.items {
			out.Row(i)[j] = sign * t.y[i*t.width+j]
		}
	}
	return out, values
}

// sign returns the factor that makes the largest component of column j positive: a
// singular vector has two forms, which score alike.
func (t *trainer) sign(j int) float32 {
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
