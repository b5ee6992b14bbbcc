package retrieval_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// record is a row of Records.
type record struct {
	user   recsys.UserID
	item   recsys.ItemID
	weight float32
	nano   int64
}

// random returns records of users and items with gaps of billions, with ids 0 and
// 2^64-1 among them. Many pairs repeat if repeats is set.
func random(rng *rand.Rand, n, users, items int, repeats bool) []record {
	var rs []record
	seen := map[[2]int]bool{}
	for range n {
		u, i := rng.IntN(users), rng.IntN(items)
		if seen[[2]int{u, i}] && !repeats {
			continue
		}
		seen[[2]int{u, i}] = true
		rs = append(rs, record{
			recsys.UserID(uint64(u) * (math.MaxUint64 / uint64(max(users-1, 1)))),
			recsys.ItemID(uint64(i) * 7_000_000_001),
			float32(rng.IntN(9)) / 2,
			int64(rng.IntN(20)) * 1e9,
		})
	}
	return rs
}

func columns(rs []record, weights, times bool) retrieval.Records {
	var c retrieval.Records
	for _, r := range rs {
		c.Users, c.Items = append(c.Users, r.user), append(c.Items, r.item)
		if weights {
			c.Weights = append(c.Weights, r.weight)
		}
		if times {
			c.Times = append(c.Times, r.nano)
		}
	}
	return c
}

// checkAgainst compares x with the naive loops over the records.
func checkAgainst(t *testing.T, x *retrieval.Interactions, rs []record, merge retrieval.Merge, times bool) {
	t.Helper()
	histories := map[recsys.UserID][]record{}
	users, items := map[recsys.UserID]bool{}, map[recsys.ItemID]bool{}
	for _, r := range rs {
		histories[r.user] = append(histories[r.user], r)
		users[r.user], items[r.item] = true, true
	}
	cells := 0
	for u, row := range x.Users() {
		history := histories[row]
		if times {
			slices.SortStableFunc(history, func(a, b record) int { return cmp.Compare(a.nano, b.nano) })
		}
		var want []recsys.Event
		weight, last := map[recsys.ItemID]float64{}, map[recsys.ItemID]int64{}
		for _, r := range history {
			e := recsys.Event{Item: r.item, Kind: recsys.Click, Value: r.weight}
			if times {
				e.Time = time.Unix(0, r.nano).UTC()
			}
			want = append(want, e)
			if merge == retrieval.LastWeight {
				weight[r.item] = 0
			}
			weight[r.item] += float64(r.weight)
			last[r.item] = r.nano
		}
		got := x.History(u)
		if len(got) != x.HistoryLen(u) || len(got) != len(want) {
			t.Fatalf("user %d: %d events, HistoryLen %d; want %d", row, len(got), x.HistoryLen(u), len(want))
		}
		for k, e := range got {
			if e != want[k] {
				t.Fatalf("user %d, event %d: %v; want %v", row, k, e, want[k])
			}
		}
		for k, i := range x.AppendItemRows(nil, u) {
			if x.Items()[i] != want[k].Item {
				t.Fatalf("user %d: item %d of the history has row %d", row, want[k].Item, i)
			}
		}
		cols, weights := x.ByUser().Row(u)
		if len(cols) != len(weight) {
			t.Fatalf("user %d: %d cells; want %d", row, len(cols), len(weight))
		}
		for k, i := range cols {
			id := x.Items()[i]
			if weights[k] != float32(weight[id]) {
				t.Fatalf("user %d, item %d: weight %v; want %v", row, id, weights[k], weight[id])
			}
			if times && x.Times(u)[k] != last[id] {
				t.Fatalf("user %d, item %d: time %d; want %d", row, id, x.Times(u)[k], last[id])
			}
			if back, ok := x.ByItem().At(int(i), u); !ok || back != weights[k] {
				t.Fatalf("user %d, item %d: ByItem has %v, %v", row, id, back, ok)
			}
		}
		cells += len(cols)
	}
	for _, m := range []*retrieval.CSR{x.ByUser(), x.ByItem()} {
		if err := m.Check(); err != nil || m.Len() != cells {
			t.Fatalf("%d cells, %v; want %d", m.Len(), err, cells)
		}
	}
	if x.Len() != cells || x.NumRecords() != len(rs) || x.HasTimes() != times {
		t.Fatalf("%d cells of %d records, times %v; want %d of %d, %v", x.Len(), x.NumRecords(), x.HasTimes(), cells, len(rs), times)
	}
}

