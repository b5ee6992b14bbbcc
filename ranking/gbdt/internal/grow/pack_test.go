package grow_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/grow"
)

func TestNoSumOfPackedNumbersOverflows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, draw := range map[string]func(i int) (g, h float32){
		"all up":      func(int) (float32, float32) { return 1, 1 },
		"all down":    func(int) (float32, float32) { return -1, 1 },
		"no hessians": func(int) (float32, float32) { return -1, 0 },
		"zeros":       func(int) (float32, float32) { return 0, 0 },
		"normal":      func(int) (float32, float32) { return float32(r.NormFloat64()), r.Float32() },
		"one huge":    func(i int) (float32, float32) { return float32(1 / (1 + 1e30*float64(i))), 1e-30 },
		"tiny":        func(int) (float32, float32) { return -1e-40, 1e-42 },
		"large":       func(int) (float32, float32) { return 3e38, 3e38 },
		"heavy tail":  func(int) (float32, float32) { return float32(math.Pow(r.Float64(), -3)), float32(r.ExpFloat64()) },
	} {
		for _, n := range []int{1, 2, 3, 1000, 100_000} {
			grad, hess, rows := make([]float32, n), make([]float32, n), upTo(n)
			var a, w float64
			for i := range n {
				grad[i], hess[i] = draw(i)
				a += math.Abs(float64(grad[i]))
				w += float64(hess[i])
			}
			gu, hu := grow.Units(a, w, n)
			packed := make([]int64, n)
			sum := grow.Pack(packed, grad, hess, rows, gu, hu, 3)
			var up, down, h, all int64
			for _, p := range packed {
				g, v := grow.Split(p)
				up, down, h, all = up+max(g, 0), down+min(g, 0), h+v, all+p
			}
			require.LessOrEqual(t, up, int64(math.MaxInt32), name)
			require.GreaterOrEqual(t, down, int64(math.MinInt32), name)
			require.LessOrEqual(t, h, int64(math.MaxUint32), name)
			require.Equal(t, all, sum)
			g, v := grow.Split(sum)
			require.Equal(t, up+down, g, "%s: the sum unpacks", name)
			require.Equal(t, h, v, name)
			if a > 1e-30 && n < 1000 {
				require.Greater(t, up-down, int64(math.MaxInt32)*9/10, "%s: the units waste nothing", name)
			}
		}
	}
}

func TestRoundingIsUnbiasedAndFixed(t *testing.T) {
	const n = 200_000
	grad, hess := make([]float32, n), make([]float32, n)
	for i := range grad {
		grad[i], hess[i] = -0.3, 0.7
	}
	packed := make([]int64, n)
	again := make([]int64, n)
	rows := upTo(n)
	grow.Pack(packed, grad, hess, rows, 1, 1, 9)
	var g, h int64
	for _, p := range packed {
		a, b := grow.Split(p)
		require.True(t, (a == 0 || a == -1) && (b == 0 || b == 1))
		g, h = g+a, h+b
	}
	z := math.Sqrt(n * 0.3 * 0.7)
	require.InDelta(t, -0.3*n, g, 4*z)
	require.InDelta(t, 0.7*n, h, 4*z)
	grow.Pack(again[:], grad, hess, rows[n/2:], 1, 1, 9)
	require.Equal(t, packed[n/2:], again[n/2:], "a row is rounded the same whichever others there are")
	grow.Pack(again, grad, hess, rows, 1, 1, 10)
	require.NotEqual(t, packed, again)
}
