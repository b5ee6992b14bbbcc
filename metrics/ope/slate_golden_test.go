package ope_test

import (
	"encoding/json"
	"io"
	"path/filepath"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/metrics/ope"
)

// goldenSlates is a file of slates: a row per slate and place.
type goldenSlates struct {
	Slate        []int `json:"slate_id"`
	Action       []int
	Reward       []float64
	Joint        []float64     `json:"pscore"`
	Place        []float64     `json:"pscore_item_position"`
	Cascade      []float64     `json:"pscore_cascade"`
	TargetJoint  []float64     `json:"eval_pscore"`
	TargetPlace  []float64     `json:"eval_pscore_item_position"`
	TargetPrefix []float64     `json:"eval_pscore_cascade"`
	Target       [][][]float64 `json:"eval_action_dist"`
	Model        [][][]float64 `json:"q_hat"`
	Expected     map[string]*float64
}

// slates returns the file's slates.
func (g goldenSlates) slates() []ope.Slate {
	var slates []ope.Slate
	for i, id := range g.Slate {
		first := i == 0 || id != g.Slate[i-1]
		if first {
			slates = append(slates, ope.Slate{})
		}
		s := &slates[len(slates)-1]
		place := len(s.Reward)
		p, t := g.Cascade[i], g.TargetPrefix[i]
		if !first {
			p /= g.Cascade[i-1]
			t /= g.TargetPrefix[i-1]
		}
		s.Reward = append(s.Reward, g.Reward[i])
		s.Propensity, s.Target = append(s.Propensity, p), append(s.Target, t)
		s.PlacePropensity, s.PlaceTarget = append(s.PlacePropensity, g.Place[i]), append(s.PlaceTarget, g.TargetPlace[i])
		model, target := g.Model[len(slates)-1][place], g.Target[len(slates)-1][place]
		direct := 0.0
		for a, q := range model {
			direct += q * target[a]
		}
		s.Model, s.Direct = append(s.Model, model[g.Action[i]]), append(s.Direct, direct)
	}
	return slates
}

func TestGoldenSlates(t *testing.T) {
	estimators := map[string]ope.SlateEstimator{}
	for _, e := range []ope.SlateEstimator{ope.SIPS(), ope.SNSIPS(), ope.IIPS(), ope.SNIIPS(), ope.RIPS(), ope.SNRIPS(), ope.CascadeDR()} {
		estimators[e.String()] = e
	}
	dir := reference.Dir(t, "golden/ope")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Skipf("no .json file in %s", dir)
	}
	found := 0
	for _, file := range files {
		data, err := io.ReadAll(reference.Open(t, "golden/ope", filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		var kind struct {
			Slate json.RawMessage `json:"slate_id"`
		}
		if err := json.Unmarshal(data, &kind); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if kind.Slate == nil {
			continue
		}
		found++
		t.Run(filepath.Base(file), func(t *testing.T) {
			var g goldenSlates
			if err := json.Unmarshal(data, &g); err != nil {
				t.Fatal(err)
			}
			if len(g.Expected) == 0 {
				t.Fatal("no estimate expected")
			}
			for name, want := range g.Expected {
				e, ok := estimators[name]
				if !ok {
					t.Fatalf("unknown estimator %s", name)
				}
				if want == nil {
					continue
				}
				report, err := ope.EvaluateSlates(g.slates(), ope.Options{}, e)
				if err != nil {
					t.Fatal(err)
				}
				if got := report.Estimates[0].Value; !near(got, *want) {
					t.Errorf("%s = %v, want %v", name, got, *want)
				}
			}
		})
	}
	if found == 0 {
		t.Skip("no file of slates")
	}
}
