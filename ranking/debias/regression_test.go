package debias_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/debias"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// A regression that knows each pair by heart makes regression EM plain EM.
func TestRegressionEMWithARelevancePerPairIsEM(t *testing.T) {
	oneGoroutine(t)
	counts := clicksOf([]float64{1, 0.7, 0.3}, 100, true, 5)
	want, err := debias.EM(counts, debias.EMConfig{Iterations: 30})
	if err != nil {
		t.Fatal(err)
	}
	last := math.Inf(-1)
	got, err := debias.RegressionEM(t.Context(), counts, func(_ context.Context, _ []debias.Pair, target, _, dst []float64) error {
		copy(dst, target)
		return nil
	}, debias.RegressionEMConfig{Iterations: 30, Progress: func(_ int, l float64) {
		if l < last-1e-9 {
			t.Errorf("log likelihood %v after %v", l, last)
		}
		last = l
	}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "regression EM", got, want, 1e-12)
}

// sparse draws clicks of items that are shown once each, at a place that depends on one of two features;
// relevance depends on both.
func sparse(truth []float64, n int, seed uint64) (counts []debias.Count, features *ranking.Dataset) {
	r := rand.New(rand.NewPCG(seed, 6))
	features = &ranking.Dataset{Columns: []string{"quality", "match"}}
	for i := range n {
		quality, match := r.NormFloat64(), r.NormFloat64()
		place := min(max(int(float64(len(truth))/2-quality+1.2*r.NormFloat64()), 0), len(truth)-1)
		liked := 1 / (1 + math.Exp(1-quality-match))
		c := debias.Count{Query: uint64(i / 7), Item: uint64(i), Position: place, Impressions: 1}
		if r.Float64() < truth[place]*liked {
			c.Clicks = 1
		}
		counts = append(counts, c)
		features.Floats = append(features.Floats, float32(quality), float32(match))
	}
	return counts, features
}

// Source: Wang et al. 2018: a pair that is shown once has no relevance of its own to be told, and its features have.
func TestRegressionEMFindsTheExaminationOfPairsShownOnce(t *testing.T) {
	oneGoroutine(t)
	truth := []float64{1, 0.7, 0.5, 0.3}
	counts, features := sparse(truth, 40_000, 1)
	if _, err := debias.EM(counts, debias.EMConfig{}); err == nil || !strings.Contains(err.Error(), "no chain of pairs") {
		t.Errorf("EM of pairs shown once: error %v", err)
	}
	random, err := debias.Random(counts)
	if err != nil {
		t.Fatal(err)
	}
	relevance := debias.ModelRelevance(features, func(p debias.Pair) int { return int(p.Item) },
		func(ctx context.Context, d *ranking.Dataset) (debias.Predictor, error) {
			if !slices.Equal(d.Heads, []string{"relevant"}) {
				t.Errorf("heads %q", d.Heads)
			}
			return ranking.TrainLinear(ctx, ranking.LinearConfig{Epochs: 3, Workers: 1}, d)
		})
	got, err := debias.RegressionEM(t.Context(), counts, relevance, debias.RegressionEMConfig{Iterations: 40})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("truth %.3f, regression EM %.3f, click rates %.3f", truth, got, random)
	for k := 1; k < len(truth); k++ {
		if math.Abs(got[k]-truth[k]) > 0.1 || math.Abs(got[k]-truth[k]) > 0.5*math.Abs(random[k]-truth[k]) {
			t.Errorf("place %d: %.3f; want %.2f, and half as far from it as the click rates, %.3f", k, got[k], truth[k], random[k])
		}
	}
}

// Source: Wang et al. 2018, algorithm 1, whose regression is boosted trees.
func TestRegressionEMTakesTrees(t *testing.T) {
	oneGoroutine(t)
	truth := []float64{1, 0.6, 0.3}
	counts, features := sparse(truth, 15_000, 2)
	relevance := debias.ModelRelevance(features, func(p debias.Pair) int { return int(p.Item) },
		func(ctx context.Context, d *ranking.Dataset) (debias.Predictor, error) {
			return gbdt.Train(ctx, gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LogLoss}, Rounds: 15, LearningRate: 0.4, Leaves: 6, Workers: 1}, d)
		})
	random, err := debias.Random(counts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := debias.RegressionEM(t.Context(), counts, relevance, debias.RegressionEMConfig{Iterations: 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("truth %.3f, regression EM %.3f, click rates %.3f", truth, got, random)
	for k := 1; k < len(truth); k++ {
		if math.Abs(got[k]-truth[k]) > 0.5*math.Abs(random[k]-truth[k]) {
			t.Errorf("place %d: %.3f; want half as far from %.2f as the click rates, %.3f", k, got[k], truth[k], random[k])
		}
	}
}

func TestRegressionEMErrors(t *testing.T) {
	counts := []debias.Count{{Query: 3, Item: 7, Impressions: 4, Clicks: 2}}
	gives := func(v float64) debias.Relevance {
		return func(_ context.Context, _ []debias.Pair, _, _, dst []float64) error { dst[0] = v; return nil }
	}
	for _, v := range []float64{math.NaN(), -0.1, 1.1, math.Inf(1)} {
		_, err := debias.RegressionEM(t.Context(), counts, gives(v), debias.RegressionEMConfig{})
		var re *debias.RelevanceError
		if !errors.As(err, &re) || re.Pair != (debias.Pair{Query: 3, Item: 7}) || !strings.Contains(err.Error(), "query 3, item 7") {
			t.Errorf("relevance %v: error %v", v, err)
		}
	}
	for _, v := range []float64{0, 1} { // no click is impossible
		if e, err := debias.RegressionEM(t.Context(), counts, gives(v), debias.RegressionEMConfig{}); err != nil || e[0] != 1 {
			t.Errorf("relevance %v: %v, error %v", v, e, err)
		}
	}
	_, err := debias.RegressionEM(t.Context(), []debias.Count{{Impressions: 1, Clicks: 2}}, gives(0.5), debias.RegressionEMConfig{})
	var ce *debias.CountError
	if !errors.As(err, &ce) || ce.Row != 0 {
		t.Errorf("error %v; want a CountError of row 0", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := debias.RegressionEM(ctx, counts, gives(0.5), debias.RegressionEMConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	broken := errors.New("broken")
	for want, f := range map[string]func() error{
		"Iterations is -1": func() error {
			_, err := debias.RegressionEM(t.Context(), counts, gives(0.5), debias.RegressionEMConfig{Iterations: -1})
			return err
		},
		"relevance is nil": func() error {
			_, err := debias.RegressionEM(t.Context(), counts, nil, debias.RegressionEMConfig{})
			return err
		},
		"step 1: broken": func() error {
			_, err := debias.RegressionEM(t.Context(), counts, func(context.Context, []debias.Pair, []float64, []float64, []float64) error { return broken }, debias.RegressionEMConfig{})
			if !errors.Is(err, broken) {
				t.Errorf("error %v does not wrap its cause", err)
			}
			return err
		},
		"row 1 of query 3, item 7; the features have 1 rows": func() error {
			_, err := debias.RegressionEM(t.Context(), counts, debias.ModelRelevance(
				&ranking.Dataset{Columns: []string{"x"}, Floats: []float32{1}}, func(debias.Pair) int { return 1 }, nil,
			), debias.RegressionEMConfig{})
			return err
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}

func ExampleRegressionEM() {
	// Items 1 to 3 were shown at one place each, so nothing compares the places but their kinds, which are alike.
	counts := []debias.Count{
		{Item: 1, Position: 0, Impressions: 1000, Clicks: 400},
		{Item: 2, Position: 1, Impressions: 1000, Clicks: 200},
		{Item: 3, Position: 2, Impressions: 1000, Clicks: 100},
	}
	alike := func(_ context.Context, _ []debias.Pair, target, weight, dst []float64) error {
		sum, of := 0.0, 0.0
		for i, t := range target {
			sum, of = sum+t*weight[i], of+weight[i]
		}
		for i := range dst {
			dst[i] = sum / of
		}
		return nil
	}
	examined, err := debias.RegressionEM(context.Background(), counts, alike, debias.RegressionEMConfig{Iterations: 200})
	fmt.Printf("%.2f %v\n", []float64(examined), err)
	// Output:
	// [1.00 0.50 0.25] <nil>
}
