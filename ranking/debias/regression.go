package debias

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys/ranking"
)

// Relevance is the regression of [RegressionEM]. It learns how relevant pairs are and says so: pair p was
// relevant in target[p] of weight[p] cases (target in [0, 1], weight > 0), and dst[p] is to become the
// probability, in [0, 1], that the model gives it. Only dst is written to, and nothing is kept. The pairs are
// the same, in the same order, each time. [ModelRelevance] makes one of a model that is trained on a dataset.
type Relevance func(ctx context.Context, pairs []Pair, target, weight, dst []float64) error

// RegressionEMConfig configures [RegressionEM].
type RegressionEMConfig struct {
	// Iterations is how many steps are taken, each with one regression, >= 0; 0 means 50.
	Iterations int
	// Progress, if not nil, is called after each step with the log likelihood before it.
	Progress func(iteration int, logLikelihood float64)
}

// RelevanceError says that a [Relevance] gave what is no probability.
type RelevanceError struct {
	Pair  Pair
	Value float64
}

// Error returns "debias: the relevance of query 3, item 7 is NaN; want 0 to 1".
func (e *RelevanceError) Error() string {
	return fmt.Sprintf("debias: the relevance of query %d, item %d is %v; want 0 to 1", e.Pair.Query, e.Pair.Item, e.Value)
}

// RegressionEM fits the position-based model by expectation maximisation with a regression in place of
// a relevance for each pair, and returns the examination relative to place 0.
//
// So it works where a pair is shown at one place only, or hardly ever at all: pairs with like features are
// compared across places. What the regression cannot tell apart goes into the examination: with features that
// know the old ranker's place well, the two are confounded and nothing here notices. Examination and
// relevance start at 0.5. It costs O(counts) and one regression for each step.
//
// The errors are a [*CountError], a [*RelevanceError], those of relevance, and the cause of ctx. A relevance of 0
// or 1 counts as 1e-9 from it, since a click on it would be impossible.
//
// Source: Wang, Golbandi, Bendersky, Metzler, Najork, WSDM 2018, algorithm 1. They draw a label
// for each impression from its probability; here the regression gets the probabilities, which is the mean over draws.
func RegressionEM(ctx context.Context, counts []Count, relevance Relevance, cfg RegressionEMConfig) (Examination, error) {
	switch {
	case cfg.Iterations < 0:
		return nil, fmt.Errorf("debias: RegressionEMConfig.Iterations is %d; want >= 0 (0 means 50)", cfg.Iterations)
	case cfg.Iterations == 0:
		cfg.Iterations = 50
	}
	if relevance == nil {
		return nil, fmt.Errorf("debias: RegressionEM: relevance is nil; want a regression (EM needs none)")
	}
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	pair, pairs := numbered(counts)
	m := newPBM(counts, pair, n, len(pairs))
	target := make([]float64, len(pairs))
	for i := range cfg.Iterations {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("debias: RegressionEM: %w", context.Cause(ctx))
		}
		l := m.expect()
		for p := range target {
			target[p] = min(m.l[p]/m.asked[p], 1)
		}
		for k := range m.seen {
			m.seen[k] = m.s[k] / m.shown[k]
		}
		if err := relevance(ctx, pairs, target, m.asked, m.liked); err != nil {
			return nil, fmt.Errorf("debias: RegressionEM: step %d: %w", i+1, err)
		}
		if err := m.checkLiked(pairs); err != nil {
			return nil, err
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, l)
		}
	}
	return Examination(m.seen).relative()
}

func (m *pbm) checkLiked(pairs []Pair) error {
	for p, r := range m.liked {
		if !(r >= 0 && r <= 1) {
			return &RelevanceError{pairs[p], r}
		}
		m.liked[p] = min(max(r, 1e-9), 1-1e-9)
	}
	return nil
}

// Predictor is a trained model: [ranking.Linear], or the models of gbdt and fm.
type Predictor interface {
	// Predict appends a prediction for each row of d and head of the model to dst.
	Predict(dst []float32, d *ranking.Dataset) ([]float32, error)
}

// ModelRelevance returns the regression that trains a model on the columns of features. row returns the row of features
// that describes a pair. train gets a dataset with those columns and the one head "relevant": for each pair a row
// with label 1 and one with label 0, weighted by how often the pair was expected to be the one and the other. It
// returns a model of that head whose predictions are probabilities, for instance
//
//	func(ctx context.Context, d *ranking.Dataset) (debias.Predictor, error) {
//		return ranking.TrainLinear(ctx, ranking.LinearConfig{}, d)
//	}
//
// A row outside features is an error that names the pair.
func ModelRelevance(features *ranking.Dataset, row func(Pair) int, train func(context.Context, *ranking.Dataset) (Predictor, error)) Relevance {
	return func(ctx context.Context, pairs []Pair, target, weight, dst []float64) error {
		var rows []int32
		for _, p := range pairs {
			r := row(p)
			if r < 0 || r >= features.Len() {
				return fmt.Errorf("row %d of query %d, item %d; the features have %d rows", r, p.Query, p.Item, features.Len())
			}
			rows = append(rows, int32(r))
		}
		plain := ranking.Dataset{
			Columns: features.Columns, Floats: features.Floats, IDColumns: features.IDColumns, IDs: features.IDs,
			Heads: []string{"relevant"}, Labels: make([]float32, features.Len()),
		}
		asked := plain.Rows(rows)
		model, err := train(ctx, expected(asked, target, weight))
		if err != nil {
			return err
		}
		p, err := model.Predict(nil, asked)
		if err != nil {
			return err
		}
		if len(p) != len(pairs) {
			return fmt.Errorf("the model made %d predictions for %d pairs; want one head", len(p), len(pairs))
		}
		for i := range dst {
			dst[i] = float64(p[i])
		}
		return nil
	}
}

// expected returns the rows of d twice, relevant and not, weighted by how often each is the case.
func expected(d *ranking.Dataset, target, weight []float64) *ranking.Dataset {
	var rows []int32
	var labels, weights []float32
	for i, t := range target {
		for label, share := range []float64{1 - t, t} {
			if w := float32(share * weight[i]); w > 0 {
				rows, labels, weights = append(rows, int32(i)), append(labels, float32(label)), append(weights, w)
			}
		}
	}
	out := d.Rows(rows)
	out.Labels, out.Weights = labels, weights
	return out
}
