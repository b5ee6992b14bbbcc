package gbdt

import (
	"context"
	"math/rand/v2"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Forests returns the forests of a model.
func (m *Model) Forests() []*tree.Forest {
	var all []*tree.Forest
	for i := range m.forests {
		all = append(all, m.forests[i].Forest)
	}
	return all
}

// TrainRaw trains, and returns the raw scores that training arrived at: of each head, output-major.
func TrainRaw(cfg Config, d *ranking.Dataset) (m *Model, raw [][]float64, err error) {
	t, err := newTrainer(context.Background(), &cfg, d)
	if err != nil {
		return nil, nil, err
	}
	if err := t.run(context.Background()); err != nil {
		return nil, nil, err
	}
	for _, h := range t.heads {
		raw = append(raw, h.raw)
	}
	m, err = t.model(true)
	return m, raw, err
}

// LossOf returns the objective of the first head as training has it.
func LossOf(cfg Config, d *ranking.Dataset) (loss.Objective, error) {
	t := &trainer{cfg: &cfg, data: d}
	if err := t.setFeatures(); err != nil {
		return nil, err
	}
	err := t.setHeads(nil)
	return t.heads[0].obj, err
}

// Drops is Config.drops.
func (c *Config) Drops(round int, weights []float64) []int { return c.drops(round, weights) }

// Sample returns the rows of a round, and changes gradients as GOSS does.
func (c *Config) Sample(d *ranking.Dataset, rows []int32, round int, grad, hess []float32) []int32 {
	s := sampler{cfg: c, data: d}
	return s.rows(rows, round, grad, hess)
}

// SampleFeatures returns the features of a tree.
func (c *Config) SampleFeatures(all []int32, round int) []int32 {
	s := sampler{cfg: c}
	return s.features(all, round, 0)
}

// KthLargest is kthLargest.
var KthLargest = kthLargest

// Random is a source for tests.
func Random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 17)) }
