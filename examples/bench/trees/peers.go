package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/recsyskit/recsys/examples/bench/internal/lightgbm"
	"github.com/recsyskit/recsys/examples/bench/internal/xgboost"
	"github.com/recsyskit/recsys/ranking"
)

// lightGBM trains on its bins of the same rows.
func (t *training) lightGBM(data *ranking.Dataset, more string) *lane {
	params := fmt.Sprintf("objective=binary num_leaves=%d learning_rate=%v seed=%d num_threads=1 verbosity=-1 %s", t.leaves, t.rate, t.seed, more)
	name := strings.TrimSpace("LightGBM " + more)
	return &lane{name: name, train: func(context.Context) (model, error) {
		table, err := lightgbm.NewDataset(lightgbm.Data{Rows: data.Floats, Columns: t.features, Labels: data.Labels}, params, nil)
		if err != nil {
			return model{}, err
		}
		b, err := lightgbm.NewBooster(table, params)
		if err != nil {
			table.Close()
			return model{}, err
		}
		m := model{
			score: func(dst []float64, d *ranking.Dataset) error {
				return b.Predict(dst, d.Floats, t.features, params, lightgbm.Score)
			},
			close: func() { b.Close(); table.Close() },
		}
		for range t.trees {
			done, err := b.Update()
			if err != nil {
				m.close()
				return model{}, err
			}
			if done {
				break
			}
		}
		return m, nil
	}}
}

// xgBoost trains leaf by leaf on histograms of as many bins, with LightGBM's regularisation as far as it has it.
func (t *training) xgBoost(data *ranking.Dataset) *lane {
	params := fmt.Sprintf("objective=binary:logistic tree_method=hist grow_policy=lossguide max_depth=0 max_leaves=%d max_bin=255 eta=%v "+
		"lambda=0 min_child_weight=.001 base_score=%v seed=%d nthread=1 verbosity=0", t.leaves, t.rate, mean(data.Labels), t.seed)
	return &lane{name: "XGBoost " + xgboost.Version(), train: func(context.Context) (model, error) {
		b, err := xgboost.NewBooster(data.Floats, t.features, data.Labels, params)
		if err != nil {
			return model{}, err
		}
		for range t.trees {
			if err := b.Update(); err != nil {
				b.Close()
				return model{}, err
			}
		}
		score := func(dst []float64, d *ranking.Dataset) error {
			p := make([]float32, len(dst))
			err := b.Predict(p, d.Floats, t.features, false)
			for i, v := range p {
				dst[i] = float64(v)
			}
			return err
		}
		return model{score: score, close: b.Close}, nil
	}}
}

func mean(values []float32) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v)
	}
	return sum / float64(len(values))
}