func TestInteractionsAgreeWithNaiveLoops(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	for _, n := range []int{0, 1, 2, 3, 7, 8, 31, 100, 2000} {
		for _, users := range []int{1, 2, 17, 400} {
			for _, repeats := range []bool{false, true} {
				for _, times := range []bool{false, true} {
					for _, merge := range []retrieval.Merge{retrieval.SumWeights, retrieval.LastWeight} {
						rs := random(rng, n, users, 1+rng.IntN(60), repeats)
						x, err := retrieval.NewInteractions(columns(rs, true, times && len(rs) > 0), merge)
						if err != nil {
							t.Fatal(err)
						}
						checkAgainst(t, x, rs, merge, times && len(rs) > 0)
					}
				}
			}
		}
	}
}

func TestRowsAreInTheOrderOfIDs(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	rs := random(rng, 5000, 700, 900, true)
	x, err := retrieval.NewInteractions(columns(rs, false, false), retrieval.SumWeights)
	if err != nil {
		t.Fatal(err)
	}
	users, items := map[recsys.UserID]bool{}, map[recsys.ItemID]bool{}
	for _, r := range rs {
		users[r.user], items[r.item] = true, true
	}
	if x.NumUsers() != len(users) || x.NumItems() != len(items) {
		t.Fatalf("%d x %d; want %d x %d", x.NumUsers(), x.NumItems(), len(users), len(items))
	}
	if !slices.IsSorted(x.Users()) || !slices.IsSorted(x.Items()) {
		t.Fatal("rows are not in the order of ids")
	}
	for row, id := range x.Users() {
		if got, ok := x.UserRow(id); !ok || got != row {
			t.Fatalf("UserRow(%d) = %d, %v; want %d", id, got, ok, row)
		}
		if _, ok := x.UserRow(id + 1); ok != users[id+1] {
			t.Fatalf("UserRow(%d) found = %v", id+1, ok)
		}
	}
	for row, id := range x.Items() {
		if got, ok := x.ItemRow(id); !ok || got != row {
			t.Fatalf("ItemRow(%d) = %d, %v; want %d", id, got, ok, row)
		}
	}
}

// The same records in another order give the same matrix, and with distinct times
// the same histories.
func TestInputOrderDoesNotMatterWhenTimesDiffer(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	rs := random(rng, 1000, 30, 20, true)
	for i := range rs {
		rs[i].nano = int64(i) * 1e9
	}
	rng.Shuffle(len(rs), func(i, j int) { rs[i].nano, rs[j].nano = rs[j].nano, rs[i].nano })
	for _, merge := range []retrieval.Merge{retrieval.SumWeights, retrieval.LastWeight} {
		a, err := retrieval.NewInteractions(columns(rs, true, true), merge)
		if err != nil {
			t.Fatal(err)
		}
		rng.Shuffle(len(rs), func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
		b, err := retrieval.NewInteractions(columns(rs, true, true), merge)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a.ByUser(), b.ByUser()) {
			t.Fatal("another matrix")
		}
		for u := range a.Users() {
			if !reflect.DeepEqual(a.History(u), b.History(u)) || !slices.Equal(a.Times(u), b.Times(u)) {
				t.Fatal("another history")
			}
		}
	}
}

func TestEmptyInteractionsWork(t *testing.T) {
	x, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := x.UserRow(0); ok || x.NumUsers() != 0 || x.Len() != 0 || x.ByItem().Len() != 0 {
		t.Error("there is something in empty interactions")
	}
	if _, ok := x.ItemRow(0); ok {
		t.Error("there is an item")
	}
	for _, split := range splits(t, x) {
		if split.NumRecords() != 0 {
			t.Error("a split of nothing has records")
		}
	}
}

