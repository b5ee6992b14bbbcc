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
		words := x.AppendTo(nil)
		if got, least, most := len(words), (x.Limit()+4095)/4096*4160+3*len(x.want)/2, (x.Limit()+4095)/4096*4160+3*len(x.want)+4; got < least || got > most {
			t.Errorf("n=%d: %d words; want %d to %d", n, got, least, most)
		}
		if again := x.restored().AppendTo(nil); !slices.Equal(again, words) {
			t.Errorf("n=%d: what was restored is written as other words", n)
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
		{len(words), -1, 0},
		{len(words), 0, 0},
		{len(words), 4097, 70},
		{len(words), 70, 71},
		{len(words), 70, -1},
		{len(words) - 1, 70, 70},
		{len(words) + 1, 70, 70},
		{0, 70, 70},
		{0, 1, 0},
		{4160, 70, 70},
		{2 * 4160, 70, 70},
		{len(words), 69, 69},
		{len(words), 69, 70},
		{len(words), 64, 64},
		{4164, 1, 1},
		{4164, 69, 1},
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
		"all rows cleared":  func(words []uint64) { clear(words[4096:4160]) },
		"no table":          func(words []uint64) { clear(words[4160:]) },
		"a full table":      func(words []uint64) { fill(words[4160:], 7<<32|5) },
		"rows beyond all":   func(words []uint64) { fill(words[4160:], 1<<63|1<<31) },
		"a row twice":       func(words []uint64) { words[4160+slices.Index(words[4160:], 0)] = 1<<32 | 3 },
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
		// Whatever the table holds, nothing panics or hangs.
		for item := range recsys.ItemID(300) {
			r.Find(item)
		}
		for item := range x.next + 1 {
			row, ok := r.Find(item)
			if live := ok && r.Live(row); !live {
				if row, err := r.Delete(item, false); err == nil {
					t.Errorf("%s: Delete gives row %d, which has no item", name, row)
				}
			}
		}
		for i := range recsys.ItemID(200) {
			if row, err := r.Reserve(); err == nil {
				r.Insert(1000+i, row)
			}
			r.Delete(1000+i/2, true)
		}
	}
}

func fill(words []uint64, word uint64) {
	for i := range words {
		words[i] = word
	}
}

// An item that is always there is always found, whichever rows it and others get and however
// often the table is replaced.
func TestAnItemThatStaysIsFoundAllTheTime(t *testing.T) {
	for name, x := range map[string]*table{"new": newTable(t, 50), "restored": newTable(t, 50).restored()} {
		stays := x.any()
		var over atomic.Bool
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				for !over.Load() {
					if _, ok := x.Find(stays); !ok {
						t.Errorf("%s: item %d is not found", name, stays)
						return
					}
				}
			})
		}
		for n := range 3000 {
			row, err := x.Reserve()
			x.must(err)
			old, err := x.Move(stays, row)
			x.must(err)
			x.want[stays] = row
			x.Free(old)
			x.insert() // often into the row that it had
			if item := x.any(); item != stays && n%3 > 0 {
				_, err := x.Delete(item, true)
				x.must(err)
				delete(x.want, item)
			}
		}
		over.Store(true)
		readers.Wait()
		x.check()
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

func TestNewRowsIsInsertsInTurn(t *testing.T) {
	for _, n := range []int{0, 1, 63, 4096, 4097, 10_000} {
		item := func(row int) recsys.ItemID { return recsys.ItemID(row*7919 + 3) }
		x := &table{t: t, want: map[recsys.ItemID]uint32{}, rng: rand.New(rand.NewPCG(1, uint64(n)))}
		for row := range n {
			at, err := x.Reserve()
			x.must(err)
			x.must(x.Insert(item(row), at))
		}
		rows, err := retrieval.NewRows(n, item)
		x.must(err)
		x.must(rows.Check())
		if rows.Len() != n || rows.Limit() != n || !slices.Equal(rows.AppendTo(nil), x.AppendTo(nil)) {
			t.Fatalf("%d rows: %d items below %d, or another table than inserts make", n, rows.Len(), rows.Limit())
		}
		// It goes on as any other.
		at, err := rows.Reserve()
		x.must(err)
		x.must(rows.Insert(1, at))
		if row, ok := rows.Find(1); !ok || int(row) != n {
			t.Fatalf("%d rows: the next insert is at row %d, %t", n, row, ok)
		}
	}
	if _, err := retrieval.NewRows(5, func(row int) recsys.ItemID { return recsys.ItemID(row % 4) }); !errors.Is(err, retrieval.ErrDuplicate) {
		t.Errorf("a doubled item: %v", err)
	}
}
