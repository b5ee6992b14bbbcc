package gbdt_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

var rankingLosses = []gbdt.Loss{gbdt.LambdaMART, gbdt.Pairwise, gbdt.XENDCG}

func TestSigmaOutOfItsRangeIsRefused(t *testing.T) {
	d := only(events(100, 41), "grade")
	for _, l := range rankingLosses[:2] {
		for _, sigma := range []float64{-1, 1e-7, 1e7, 1e30, 1e300, math.Inf(1), math.NaN()} {
			_, err := gbdt.Train(background, gbdt.Config{Objective: gbdt.Objective{Loss: l, Sigma: sigma}}, d)
			require.EqualError(t, err, fmt.Sprintf("gbdt: Config.Objective.Sigma is %v; want a number from 1e-6 to 1e6 (0 means 1)", sigma))
		}
	}
}

// The loss of a pair looks at Sigma times the difference of scores alone: without regularisation trees of another Sigma
// are the same, their leaves divided by it, as long as all is finite.
func TestSigmaScalesScoresAlone(t *testing.T) {
	d := only(events(600, 42), "grade")
	d.IDColumns, d.IDs = nil, nil // categories are regularised
	cfg := gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.Pairwise, Unnormalised: true}, Rounds: 3, MinHessian: 1e-300}
	raw := func(sigma float64) []float32 {
		cfg.Objective.Sigma = sigma
		m := train(t, cfg, d)
		require.Equal(t, 3, m.Trees(), "%v", sigma)
		p, err := m.Predict(nil, d)
		require.NoError(t, err)
		return p
	}
	one := raw(0)
	for _, sigma := range []float64{0.25, 4, 1024} { // powers of two, so that rounding is the same
		for i, v := range raw(sigma) {
			require.InDelta(t, float64(one[i]), float64(v)*sigma, 1e-5, "%v", sigma)
		}
	}
	for _, sigma := range []float64{1e-6, 1e6} {
		for _, v := range raw(sigma) {
			require.Less(t, math.Abs(float64(v)), math.MaxFloat32)
		}
	}
}

func TestDataOfRankingLossesThatHasNothingToRank(t *testing.T) {
	nan := float32(math.NaN())
	for _, l := range rankingLosses {
		for want, spoil := range map[string]func(d *ranking.Dataset){
			"no labelled rows":   func(d *ranking.Dataset) { fill(d.Labels, nan) },
			" no labelled rows":  func(d *ranking.Dataset) { fill(d.Weights, 0) },
			"no group has":       func(d *ranking.Dataset) { fill(d.Labels, 2) },
			" no group has":      func(d *ranking.Dataset) { d.Groups = nil }, // each row is one
			"  no group has":     func(d *ranking.Dataset) { oneLabelEach(d) },
			"Groups":             func(d *ranking.Dataset) { d.Groups = d.Groups[:len(d.Groups)-1] },
			" Groups":            func(d *ranking.Dataset) { d.Groups = append(d.Groups, 1) },
			"Weights: row 4 is ": func(d *ranking.Dataset) { d.Weights[4] = -1 },
			"Labels: row 4":      func(d *ranking.Dataset) { d.Labels[4] = float32(math.Inf(-1)) },
		} {
			d := only(events(160, 43), "grade")
			spoil(d)
			m, err := gbdt.Train(background, gbdt.Config{Objective: gbdt.Objective{Loss: l}}, d)
			require.Nil(t, m)
			require.ErrorContains(t, err, trimmed(want), "%v", l)
		}
		for _, label := range []float32{-1, 32} {
			d := only(events(160, 43), "grade")
			d.Labels[5] = label
			_, err := gbdt.Train(background, gbdt.Config{Objective: gbdt.Objective{Loss: l}, Rounds: 2}, d)
			if l == gbdt.Pairwise {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, fmt.Sprintf("Labels: row 5, \"grade\" is %v; want a grade in [0, 31]", label))
			}
		}
	}
}

