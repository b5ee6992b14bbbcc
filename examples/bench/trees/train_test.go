package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/lightgbm"
	"github.com/recsyskit/recsys/examples/bench/internal/xgboost"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

func TestDataAreThoseOfTheSeed(t *testing.T) {
	d := draw(2000, 20, 3, 1)
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	again, other := draw(2000, 20, 3, 1), draw(2000, 20, 3, 2)
	if !reflect.DeepEqual(d.Labels, again.Labels) || reflect.DeepEqual(d.Labels, other.Labels) {
		t.Error("the rows are not those of seed and stream")
	}
	positives, missing := 0, make([]int, 20)
	for i, y := range d.Labels {
		positives += int(y)
		for j, x := range d.FloatRow(i) {
			if x != x {
				missing[j]++
			}
		}
	}
	if positives < 500 || positives > 1500 {
		t.Errorf("%d of 2000 rows are positive", positives)
	}
	for j, n := range missing {
		if (n > 0) != (j%5 == 4) {
			t.Errorf("feature %d misses %d values", j, n)
		}
	}
}

func TestTrainersComeToTheSame(t *testing.T) {
	var out bytes.Buffer
	args := []string{"train", "-rows", "4000", "-held", "4000", "-features", "20", "-leaves", "15", "-trees", "30", "-rounds", "1", "-json"}
	if code := run(t.Context(), args, nil, &out, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	var first float64
	lanes := 0
	for dec := json.NewDecoder(&out); dec.More(); lanes++ {
		var line struct {
			Trainer string
			AUC     float64
			CPU     float64 `json:"cpu_s"`
		}
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if lanes == 0 {
			first = line.AUC
		}
		if line.AUC < .7 || math.Abs(line.AUC-first) > .01 || !(line.CPU > 0) {
			t.Errorf("%+v; want an AUC like %v", line, first)
		}
	}
	want := 1
	if lightgbm.Linked {
		want += 2
	}
	if xgboost.Linked {
		want++
	}
	if lanes != want {
		t.Errorf("%d lanes, want %d", lanes, want)
	}
}

func TestWrongFlags(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"dance"},
		{"train", "-rows", "5"},
		{"train", "-leaves", "1"},
		{"train", "-lr", "0"},
		{"train", "-rounds", "0"},
		{"train", "-colour"},
	} {
		if code := run(t.Context(), args, nil, io.Discard, io.Discard); code != 2 {
			t.Errorf("%q: exit code %d, want 2", args, code)
		}
	}
}

// mixed returns rows with numeric and categorical columns, missing values, grades of 0 to 3 and groups of ten.
func mixed(n int) *ranking.Dataset {
	rng := rand.New(rand.NewPCG(5, 6))
	d := &ranking.Dataset{Columns: []string{"a", "b", "few", "many"}, Heads: []string{"y"}}
	for i := range n {
		a, b := rng.NormFloat64(), rng.Float64()
		few, many := rng.IntN(4), rng.IntN(100)
		z := a*b + float64(few%2) + float64(many%7)/4 + rng.NormFloat64()/3
		if rng.IntN(8) == 0 {
			a = math.NaN()
		}
		d.Floats = append(d.Floats, float32(a), float32(b), float32(few), float32(many))
		d.Labels = append(d.Labels, float32(min(max(math.Floor(z), 0), 3)))
		d.Groups = append(d.Groups, uint64(i/10))
	}
	return d
}

func TestLightGBMPredictsOurModelsAsWeDo(t *testing.T) {
	if !lightgbm.Linked {
		t.Skip(lightgbm.ErrNotLinked)
	}
	d := mixed(3000)
	binary := *d
	binary.Labels = make([]float32, len(d.Labels))
	for i, y := range d.Labels {
		binary.Labels[i] = min(y, 1)
	}
	base := gbdt.Config{Rounds: 20, Leaves: 12, Workers: 1, Categorical: []string{"few", "many"}, MinRowsPerCategories: 20}
	for name, change := range map[string]func(c *gbdt.Config) *ranking.Dataset{
		"squared error": func(*gbdt.Config) *ranking.Dataset { return d },
		"log loss":      func(c *gbdt.Config) *ranking.Dataset { c.Objective.Loss = gbdt.LogLoss; return &binary },
		"classes":       func(c *gbdt.Config) *ranking.Dataset { c.Objective.Loss = gbdt.Softmax; return d },
		"Poisson":       func(c *gbdt.Config) *ranking.Dataset { c.Objective.Loss = gbdt.Poisson; return d },
		"quantile":      func(c *gbdt.Config) *ranking.Dataset { c.Objective.Loss = gbdt.Quantile; return d },
		"LambdaMART":    func(c *gbdt.Config) *ranking.Dataset { c.Objective.Loss = gbdt.LambdaMART; return d },
		"XENDCG":        func(c *gbdt.Config) *ranking.Dataset { c.Objective.Loss = gbdt.XENDCG; return d },
		"DART":          func(c *gbdt.Config) *ranking.Dataset { c.Boosting = gbdt.DART; return d },
		"random forest": func(c *gbdt.Config) *ranking.Dataset { c.Boosting, c.RowFraction = gbdt.RandomForest, .6; return d },
		"zero missing":  func(c *gbdt.Config) *ranking.Dataset { c.ZeroAsMissing = true; return d },
		"numbers only":  func(c *gbdt.Config) *ranking.Dataset { c.Categorical = nil; return d },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := base
			data := change(&cfg)
			m, err := gbdt.Train(t.Context(), cfg, data)
			if err != nil {
				t.Fatal(err)
			}
			text := written(t, m)
			rows, err := m.AppendRows(nil, data)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, edges...)
			narrow := make([]float32, len(rows))
			for i, v := range rows {
				narrow[i], rows[i] = float32(v), float64(float32(v))
			}
			raw, err := m.Raw(nil, rows)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "raw score", predict(t, text, narrow, 4, lightgbm.Raw), raw)
			p, err := m.PredictRows(nil, rows)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range predict(t, text, narrow, 4, lightgbm.Score) {
				if math.Abs(p[i]-want) > 1e-14*max(1, math.Abs(want)) {
					t.Fatalf("prediction %d is %v; LightGBM gives %v", i, p[i], want)
				}
			}
		})
	}
}

// edges are rows of mixed that training has not seen.
var edges = []float64{
	math.NaN(), math.NaN(), math.NaN(), math.NaN(),
	math.Inf(1), math.Inf(-1), 1000, -1,
	0, 1e-36, 2.7, -.5,
	-1e30, 1e30, 1e7, 101,
}
