package retrieval_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"weak"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
)

func ExampleFilter() {
	inStock := retrieval.AllowItems(1, 2, 3, 5, 8)
	adult := retrieval.BitmapFilter(0, recsys.Bits{1 << 3})
	f := retrieval.AllOf(inStock, retrieval.Not(adult))
	for item := range recsys.ItemID(9) {
		if f.Match(item) {
			fmt.Print(item, " ")
		}
	}
	// Output: 1 2 5 8
}

type condition = func(recsys.ItemID) bool

// kinds returns filters with the condition that each stands for.
func kinds() map[string]struct {
	filter *retrieval.Filter
	want   condition
} {
	type pair = struct {
		filter *retrieval.Filter
		want   condition
	}
	listed := []recsys.ItemID{9, 4, 4, 100, 77, 1 << 40, math.MaxUint64}
	in := func(item recsys.ItemID) bool { return slices.Contains(listed, item) }
	even := func(item recsys.ItemID) bool { return item%2 == 0 }
	some, whole := retrieval.AllowItems(listed...), retrieval.Where(even)
	set := recsys.MakeBits(128)
	for _, i := range []int{0, 5, 63, 64, 127} {
		set.Set(i)
	}
	bit := func(item recsys.ItemID) bool { return slices.Contains([]recsys.ItemID{50, 55, 113, 114, 177}, item) }
	all := func(recsys.ItemID) bool { return true }
	none := func(recsys.ItemID) bool { return false }
	return map[string]pair{
		"AllowItems":           {some, in},
		"AllowItems of none":   {retrieval.AllowItems(), none},
		"DenyItems":            {retrieval.DenyItems(listed...), func(i recsys.ItemID) bool { return !in(i) }},
		"DenyItems of none":    {retrieval.DenyItems(), all},
		"BitmapFilter":         {retrieval.BitmapFilter(50, set), bit},
		"BitmapFilter at end":  {retrieval.BitmapFilter(math.MaxUint64-3, set), func(i recsys.ItemID) bool { return i == math.MaxUint64-3 }},
		"BitmapFilter of none": {retrieval.BitmapFilter(50, nil), none},
		"Where":                {whole, even},
		"Not":                  {retrieval.Not(whole), func(i recsys.ItemID) bool { return i%2 == 1 }},
		"Not of Not":           {retrieval.Not(retrieval.Not(some)), in},
		"AllOf":                {retrieval.AllOf(whole, some), func(i recsys.ItemID) bool { return even(i) && in(i) }},
		"AllOf of lists":       {retrieval.AllOf(some, retrieval.AllowItems(4, 5, 77, 78)), func(i recsys.ItemID) bool { return i == 4 || i == 77 }},
		"AllOf of none":        {retrieval.AllOf(), all},
		"AllOf with nil":       {retrieval.AllOf(nil, some, nil), in},
		"AnyOf":                {retrieval.AnyOf(whole, some), func(i recsys.ItemID) bool { return even(i) || in(i) }},
		"AnyOf of lists":       {retrieval.AnyOf(some, retrieval.AllowItems(4, 5)), func(i recsys.ItemID) bool { return i == 5 || in(i) }},
		"AnyOf of none":        {retrieval.AnyOf(), none},
		"AnyOf with nil":       {retrieval.AnyOf(some, nil), all},
		"Not of nil":           {retrieval.Not(nil), none},
	}
}

func TestFiltersMatchWhatTheySay(t *testing.T) {
	for name, c := range kinds() {
		for _, item := range []recsys.ItemID{0, 1, 4, 5, 9, 49, 50, 55, 56, 77, 78, 100, 101, 113, 114, 176, 177, 178, 1 << 40, math.MaxUint64 - 3, math.MaxUint64 - 1, math.MaxUint64} {
			if got := c.filter.Match(item); got != c.want(item) {
				t.Errorf("%s: Match(%d) = %v", name, item, got)
			}
		}
	}
	var nothing *retrieval.Filter
	if !nothing.Match(7) {
		t.Error("a nil filter does not match item 7")
	}
}

