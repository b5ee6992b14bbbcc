package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/objective"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/calibrate"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// The models that -ranker names. They have the same columns, users and heads.
const (
	boosted = "boosted"
	linear  = "linear"
)

// ranker is a trained model, and what it looks at.
type ranker struct {
	recsys.Ranker
	name       string
	importance func(head string) ([]ranking.Importance, error)
	measure    string // what importance says
}

// trainRanker fits the ranker and the objective. Heads that have one class only are left
// out; without any head there is no ranker, and the order of the merge stands.
func (m *models) trainRanker(ctx context.Context, name string, set *ranking.Dataset, seed uint64, workers int, stderr io.Writer) error {
	config, err := objective.ParseConfig("objective.json", goal)
	if err != nil {
		return err
	}
	fit, held, err := set.Split(0.2, seed)
	if err != nil {
		return err
	}
	m.rows = fit.Len()
	for _, head := range set.Heads {
		if twoClasses(fit, head) {
			continue
		}
		m.note = strings.TrimPrefix(m.note+"; ", "; ") + "the head " + head + " has one class only and is left out"
		fit, held = without(fit, head), without(held, head)
		config.Terms = slices.DeleteFunc(config.Terms, func(t objective.Term) bool { return t.Head == head })
	}
	if len(config.Terms) == 0 {
		m.note = "no candidate of part B was right, or all were: there is no ranker, the order of the merge stands"
		return nil
	}
	if name == linear {
		m.ranker, err = trainLinear(ctx, fit, held, seed, workers, stderr)
	} else {
		m.ranker, err = trainTrees(ctx, fit, held, seed, workers, stderr)
	}
	if err != nil {
		return err
	}
	if m.ranker == nil {
		m.note = strings.TrimPrefix(m.note+"; ", "; ") + "the ranker orders held-out users no better than chance: there is none, the order of the merge stands"
		return nil
	}
	m.goal, err = objective.New(config)
	return err
}

const (
	epochs = 40
	rounds = 120
)

// trainLinear fits a logistic regression for each head, and stops when the log loss of held-out
// users no longer falls.
func trainLinear(ctx context.Context, fit, held *ranking.Dataset, seed uint64, workers int, stderr io.Writer) (*ranker, error) {
	progress := cli.NewProgress(stderr, "epochs of the ranker", epochs, nil)
	config := ranking.LinearConfig{
		L2: 1e-5, Epochs: epochs, LearningRate: 0.3, Seed: seed, Workers: workers,
		Progress: func(ranking.LinearProgress) { progress.Add(1) },
	}
	if held.Len() > 0 {
		config.Validation = held
	}
	m, err := ranking.TrainLinear(ctx, config, fit)
	if err != nil {
		return nil, err
	}
	progress.Done()
	return &ranker{m, linear, m.Importance, "Standard deviation of what the feature adds to the log odds of a click."}, nil
}

// trainTrees fits boosted trees for each head. They learn the order of a list (LambdaMART), so what they
// predict is no probability until the held-out users have calibrated it. What keeps trees from learning a
// few hundred users by heart is that they are small, that each sees a part of the users and of the
// features, and that no source's word for a candidate may count against it. Nil if what they predict
// does not go up with what the held-out users did: calibrated, it would be the same for all.
func trainTrees(ctx context.Context, fit, held *ranking.Dataset, seed uint64, workers int, stderr io.Writer) (*ranker, error) {
	progress := cli.NewProgress(stderr, "rounds of the ranker", rounds*len(fit.Heads), nil)
	m, err := gbdt.Train(ctx, gbdt.Config{
		Objective: gbdt.Objective{Loss: gbdt.LambdaMART},
		Rounds:    rounds, LearningRate: 0.05, Leaves: 6, MinRows: 50,
		RowFraction: 0.7, RowsByGroup: true, FeatureFraction: 0.3, Monotone: rising(fit.Columns),
		Seed: seed, Workers: workers,
		Progress: func(gbdt.Progress) { progress.Add(1) },
	}, fit)
	if err != nil {
		return nil, err
	}
	progress.Done()
	if slices.ContainsFunc(fit.Heads, func(head string) bool { return !twoClasses(held, head) }) {
		held = fit // too few users to hold any out
	}
	heads, err := calibrate.FitHeads(calibrate.Config{Method: calibrate.Platt}, m, held)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(fit.Heads, func(head string) bool { return heads[head].Parameters()[0] > 0 }) {
		return nil, nil
	}
	probable, err := calibrate.Wrap(m, calibrate.WrapConfig{Heads: heads})
	if err != nil {
		return nil, err
	}
	importance := func(head string) ([]ranking.Importance, error) { return m.Importance(head, gbdt.Gain) }
	return &ranker{probable, boosted, importance, "By how much the splits on the feature lowered the loss of clicks, summed over rows."}, nil
}

// rising are the columns in which a probability must not fall: what sources say of the
// candidate. Popularity is none of them, since what everybody takes need not be what comes late.
func rising(columns []string) map[string]int {
	list := map[string]int{"merged": 1, "sources": 1}
	for _, name := range columns {
		source, what, _ := strings.Cut(name, ".")
		if source != "popularity" && slices.Contains([]string{"score", "rank", "asked", "place"}, what) {
			list[name] = 1
		}
	}
	return list
}

// twoClasses reports whether a head has rows above 0 and rows at 0.
func twoClasses(d *ranking.Dataset, head string) bool {
	column, err := d.LabelColumn(nil, head)
	return err == nil && slices.ContainsFunc(column, func(y float32) bool { return y > 0 }) && slices.Contains(column, 0)
}

// without returns d without one of its heads.
func without(d *ranking.Dataset, head string) *ranking.Dataset {
	x := *d
	x.Heads, x.Labels = nil, nil
	at := slices.Index(d.Heads, head)
	for i, h := range d.Heads {
		if i != at {
			x.Heads = append(x.Heads, h)
		}
	}
	for i := range d.Len() {
		for j, y := range d.LabelRow(i) {
			if j != at {
				x.Labels = append(x.Labels, y)
			}
		}
	}
	return &x
}
