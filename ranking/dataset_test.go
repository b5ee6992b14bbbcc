package ranking_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

// sample is a dataset with all columns: rows 0 to 5 in three groups.
func sample() *ranking.Dataset {
	return &ranking.Dataset{
		Columns: []string{"a", "b"}, Floats: []float32{0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15},
		IDColumns: []string{"k"}, IDs: []uint64{100, 101, 102, 103, 104, 105},
		Heads: []string{"click", "buy"}, Labels: []float32{0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0},
		Weights: []float32{1, 2, 3, 4, 5, 6}, WeightedBy: "test", Groups: []uint64{7, 8, 7, 9, 8, 7},
		Times: []int64{10, 20, 10, 30, 20, 10}, Positions: []int32{0, 0, 1, -1, 1, 2},
		Views:        []recsys.FeatureView{{Name: "v", Hash: 1}},
		Propensities: []float64{1, 0.5, 0.25, math.NaN(), 1, 0.125},
	}
}

// row prints all of row i.
func row(d *ranking.Dataset, i int) string {
	s := fmt.Sprint(d.FloatRow(i), d.IDRow(i), d.LabelRow(i), d.Weight(i), d.Group(i))
	if d.Times != nil {
		s += fmt.Sprint(d.Times[i], d.Positions[i], d.Propensities[i])
	}
	return s
}

func TestRowsCopiesEveryColumn(t *testing.T) {
	d := sample()
	picked := d.Rows([]int32{5, 0, 0, 3})
	if err := picked.Validate(); err != nil {
		t.Fatal(err)
	}
	for at, i := range []int{5, 0, 0, 3} {
		if got, want := row(picked, at), row(d, i); got != want {
			t.Errorf("row %d is %s; want %s", at, got, want)
		}
	}
	picked.Floats[0] = 99
	if d.Floats[10] == 99 {
		t.Error("the rows share memory")
	}
	// Every field of Dataset must be there: one that Rows forgets would be nil.
	v := reflect.ValueOf(*picked)
	for f := range v.NumField() {
		if v.Field(f).IsZero() {
			t.Errorf("field %s is lost", v.Type().Field(f).Name)
		}
	}
	bare := &ranking.Dataset{Columns: []string{"a"}, Floats: []float32{1, 2, 3}}
	if got := bare.Rows([]int32{2, 1}); got.Group(0) != 2 || got.Group(1) != 1 || got.Weight(0) != 1 {
		t.Errorf("groups %v; want the numbers of the rows", got.Groups)
	}
}