// sameSelection compares what a filter selects with a pass over all rows.
func sameSelection(t testing.TB, name string, f *retrieval.Filter, x *table) {
	t.Helper()
	var want []uint32
	for row := range uint32(x.Limit()) {
		if x.Live(row) && f.Match(x.Item(row)) {
			want = append(want, row)
		}
	}
	s := f.Select(&x.Rows)
	if s.Version() != x.Version() {
		t.Errorf("%s: selection of version %d; want %d", name, s.Version(), x.Version())
	}
	if got := s.List(); !slices.Equal(got, want) || s.Count() != len(want) {
		t.Errorf("%s: %d rows are selected, Count %d; want %d", name, len(got), s.Count(), len(want))
	}
	for row := range uint32(x.Limit() + 130) {
		_, in := slices.BinarySearch(want, row)
		if s.Has(row) != in {
			t.Errorf("%s: Has(%d) = %v; want %v", name, row, s.Has(row), in)
			return
		}
		if w := int(row >> 6); w < len(s.Bits()) && s.Bits().Has(int(row)) != in {
			t.Errorf("%s: bit %d is %v; want %v", name, row, !in, in)
			return
		}
	}
}

func TestSelectionsFollowTheRows(t *testing.T) {
	filters := kinds()
	x := newTable(t, 150)
	for _, changes := range []int{0, 1, 1, 30, 500, 4095, 4096, 4097, 9000} {
		for range changes {
			x.step()
		}
		for name, c := range filters {
			sameSelection(t, name, c.filter, x)
		}
	}
	x = x.restored()
	for name, c := range filters {
		sameSelection(t, name+", restored", c.filter, x)
	}
}

// A selection that is held must not change under its holder.
func TestSelectionIsImmutable(t *testing.T) {
	x := newTable(t, 200)
	f := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
	s := f.Select(&x.Rows)
	bits, count := slices.Clone(s.Bits()), s.Count()
	for range 300 {
		x.step()
		f.Select(&x.Rows)
	}
	if !slices.Equal(bits, s.Bits()) || count != s.Count() || len(s.List()) != count {
		t.Error("an old selection has changed with the rows")
	}
}

func TestAFilterServesManyIndexes(t *testing.T) {
	f := retrieval.AllowItems(3, 4, 5, 6, 7)
	var tables []*table
	for n := range 12 { // more than it remembers
		tables = append(tables, newTable(t, 5+n))
	}
	for range 3 {
		for i, x := range tables {
			sameSelection(t, fmt.Sprint("table ", i), f, x)
			x.step()
			sameSelection(t, fmt.Sprint("table ", i), f, x)
		}
	}
}

func TestASelectionIsResolvedOnce(t *testing.T) {
	calls := 0
	f := retrieval.Where(func(item recsys.ItemID) bool { calls++; return item%2 == 0 })
	x := newTable(t, 1000)
	f.Select(&x.Rows)
	if calls != 1000 {
		t.Errorf("%d calls for 1000 items", calls)
	}
	calls = 0
	f.Select(&x.Rows)
	x.insert()
	f.Select(&x.Rows)
	if calls != 1 {
		t.Errorf("%d calls for one new item", calls)
	}
	if race.Enabled {
		return
	}
	if n := testing.AllocsPerRun(100, func() { f.Select(&x.Rows) }); n > 0 {
		t.Errorf("Select of rows that have not changed: %v allocations", n)
	}
}

func TestAListIsResolvedByItsItems(t *testing.T) {
	calls := 0
	f := retrieval.AllOf(retrieval.AllowItems(1, 2, 3, 4, 5, 6), retrieval.Where(func(recsys.ItemID) bool { calls++; return true }))
	x := newTable(t, 5000)
	sameSelection(t, "a list and a condition", f, x)
	if calls = 0; true {
		y := newTable(t, 5000)
		f.Select(&y.Rows)
	}
	if calls > 6 {
		t.Errorf("%d calls to resolve a list of six items", calls)
	}
}

func TestAFilterDoesNotKeepItsIndexes(t *testing.T) {
	f := retrieval.AllowItems(1, 2, 3)
	x := newTable(t, 10)
	f.Select(&x.Rows)
	gone := weak.Make(x)
	runtime.KeepAlive(x)
	x = nil
	for range 5 {
		runtime.GC()
	}
	if gone.Value() != nil {
		t.Error("a filter keeps the rows of an index that is gone")
	}
	runtime.KeepAlive(f)
}

func TestWhereWithoutFunctionPanicsAtOnce(t *testing.T) {
	defer func() {
		if got := recover(); got != "retrieval: Where(nil)" {
			t.Errorf("panic %v", got)
		}
	}()
	retrieval.Where(nil)
}

func TestNilFilterMatchesEverything(t *testing.T) {
	one := retrieval.AllowItems(1)
	for item := range recsys.ItemID(3) {
		if retrieval.Not(nil).Match(item) || !retrieval.AnyOf(nil, one).Match(item) || retrieval.AllOf(nil, one).Match(item) != (item == 1) {
			t.Errorf("item %d", item)
		}
	}
}
