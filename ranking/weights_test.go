package ranking_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking"
)

func TestWeightsAreNotSetTwice(t *testing.T) {
	d := problem(10, 2, 0, 1)
	d.Weights = nil
	weights := make([]float32, d.Len())
	first, err := d.WithWeights("examination", weights)
	if err != nil || len(d.Weights) != 0 || first.WeightedBy != "examination" {
		t.Fatalf("%+v, error %v; want weights, and the dataset as it was", first, err)
	}
	none, all, err := first.Split(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*ranking.Dataset{first, none, all} {
		if err := d.Validate(); err != nil {
			t.Errorf("%v: %v", d, err)
		}
	}
	some := first.Rows([]int32{1, 2})
	chosen, err := some.Select(some.Columns[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, have := range []*ranking.Dataset{first, some, chosen} {
		_, err := have.WithWeights("exposure", weights)
		var twice *ranking.WeightsError
		if !errors.As(err, &twice) || *twice != (ranking.WeightsError{Have: "examination", Want: "exposure"}) {
			t.Errorf("error %v; want a WeightsError", err)
		}
		for _, part := range []string{`weights by "examination"`, `weights by "exposure"`} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q does not say %q", err, part)
			}
		}
	}
	unnamed := *d
	unnamed.Weights = weights
	if _, err := unnamed.WithWeights("exposure", weights); err == nil || !strings.Contains(err.Error(), "weights of unknown origin") || !strings.Contains(err.Error(), `"exposure"`) {
		t.Errorf("error %v", err)
	}
}

func TestWithWeightsErrors(t *testing.T) {
	d := problem(2, 1, 0, 1)
	d.Weights = nil
	for want, weights := range map[string][]float32{
		"Dataset.Weights is of length 1; want 2": {1},
		"row 1 is -1; want a finite number >= 0": {1, -1},
		"row 0 is NaN":                           {float32(math.NaN()), 1},
	} {
		if _, err := d.WithWeights("x", weights); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	if _, err := d.WithWeights("", []float32{1, 1}); err == nil || !strings.Contains(err.Error(), "want a name") {
		t.Errorf("error %v", err)
	}
	named := *d
	named.WeightedBy = "exposure"
	if err := named.Validate(); err == nil || !strings.Contains(err.Error(), `Dataset.WeightedBy is "exposure"; want nothing`) {
		t.Errorf("error %v", err)
	}
}
