package gbdt_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// plain returns n rows without columns.
func plain(n int) *ranking.Dataset {
	return &ranking.Dataset{Heads: []string{"y"}, Labels: make([]float32, n)}
}

func TestRowsAreDrawnAtTheirRate(t *testing.T) {
	const n = 20_000
	cfg := gbdt.Config{RowFraction: 0.3, RowEvery: 2, Seed: 5}
	all := upTo(0, n)
	rows := func(round int) []int32 { return slices.Clone(cfg.Sample(plain(n), all, round, nil, nil)) }
	first := rows(0)
	require.InDelta(t, 0.3*n, len(first), 4*math.Sqrt(n*0.3*0.7))
	require.True(t, slices.IsSorted(first))
	require.Equal(t, first, rows(1), "the same rows for two rounds")
	next := rows(2)
	require.NotEqual(t, first, next)
	both := 0
	for _, i := range next {
		if _, ok := slices.BinarySearch(first, i); ok {
			both++
		}
	}
	require.InDelta(t, 0.09*n, both, 4*math.Sqrt(n*0.09*0.91), "rounds are independent")
	require.Equal(t, []int32{7}, cfg.Sample(plain(n), []int32{7}, 0, nil, nil), "never no rows")
}

func TestGroupsAreDrawnWhole(t *testing.T) {
	d := plain(10_000)
	for i := range 10_000 {
		d.Groups = append(d.Groups, uint64(i/10))
	}
	cfg := gbdt.Config{RowFraction: 0.5, RowsByGroup: true}
	rows := cfg.Sample(d, upTo(0, 10_000), 3, nil, nil)
	require.InDelta(t, 5000, len(rows), 4*10*math.Sqrt(1000*0.25))
	count := map[uint64]int{}
	for _, i := range rows {
		count[d.Group(int(i))]++
	}
	for _, n := range count {
		require.Equal(t, 10, n)
	}
}

// Source: Ke et al., "LightGBM", NIPS 2017, algorithm 2: the largest stay as they are, the others are
// sampled and amplified by (1-a)/b, so that sums of gradients are right on average.
func TestGOSSIsUnbiased(t *testing.T) {
	const n, rounds = 1000, 400
	cfg := gbdt.Config{GOSS: gbdt.GOSS{Top: 0.2, Other: 0.1}, LearningRate: 1}
	r := gbdt.Random(3)
	grad, hess := make([]float32, n), make([]float32, n)
	want := 0.0
	for i := range grad {
		grad[i], hess[i] = float32(r.NormFloat64()), 1
		if i%3 == 0 {
			grad[i] = 0.5 // ties
		}
		want += float64(grad[i])
	}
	require.Len(t, cfg.Sample(plain(n), upTo(0, n), 0, grad, hess), n, "all rows in the first rounds")
	sizes := make([]float64, n)
	for i, g := range grad {
		sizes[i] = math.Abs(float64(g))
	}
	slices.Sort(sizes)
	var sums []float64
	for round := 1; round <= rounds; round++ {
		g, h := slices.Clone(grad), slices.Clone(hess)
		rows := cfg.Sample(plain(n), upTo(0, n), round, g, h)
		require.Len(t, rows, 300)
		sum, top := 0.0, 0
		for _, i := range rows {
			sum += float64(g[i])
			if h[i] == 1 {
				top++
				require.GreaterOrEqual(t, math.Abs(float64(grad[i])), sizes[n-200])
			} else {
				require.Equal(t, float32(8), h[i])
				require.InDelta(t, 8*grad[i], g[i], 1e-5)
			}
		}
		require.Equal(t, 200, top)
		sums = append(sums, sum)
	}
	mean, variance := 0.0, 0.0
	for _, s := range sums {
		mean += s / rounds
	}
	for _, s := range sums {
		variance += (s - mean) * (s - mean) / (rounds - 1)
	}
	require.InDelta(t, want, mean, 4*math.Sqrt(variance/rounds))
}

func TestKthLargestEqualsSorting(t *testing.T) {
	r := gbdt.Random(4)
	for _, n := range []int{1, 2, 3, 17, 1000} {
		for _, span := range []uint32{1, 3, 1 << 16, 1<<32 - 1} {
			v := make([]uint32, n)
			for i := range v {
				v[i] = r.Uint32N(span)
			}
			sorted := slices.Clone(v)
			slices.Sort(sorted)
			slices.Reverse(sorted)
			for _, k := range []int{1, (n + 1) / 2, n} {
				value, ties := gbdt.KthLargest(v, k)
				require.Equal(t, sorted[k-1], value)
				above := 0
				for _, x := range v {
					if x > value {
						above++
					}
				}
				require.Equal(t, k-above, ties)
			}
		}
	}
}

func TestFeaturesAreDrawnEvenly(t *testing.T) {
	all := []int32{1, 2, 3, 5, 8, 9, 11, 12, 13, 20}
	cfg := gbdt.Config{FeatureFraction: 0.3}
	count := map[int32]int{}
	const rounds = 3000
	for round := range rounds {
		picked := cfg.SampleFeatures(all, round)
		require.Len(t, picked, 3)
		require.True(t, slices.IsSorted(picked))
		for _, j := range picked {
			count[j]++
		}
	}
	require.Equal(t, []int32{1, 2, 3, 5, 8, 9, 11, 12, 13, 20}, all)
	for _, j := range all {
		require.InDelta(t, 0.3*rounds, count[j], 4*math.Sqrt(rounds*0.3*0.7))
	}
	cfg.FeatureFraction = 1e-9
	require.Len(t, cfg.SampleFeatures(all, 0), 1)
}

func TestDropsFollowRateAndWeight(t *testing.T) {
	cfg := gbdt.Config{DropRate: 0.2, SkipDrop: 0.5}
	weights := []float64{0.1, 0.1, 0.1, 0.3}
	const rounds = 20_000
	skipped, light, heavy := 0, 0, 0
	for round := range rounds {
		dropped := cfg.Drops(round, weights)
		if len(dropped) == 0 {
			skipped++
		}
		for _, r := range dropped {
			if r == 3 {
				heavy++
			} else {
				light++
			}
		}
	}
	// A round is dropped with probability 0.5 x 0.2 x 4 w / 0.6.
	require.InDelta(t, 0.5*0.2*4*0.1/0.6*3*rounds, light, 4*math.Sqrt(rounds*0.2))
	require.InDelta(t, 0.5*0.2*4*0.3/0.6*rounds, heavy, 4*math.Sqrt(rounds*0.2))
	require.Greater(t, skipped, rounds/2)
	require.Empty(t, cfg.Drops(0, nil))
	cfg = gbdt.Config{DropRate: 1, MaxDrop: 3}
	for round := range 50 {
		require.LessOrEqual(t, len(cfg.Drops(round, make1(100))), 3)
	}
	cfg.MaxDrop = 1000
	require.Len(t, cfg.Drops(1, make1(100)), 100, "a rate of 1 drops all")
}

func make1(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}
