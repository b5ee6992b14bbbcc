package gbdt_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

func TestExaminationIsNotMultipliedWithOtherWeights(t *testing.T) {
	d := &ranking.Dataset{
		Columns: []string{"x"}, Floats: []float32{1, 2, 3, 4}, Heads: []string{"click"}, Labels: []float32{0, 1, 0, 1},
		Groups: []uint64{1, 1, 2, 2}, Positions: []int32{0, 1, 0, 1}, Weights: []float32{1, 2, 1, 2},
	}
	cfg := gbdt.Config{Rounds: 1, MinRows: 1, Heads: map[string]gbdt.Objective{"click": {Loss: gbdt.LambdaMART, Examination: []float64{1, 0.5}}}}
	if _, err := gbdt.Train(t.Context(), cfg, d); err != nil {
		t.Errorf("weights that count rows: %v", err)
	}
	for _, by := range []string{"examination", "exposure"} {
		d.WeightedBy = by
		_, err := gbdt.Train(t.Context(), cfg, d)
		var twice *ranking.WeightsError
		if !errors.As(err, &twice) || !strings.Contains(err.Error(), by) || !strings.Contains(err.Error(), "Objective.Examination") {
			t.Errorf("error %v; want one that names both", err)
		}
		cfg := cfg
		cfg.Heads = nil
		cfg.Objective.Loss = gbdt.LogLoss
		if _, err := gbdt.Train(t.Context(), cfg, d); err != nil {
			t.Errorf("without Examination: %v", err)
		}
	}
}
