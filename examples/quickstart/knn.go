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
	"github.com/recsyskit/recsys/retrieval/itemknn"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// What item-kNN is chosen from, and the number of users of part B that choose.
var (
	shrinkages = []float64{10, 100, 500}
	decays     = []float64{1, 0.9, 0.8}
)

const choosers = 400

// chooseKNN trains item-kNN with each shrinkage and takes the one that, with the best decay
// of the history, has the highest recall@20 on users of part B; the first in the order of the
// lists on a tie. The similarities come from part A alone. Part C plays no part.
func chooseKNN(ctx context.Context, d *data, in *retrieval.Interactions, workers int, stderr io.Writer) (*itemsim.Model, error) {
	part := d.choosers()
	var best *itemsim.Model
	var chosen itemknn.Config
	bestRecall := math.Inf(-1)
	for _, shrinkage := range shrinkages {
		cfg := itemknn.Config{Neighbors: neighbors(len(in.Items())), Shrinkage: shrinkage, Workers: workers}
		m, err := itemknn.Train(ctx, in, cfg)
		if err != nil {
			return nil, err
		}
		for _, decay := range decays {
			m, err := m.WithHistory(retrieval.History{Decay: decay})
			if err != nil {
				return nil, err
			}
			recall, err := recallAlone(ctx, d, part, m, workers)
			if err != nil {
				return nil, err
			}
			if recall > bestRecall {
				best, chosen, bestRecall = m, cfg, recall
			}
		}
	}
	fmt.Fprintf(stderr, "item-kNN: shrinkage %g, decay %g, %d neighbours; recall@%d %.4f on %d users of part B, the best of %d settings\n",
		chosen.Shrinkage, best.History().Decay, chosen.Neighbors, cutoff, bestRecall, len(part), len(shrinkages)*len(decays))
	return best, nil
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
