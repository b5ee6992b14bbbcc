package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/metrics"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/itemknn"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/session"
)

// choosers is the number of users of part B that choose the settings of a source.
const choosers = 400

// trial is a source with the settings that made it.
type trial struct {
	settings string
	r        recsys.Retriever
}

// choose returns the source that has the highest recall@20 on users of part B, the first on a
// tie. The sources know part A alone; part C plays no part.
func choose(ctx context.Context, d *data, name string, trials []trial, workers int, stderr io.Writer) (recsys.Retriever, error) {
	part := d.choosers()
	best, bestRecall := trials[0], math.Inf(-1)
	for _, x := range trials {
		recall, err := recallAlone(ctx, d, part, x.r, workers)
		if err != nil {
			return nil, err
		}
		if recall > bestRecall {
			best, bestRecall = x, recall
		}
	}
	fmt.Fprintf(stderr, "%s: %s; recall@%d %.4f on %d users of part B, the best of %d settings\n",
		name, best.settings, cutoff, bestRecall, len(part), len(trials))
	return best.r, nil
}

// itemKNN are the items that the same users take.
func itemKNN(ctx context.Context, in *retrieval.Interactions, workers int) ([]trial, error) {
	var list []trial
	for _, shrinkage := range []float64{10, 100, 500} {
		cfg := itemknn.Config{Neighbors: neighbors(len(in.Items())), Shrinkage: shrinkage, Workers: workers}
		m, err := itemknn.Train(ctx, in, cfg)
		if err != nil {
			return nil, err
		}
		for _, decay := range []float64{1, 0.9, 0.8} {
			m, err := m.WithHistory(retrieval.History{Decay: decay})
			if err != nil {
				return nil, err
			}
			list = append(list, trial{fmt.Sprintf("shrinkage %g, decay %g", shrinkage, decay), m})
		}
	}
	return list, nil
}

// transitions are the items that came after those of the history, or before them.
func transitions(ctx context.Context, in *retrieval.Interactions, workers int) ([]trial, error) {
	cfg := session.Transitions{Gap: 20, Reverse: 0.4, Shrinkage: 5, Neighbors: neighbors(len(in.Items())), Workers: workers}
	m, err := session.TrainTransitions(ctx, in, cfg)
	if err != nil {
		return nil, err
	}
	var list []trial
	for _, decay := range []float64{0.9, 0.85, 0.8} {
		m, err := m.WithHistory(retrieval.History{Decay: decay})
		if err != nil {
			return nil, err
		}
		list = append(list, trial{fmt.Sprintf("decay %g", decay), m})
	}
	return list, nil
}

// factors are the items whose vectors are nearest to the one that the history gives, found by
// an index.
func factors(ctx context.Context, in *retrieval.Interactions, workers int) ([]trial, error) {
	var list []trial
	for _, regularization := range []float64{0.01, 0.02} {
		m, err := als.Train(ctx, in, als.Config{Factors: 128, Regularization: regularization, Epochs: 8, Seed: 1, Workers: workers})
		if err != nil {
			return nil, err
		}
		index, err := flat.New(flat.Config{}, m.Items(), m.Vectors())
		if err != nil {
			return nil, err
		}
		source, err := nearest.New(index, nearest.Config{Vectors: m.UserVector, Version: m.Version()})
		if err != nil {
			return nil, err
		}
		list = append(list, trial{fmt.Sprintf("regularization %g", regularization), source})
	}
	return list, nil
}

// choosers are at most so many users of part B, spread evenly.
func (d *data) choosers() []int {
	part := d.of(goapi.PartB)
	every := max(1, (len(part)+choosers-1)/choosers)
	few := part[:0:0]
	for i := 0; i < len(part); i += every {
		few = append(few, part[i])
	}
	return few
}

// neighbors is how many neighbours an item keeps: 2,000, fewer where there are so many
// items that the model would exceed some 128 MB.
func neighbors(items int) int { return min(2000, max(50, 16_000_000/max(items, 1))) }

// recallAlone is the mean recall of a retriever that fills the slate by itself.
func recallAlone(ctx context.Context, d *data, users []int, r recsys.Retriever, workers int) (float64, error) {
	p, err := recsys.NewPipeline(recsys.Retrieve("alone", r)).Build()
	if err != nil {
		return 0, err
	}
	o, err := evaluate(ctx, d, users, variant{name: "alone", pipeline: p}, workers, nil)
	if err != nil {
		return 0, err
	}
	return metrics.Summarize(o.recall).Mean, nil
}
