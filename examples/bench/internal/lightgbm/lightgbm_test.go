package lightgbm_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/lightgbm"
)

const params = "objective=binary num_leaves=15 learning_rate=.2 min_data_in_leaf=5 num_threads=1 verbosity=-1"

// data returns rows of four columns whose label is the sign of a product.
func data(n int) lightgbm.Data {
	rng := rand.New(rand.NewPCG(1, 2))
	d := lightgbm.Data{Columns: 4}
	for range n {
		row := [4]float32{rng.Float32() - .5, rng.Float32() - .5, rng.Float32(), rng.Float32()}
		label := float32(0)
		if row[0]*row[1] > 0 {
			label = 1
		}
		if rng.IntN(20) == 0 {
			row[2] = float32(math.NaN())
		}
		d.Rows, d.Labels = append(d.Rows, row[:]...), append(d.Labels, label)
	}
	return d
}

func train(t *testing.T, d lightgbm.Data, rounds int) *lightgbm.Booster {
	t.Helper()
	if !lightgbm.Linked {
		t.Skip(lightgbm.ErrNotLinked)
	}
	table, err := lightgbm.NewDataset(d, params, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.Close)
	b, err := lightgbm.NewBooster(table, params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	for range rounds {
		if _, err := b.Update(); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestAModelComesBackFromItsText(t *testing.T) {
	d := data(2000)
	b := train(t, d, 20)
	text, err := b.Text()
	if err != nil || !strings.HasPrefix(text, "tree\nversion=v4\n") {
		t.Fatalf("text %.40q, error %v", text, err)
	}
	back, err := lightgbm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	fast, err := back.NewFast(d.Columns, params, lightgbm.Score)
	if err != nil {
		t.Fatal(err)
	}
	defer fast.Close()
	want, got, single := make([]float64, 2000), make([]float64, 2000), make([]float64, 2000)
	err = errors.Join(
		b.Predict(want, d.Rows, d.Columns, params, lightgbm.Score),
		back.Predict(got, d.Rows, d.Columns, params, lightgbm.Score),
		fast.Predict(single, d.Rows))
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, p := range want {
		if got[i] != p || single[i] != p {
			t.Fatalf("row %d: %v, read back %v, by itself %v", i, p, got[i], single[i])
		}
		if p > .5 == (d.Labels[i] > 0) {
			right++
		}
	}
	if right < 1900 {
		t.Errorf("%d of 2000 rows are right; want 1900 at least", right)
	}
}

func TestErrorsAreThoseOfTheLibrary(t *testing.T) {
	if !lightgbm.Linked {
		if _, err := lightgbm.Parse(""); !errors.Is(err, lightgbm.ErrNotLinked) {
			t.Errorf("error %v, want %v", err, lightgbm.ErrNotLinked)
		}
		t.Skip(lightgbm.ErrNotLinked)
	}
	if _, err := lightgbm.Parse("tree\nversion=v4\n"); err == nil || !strings.HasPrefix(err.Error(), "lightgbm: model: ") {
		t.Errorf("half a model: error %v", err)
	}
	d := data(100)
	d.Labels = d.Labels[:99]
	if _, err := lightgbm.NewDataset(d, params, nil); err == nil {
		t.Error("99 labels for 100 rows: no error")
	}
	b := train(t, data(100), 1)
	if err := b.Predict(make([]float64, 3), make([]float32, 8), 4, params, lightgbm.Raw); err == nil {
		t.Error("3 results for 2 rows: no error")
	}
}