func TestNewInteractionsNamesTheBadRecord(t *testing.T) {
	users, items := []recsys.UserID{3, 4}, []recsys.ItemID{5, 6}
	for _, c := range []struct {
		records retrieval.Records
		merge   retrieval.Merge
		want    string
	}{
		{retrieval.Records{Users: users}, 0, "retrieval: Records has 2 Users and 0 Items; want as many"},
		{retrieval.Records{Users: users, Items: items, Weights: []float32{1}}, 0, "retrieval: Records has 2 Users and 1 Weights; want as many, or nil"},
		{retrieval.Records{Users: users, Items: items, Times: []int64{}}, 0, "retrieval: Records has 2 Users and 0 Times; want as many, or nil"},
		{retrieval.Records{Users: users, Items: items}, 2, "retrieval: Merge is 2; want SumWeights (0) or LastWeight (1)"},
		{retrieval.Records{Users: users, Items: items, Weights: []float32{1, -1}}, 0, "retrieval: record 1 (user 4, item 6): weight is -1; want a finite number >= 0"},
		{retrieval.Records{Users: users, Items: items, Weights: []float32{float32(math.NaN()), 1}}, 0, "retrieval: record 0 (user 3, item 5): weight is NaN; want a finite number >= 0"},
		{retrieval.Records{Users: users, Items: items, Weights: []float32{float32(math.Inf(1)), 1}}, 0, "retrieval: record 0 (user 3, item 5): weight is +Inf; want a finite number >= 0"},
		{
			retrieval.Records{Users: []recsys.UserID{3, 3}, Items: []recsys.ItemID{5, 5}, Weights: []float32{3e38, 3e38}},
			0, "retrieval: user 3, item 5: the weights add up to 6.0000000109955115e+38; want a float32",
		},
	} {
		if _, err := retrieval.NewInteractions(c.records, c.merge); err == nil || err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

func TestRecordsMayBeReusedAfterwards(t *testing.T) {
	rs := random(rand.New(rand.NewPCG(8, 9)), 100, 5, 5, false)
	c := columns(rs, true, true)
	x, err := retrieval.NewInteractions(c, retrieval.SumWeights)
	if err != nil {
		t.Fatal(err)
	}
	clear(c.Users)
	clear(c.Items)
	clear(c.Weights)
	clear(c.Times)
	checkAgainst(t, x, rs, retrieval.SumWeights, true)
}

func TestAppendDoesNotAllocateWithRoom(t *testing.T) {
	x, err := retrieval.NewInteractions(columns(random(rand.New(rand.NewPCG(1, 9)), 500, 5, 50, true), true, true), retrieval.SumWeights)
	if err != nil {
		t.Fatal(err)
	}
	events, rows := make([]recsys.Event, 0, 500), make([]int32, 0, 500)
	id := x.Users()[2]
	if n := testing.AllocsPerRun(10, func() {
		u, _ := x.UserRow(id)
		events = x.AppendHistory(events[:0], u)
		rows = x.AppendItemRows(rows[:0], u)
		x.ByUser().Row(u)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestConcurrentSafeReads(t *testing.T) {
	rs := random(rand.New(rand.NewPCG(3, 9)), 2000, 20, 50, true)
	x, err := retrieval.NewInteractions(columns(rs, true, true), retrieval.SumWeights)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { checkAgainst(t, x, rs, retrieval.SumWeights, true) })
	}
	wg.Wait()
}

// splits returns both halves of each split of x.
func splits(t *testing.T, x *retrieval.Interactions) map[string]*retrieval.Interactions {
	t.Helper()
	out := map[string]*retrieval.Interactions{}
	for name, split := range map[string]func() (train, test *retrieval.Interactions, err error){
		"last 1":     func() (_, _ *retrieval.Interactions, _ error) { return x.SplitLast(1) },
		"last 3":     func() (_, _ *retrieval.Interactions, _ error) { return x.SplitLast(3) },
		"time":       func() (_, _ *retrieval.Interactions, _ error) { return x.SplitTime(time.Unix(7, 0)) },
		"random":     func() (_, _ *retrieval.Interactions, _ error) { return x.SplitRandom(0.3, 5) },
		"random 0":   func() (_, _ *retrieval.Interactions, _ error) { return x.SplitRandom(0, 5) },
		"random all": func() (_, _ *retrieval.Interactions, _ error) { return x.SplitRandom(1, 5) },
	} {
		train, test, err := split()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if train.NumRecords()+test.NumRecords() != x.NumRecords() {
			t.Errorf("%s: %d records and %d of %d", name, train.NumRecords(), test.NumRecords(), x.NumRecords())
		}
		if !slices.Equal(train.Users(), x.Users()) || !slices.Equal(test.Items(), x.Items()) || train.HasTimes() != x.HasTimes() || test.HasTimes() != x.HasTimes() {
			t.Errorf("%s: the halves have other rows", name)
		}
		for u := range x.Users() {
			// The halves hold each event once, in order.
			a, b := train.History(u), test.History(u)
			for _, e := range x.History(u) {
				switch {
				case len(a) > 0 && a[0] == e && !(len(b) > 0 && b[0] == e):
					a = a[1:]
				case len(b) > 0 && b[0] == e && !(len(a) > 0 && a[0] == e):
					b = b[1:]
				case len(a) > 0 && a[0] == e:
					a = a[1:] // equal events: either
				default:
					t.Fatalf("%s, user %d: %v is in neither half at its place", name, u, e)
				}
			}
		}
		out[name+" train"], out[name+" test"] = train, test
	}
	return out
}

func TestSplitsPartTheRecords(t *testing.T) {
	rs := random(rand.New(rand.NewPCG(5, 9)), 3000, 40, 300, true)
	x, err := retrieval.NewInteractions(columns(rs, true, true), retrieval.LastWeight)
	if err != nil {
		t.Fatal(err)
	}
	s := splits(t, x)
	for u := range x.Users() {
		n := x.HistoryLen(u)
		if got := s["last 3 test"].HistoryLen(u); got != 3 && n > 3 || got != 0 && n <= 3 {
			t.Errorf("user %d with %d events: %d held out of the last 3", u, n, got)
		}
		if n > 1 && s["last 1 test"].History(u)[0] != x.History(u)[n-1] {
			t.Errorf("user %d: another event than the last is held out", u)
		}
		for _, e := range s["time train"].History(u) {
			if !e.Time.Before(time.Unix(7, 0)) {
				t.Errorf("user %d: %v is in train", u, e.Time)
			}
		}
		for _, e := range s["time test"].History(u) {
			if e.Time.Before(time.Unix(7, 0)) {
				t.Errorf("user %d: %v is in test", u, e.Time)
			}
		}
		items, _ := s["random test"].ByUser().Row(u)
		for _, i := range items {
			if _, both := s["random train"].ByUser().At(u, int(i)); both {
				t.Errorf("user %d: item %d is in both halves", u, i)
			}
		}
	}
	if s["random 0 test"].Len() != 0 || s["random all train"].Len() != 0 {
		t.Error("a fraction of 0 or 1 is not nothing or all")
	}
	// 4 sigma of a binomial count around 0.3.
	n, got := float64(x.Len()), float64(s["random test"].Len())
	if math.Abs(got-0.3*n) > 4*math.Sqrt(0.21*n) {
		t.Errorf("%v of %v pairs held out; want about 0.3", got, n)
	}
	// The merge rule goes on in the halves.
	checkAgainst(t, s["last 3 train"], recordsOf(s["last 3 train"]), retrieval.LastWeight, true)
}

func recordsOf(x *retrieval.Interactions) (rs []record) {
	for u, id := range x.Users() {
		for _, e := range x.History(u) {
			rs = append(rs, record{id, e.Item, e.Value, e.Time.UnixNano()})
		}
	}
	return rs
}

func TestSplitRandomDoesNotDependOnTheRest(t *testing.T) {
	rs := random(rand.New(rand.NewPCG(5, 5)), 500, 40, 300, false)
	x, err := retrieval.NewInteractions(columns(rs, false, false), retrieval.SumWeights)
	if err != nil {
		t.Fatal(err)
	}
	y, err := retrieval.NewInteractions(columns(rs[:250], false, false), retrieval.SumWeights)
	if err != nil {
		t.Fatal(err)
	}
	_, a, _ := x.SplitRandom(0.5, 77)
	_, b, _ := y.SplitRandom(0.5, 77)
	_, other, _ := x.SplitRandom(0.5, 78)
	if reflect.DeepEqual(a.ByUser(), other.ByUser()) {
		t.Error("the seed does not matter")
	}
	for u, id := range y.Users() {
		ux, _ := x.UserRow(id)
		items, _ := y.ByUser().Row(u)
		for _, i := range items {
			ix, _ := x.ItemRow(y.Items()[i])
			_, inA := a.ByUser().At(ux, ix)
			if _, inB := b.ByUser().At(u, int(i)); inA != inB {
				t.Fatalf("user %d, item %d: held out %v of all, %v of half", id, y.Items()[i], inA, inB)
			}
		}
	}
}

func TestSplitErrors(t *testing.T) {
	x, err := retrieval.NewInteractions(retrieval.Records{Users: []recsys.UserID{1}, Items: []recsys.ItemID{1}}, retrieval.SumWeights)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.SplitTime(time.Unix(0, 0)); !errors.Is(err, retrieval.ErrNoTimes) {
		t.Errorf("SplitTime = %v; want ErrNoTimes", err)
	}
	if _, _, err := x.SplitLast(0); err == nil || err.Error() != "retrieval: SplitLast of 0 events; want >= 1" {
		t.Error(err)
	}
	for _, f := range []float64{-0.1, 1.1, math.NaN()} {
		if _, _, err := x.SplitRandom(f, 0); err == nil || !strings.Contains(err.Error(), fmt.Sprint(f)) {
			t.Errorf("SplitRandom(%v) = %v", f, err)
		}
	}
}