func trimmed(s string) string {
	for s[0] == ' ' {
		s = s[1:]
	}
	return s
}

// oneLabelEach leaves each group one row with a label.
func oneLabelEach(d *ranking.Dataset) {
	seen := map[uint64]bool{}
	for i, g := range d.Groups {
		if seen[g] {
			d.Labels[i] = float32(math.NaN())
		}
		seen[g] = true
	}
}

// Labels of a Pairwise loss may be amounts, with validation too: its metric takes them.
func TestPairwiseRanksByAnyNumbers(t *testing.T) {
	d := only(events(1600, 44), "watch")
	for i := range d.Labels {
		d.Labels[i] = 1e6*d.Labels[i] - 3e6
	}
	var names []string
	last := 0.0
	cfg := gbdt.Config{
		Objective: gbdt.Objective{Loss: gbdt.Pairwise}, Rounds: 20, Validation: d, Patience: 5,
		Progress: func(p gbdt.Progress) {
			names = append(names, p.Metric)
			last = p.Validation
		},
	}
	train(t, cfg, d)
	require.Contains(t, names, "pair accuracy")
	require.Greater(t, last, 0.8)
	cfg.Objective.Metric = gbdt.NDCG
	_, err := gbdt.Train(background, cfg, d)
	require.ErrorContains(t, err, "want a grade in [0, 31]")
}

func TestConstantFeaturesLearnNothingUnderAnyLoss(t *testing.T) {
	for _, c := range objectives {
		d := only(events(300, 45), c.head)
		fill(d.Floats, 3)
		for i := range d.IDs {
			d.IDs[i] = 9
		}
		m := train(t, gbdt.Config{Objective: c.o, Rounds: 5}, d)
		require.Zero(t, m.Trees(), "%v", c.o.Loss)
		p, err := m.Predict(nil, d)
		require.NoError(t, err)
		for i, v := range p {
			require.Equal(t, p[i%len(m.Heads())], v)
			require.False(t, v-v != 0)
		}
	}
}

func TestWeightsOfZeroAreNoRowsUnderAnyLoss(t *testing.T) {
	for _, c := range objectives {
		d := only(events(300, 46), c.head)
		fill(d.Weights, 0)
		_, err := gbdt.Train(background, gbdt.Config{Objective: c.o}, d)
		require.ErrorIs(t, err, ranking.ErrNoRows, "%v", c.o.Loss)
	}
}

func TestCancelledTrainingStopsUnderAnyLoss(t *testing.T) {
	for _, c := range objectives {
		d := only(events(300, 47), c.head)
		ctx, cancel := context.WithCancel(t.Context())
		cfg := gbdt.Config{Objective: c.o, Rounds: 50, Progress: func(p gbdt.Progress) {
			if p.Round == 3 {
				cancel()
			}
		}}
		m, err := gbdt.Train(ctx, cfg, d)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 3, m.Rounds(), "%v", c.o.Loss)
	}
}

// A pair for each two rows would be 5e9 of them, and of memory 40 GB.
func TestAQueryOfAHundredThousandRowsTrains(t *testing.T) {
	const n = 100_000
	d := &ranking.Dataset{Columns: []string{"x"}, Heads: []string{"grade"}}
	r := gbdt.Random(48)
	for range n {
		x := r.Float64()
		d.Floats = append(d.Floats, float32(x))
		d.Labels = append(d.Labels, float32(min(3, math.Floor(5*x*r.Float64()))))
		d.Groups = append(d.Groups, 1)
	}
	for _, l := range rankingLosses {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := train(t, gbdt.Config{
			Objective: gbdt.Objective{Loss: l, Truncation: 30}, Rounds: 5, Leaves: 8, MaxBytes: 64 << 20, MinHessian: 1e-9,
		}, d)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20), "%v", l)
		p, err := m.Predict(nil, &ranking.Dataset{Columns: d.Columns, Floats: []float32{0.02, 0.98}})
		require.NoError(t, err)
		require.Greater(t, p[1], p[0], "%v", l)
	}
}
