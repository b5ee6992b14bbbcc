package idtable_test

import (
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/idtable"
)

func TestFindIsThePositionInTheList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 4, 1000} {
		want := map[uint64]int32{}
		var ids []uint64
		for i := range n {
			id := r.Uint64()
			if i%2 == 0 {
				id = uint64(i) << 40 // ids that differ in their upper bits alone; 0 is one
			}
			if _, ok := want[id]; !ok {
				want[id] = int32(len(ids))
				ids = append(ids, id)
			}
		}
		table := idtable.New(ids)
		for id, at := range want {
			if got := table.Find(id); got != at {
				t.Errorf("%d ids: Find(%d) is %d, want %d", n, id, got, at)
			}
		}
		for range 1000 {
			id := r.Uint64()
			if _, ok := want[id]; !ok && table.Find(id) != -1 {
				t.Errorf("%d ids: found %d, which is none of them", n, id)
			}
		}
	}
}
