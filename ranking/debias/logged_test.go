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

// logged is clicks of six rows with their propensities.
func logged() *ranking.Dataset {
	d := clicks()
	d.Propensities = []float64{0.5, 0.25, 1, 0.5, 0.01, 0.1}
	return d
}

func TestLoggedWeightsAreInversePropensityTimesExamination(t *testing.T) {
	for _, c := range []struct {
		seen debias.Examination
		cfg  debias.WeightConfig
		want []float32
	}{
		{nil, debias.WeightConfig{Raw: true}, []float32{2, 4, 1, 2, 100, 10}},
		{nil, debias.WeightConfig{Raw: true, Floor: 0.1}, []float32{2, 4, 1, 2, 10, 10}},
		{seen, debias.WeightConfig{Raw: true, Floor: 0.1}, []float32{2, 4, 2, 11, 10, 100}},
		{seen, debias.WeightConfig{Floor: 0.1}, []float32{12.0 / 129, 24.0 / 129, 12.0 / 129, 66.0 / 129, 60.0 / 129, 600.0 / 129}},
	} {
		got, s, err := debias.LoggedWeights(logged(), "click", c.seen, c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		sum, square := 0.0, 0.0
		for i, w := range got.Weights {
			if math.Abs(float64(w-c.want[i])) > 1e-5*float64(c.want[i]) {
				t.Errorf("%v, %+v: %v; want %v", c.seen, c.cfg, got.Weights, c.want)
				break
			}
			sum, square = sum+float64(w), square+float64(w)*float64(w)
		}
		if got.WeightedBy != debias.ByPropensity || s.Rows != 6 || math.Abs(s.Effective/(sum*sum/square)-1) > 1e-6 || math.Abs(s.Largest/float64(slices.Max(got.Weights))-1) > 1e-6 {
			t.Errorf("%q, %+v", got.WeightedBy, s)
		}
	}
}

// Source: Horvitz and Thompson 1952: weighted sums over what was drawn are those over all candidates.
func TestLoggedRowsStandForAllCandidates(t *testing.T) {
	oneGoroutine(t)
	r := rand.New(rand.NewPCG(4, 9))
	liked, p := []float64{0.8, 0.3, 0.1, 0.05}, []float64{0.7, 0.2, 0.07, 0.03}
	examined := debias.Examination{1, 0.4}
	d := &ranking.Dataset{Columns: []string{"item"}, Heads: []string{"click"}}
	for range 60_000 {
		i, u := 0, r.Float64()
		for i < 3 && u >= p[i] {
			u -= p[i]
			i++
		}
		place := int32(r.IntN(2))
		y := float32(0)
		if r.Float64() < liked[i]*examined[place] {
			y = 1
		}
		d.Floats, d.Labels = append(d.Floats, float32(i)), append(d.Labels, y)
		d.Positions, d.Propensities = append(d.Positions, place), append(d.Propensities, p[i])
	}
	got, _, err := debias.LoggedWeights(d, "click", examined, debias.WeightConfig{Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	sum := make([]float64, 4)
	for i, w := range got.Weights {
		if d.Labels[i] > 0 {
			sum[int(d.Floats[i])] += float64(w) / 60_000
		}
	}
	for i := range liked {
		if math.Abs(sum[i]-liked[i]) > 0.02 {
			t.Errorf("weighted clicks %.3f; want the likes of all candidates, %v", sum, liked)
			break
		}
	}
}

func TestLoggedWeightErrors(t *testing.T) {
	for want, change := range map[string]func(d *ranking.Dataset, cfg *debias.WeightConfig){
		"no Propensities":        func(d *ranking.Dataset, _ *debias.WeightConfig) { d.Propensities = nil },
		"row 3":                  func(d *ranking.Dataset, _ *debias.WeightConfig) { d.Propensities[3] = math.NaN() },
		"Propensities":           func(d *ranking.Dataset, _ *debias.WeightConfig) { d.Propensities[0] = 0 },
		"ropensit":               func(d *ranking.Dataset, _ *debias.WeightConfig) { d.Propensities[1] = 1.5 },
		"WeightConfig.Floor is":  func(_ *ranking.Dataset, cfg *debias.WeightConfig) { cfg.Floor = -1 },
		"no Positions":           func(d *ranking.Dataset, _ *debias.WeightConfig) { d.Positions = nil },
		"a click at position -1": func(d *ranking.Dataset, _ *debias.WeightConfig) { d.Positions[2] = -1 },
	} {
		d, cfg := logged(), debias.WeightConfig{}
		change(d, &cfg)
		if _, _, err := debias.LoggedWeights(d, "click", seen, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	once, _, err := debias.LoggedWeights(logged(), "click", nil, debias.WeightConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var twice *ranking.WeightsError
	if _, _, err := debias.LoggedWeights(once, "click", nil, debias.WeightConfig{}); !errors.As(err, &twice) || twice.Have != debias.ByPropensity {
		t.Errorf("error %v", err)
	}
}

func ExampleLoggedWeights() {
	d := &ranking.Dataset{ // as a ranking.Collector makes it of a log
		Columns: []string{"freshness"}, Floats: []float32{0.9, 0.5, 0.4},
		Heads: []string{"click"}, Labels: []float32{1, 0, 1},
		Positions: []int32{0, 1, 2}, Propensities: []float64{0.8, 0.5, 0.25},
	}
	weighted, summary, err := debias.LoggedWeights(d, "click", debias.Examination{1, 0.5, 0.5}, debias.WeightConfig{Raw: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(weighted.Weights, weighted.WeightedBy)
	fmt.Println(summary)
	// Output:
	// [1.25 2 8] propensity
	// 3 rows weighed, worth 2 of equal weight; largest weight 8; 0 clipped
}
