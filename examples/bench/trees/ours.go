package main

import (
	"context"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// config is ours for what the flags say.
func (t *training) config() gbdt.Config {
	return gbdt.Config{
		Objective: gbdt.Objective{Loss: gbdt.LogLoss},
		Rounds:    t.trees, Leaves: t.leaves, LearningRate: t.rate, Seed: t.seed, Workers: 1,
	}
}

// ours trains with this library.
func (t *training) ours(data *ranking.Dataset) *lane {
	return &lane{name: "ours", train: func(ctx context.Context) (model, error) {
		m, err := gbdt.Train(ctx, t.config(), data)
		if err != nil {
			return model{}, err
		}
		score := func(dst []float64, d *ranking.Dataset) error {
			p, err := m.Predict(nil, d)
			for i, v := range p {
				dst[i] = float64(v)
			}
			return err
		}
		return model{score: score, close: func() {}}, nil
	}}
}
