package retrieval_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

func TestRowsMoveGivesAnItemAnotherRow(t *testing.T) {
	var r retrieval.Rows
	insert := func(item recsys.ItemID) uint32 {
		t.Helper()
		row, err := r.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Insert(item, row); err != nil {
			t.Fatal(err)
		}
		return row
	}
	insert(7)
	insert(8)
	filter := retrieval.AllowItems(7)
	filter.Select(&r)
	row, err := r.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	old, err := r.Move(7, row)
	if err != nil || old != 0 {
		t.Fatalf("Move = %d, %v; want 0", old, err)
	}
	if at, ok := r.Find(7); !ok || at != row || r.Live(old) || !r.Live(row) || r.Len() != 2 || r.Item(row) != 7 {
		t.Errorf("Find = %d, %v; Live = %v, %v; Len = %d", at, ok, r.Live(old), r.Live(row), r.Len())
	}
	if got := filter.Select(&r).List(); !slices.Equal(got, []uint32{row}) {
		t.Errorf("the filter selects %d; want %d", got, row)
	}
	if _, err := r.Move(9, 3); !errors.Is(err, retrieval.ErrNotFound) {
		t.Errorf("Move of an absent item: %v; want ErrNotFound", err)
	}
	if next := insert(9); next == old {
		t.Error("the old row was given away before Free")
	}
	r.Free(old)
	if next := insert(10); next != old {
		t.Errorf("item 10 has row %d; want the freed %d", next, old)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}

func TestRowsMoveNeverHidesTheItem(t *testing.T) {
	var r retrieval.Rows
	row, _ := r.Reserve()
	if err := r.Insert(7, row); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 2000 {
			row, _ := r.Reserve()
			if _, err := r.Move(7, row); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2000 {
		if _, ok := r.Find(7); !ok {
			t.Fatal("not found")
		}
	}
	wg.Wait()
}
