package nn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// product is the loss whose gradient by y is c.
func product(y, c []float32) float64 {
	sum := 0.0
	for i, v := range y {
		sum += float64(v) * float64(c[i])
	}
	return sum
}

// requireGradient compares grad with central differences of loss by every element of x.
func requireGradient(t *testing.T, what string, loss func() float64, x, grad []float32) {
	t.Helper()
	require.Len(t, grad, len(x))
	const h = 1. / 128
	for i, v := range x {
		x[i] = v + h
		above := loss()
		x[i] = v - h
		below := loss()
		x[i] = v
		want := (above - below) / (2 * h)
		require.InDelta(t, want, float64(grad[i]), 2e-3*(1+math.Abs(want)), "%s: gradient %d of %d", what, i, len(x))
	}
}

var sizes = []struct{ rows, in, out int }{{1, 1, 1}, {3, 5, 2}, {2, 16, 33}, {7, 9, 17}}

func TestDenseGradients(t *testing.T) {
	for _, s := range sizes {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			rng := random(1)
			build := func(s2 *nn.Slab) *nn.Dense { return nn.NewDense(s2, s.in, s.out) }
			w, g := make([]float32, nn.Size(build)), make([]float32, nn.Size(build))
			require.Len(t, w, s.in*s.out+s.out)
			d, grad := build(nn.NewSlab(w)), build(nn.NewSlab(g))
			d.Init(rng)
			copy(d.B, normal(rng, s.out))
			x, c := normal(rng, s.rows*s.in), normal(rng, s.rows*s.out)
			y, dx := make([]float32, len(c)), make([]float32, len(x))
			loss := func() float64 {
				d.Pack(true)
				d.Forward(y, x, s.rows)
				return product(y, c)
			}
			loss()
			var scratch simd.Packed
			d.Backward(grad, dx, c, x, s.rows, &scratch)
			requireGradient(t, "x", loss, x, dx)
			requireGradient(t, "weights", loss, w, g)
			d.Backward(grad, nil, c, x, s.rows, &scratch)
			twice := g[0]
			clear(g)
			d.Backward(grad, nil, c, x, s.rows, &scratch)
			require.InDelta(t, twice, 2*g[0], 1e-5*math.Abs(float64(twice))+1e-6, "gradients add up")
		})
	}
}

func TestDenseIsTheProduct(t *testing.T) {
	rng := random(2)
	d := nn.NewDense(nn.NewSlab(make([]float32, 5*3+3)), 5, 3)
	d.Init(rng)
	copy(d.B, normal(rng, 3))
	d.Pack(false)
	x := normal(rng, 4*5)
	y := make([]float32, 4*3)
	d.Forward(y, x, 4)
	for r := range 4 {
		for j := range 3 {
			want := float64(d.B[j])
			for i := range 5 {
				want += float64(x[r*5+i]) * float64(d.W[i*3+j])
			}
			require.InDelta(t, want, y[r*3+j], 1e-5)
		}
	}
}

func TestReLUGradient(t *testing.T) {
	x := []float32{-2, -0.5, 0.5, 3}
	y := []float32{-2, -0.5, 0.5, 3}
	nn.ReLU(y)
	require.Equal(t, []float32{0, 0, 0.5, 3}, y)
	c := []float32{1, 2, 3, 4}
	grad := append([]float32(nil), c...)
	nn.ReLUBackward(grad, y)
	requireGradient(t, "ReLU", func() float64 {
		z := append([]float32(nil), x...)
		nn.ReLU(z)
		return product(z, c)
	}, x, grad)
}

func TestGELUIsExact(t *testing.T) {
	var x []float32
	for v := -12.0; v < 12; v += 1. / 64 {
		x = append(x, float32(v))
	}
	y := make([]float32, len(x))
	nn.GELU(y, x)
	for i, v := range x {
		want := float64(v) * 0.5 * math.Erfc(-float64(v)/math.Sqrt2)
		require.InDelta(t, want, y[i], 1e-6*math.Max(1, math.Abs(float64(v))), "GELU(%v)", v)
	}
	grad := make([]float32, len(x))
	for i := range grad {
		grad[i] = 1
	}
	nn.GELUBackward(grad, x)
	for i, v := range x {
		z := float64(v)
		want := 0.5*math.Erfc(-z/math.Sqrt2) + z*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi)
		require.InDelta(t, want, grad[i], 2e-6, "GELU'(%v)", v)
	}
	same := append([]float32(nil), x...)
	nn.GELU(same, same)
	require.Equal(t, y, same)
}

func TestLayerNormGradients(t *testing.T) {
	for _, dim := range []int{2, 5, 16, 33} {
		rng := random(3)
		const rows = 3
		build := func(s *nn.Slab) *nn.LayerNorm { return nn.NewLayerNorm(s, dim, 1e-6) }
		w, g := make([]float32, nn.Size(build)), make([]float32, nn.Size(build))
		l, grad := build(nn.NewSlab(w)), build(nn.NewSlab(g))
		l.Init()
		for i := range w {
			w[i] += float32(0.3 * rng.NormFloat64())
		}
		x, c := make([]float32, rows*dim), normal(rng, rows*dim)
		for i := range x { // far from equal, where the curvature is small
			x[i] = 4*float32(i%dim)/float32(dim) + float32(rng.NormFloat64())
		}
		if dim == 2 {
			x = []float32{0, 3, 1, -4, 5, 2}
		}
		y, stats, dx := make([]float32, len(x)), make([]float32, 2*rows), make([]float32, len(x))
		loss := func() float64 {
			l.Forward(y, x, stats, rows)
			return product(y, c)
		}
		loss()
		l.Backward(grad, dx, c, x, stats, rows)
		requireGradient(t, fmt.Sprint("x of ", dim), loss, x, dx)
		requireGradient(t, fmt.Sprint("weights of ", dim), loss, w, g)
		inPlace := append([]float32(nil), c...)
		l.Backward(grad, inPlace, inPlace, x, stats, rows)
		require.Equal(t, dx, inPlace)
	}
}

