package encode_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/encode"
)

// random returns n rows with three ID columns of few values, two heads, and some labels and weights missing or 0.
func random(n int, seed uint64) *ranking.Dataset {
	rng := rand.New(rand.NewPCG(seed, 1))
	d := &ranking.Dataset{
		Columns: []string{"x"}, IDColumns: []string{"user", "item", "hour"}, Heads: []string{"click", "dwell"},
	}
	for range n {
		d.Floats = append(d.Floats, rng.Float32())
		d.IDs = append(d.IDs, rng.Uint64N(9), rng.Uint64N(5)*rng.Uint64N(1<<40), rng.Uint64N(3))
		click, dwell := float32(rng.IntN(2)), float32(rng.NormFloat64()*30)
		if rng.IntN(6) == 0 {
			dwell = float32(math.NaN())
		}
		d.Labels = append(d.Labels, click, dwell)
		d.Weights = append(d.Weights, float32(rng.IntN(4))/2)
		d.Groups = append(d.Groups, rng.Uint64N(uint64(n)))
	}
	return d
}

// naive returns the statistics of a key for a row: what the rows that count say of it.
func naive(d *ranking.Dataset, ids []uint64, columns []int, head int, smoothing, minCount float64, counts func(r int) bool) (mean, count float64) {
	var sum, weight, all, allWeight float64
	for r := range d.Len() {
		if !counts(r) {
			continue
		}
		same := true
		for _, j := range columns {
			same = same && d.IDRow(r)[j] == ids[j]
		}
		w, y := float64(d.Weight(r)), float64(d.LabelRow(r)[head])
		if same {
			count += w
		}
		if y != y {
			continue
		}
		all, allWeight = all+w*y, allWeight+w
		if same {
			sum, weight = sum+w*y, weight+w
		}
	}
	if count < minCount {
		sum, weight, count = 0, 0, 0
	}
	return (sum + smoothing*all/allWeight) / (weight + smoothing), count
}

// close compares a float32 with what it was rounded from.
func near(got float32, want float64) bool {
	return math.Abs(float64(got)-want) <= 1e-6*(1+math.Abs(want))
}

func TestFitIsTheNaiveStatisticsOfTheOtherFolds(t *testing.T) {
	for seed, minCount := range []float64{0, 2, 5} {
		d := random(300, uint64(seed))
		cfg := encode.Config{Smoothing: 3, MinCount: minCount, Folds: 4, Seed: 7}
		target, train, err := encode.Fit(t.Context(), cfg, d)
		if err != nil {
			t.Fatal(err)
		}
		fresh := random(50, 99)
		served, err := target.Transform(fresh)
		if err != nil {
			t.Fatal(err)
		}
		keys := [][]int{{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}}
		check := func(what string, got []float32, d2 *ranking.Dataset, r int, counts func(int) bool) {
			t.Helper()
			for k, columns := range keys {
				for head := range 2 {
					mean, count := naive(d, d2.IDRow(r), columns, head, 3, minCount, counts)
					if !near(got[1+3*k+head], mean) || !near(got[1+3*k+2], count) {
						t.Fatalf("%s, MinCount %v, row %d, key %v, head %d: mean %v of %v rows; want %v of %v",
							what, minCount, r, columns, head, got[1+3*k+head], got[1+3*k+2], mean, count)
					}
				}
			}
		}
		fold := func(r int) uint64 { return hash.Combine(7, d.Groups[r]) % 4 }
		for r := range d.Len() {
			check("trained", train.FloatRow(r), d, r, func(o int) bool { return fold(o) != fold(r) })
		}
		for r := range fresh.Len() {
			check("served", served.FloatRow(r), fresh, r, func(int) bool { return true })
		}
	}
}

func TestCountsOfLargeWeightsStayFinite(t *testing.T) {
	d := random(60, 5)
	for r := range d.Weights {
		d.Weights[r] = 3e38
	}
	target, train, err := encode.Fit(t.Context(), encode.Config{}, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := train.Validate(); err != nil {
		t.Error(err)
	}
	path := t.TempDir() + "/target"
	if err := target.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := encode.Load(path); err != nil {
		t.Error(err)
	}
}

func TestColumnsStandBehindThoseOfTheDataset(t *testing.T) {
	d := random(40, 1)
	target, train, err := encode.Fit(t.Context(), encode.Config{Keys: [][]string{{"item"}, {"hour", "user"}}, Heads: []string{"click"}}, d)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"x", "click(item)", "count(item)", "click(hour,user)", "count(hour,user)"}
	if !slices.Equal(train.Columns, want) || !slices.Equal(target.Names(), want[1:]) {
		t.Errorf("columns %q, names %q; want %q", train.Columns, target.Names(), want)
	}
	if !slices.Equal(target.IDColumns(), []string{"item", "hour", "user"}) {
		t.Errorf("it reads %q", target.IDColumns())
	}
	for r := range d.Len() {
		if train.FloatRow(r)[0] != d.Floats[r] {
			t.Fatalf("row %d: x is %v, was %v", r, train.FloatRow(r)[0], d.Floats[r])
		}
	}
	if err := train.Validate(); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(*d) != fmt.Sprint(*random(40, 1)) {
		t.Error("the dataset was written to")
	}
}

// TestALabelDoesNotReachItsOwnRow turns labels around: the columns of its own row, and of its group, stay.
func TestALabelDoesNotReachItsOwnRow(t *testing.T) {
	d := random(60, 3)
	_, before, err := encode.Fit(t.Context(), encode.Config{}, d)
	if err != nil {
		t.Fatal(err)
	}
	moved := 0
	for r := range 10 {
		turned := *d
		turned.Labels = slices.Clone(d.Labels)
		turned.Labels[2*r] = 1 - turned.Labels[2*r]
		_, after, err := encode.Fit(t.Context(), encode.Config{}, &turned)
		if err != nil {
			t.Fatal(err)
		}
		for o := range d.Len() {
			same := slices.Equal(before.FloatRow(o), after.FloatRow(o))
			if d.Groups[o] == d.Groups[r] && !same {
				t.Errorf("the label of row %d is seen in row %d of its group", r, o)
			}
			if !same {
				moved++
			}
		}
	}
	if moved == 0 {
		t.Error("no label is seen anywhere")
	}
}

