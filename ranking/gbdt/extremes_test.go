package gbdt_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

func TestGainsThatFallOrOverflowAreRefused(t *testing.T) {
	d := events(200, 31)
	for _, c := range []struct {
		gains []float64
		want  string
	}{
		{[]float64{0, 5, 1, 7, 8}, "Gains[2] is 1; want at least 5"},
		{[]float64{0, 1e31, 1e31, 1e31, 1e31}, "Gains[1] is 1e+31; want a number from 0 to 1e+30"},
	} {
		_, err := gbdt.Train(context.Background(), gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LambdaMART, Gains: c.gains}}, only(d, "grade"))
		require.ErrorContains(t, err, c.want)
	}
}

// With trees as steep as these raw scores would be infinite, and their differences NaN.
func TestTreesThatOutgrowNumbersAreDivergence(t *testing.T) {
	d := events(600, 32)
	for _, c := range objectives {
		if c.o.Loss == gbdt.Softmax {
			continue // a probability of 0 has no gradient
		}
		cfg := gbdt.Config{Objective: c.o, Rounds: 50, LearningRate: 1e306}
		_, err := gbdt.Train(context.Background(), cfg, only(d, c.head))
		require.ErrorIs(t, err, ranking.ErrDiverged, "%v", c.o.Loss)
	}
}

func TestMaxLeafBoundsRenewedLeaves(t *testing.T) {
	d := only(events(600, 33), "watch")
	for _, l := range []gbdt.Loss{gbdt.L2, gbdt.L1, gbdt.Quantile, gbdt.Huber} {
		spread := func(most float64) float32 {
			cfg := gbdt.Config{Objective: gbdt.Objective{Loss: l}, Rounds: 1, LearningRate: 1, MaxLeaf: most}
			p, err := train(t, cfg, d).Predict(nil, d)
			require.NoError(t, err)
			low, high := p[0], p[0]
			for _, v := range p {
				low, high = min(low, v), max(high, v)
			}
			return high - low
		}
		require.Greater(t, spread(0), float32(0.03), "%v", l)
		require.LessOrEqual(t, spread(0.01), float32(0.02001), "%v", l)
	}
}

func TestWeightsOfPositivesThatOverflowAreClipped(t *testing.T) {
	d := only(events(300, 34), "click")
	d.Weights = make([]float32, d.Len())
	fill(d.Weights, 3e38)
	cfg := gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LogLoss, PositiveWeight: 100}, Rounds: 5}
	p, err := train(t, cfg, d).Predict(nil, d)
	require.NoError(t, err)
	for _, v := range p {
		require.True(t, v >= 0 && v <= 1, v)
	}
}