func TestNormalizeGradient(t *testing.T) {
	const rows, dim = 3, 7
	rng := random(4)
	x, c := normal(rng, rows*dim), normal(rng, rows*dim)
	norms := make([]float32, rows)
	y := make([]float32, len(x))
	loss := func() float64 {
		copy(y, x)
		nn.Normalize(y, norms, dim)
		return product(y, c)
	}
	loss()
	for r := range rows {
		require.InDelta(t, 1, simd.Dot(y[r*dim:(r+1)*dim], y[r*dim:(r+1)*dim]), 1e-6)
	}
	grad := append([]float32(nil), c...)
	nn.NormalizeBackward(grad, y, norms, dim)
	requireGradient(t, "Normalize", loss, x, grad)
	zero := make([]float32, dim)
	nn.Normalize(zero, norms[:1], dim)
	require.Equal(t, make([]float32, dim), zero, "0 has no direction")
}

func TestCrossEntropyGradient(t *testing.T) {
	for _, n := range []int{1, 2, 5, 40} {
		rng := random(5)
		x := normal(rng, n)
		target := n / 2
		loss := func() float64 {
			return 0.5 * nn.CrossEntropy(append([]float32(nil), x...), target, 1)
		}
		grad := append([]float32(nil), x...)
		got := nn.CrossEntropy(grad, target, 0.5)
		sum := 0.0
		for _, v := range x {
			sum += math.Exp(float64(v))
		}
		require.InDelta(t, math.Log(sum)-float64(x[target]), got, 1e-6)
		requireGradient(t, "logits", loss, x, grad)
	}
}

func TestCrossEntropyAtTheEnds(t *testing.T) {
	inf := float32(math.Inf(1))
	x := []float32{-300, 300, -inf}
	require.InDelta(t, 600, nn.CrossEntropy(x, 0, 1), 1e-4, "the target's share vanishes, its loss does not")
	require.Equal(t, []float32{-1, 1, 0}, x)
	require.True(t, math.IsNaN(nn.CrossEntropy([]float32{1, float32(math.NaN())}, 0, 1)))
	require.True(t, math.IsNaN(nn.CrossEntropy([]float32{inf, 0}, 0, 1)))
}

func TestCorrectedRowsSubtractLogQ(t *testing.T) {
	rng := random(6)
	logq := normal(rng, 4)
	x := normal(rng, 8)
	y := append([]float32(nil), x...)
	got := nn.CorrectedRows(x, logq, []int32{3, 1}, 1)
	want := 0.0
	for r, target := range []int{3, 1} {
		row := y[4*r : 4*r+4]
		simd.Sub(row, logq)
		want += nn.CrossEntropy(row, target, 1)
	}
	require.Equal(t, want, got)
	require.Equal(t, y, x)
	require.Zero(t, nn.CorrectedRows(nil, nil, nil, 1))
}

func TestDropoutKeepsTheMean(t *testing.T) {
	const n = 40_000
	ones := func() []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = 1
		}
		return x
	}
	for _, rate := range []float64{0.1, 0.5, 0.9} {
		x := ones()
		nn.Dropout(x, rate, 7)
		zeros := 0
		for _, v := range x {
			if v == 0 {
				zeros++
			} else {
				require.InEpsilon(t, 1/(1-rate), v, 1e-3)
			}
		}
		require.InDelta(t, rate, float64(zeros)/n, 4*math.Sqrt(rate*(1-rate)/n)) // z = 4
		again, other := ones(), ones()
		nn.Dropout(again, rate, 7)
		nn.Dropout(other, rate, 8)
		require.Equal(t, x, again)
		require.NotEqual(t, x, other)
	}
	x := ones()
	nn.Dropout(x, 0, 7)
	require.Equal(t, ones(), x)
}

func TestBoundsCoverAllRows(t *testing.T) {
	for n := range 40 {
		for shards := 1; shards < 20; shards++ {
			next := 0
			for s := range shards {
				from, to := nn.Bounds(s, shards, n)
				require.Equal(t, next, from)
				require.LessOrEqual(t, to-from, n/shards+1)
				next = to
			}
			require.Equal(t, n, next)
		}
	}
}

func TestReduceAddsInOrder(t *testing.T) {
	rng := random(8)
	const n = 50_000
	parts := [][]float32{normal(rng, n), normal(rng, n), normal(rng, n)}
	want := make([]float32, n)
	for i := range want {
		want[i] = parts[0][i] + parts[1][i] + parts[2][i]
	}
	for _, workers := range []int{1, 2, 5} {
		got := make([]float32, n)
		nn.Reduce(workers, got, parts...)
		require.Equal(t, want, got)
	}
	nn.Reduce(2, want)
	require.Equal(t, make([]float32, n), want)
}
