package ranking_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking"
)

func TestContributionsSumToTheLogOdds(t *testing.T) {
	d := problem(300, 4, 0.2, 61)
	m := train(t, ranking.LinearConfig{MissingIndicators: true}, d)
	p := predict(t, m, d)
	for h, head := range m.Heads() {
		z0, _ := m.Intercept(head)
		for i := range d.Len() {
			c, err := m.Contributions(nil, head, d.FloatRow(i), d.IDRow(i))
			if err != nil || len(c) != 6 {
				t.Fatalf("%d contributions, error %v; want 6", len(c), err)
			}
			z := z0
			for _, v := range c {
				z += v
			}
			if want := float64(p[i*2+h]); math.Abs(1/(1+math.Exp(-z))-want) > 1e-6 {
				t.Fatalf("row %d, head %s: contributions give %v, Predict %v", i, head, 1/(1+math.Exp(-z)), want)
			}
		}
	}
}

// Importance is the standard deviation of the contributions: here computed from them.
func TestImportanceIsTheSpreadOfContributions(t *testing.T) {
	for _, cfg := range []ranking.LinearConfig{{}, {MissingIndicators: true}} {
		d := problem(500, 4, 0.2, 62)
		m := train(t, cfg, d)
		names := slices.Concat(m.Columns(), m.IDColumns())
		for _, head := range m.Heads() {
			sum, square, total := make([]float64, len(names)), make([]float64, len(names)), 0.0
			for i := range d.Len() {
				c, _ := m.Contributions(nil, head, d.FloatRow(i), d.IDRow(i))
				w := float64(d.Weights[i])
				for j, v := range c {
					sum[j] += w * v
					square[j] += w * v * v
				}
				total += w
			}
			list, err := m.Importance(head)
			if err != nil || len(list) != len(names) {
				t.Fatalf("%d columns, error %v", len(list), err)
			}
			for k, x := range list {
				j := slices.Index(names, x.Column)
				mean := sum[j] / total
				if want := math.Sqrt(square[j]/total - mean*mean); math.Abs(x.Value-want) > 1e-6 {
					t.Errorf("%s, %s: importance %v; contributions spread by %v", head, x.Column, x.Value, want)
				}
				if k > 0 && x.Value > list[k-1].Value {
					t.Errorf("%s: %v comes after %v", head, x, list[k-1])
				}
			}
		}
	}
}

func TestExplanationsNameWhatThereIs(t *testing.T) {
	m := train(t, ranking.LinearConfig{Epochs: 1}, problem(100, 2, 0, 63))
	for what, f := range map[string]func() error{
		"Intercept":     func() error { _, err := m.Intercept("x"); return err },
		"Coefficients":  func() error { _, err := m.Coefficients("x"); return err },
		"Importance":    func() error { _, err := m.Importance("x"); return err },
		"IDWeight":      func() error { _, err := m.IDWeight("x", "topic", 1); return err },
		"Contributions": func() error { _, err := m.Contributions(nil, "x", nil, nil); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), `no head "x" (heads: click, buy)`) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if _, err := m.IDWeight("click", "x", 1); err == nil || !strings.Contains(err.Error(), `no id column "x" (id columns: creator, topic)`) {
		t.Errorf("error %v", err)
	}
	if _, err := m.Contributions(nil, "click", []float32{1}, nil); err == nil || !strings.Contains(err.Error(), "row has 1 floats and 0 ids; want 2 and 2") {
		t.Errorf("error %v", err)
	}
}
