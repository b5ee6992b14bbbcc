package gate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/gate"
)

// fill returns rows of the items 0, 10, 20, … of which every fifth is deleted again.
func fill(t testing.TB, n int) *retrieval.Rows {
	t.Helper()
	r := new(retrieval.Rows)
	for i := range n {
		insert(t, r, recsys.ItemID(10*i))
	}
	for i := 0; i < n; i += 5 {
		if _, err := r.Delete(recsys.ItemID(10*i), false); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func insert(t testing.TB, r *retrieval.Rows, item recsys.ItemID) {
	t.Helper()
	row, err := r.Reserve()
	if err == nil {
		err = r.Insert(item, row)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func passes(item recsys.ItemID, opt *retrieval.SearchOptions) bool {
	return opt.Filter.Match(item) && (opt.Allow == nil || slices.Contains(opt.Allow, item)) && !slices.Contains(opt.Exclude, item)
}

// random returns a list of items, some unknown, some deleted, some twice; now and then nil.
func random(rng *rand.Rand, n int) []recsys.ItemID {
	if rng.IntN(4) == 0 {
		return nil
	}
	list := []recsys.ItemID{}
	for range rng.IntN(1 << rng.IntN(9)) {
		list = append(list, recsys.ItemID(5*rng.IntN(2*n+10)))
	}
	return list
}

func TestAGateLetsThroughWhatTheOptionsSay(t *testing.T) {
	const n = 300
	r := fill(t, n)
	rng := rand.New(rand.NewPCG(1, 2))
	filters := []*retrieval.Filter{nil, nil, retrieval.Where(func(i recsys.ItemID) bool { return i%3 == 0 }), retrieval.AllowItems(10, 20, 30, 50), retrieval.AllowItems()}
	var g gate.Gate // used again and again, as scratch memory is
	for turn := range 2000 {
		opt := retrieval.SearchOptions{Filter: filters[turn%len(filters)], Allow: random(rng, n), Exclude: random(rng, n)}
		g.Open(r, &opt)
		list, listed := g.List()
		if listed != (opt.Allow != nil) || !slices.IsSorted(list) || g.Everything() != (opt.Filter == nil && !listed) {
			t.Fatalf("%+v: List = %d, %v; Everything = %v", opt, list, listed, g.Everything())
		}
		count := 0
		for row := range uint32(r.Limit()) {
			if !r.Live(row) {
				if slices.Contains(list, row) {
					t.Fatalf("row %d without an item is in the list", row)
				}
				continue
			}
			got := g.Pass(row)
			if listed {
				got = got && slices.Contains(list, row)
			}
			if want := passes(r.Item(row), &opt); got != want {
				t.Fatalf("%+v: row %d with item %d passes: %v; want %v", opt, row, r.Item(row), got, want)
			}
			if got {
				count++
			}
		}
		if g.Count() < count || g.Excluded() < r.Len()-count && g.Everything() {
			t.Fatalf("%+v: Count is %d, Excluded %d; %d of %d rows pass", opt, g.Count(), g.Excluded(), count, r.Len())
		}
		if listed && g.Count() != count || listed && len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Fatalf("%+v: %d rows in the list; %d pass", opt, len(list), count)
		}
		if (g.Selection() != nil) != (opt.Filter != nil) {
			t.Fatalf("%+v: Selection is %v", opt, g.Selection())
		}
		g.Close()
	}
}

func TestSettleDropsWhatSlippedThrough(t *testing.T) {
	r := fill(t, 20)
	opts := map[string]retrieval.SearchOptions{
		"filter":  {Filter: retrieval.Where(func(i recsys.ItemID) bool { return i < 100 })},
		"allow":   {Allow: []recsys.ItemID{10, 20, 30}},
		"exclude": {Exclude: []recsys.ItemID{110, 7, 120}},
		"none":    {},
	}
	for name, opt := range opts {
		var g gate.Gate
		g.Open(r, &opt)
		found := []retrieval.Neighbor{{Item: 10, Score: 3}, {Item: 110, Score: 2}, {Item: 20, Score: 1}, {Item: 120}}
		var want []retrieval.Neighbor
		for _, n := range found {
			if passes(n.Item, &opt) {
				want = append(want, n)
			}
		}
		if got := g.Settle(slices.Clone(found), &opt); !slices.Equal(got, found) {
			t.Errorf("%s: nothing has changed, and %v became %v", name, found, got)
		}
		insert(t, r, recsys.ItemID(5000+r.Limit()))
		if got := g.Settle(slices.Clone(found), &opt); !slices.Equal(got, want) {
			t.Errorf("%s: %v became %v; want %v", name, found, got, want)
		}
	}
}

func TestAGateAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts of allocations differ under the race detector")
	}
	r := fill(t, 1000)
	opt := retrieval.SearchOptions{Filter: retrieval.DenyItems(70, 80), Allow: make([]recsys.ItemID, 100), Exclude: make([]recsys.ItemID, 200)}
	for i := range opt.Exclude {
		opt.Exclude[i] = recsys.ItemID(10 * i)
	}
	for i := range opt.Allow {
		opt.Allow[i] = recsys.ItemID(15 * i)
	}
	var g gate.Gate
	if n := testing.AllocsPerRun(50, func() { g.Open(r, &opt); g.Close() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkOpen(b *testing.B) {
	r := fill(b, 100_000)
	for _, n := range []int{0, 10, 100, 1000} {
		opt := retrieval.SearchOptions{Exclude: make([]recsys.ItemID, n)}
		for i := range opt.Exclude {
			opt.Exclude[i] = recsys.ItemID(70 * i)
		}
		b.Run(fmt.Sprintf("exclude=%d", n), func(b *testing.B) {
			var g gate.Gate
			for b.Loop() {
				g.Open(r, &opt)
			}
		})
	}
}
