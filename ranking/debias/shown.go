package debias

import (
	"context"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/ranking"
)

// NaiveBayes returns P(shown | rating) for each row of ratings:
//
//	P(shown | r) = P(r | shown) P(shown) / P(r)
//
// P(r | shown) is the share of r among ratings, P(shown) their number over cells, that of all pairs of user
// and item, and P(r) the share of r in random, a sample of ratings of pairs that were drawn by
// chance. It assumes that being shown depends on the rating alone. Each distinct rating counts as
// one more in both shares, so that one that random lacks has a probability too; results above 1 are 1.
// It is an error when there are no ratings, no random ones, fewer cells than ratings, or NaN among them.
//
// Source: Schnabel et al., ICML 2016, section 4.3 (naive Bayes).
func NaiveBayes(ratings, random []float32, cells int) ([]float64, error) {
	if len(ratings) == 0 || len(random) == 0 {
		return nil, fmt.Errorf("debias: NaiveBayes: %d ratings and %d random ones; want some of each", len(ratings), len(random))
	}
	if cells < len(ratings) {
		return nil, fmt.Errorf("debias: NaiveBayes: %d cells for %d ratings", cells, len(ratings))
	}
	biased, fair := map[float32]float64{}, map[float32]float64{}
	for i, r := range ratings {
		if r != r {
			return nil, fmt.Errorf("debias: NaiveBayes: rating %d is NaN", i)
		}
		biased[r]++
		fair[r] += 0
	}
	for i, r := range random {
		if r != r {
			return nil, fmt.Errorf("debias: NaiveBayes: random rating %d is NaN", i)
		}
		fair[r]++
	}
	kinds := float64(len(fair))
	prior := float64(len(ratings)) / float64(cells)
	p := make([]float64, len(ratings))
	for i, r := range ratings {
		given := (biased[r] + 1) / (float64(len(ratings)) + kinds)
		overall := (fair[r] + 1) / (float64(len(random)) + kinds)
		p[i] = min(given*prior/overall, 1)
	}
	return p, nil
}

// Shown returns, for each row of cells, the probability that its rating is known, by a logistic
// regression on the columns of cells, and the regression. cells has one row for each
// pair of user and item and one head, which is 1 where the rating is known and else 0; ID columns of user
// and item give each an intercept. It assumes that, given the columns, being shown does not depend on
// the rating. The errors are those of [ranking.TrainLinear] and of a dataset with more than one head.
//
// Source: Schnabel et al., ICML 2016, section 4.3 (logistic regression).
func Shown(ctx context.Context, cfg ranking.LinearConfig, cells *ranking.Dataset) ([]float64, *ranking.Linear, error) {
	if len(cells.Heads) != 1 {
		return nil, nil, fmt.Errorf("debias: Shown: the dataset has the heads %q; want one, 1 where a rating is known", cells.Heads)
	}
	m, err := ranking.TrainLinear(ctx, cfg, cells)
	if err != nil {
		return nil, nil, fmt.Errorf("debias: Shown: %w", err)
	}
	predicted, err := m.Predict(nil, cells)
	if err != nil {
		return nil, nil, fmt.Errorf("debias: Shown: %w", err)
	}
	p := make([]float64, len(predicted))
	for i, v := range predicted {
		p[i] = max(float64(v), math.SmallestNonzeroFloat32)
	}
	return p, m, nil
}

// Mean estimates the mean of values over all pairs from those that were shown, each
// with its probability of that: their errors under a model, say, to choose its settings by.
// It returns the self-normalised estimate Σ v/p / Σ 1/p, with probabilities below floor
// counted as floor; 0 means none. It is NaN for no values, and an error for probabilities outside (0, 1],
// a floor outside [0, 1] and slices of different lengths.
//
// Source: Schnabel et al., ICML 2016, section 3.2 (SNIPS).
func Mean(values, shown []float64, floor float64) (float64, error) {
	if len(values) != len(shown) {
		return 0, fmt.Errorf("debias: Mean: %d values with %d probabilities", len(values), len(shown))
	}
	if !(floor >= 0 && floor <= 1) {
		return 0, fmt.Errorf("debias: Mean: floor is %v; want 0 to 1", floor)
	}
	if err := checkShown(shown); err != nil {
		return 0, err
	}
	sum, weight := 0.0, 0.0
	for i, p := range shown {
		w := 1 / max(p, floor)
		sum += float64(w * values[i])
		weight += w
	}
	return sum / weight, nil
}
