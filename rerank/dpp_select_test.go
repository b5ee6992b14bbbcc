package rerank_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/rerank"
)

// Rounding leaves something of an item that the chosen ones span: in float32 a ten-millionth, and as much more as the kernel is larger than 1.
func TestSelectDPPStopsAtTheRankWhateverTheScale(t *testing.T) {
	const n, d = 200, 8
	r := rand.New(rand.NewPCG(1, 2))
	narrow, wide := make([]float32, n*d), make([]float64, n*d)
	for i := range wide {
		narrow[i] = float32(r.NormFloat64())
		wide[i] = float64(narrow[i])
	}
	cos32, err := rerank.Cosine(narrow, d)
	require.NoError(t, err)
	cos64, err := rerank.Cosine(wide, d)
	require.NoError(t, err)
	want, _, err := rerank.SelectDPP(n, cos64, 30, 0)
	require.NoError(t, err)
	require.Len(t, want, d)
	for _, window := range []int{0, 29} {
		for _, scale := range []float64{1e-4, 1, 1e4, 1e12} {
			got, gains, err := rerank.SelectDPP(n, func(i, j int) float64 { return scale * cos64(i, j) }, 30, window)
			require.NoError(t, err)
			require.Len(t, got, d, "scale %v: gains %v", scale, gains)
			got, gains32, err := rerank.SelectDPP(n, func(i, j int) float32 { return float32(scale) * cos32(i, j) }, 30, window)
			require.NoError(t, err)
			require.Len(t, got, d, "scale %v in float32: gains %v", scale, gains32)
		}
	}
}

// cholesky is algorithm 1 of the paper without any bounds.
func cholesky(n int, kernel func(i, j int) float64, k int) (order []int32, gains []float64) {
	rest, rows := make([]float64, n), make([][]float64, 0, k)
	for i := range rest {
		rest[i] = kernel(i, i)
	}
	for len(order) < k {
		at := -1
		for i, x := range rest {
			if !slices.Contains(order, int32(i)) && (at < 0 || x > rest[at]) {
				at = i
			}
		}
		if at < 0 || rest[at] < rerank.Exhausted {
			break
		}
		order, gains = append(order, int32(at)), append(gains, rest[at])
		row, root := make([]float64, n), math.Sqrt(rest[at])
		for i := range row {
			x := kernel(at, i)
			for _, c := range rows {
				x -= c[at] * c[i]
			}
			row[i] = x / root
		}
		for i, x := range row {
			rest[i] -= x * x
		}
		rows = append(rows, row)
	}
	return order, gains
}

// Where bounds spare little, selection goes on in passes over memory: the same items, of copies the first one first, and the same complaints.
func TestSelectDPPInPassesIsByBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	const n, half = 301, 150
	for _, alpha := range []float64{0, 0.5, 2, 20} {
		plain := kernelOf(t, r, half, 40, alpha) // the largest pair is less than 1
		kernel := func(i, j int) float64 {
			x := plain(i%half, j%half)
			if i != j && i%half == j%half {
				x *= 0.9
			}
			return x
		}
		calls := 0
		order, gains, err := rerank.SelectDPP(n, func(i, j int) float64 { calls++; return kernel(i, j) }, 60, 0)
		require.NoError(t, err)
		wantOrder, want := cholesky(n, kernel, 60)
		require.Equal(t, wantOrder, order, "alpha %v", alpha)
		closeTo(t, fmt.Sprint("alpha ", alpha), want, gains, 1e-9)
		require.LessOrEqual(t, calls, n+n*60*3/2)
		if alpha == 20 {
			require.Less(t, calls, n*60/4, "bounds pay")
		}
		for at, i := range order {
			if earlier := int(i) % half; int(i) >= half {
				require.Contains(t, order[:at], int32(earlier), "the copy %d comes before its first", i)
			}
		}
		last := order[40]
		_, _, err = rerank.SelectDPP(n, func(i, j int) float64 {
			if int32(i) == last && i != j || int32(j) == last && i != j && i == int(order[39]) {
				return math.NaN()
			}
			return kernel(i, j)
		}, 60, 0)
		require.ErrorContains(t, err, "is NaN; want a finite number")
	}
}

// Rounding does not tell items apart that are equally good: each is exactly as much as itself.
func TestSelectDPPBeginsWithTheFirstOfEquals(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	vectors := make([]float64, 60*7)
	for i := range vectors {
		vectors[i] = r.NormFloat64()
	}
	cosine, err := rerank.Cosine(vectors, 7)
	require.NoError(t, err)
	for _, window := range []int{0, 1, 3} {
		order, gains, err := rerank.SelectDPP(60, cosine, 3, window)
		require.NoError(t, err)
		require.Equal(t, int32(0), order[0])
		require.Equal(t, 1., gains[0])
		if window == 1 {
			require.Equal(t, []int32{0, 1, 2}, order)
		}
	}
}
