package xgboost_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/xgboost"
)

func TestAModelLearns(t *testing.T) {
	if !xgboost.Linked {
		if _, err := xgboost.NewBooster(nil, 0, nil, ""); !errors.Is(err, xgboost.ErrNotLinked) {
			t.Errorf("error %v, want %v", err, xgboost.ErrNotLinked)
		}
		t.Skip(xgboost.ErrNotLinked)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var rows, labels []float32
	for range 1000 {
		a, b := rng.Float32(), rng.Float32()
		rows, labels = append(rows, a, b), append(labels, 0)
		if a > b {
			labels[len(labels)-1] = 1
		}
	}
	b, err := xgboost.NewBooster(rows, 2, labels, "objective=binary:logistic nthread=1 tree_method=hist verbosity=0")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for range 20 {
		if err := b.Update(); err != nil {
			t.Fatal(err)
		}
	}
	p, raw := make([]float32, 1000), make([]float32, 1000)
	if err := errors.Join(b.Predict(p, rows, 2, false), b.Predict(raw, rows, 2, true)); err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, y := range labels {
		if (p[i] > .5) != (raw[i] > 0) {
			t.Fatalf("row %d: probability %v of raw score %v", i, p[i], raw[i])
		}
		if (p[i] > .5) == (y > 0) {
			right++
		}
	}
	if right < 970 {
		t.Errorf("%d of 1000 rows are right; want 970 at least", right)
	}
	if _, err := xgboost.NewBooster(rows, 2, labels[:5], ""); err == nil {
		t.Error("5 labels for 1000 rows: no error")
	}
}
