package ope_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

func TestFoldsAreEvenAndKeepGroupsTogether(t *testing.T) {
	fold, err := ope.Folds{K: 3, Seed: 1}.Split(10)
	if err != nil {
		t.Fatal(err)
	}
	var size [3]int
	for _, f := range fold {
		size[f]++
	}
	if slices.Sort(size[:]); size != [3]int{3, 3, 4} {
		t.Errorf("sizes %v of folds %v", size, fold)
	}
	again, err := ope.Folds{K: 3, Seed: 1}.Split(10)
	if err != nil || !slices.Equal(fold, again) {
		t.Errorf("the same seed gives %v and %v, %v", fold, again, err)
	}
	if other, err := (ope.Folds{K: 3, Seed: 2}).Split(10); err != nil || slices.Equal(fold, other) {
		t.Errorf("another seed gives %v again, %v", other, err)
	}
	group := []int64{7, -3, 7, 5, 5, 7, 9, -3, 9, 9}
	fold, err = ope.Folds{K: 2, Group: group}.Split(10)
	if err != nil {
		t.Fatal(err)
	}
	of := map[int64]int32{}
	for i, g := range group {
		if f, ok := of[g]; ok && f != fold[i] {
			t.Errorf("group %d is in folds %d and %d", g, f, fold[i])
		}
		of[g] = fold[i]
	}
	for _, f := range []ope.Folds{{K: 1}, {K: 11}, {K: -1}, {K: 5, Group: group}, {Group: group[1:]}} {
		var bad *ope.FieldError
		if _, err := f.Split(10); !errors.As(err, &bad) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestCrossFitNeverPredictsWhatItHasSeen(t *testing.T) {
	calls := 0
	model, err := ope.CrossFit(100, 2, ope.Folds{K: 4, Seed: 3}, func(train []int) (func(int, []float64), error) {
		calls++
		if !slices.IsSorted(train) || len(train) != 75 {
			t.Errorf("trained on %d rows, sorted: %v", len(train), slices.IsSorted(train))
		}
		seen := map[int]bool{}
		for _, i := range train {
			seen[i] = true
		}
		return func(row int, dst []float64) {
			if seen[row] {
				t.Errorf("row %d was seen", row)
			}
			dst[0], dst[1] = float64(row), float64(-row)
		}, nil
	})
	if err != nil || calls != 4 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	for i := range 100 {
		if model[2*i] != float64(i) || model[2*i+1] != float64(-i) {
			t.Errorf("row %d: %v", i, model[2*i:2*i+2])
		}
	}
}

func TestCrossFitReturnsErrors(t *testing.T) {
	fault := errors.New("fault")
	if _, err := ope.CrossFit(10, 2, ope.Folds{}, func([]int) (func(int, []float32), error) { return nil, fault }); !errors.Is(err, fault) {
		t.Errorf("error %v; want %v", err, fault)
	}
	var row *ope.RowError
	_, err := ope.CrossFit(10, 2, ope.Folds{}, func([]int) (func(int, []float32), error) {
		return func(i int, dst []float32) { dst[1] = float32(math.NaN()) }, nil
	})
	if !errors.As(err, &row) || row.Field != "Model" {
		t.Errorf("NaN: %v", err)
	}
	var field *ope.FieldError
	if _, err := ope.CrossFit(10, 0, ope.Folds{}, func([]int) (func(int, []float64), error) { return nil, nil }); !errors.As(err, &field) {
		t.Errorf("no actions: %v", err)
	}
}

// A model that memorizes leaves DR with its own noise when it is fitted to the log that it
// judges; fitted across folds it does not.
//
// Source: Chernozhukov et al. 2018, section 1: overfitting bias, removed by cross-fitting.
func TestCrossFittedDRIsNotFooledByAModelThatMemorizes(t *testing.T) {
	const n, actions, users = 4000, 4, 1000
	w := newWorld(7, users, actions, 1, 4)
	truth := w.value(w.target)
	var log ope.Log[float64]
	memorize := func(train []int) (func(int, []float64), error) {
		sum, count := make([]float64, users*actions), make([]float64, users*actions)
		for _, i := range train {
			at := int(log.Context[i])*actions + int(log.Action[i])
			sum[at] += log.Reward[i]
			count[at]++
		}
		return func(row int, dst []float64) {
			at := int(log.Context[row]) * actions
			for a := range dst {
				dst[a] = 0
				if count[at+a] > 0 {
					dst[a] = sum[at+a] / count[at+a]
				}
			}
		}, nil
	}
	var errorOfAll, errorOfFolds float64
	const runs = 40
	for run := range runs {
		w.draw(&log, n, uint64(run))
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		whole := spread[float64](log)
		predict, err := memorize(all)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			predict(i, whole.Model[i*actions:(i+1)*actions])
		}
		errorOfAll += value(whole, ope.DR()) - truth
		if whole.Model, err = ope.CrossFit(n, actions, ope.Folds{Seed: uint64(run)}, memorize); err != nil {
			t.Fatal(err)
		}
		errorOfFolds += value(whole, ope.DR()) - truth
	}
	if bias := math.Abs(errorOfAll / runs); bias < 0.05 {
		t.Errorf("bias %v when fitted to the log itself: the test shows nothing", bias)
	}
	if bias := math.Abs(errorOfFolds / runs); bias > 0.01 {
		t.Errorf("bias %v when fitted across folds", bias)
	}
}

func TestMarginalWeightsRefuseWhatDoesNotFit(t *testing.T) {
	log := tiny()
	log.Logger = []float64{0.8, 0.2}
	ok := []int32{0, 1, 0, 1}
	identity := []float64{1, 0, 0, 1}
	if w, err := ope.MarginalWeights(nil, log, ok, identity); err != nil || !close(w[0], 0.5, 1e-15) || !close(w[1], 3, 1e-15) {
		t.Errorf("one embedding per action: %v, %v; want the weights 0.5 and 3", w, err)
	}
	if w, err := ope.MarginalWeights(nil, log, []int32{0, 0, 0, 0}, []float64{1, 1}); err != nil || !close(w[0], 1, 1e-15) {
		t.Errorf("one embedding for all: %v, %v; want 1", w, err)
	}
	var row *ope.RowError
	var field *ope.FieldError
	if _, err := ope.MarginalWeights(nil, log, []int32{0, 1, 2, 0}, identity); !errors.As(err, &row) || row.Row != 2 {
		t.Errorf("embedding 2 of 2: %v", err)
	}
	if _, err := ope.MarginalWeights(nil, log, ok[1:], identity); !errors.As(err, &field) {
		t.Errorf("three embeddings: %v", err)
	}
	if _, err := ope.MarginalWeights(nil, log, ok, identity[1:]); !errors.As(err, &field) {
		t.Errorf("a ragged density: %v", err)
	}
	if _, err := ope.MarginalWeights(nil, log, ok, []float64{1, 0, 1, 1}); !errors.As(err, &field) {
		t.Errorf("a column of sum 2: %v", err)
	}
	if _, err := ope.MarginalWeights(nil, log, ok, []float64{1, math.NaN(), 0, 1}); !errors.As(err, &row) {
		t.Errorf("a density of NaN: %v", err)
	}
	if _, err := ope.MarginalWeights(nil, tiny(), ok, identity); !errors.As(err, &field) {
		t.Errorf("no logger: %v", err)
	}
	// Embedding 1 was shown, but the logging policy's actions do not have it.
	if _, err := ope.MarginalWeights(nil, log, ok, []float64{1, 1, 0, 0}); !errors.As(err, &row) || row.Field != "Embedding" {
		t.Errorf("an embedding without support: %v", err)
	}
}

func TestMRDRWeightsOfFloat32(t *testing.T) {
	log := spread[float32](tiny())
	w, err := ope.MRDRWeights(make([]float32, 9), log)
	if err != nil || len(w) != 4 || math.Abs(float64(w[0])-0.25*0.2) > 1e-7 || math.Abs(float64(w[1])-9*0.8) > 1e-6 {
		t.Errorf("%v, %v", w, err)
	}
}
