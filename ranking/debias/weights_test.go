package debias_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/debias"
)

func clicks() *ranking.Dataset {
	return &ranking.Dataset{
		Columns: []string{"x"}, Floats: make([]float32, 6),
		Heads: []string{"click"}, Labels: []float32{1, 0, 1, 0.5, float32(math.NaN()), 1},
		Positions: []int32{0, 1, 1, 2, 2, 2},
	}
}

var seen = debias.Examination{1, 0.5, 0.1}

func TestClickWeightsAreInverseExaminationOfClicksOnly(t *testing.T) {
	for _, c := range []struct {
		cfg  debias.WeightConfig
		want []float32
		sum  debias.Summary
	}{
		{debias.WeightConfig{Raw: true}, []float32{1, 1, 2, 5.5, 1, 10}, debias.Summary{Rows: 4, Largest: 10, Effective: 23.0 * 23 / 205}},
		{debias.WeightConfig{Raw: true, Floor: 0.25}, []float32{1, 1, 2, 2.5, 1, 4}, debias.Summary{Rows: 4, Clipped: 2, Largest: 4, Effective: 121.0 / 37}},
		{debias.WeightConfig{Floor: 0.25}, []float32{4.0 / 11, 1, 8.0 / 11, 13.5 / 11, 1, 16.0 / 11}, debias.Summary{Rows: 4, Clipped: 2, Largest: 16.0 / 11, Effective: 121.0 / 37}},
	} {
		d := clicks()
		got, sum, err := debias.ClickWeights(d, "click", seen, c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range c.want {
			if math.Abs(float64(got.Weights[i]-w)) > 1e-6 {
				t.Errorf("%+v: weights %v; want %v", c.cfg, got.Weights, c.want)
				break
			}
		}
		if math.Abs(sum.Effective-c.sum.Effective) > 1e-9 || math.Abs(sum.Largest-c.sum.Largest) > 1e-9 || sum.Rows != c.sum.Rows || sum.Clipped != c.sum.Clipped {
			t.Errorf("%+v: %+v; want %+v", c.cfg, sum, c.sum)
		}
		if got.WeightedBy != debias.ByExamination || len(d.Weights) != 0 {
			t.Errorf("weighted by %q; the dataset has %d weights now", got.WeightedBy, len(d.Weights))
		}
		if text := sum.String(); !strings.Contains(text, "4 rows weighed") {
			t.Errorf("%q", text)
		}
	}
}

// The one and the other weight are different things: what sets both is told so.
func TestWeightsForTwoBiasesAreAnErrorThatNamesBoth(t *testing.T) {
	shown := slices.Repeat([]float64{0.5}, 6)
	byClick, _, err := debias.ClickWeights(clicks(), "click", seen, debias.WeightConfig{})
	if err != nil {
		t.Fatal(err)
	}
	byRating, _, err := debias.RatingWeights(clicks(), shown, debias.WeightConfig{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, first := debias.RatingWeights(byClick, shown, debias.WeightConfig{})
	_, _, second := debias.ClickWeights(byRating, "click", seen, debias.WeightConfig{})
	for _, err := range []error{first, second} {
		var twice *ranking.WeightsError
		if !errors.As(err, &twice) || !strings.Contains(err.Error(), "examination") || !strings.Contains(err.Error(), "exposure") {
			t.Errorf("error %v; want one that names both", err)
		}
	}
}

func TestWeightErrors(t *testing.T) {
	for want, change := range map[string]func(d *ranking.Dataset, e debias.Examination, cfg *debias.WeightConfig) debias.Examination{
		`would count for all heads of the dataset, ["click" "buy"]`: func(d *ranking.Dataset, e debias.Examination, _ *debias.WeightConfig) debias.Examination {
			d.Heads, d.Labels = []string{"click", "buy"}, make([]float32, 12)
			return e
		},
		"the dataset has no Positions": func(d *ranking.Dataset, e debias.Examination, _ *debias.WeightConfig) debias.Examination {
			d.Positions = nil
			return e
		},
		"row 2: a click at position -1": func(d *ranking.Dataset, e debias.Examination, _ *debias.WeightConfig) debias.Examination {
			d.Positions[2] = -1
			return e
		},
		"row 3: a click at position 2; examination is known of positions 0 to 1": func(_ *ranking.Dataset, e debias.Examination, _ *debias.WeightConfig) debias.Examination {
			return e[:2]
		},
		"the examination of position 1 is NaN": func(_ *ranking.Dataset, _ debias.Examination, _ *debias.WeightConfig) debias.Examination {
			return debias.Examination{1, math.NaN(), 1}
		},
		"row 0: label is 3": func(d *ranking.Dataset, e debias.Examination, _ *debias.WeightConfig) debias.Examination {
			d.Labels[0] = 3
			return e
		},
		"WeightConfig.Floor is 2": func(_ *ranking.Dataset, e debias.Examination, cfg *debias.WeightConfig) debias.Examination {
			cfg.Floor = 2
			return e
		},
		"Dataset.Positions": func(d *ranking.Dataset, e debias.Examination, _ *debias.WeightConfig) debias.Examination {
			d.Positions = d.Positions[:2]
			return e
		},
	} {
		d, cfg := clicks(), debias.WeightConfig{}
		e := change(d, slices.Clone(seen), &cfg)
		if _, _, err := debias.ClickWeights(d, "click", e, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	for want, shown := range map[string][]float64{
		"1 probabilities for 6 rows":                         {1},
		"row 1: the probability of being shown is 0":         {1, 0, 1, 1, 1, 1},
		"row 0: the probability of being shown is NaN":       {math.NaN(), 0, 1, 1, 1, 1},
		"row 5: the probability of being shown is 1.5; want": {1, 1, 1, 1, 1, 1.5},
	} {
		if _, _, err := debias.RatingWeights(clicks(), shown, debias.WeightConfig{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	if _, _, err := debias.RatingWeights(clicks(), make([]float64, 6), debias.WeightConfig{Floor: -1}); err == nil || !strings.Contains(err.Error(), "Floor is -1") {
		t.Errorf("error %v", err)
	}
}

func TestNoClicksAreNoError(t *testing.T) {
	d := clicks()
	clear(d.Labels)
	got, sum, err := debias.ClickWeights(d, "click", seen, debias.WeightConfig{})
	if err != nil || !slices.Equal(got.Weights, []float32{1, 1, 1, 1, 1, 1}) || sum != (debias.Summary{}) {
		t.Errorf("%v, %+v, error %v", got, sum, err)
	}
}

// ratings draws n cells with a rating of 1 to 5 each, of which high ones are more likely known.
func ratings(n int, seed uint64) (all, known []float32, shown []float64) {
	r := rand.New(rand.NewPCG(seed, 5))
	for range n {
		v := float32(1 + r.IntN(5))
		p := 0.02 * float64(v*v)
		all = append(all, v)
		if r.Float64() < p {
			known, shown = append(known, v), append(shown, p)
		}
	}
	return all, known, shown
}

// Source: Schnabel et al. 2016, equation 10 and section 3.2: the mean of what is known is biased, its inverse
// propensity estimate is not.
func TestMeanIsThatOfAllCells(t *testing.T) {
	oneGoroutine(t)
	all, known, shown := ratings(200_000, 1)
	truth, naive := 0.0, 0.0
	for _, v := range all {
		truth += float64(v) / float64(len(all))
	}
	values := make([]float64, len(known))
	for i, v := range known {
		values[i] = float64(v)
		naive += float64(v) / float64(len(known))
	}
	if naive < truth+0.8 {
		t.Fatalf("the mean of the known ratings, %.3f, is not biased; %.3f", naive, truth)
	}
	got, err := debias.Mean(values, shown, 0)
	if err != nil || math.Abs(got-truth) > 0.03 {
		t.Errorf("%v, error %v; want %v", got, err, truth)
	}
	p, err := debias.NaiveBayes(known, all[:5000], len(all))
	if err != nil {
		t.Fatal(err)
	}
	for i := range p {
		if math.Abs(p[i]/shown[i]-1) > 0.12 {
			t.Fatalf("P(shown | %v) = %.4f; want %.4f", known[i], p[i], shown[i])
		}
	}
	if got, err := debias.Mean(values, p, 0); err != nil || math.Abs(got-truth) > 0.06 {
		t.Errorf("with naive Bayes %v, error %v; want %v", got, err, truth)
	}
	if got, _ := debias.Mean([]float64{1, 3}, []float64{0.5, 0.001}, 0.25); math.Abs(got-(2+4*3)/6.0) > 1e-12 {
		t.Errorf("with a floor %v; want %v", got, 14.0/6)
	}
	if got, err := debias.Mean(nil, nil, 0); err != nil || !math.IsNaN(got) {
		t.Errorf("%v of nothing, error %v; want NaN", got, err)
	}
}

func TestShownIsTheRegressionOfWhatIsKnown(t *testing.T) {
	oneGoroutine(t)
	r := rand.New(rand.NewPCG(2, 5))
	d := &ranking.Dataset{IDColumns: []string{"item"}, Heads: []string{"shown"}}
	truth := []float64{0.05, 0.2, 0.6}
	for i := range 30_000 {
		y := float32(0)
		if r.Float64() < truth[i%3] {
			y = 1
		}
		d.IDs, d.Labels = append(d.IDs, uint64(i%3+1)), append(d.Labels, y)
	}
	p, m, err := debias.Shown(t.Context(), ranking.LinearConfig{}, d)
	if err != nil || m == nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if math.Abs(p[i]-truth[i]) > 0.02 {
			t.Errorf("item %d: %.3f; want %.3f", i, p[i], truth[i])
		}
	}
	d.Heads = []string{"a", "b"}
	if _, _, err := debias.Shown(t.Context(), ranking.LinearConfig{}, d); err == nil || !strings.Contains(err.Error(), `the heads ["a" "b"]; want one`) {
		t.Errorf("error %v", err)
	}
	d.Heads = []string{"shown"}
	if _, _, err := debias.Shown(t.Context(), ranking.LinearConfig{Epochs: -1}, d); err == nil || !strings.Contains(err.Error(), "Epochs is -1") {
		t.Errorf("error %v", err)
	}
}

func TestPropensityErrors(t *testing.T) {
	nan := float32(math.NaN())
	one := []float32{1}
	for _, c := range []struct {
		want            string
		ratings, random []float32
		cells           int
	}{
		{"0 ratings and 1 random ones", nil, one, 5},
		{"1 ratings and 0 random ones", one, nil, 5},
		{"0 cells for 1 ratings", one, one, 0},
		{"rating 0 is NaN", []float32{nan}, one, 5},
		{"random rating 0 is NaN", one, []float32{nan}, 5},
	} {
		if _, err := debias.NaiveBayes(c.ratings, c.random, c.cells); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
	for want, check := range map[string]func() error{
		"1 values with 0 probabilities": func() error { _, err := debias.Mean([]float64{1}, nil, 0); return err },
		"floor is 2":                    func() error { _, err := debias.Mean(nil, nil, 2); return err },
		"row 0":                         func() error { _, err := debias.Mean([]float64{1}, []float64{0}, 0); return err },
	} {
		if err := check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	p, err := debias.NaiveBayes([]float32{5, 5}, one, 2)
	if err != nil || fmt.Sprint(p) != "[1 1]" {
		t.Errorf("%v, error %v; want probabilities of at most 1", p, err)
	}
}