func TestSelectTakesColumnsInTheGivenOrder(t *testing.T) {
	d, err := sample().Select("k", "b")
	if err != nil {
		t.Fatal(err)
	}
	if got := row(d, 4); got != "[14] [104] [0 1] 5 820 1 1" {
		t.Errorf("row 4 is %s", got)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	none, err := sample().Select()
	if err != nil || none.Len() != 6 || len(none.Columns) != 0 || none.Validate() != nil {
		t.Errorf("no columns: %v, %v", none, err)
	}
	if _, err := sample().Select("x", "a", "y"); err == nil || !strings.Contains(err.Error(), "no column x, y (columns: a, b; id columns: k)") {
		t.Errorf("error %v", err)
	}
}

func TestSplitKeepsGroupsTogetherAndIsStable(t *testing.T) {
	d := &ranking.Dataset{Columns: []string{"row"}}
	for i := range 3000 {
		d.Floats, d.Groups = append(d.Floats, float32(i)), append(d.Groups, uint64(i%1000))
	}
	train, held, err := d.Split(0.3, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := held.Len(); n < 3*250 || n > 3*350 || n+train.Len() != 3000 {
		t.Errorf("%d of 3000 rows are held; want about 900", n)
	}
	for _, part := range []*ranking.Dataset{train, held} {
		if !slices.IsSorted(part.Floats) {
			t.Error("the rows are not in their order")
		}
	}
	in := map[uint64]bool{}
	for _, g := range held.Groups {
		in[g] = true
	}
	if slices.ContainsFunc(train.Groups, func(g uint64) bool { return in[g] }) {
		t.Error("a group is in both parts")
	}
	// A part of the data is split as it is within the whole.
	_, again, _ := held.Split(0.3, 1)
	if again.Len() != held.Len() {
		t.Errorf("of the held groups %d rows are held again; want all %d", again.Len(), held.Len())
	}
	if _, other, _ := d.Split(0.3, 2); slices.Equal(other.Floats, held.Floats) {
		t.Error("another seed gives the same split")
	}
	if a, b, _ := d.Split(0, 1); a.Len() != 3000 || b.Len() != 0 {
		t.Error("fraction 0 holds rows")
	}
	if a, b, _ := d.Split(1, 1); a.Len() != 0 || b.Len() != 3000 {
		t.Error("fraction 1 leaves rows")
	}
	for _, f := range []float64{-0.1, 1.1, math.NaN()} {
		if _, _, err := d.Split(f, 1); err == nil || !strings.Contains(err.Error(), fmt.Sprint(f)) {
			t.Errorf("fraction %v: error %v", f, err)
		}
	}
}

func TestSplitTime(t *testing.T) {
	train, held, err := sample().SplitTime(20)
	if err != nil || !slices.Equal(train.Times, []int64{10, 10, 10}) || !slices.Equal(held.Times, []int64{20, 30, 20}) {
		t.Errorf("times %v and %v, error %v", train.Times, held.Times, err)
	}
	d := sample()
	d.Times = nil
	if _, _, err := d.SplitTime(20); err == nil {
		t.Error("no error without times")
	}
}

func TestShuffleIsAPermutationUnderASeed(t *testing.T) {
	d := &ranking.Dataset{Columns: []string{"row"}}
	for i := range 500 {
		d.Floats = append(d.Floats, float32(i))
	}
	a, b, c := d.Shuffle(1), d.Shuffle(1), d.Shuffle(2)
	if !slices.Equal(a.Floats, b.Floats) || slices.Equal(a.Floats, c.Floats) || slices.Equal(a.Floats, d.Floats) {
		t.Error("the order does not depend on the seed, or not on it alone")
	}
	slices.Sort(a.Floats)
	if !slices.Equal(a.Floats, d.Floats) {
		t.Error("not a permutation")
	}
}

func TestGroupRows(t *testing.T) {
	order, starts := sample().GroupRows()
	if !slices.Equal(order, []int32{0, 2, 5, 1, 4, 3}) || !slices.Equal(starts, []int{0, 3, 5, 6}) {
		t.Errorf("order %v, starts %v", order, starts)
	}
	order, starts = new(ranking.Dataset).GroupRows()
	if len(order) != 0 || !slices.Equal(starts, []int{0}) {
		t.Errorf("empty: order %v, starts %v", order, starts)
	}
	d := &ranking.Dataset{Columns: []string{"a"}, Floats: []float32{5, 6}}
	if order, starts = d.GroupRows(); !slices.Equal(order, []int32{0, 1}) || !slices.Equal(starts, []int{0, 1, 2}) {
		t.Errorf("without groups: order %v, starts %v", order, starts)
	}
}

func TestLabelColumn(t *testing.T) {
	y, err := sample().LabelColumn([]float32{9}, "buy")
	if err != nil || !slices.Equal(y, []float32{9, 1, 0, 0, 1, 1, 0}) {
		t.Errorf("labels %v, error %v", y, err)
	}
	if _, err := sample().LabelColumn(nil, "x"); err == nil || !strings.Contains(err.Error(), "heads: click, buy") {
		t.Errorf("error %v", err)
	}
}

func TestValidateNamesFieldRowAndValue(t *testing.T) {
	if err := sample().Validate(); err != nil {
		t.Fatal(err)
	}
	if err := new(ranking.Dataset).Validate(); err != nil {
		t.Errorf("an empty dataset: %v", err)
	}
	inf := math.Inf(1)
	for _, c := range []struct {
		want string
		edit func(*ranking.Dataset)
	}{
		{`Dataset.Floats: row 2, "b" is +Inf; want a finite number, or NaN`, func(d *ranking.Dataset) { d.Floats[5] = float32(inf) }},
		{`Dataset.Labels: row 1, "buy" is -Inf; want a finite number, or NaN`, func(d *ranking.Dataset) { d.Labels[3] = -float32(inf) }},
		{"Dataset.Weights: row 3 is -1; want a finite number >= 0", func(d *ranking.Dataset) { d.Weights[3] = -1 }},
		{"Dataset.Weights: row 0 is NaN", func(d *ranking.Dataset) { d.Weights[0] = float32(math.NaN()) }},
		{"Dataset.Positions: row 4 is -2; want >= -1", func(d *ranking.Dataset) { d.Positions[4] = -2 }},
		{"Dataset.Propensities: row 1 is 0; want a number in (0, 1], or NaN", func(d *ranking.Dataset) { d.Propensities[1] = 0 }},
		{"Dataset.Propensities: row 5 is 1.5", func(d *ranking.Dataset) { d.Propensities[5] = 1.5 }},
		{"Dataset.Floats is of length 11; want 12, for 6 rows", func(d *ranking.Dataset) { d.Floats = d.Floats[:11] }},
		{"Dataset.IDs is of length 5; want 6", func(d *ranking.Dataset) { d.IDs = d.IDs[:5] }},
		{"Dataset.Labels is of length 11; want 10, for 5 rows", func(d *ranking.Dataset) { d.Labels = d.Labels[:11] }},
		{"Dataset.Times is of length 1; want 6", func(d *ranking.Dataset) { d.Times = d.Times[:1] }},
		{"Dataset.Groups is of length 7; want 6", func(d *ranking.Dataset) { d.Groups = append(d.Groups, 1) }},
		{`Dataset.Columns is ""; want names that are not empty`, func(d *ranking.Dataset) { d.Columns = []string{"a", ""} }},
		{`Dataset.IDColumns: "a" is a name of Columns already; want each name once`, func(d *ranking.Dataset) { d.IDColumns = []string{"a"} }},
		{`Dataset.Heads: "click" is a name of Heads already`, func(d *ranking.Dataset) { d.Heads = []string{"click", "click"} }},
	} {
		d := sample()
		c.edit(d)
		err := d.Validate()
		var typed *ranking.DatasetError
		if !errors.As(err, &typed) || !strings.Contains(err.Error(), "ranking: "+c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
	d := sample()
	d.Weights[3], d.Positions[1] = -1, -5
	if err := d.Validate(); !strings.Contains(err.Error(), "Weights") || !strings.Contains(err.Error(), "Positions") {
		t.Errorf("error %v; want both fields", err)
	}
}