func TestTheNumberOfWorkersDoesNotMatter(t *testing.T) {
	d := random(500, 5)
	one, train1, err1 := encode.Fit(t.Context(), encode.Config{Workers: 1}, d)
	many, trainN, errN := encode.Fit(t.Context(), encode.Config{Workers: 7}, d)
	if err := errors.Join(err1, errN); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, many) || !reflect.DeepEqual(train1, trainN) {
		t.Error("7 workers give another result than 1")
	}
}

func TestFitNamesWhatIsWrong(t *testing.T) {
	nan := float32(math.NaN())
	for want, c := range map[string]struct {
		cfg    encode.Config
		change func(d *ranking.Dataset)
	}{
		"Smoothing is -1":              {cfg: encode.Config{Smoothing: -1}},
		"Smoothing is NaN":             {cfg: encode.Config{Smoothing: math.NaN()}},
		"MinCount is -2":               {cfg: encode.Config{MinCount: -2}},
		"Folds is 1;":                  {cfg: encode.Config{Folds: 1}},
		"Workers is -1":                {cfg: encode.Config{Workers: -1}},
		`Keys[0] names "price"`:        {cfg: encode.Config{Keys: [][]string{{"price"}}}},
		`Keys[0] names "user" twice`:   {cfg: encode.Config{Keys: [][]string{{"user", "user"}}}},
		"Keys[1] is empty":             {cfg: encode.Config{Keys: [][]string{{"user"}, {}}}},
		`Keys[1] is ["user"], as Keys`: {cfg: encode.Config{Keys: [][]string{{"user"}, {"user"}}}},
		"Keys is empty":                {change: func(d *ranking.Dataset) { d.IDColumns, d.IDs = nil, nil }},
		`Heads[0] is "buy"`:            {cfg: encode.Config{Heads: []string{"buy"}}},
		"nothing is left":              {cfg: encode.Config{Heads: []string{}, NoCounts: true}},
		`head "click" has no label`: {change: func(d *ranking.Dataset) {
			for r := range d.Len() {
				d.Labels[2*r] = nan
			}
		}},
		"Dataset.Weights":         {change: func(d *ranking.Dataset) { d.Weights[3] = -1 }},
		`column "click(user)" al`: {change: func(d *ranking.Dataset) { d.Columns = []string{"click(user)"} }},
	} {
		d := random(20, 1)
		if c.change != nil {
			c.change(d)
		}
		if _, _, err := encode.Fit(t.Context(), c.cfg, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := encode.Fit(ctx, encode.Config{}, random(20, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

// Out of fold such rows would all have the mean of all, and a model would learn nothing from the columns that it is
// served with.
func TestRowsOfOneGroupHaveNoOtherFold(t *testing.T) {
	d := random(200, 3)
	d.Groups = make([]uint64, d.Len())
	if _, _, err := encode.Fit(t.Context(), encode.Config{}, d); !errors.Is(err, encode.ErrOneFold) || !strings.Contains(err.Error(), "200 rows; want Dataset.Groups of more groups") {
		t.Errorf("one group: error %v", err)
	}
	for i := range d.Groups {
		d.Groups[i] = uint64(i % 40)
	}
	if _, _, err := encode.Fit(t.Context(), encode.Config{}, d); err != nil {
		t.Errorf("40 groups: error %v", err)
	}
}

func TestTransformNamesAColumnThatIsNotThere(t *testing.T) {
	target, train, err := encode.Fit(t.Context(), encode.Config{}, random(20, 1))
	if err != nil {
		t.Fatal(err)
	}
	d := random(5, 2)
	d.IDColumns = []string{"user", "article", "hour"}
	if _, err := target.Transform(d); err == nil || !strings.Contains(err.Error(), `no ID column "item"`) {
		t.Errorf("error %v", err)
	}
	if _, err := target.Transform(train); err == nil || !strings.Contains(err.Error(), `a column "click(user)" already`) {
		t.Errorf("error %v", err)
	}
	empty, err := target.Transform(&ranking.Dataset{IDColumns: []string{"hour", "item", "user"}})
	if err != nil || empty.Len() != 0 || len(empty.Columns) != 18 {
		t.Errorf("no rows: %v, error %v", empty, err)
	}
}

func ExampleFit() {
	d := &ranking.Dataset{
		IDColumns: []string{"user", "item"}, IDs: []uint64{1, 7, 1, 8, 2, 7, 2, 8, 3, 7, 3, 8, 4, 7, 4, 8},
		Heads: []string{"click"}, Labels: []float32{1, 0, 1, 0, 1, 1, 1, 0},
	}
	target, train, err := encode.Fit(context.Background(), encode.Config{Keys: [][]string{{"item"}}, Smoothing: 1, Folds: 8}, d)
	if err != nil {
		fmt.Println(err)
		return
	}
	held, err := target.Transform(&ranking.Dataset{IDColumns: []string{"user", "item"}, IDs: []uint64{9, 7, 9, 8, 9, 5}})
	fmt.Println(train.Columns, held.Floats, err)
	fmt.Println(target)
	// Output:
	// [click(item) count(item)] [0.925 4 0.325 4 0.625 0] <nil>
	// statistics of 2 keys over 1 combinations of 1 ID columns, 1 heads
}
