package retrieval_test

import (
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

func ExampleRows() {
	var rows retrieval.Rows
	vectors := map[uint32]string{}
	for _, item := range []recsys.ItemID{70, 80, 90} {
		row, err := rows.Reserve()
		if err != nil {
			log.Fatal(err)
		}
		vectors[row] = fmt.Sprint("vector of ", item) // before anyone can find it
		if err := rows.Insert(item, row); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := rows.Delete(80, true); err != nil {
		log.Fatal(err)
	}
	row, ok := rows.Find(90)
	fmt.Println(rows.Len(), vectors[row], ok, rows.Live(1))
	// Output: 2 vector of 90 true false
}

// table is Rows beside a map that says the same.
type table struct {
	retrieval.Rows
	t    testing.TB
	want map[recsys.ItemID]uint32
	held []uint32 // deleted and not free
	rng  *rand.Rand
	next recsys.ItemID
}

func newTable(t testing.TB, n int) *table {
	x := &table{t: t, want: map[recsys.ItemID]uint32{}, rng: rand.New(rand.NewPCG(1, uint64(n)))}
	for range n {
		x.insert()
	}
	return x
}

func (x *table) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *table) insert() {
	x.t.Helper()
	row, err := x.Reserve()
	x.must(err)
	x.next += 1 + recsys.ItemID(x.rng.IntN(3))
	x.must(x.Insert(x.next, row))
	x.want[x.next] = row
}

// any returns an item at random, in an order that a map does not give.
func (x *table) any() recsys.ItemID {
	for {
		item := recsys.ItemID(x.rng.Uint64N(uint64(x.next) + 1))
		if _, ok := x.want[item]; ok {
			return item
		}
	}
}

// step makes one change at random.
func (x *table) step() {
	x.t.Helper()
	switch r := x.rng.IntN(8); {
	case r < 4 || len(x.want) == 0:
		x.insert()
	case r < 6:
		item := x.any()
		reuse := x.rng.IntN(2) == 0
		row, err := x.Delete(item, reuse)
		x.must(err)
		if row != x.want[item] {
			x.t.Fatalf("Delete of item %d = row %d; want %d", item, row, x.want[item])
		}
		if delete(x.want, item); !reuse {
			x.held = append(x.held, row)
		}
	case r < 7:
		item := x.any()
		row, err := x.Reserve()
		x.must(err)
		old, err := x.Move(item, row)
		x.must(err)
		if old != x.want[item] {
			x.t.Fatalf("Move of item %d = row %d; want %d", item, old, x.want[item])
		}
		x.want[item], x.held = row, append(x.held, old)
	case len(x.held) > 0:
		i := x.rng.IntN(len(x.held))
		x.Free(x.held[i])
		x.held = slices.Delete(x.held, i, i+1)
	}
}

// check compares with the map.
func (x *table) check() {
	x.t.Helper()
	if x.Len() != len(x.want) {
		x.t.Fatalf("Len is %d; want %d", x.Len(), len(x.want))
	}
	live := 0
	for row := range uint32(x.Limit()) {
		if x.Live(row) {
			live++
			if at, ok := x.want[x.Item(row)]; !ok || at != row {
				x.t.Fatalf("row %d has item %d; want it at row %d, %v", row, x.Item(row), at, ok)
			}
		}
	}
	if live != len(x.want) {
		x.t.Fatalf("%d rows have an item; want %d", live, len(x.want))
	}
	for item := recsys.ItemID(0); item <= x.next+1; item++ {
		want, known := x.want[item]
		if row, ok := x.Find(item); ok != known || row != want {
			x.t.Fatalf("Find of item %d = %d, %v; want %d, %v", item, row, ok, want, known)
		}
	}
	x.must(x.Check())
}

func TestRowsFollowAMap(t *testing.T) {
	for _, n := range []int{0, 1, 100, 4090, 8192} {
		x := newTable(t, n)
		x.check()
		version := x.Version()
		for range 3 {
			for range 400 {
				x.step()
			}
			x.check()
		}
		if x.Version() <= version {
			t.Errorf("n=%d: the version is %d after changes, %d before", n, x.Version(), version)
		}
		got := x.FindAll([]uint32{77}, []recsys.ItemID{x.any(), x.next + 9, x.any()})
		if len(got) != 3 || got[0] != 77 {
			t.Errorf("n=%d: FindAll = %d; want two rows after 77", n, got)
		}
	}
}

func TestRowsRefuse(t *testing.T) {
	x := newTable(t, 3)
	row, err := x.Reserve()
	x.must(err)
	if err := x.Insert(x.any(), row); !errors.Is(err, retrieval.ErrDuplicate) {
		t.Errorf("Insert of what is there: %v; want ErrDuplicate", err)
	}
	if _, err := x.Delete(999, true); !errors.Is(err, retrieval.ErrNotFound) {
		t.Errorf("Delete of what is not there: %v; want ErrNotFound", err)
	}
	for name, f := range map[string]func(){
		"Insert beyond the reserved row": func() { x.Insert(999, row+1) },
		"Insert at a taken row":          func() { x.Insert(999, 0) },
		"Free of a row with an item":     func() { x.Free(0) },
		"Free of a row beyond Limit":     func() { x.Free(77) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	x.check()
}

// restored returns a table with the contents of x, as a file gives it.
func (x *table) restored() *table {
	x.t.Helper()
	out := &table{t: x.t, want: x.want, rng: x.rng, next: x.next}
	x.must(out.Restore(x.AppendTo(nil), x.Limit(), x.Len()))
	return out
}

func TestRowsComeBack(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 4095, 4096, 4097, 8192} {
		x := newTable(t, n)
		if _, err := x.Reserve(); err != nil { // it may make room that nothing is in yet
			t.Fatal(err)
		}
		if n > 100 {
			for range 200 {
				x.step()
			}
		}
		if got, want := len(x.AppendTo(nil)), (x.Limit()+4095)/4096*4160; got != want {
			t.Errorf("n=%d: %d words; want %d", n, got, want)
		}
		x = x.restored()
		x.check()
		if x.Limit() > len(x.want) { // a row that lost its item is free
			if row, err := x.Reserve(); err != nil || row >= uint32(x.Limit()) {
				t.Errorf("n=%d: Reserve = %d, %v; want a free row below %d", n, row, err, x.Limit())
			}
		}
		for range 300 {
			x.step()
		}
		x.check()
		x.restored().check()
	}
}

func TestRowsAreFreedOnceAfterRestore(t *testing.T) {
	x := newTable(t, 5)
	item := x.any()
	row, err := x.Delete(item, true)
	x.must(err)
	delete(x.want, item)
	x = x.restored()
	x.insert()
	x.insert()
	if x.want[x.next] == row || x.Limit() != 6 {
		t.Errorf("two items share row %d", row)
	}
	x.check()
}

func TestRestoreRefusesWhatDoesNotFit(t *testing.T) {
	x := newTable(t, 70)
	words := x.AppendTo(nil)
	for _, c := range []struct{ words, limit, n int }{
		{len(words), -1, 0}, {len(words), 0, 0}, {len(words), 4097, 70}, {len(words), 70, 71}, {len(words), 70, -1},
		{len(words) - 1, 70, 70}, {0, 70, 70}, {0, 1, 0}, {2 * 4160, 70, 70}, {len(words), 69, 69}, {len(words), 64, 64}, {len(words), 1, 1},
	} {
		var r retrieval.Rows
		given := make([]uint64, c.words)
		copy(given, words)
		if err := r.Restore(given, c.limit, c.n); err == nil {
			t.Errorf("%d rows with %d items in %d words were accepted", c.limit, c.n, c.words)
		}
		if r.Len() != 0 || r.Limit() != 0 {
			t.Errorf("after an error there are %d items, %d rows", r.Len(), r.Limit())
		}
	}
	for name, damage := range map[string]func(words []uint64){
		"a doubled item":    func(words []uint64) { words[3] = words[9] },
		"an item too few":   func(words []uint64) { words[4096] &^= 1 << 5 },
		"all rows cleared":  func(words []uint64) { clear(words[4096:]) },
		"other, sound ones": nil,
	} {
		given := slices.Clone(words)
		if damage != nil {
			damage(given)
		}
		var r retrieval.Rows
		if err := r.Restore(given, 70, 70); err != nil {
			t.Fatal(err)
		}
		if err := r.Check(); (err != nil) != (damage != nil) {
			t.Errorf("%s: Check = %v", name, err)
		}
		r.Find(1) // whatever the table holds, no panic
	}
}

func TestRowsAreReadWhileTheyAreWritten(t *testing.T) {
	for name, x := range map[string]*table{"new": newTable(t, 4000), "restored": newTable(t, 4000).restored()} {
		var over atomic.Bool
		var readers sync.WaitGroup
		even := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
		list := retrieval.AllowItems(1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
		for range 3 {
			readers.Go(func() {
				for !over.Load() {
					for _, f := range []*retrieval.Filter{even, list} {
						s := f.Select(&x.Rows)
						if rows := s.List(); len(rows) != s.Count() {
							t.Errorf("%s: %d rows; Count is %d", name, len(rows), s.Count())
							return
						}
					}
					if row, ok := x.Find(21); ok && row >= uint32(x.Limit()) {
						t.Errorf("%s: row %d; Limit is %d", name, row, x.Limit())
						return
					}
				}
			})
		}
		for range 2000 {
			x.step()
		}
		over.Store(true)
		readers.Wait()
		x.check()
		sameSelection(t, name, even, x)
		sameSelection(t, name, list, x)
	}
}
