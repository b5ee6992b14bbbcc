package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/puresvd"
)

// What the vectors are chosen from.
var (
	factors    = []int{32, 64}
	normalizes = []float64{0, 0.5, 0.8}
)

// chooseVectors trains vectors of items with each number of factors and each normalisation,
// puts them into an index, and takes the source that, with the best decay of the history,
// has the highest recall@20 on users of part B, as chooseKNN does. A user is the sum of
// the vectors of the history.
func chooseVectors(ctx context.Context, d *data, in *retrieval.Interactions, workers int, stderr io.Writer) (*nearest.Retriever, error) {
	part := d.choosers()
	var (
		best       *nearest.Retriever
		chosen     puresvd.Config
		bestDecay  float64
		bestRecall = math.Inf(-1)
	)
	for _, f := range factors {
		for _, normalize := range normalizes {
			m, err := puresvd.Train(ctx, in, puresvd.Config{Factors: f, Normalize: normalize, Seed: 1, Workers: workers})
			if err != nil {
				return nil, err
			}
			index, err := flat.New(flat.Config{}, m.Items(), m.Vectors())
			if err != nil {
				return nil, err
			}
			for _, decay := range decays {
				source, err := nearest.New(index, nearest.Config{History: retrieval.History{Decay: decay}, Version: m.Version()})
				if err != nil {
					return nil, err
				}
				recall, err := recallAlone(ctx, d, part, source, workers)
				if err != nil {
					return nil, err
				}
				if recall > bestRecall {
					best, chosen, bestDecay, bestRecall = source, m.Config(), decay, recall
				}
			}
		}
	}
	fmt.Fprintf(stderr, "PureSVD: %d factors, normalize %g, decay %g; recall@%d %.4f on %d users of part B, the best of %d settings\n",
		chosen.Factors, chosen.Normalize, bestDecay, cutoff, bestRecall, len(part), len(factors)*len(normalizes)*len(decays))
	return best, nil
}
