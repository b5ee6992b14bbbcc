package loss_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
)

func TestPairAccuracyIsTheShareOfOrderedPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	for _, labels := range []func() float32{
		func() float32 { return float32(rng.IntN(4)) },
		func() float32 { return float32(rng.NormFloat64() * 1e30) },
		func() float32 { return float32(rng.IntN(2) - 1000) },
	} {
		d := loss.Data{Starts: []int{0}, Workers: 2}
		var s []float64
		for i := range 400 {
			d.Order, d.Labels = append(d.Order, int32(i)), append(d.Labels, labels())
			s = append(s, float64(rng.IntN(6)))
			if rng.IntN(30) == 0 {
				s[i] = math.NaN()
			}
			if rng.IntN(20) == 0 {
				d.Labels[i] = float32(math.NaN())
			}
			if i == 399 || rng.IntN(9) == 0 {
				d.Starts = append(d.Starts, i+1)
			}
		}
		sum, n := 0.0, 0.0
		for g := range len(d.Starts) - 1 {
			wins, pairs := 0.0, 0.0
			for _, a := range d.Order[d.Starts[g]:d.Starts[g+1]] {
				for _, b := range d.Order[d.Starts[g]:d.Starts[g+1]] {
					if d.Labels[a] > d.Labels[b] {
						pairs++
						wins += float64(cmp.Compare(s[a], s[b])+1) / 2
					}
				}
			}
			if pairs > 0 {
				sum, n = sum+wins/pairs, n+1
			}
		}
		require.Greater(t, n, 10.0)
		require.InDelta(t, sum/n, value(t, loss.PairAccuracy, 0, params(loss.Pairwise), d, s), 1e-12)
	}
}

func TestPairAccuracyNeedsPairs(t *testing.T) {
	d := loss.Data{Labels: []float32{2, 2, 3}, Order: []int32{0, 1, 2}, Starts: []int{0, 2, 3}, Workers: 1}
	_, err := loss.NewMetric(loss.PairAccuracy, 0, params(loss.Pairwise), d)
	require.ErrorIs(t, err, loss.ErrNoPairs)
	d.Starts = nil
	_, err = loss.NewMetric(loss.PairAccuracy, 0, params(loss.Pairwise), d)
	require.ErrorContains(t, err, "there are no groups")
}
