package retrieval

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
)

// maxRows bounds users, items and records, which are numbered in int32.
const maxRows = math.MaxInt32

// index numbers ids by rows: ids[row], ascending. Slots hold row+1, or 0 for
// empty, at a load of at most one half, so that a lookup is about one probe
// whatever gaps the ids have.
type index[ID ~uint64] struct {
	ids   []ID
	slots []int32
}

// newIndex returns the index of a column's ids and the row of each.
func newIndex[ID ~uint64](column []ID) (x index[ID], rows []int32) {
	rows = make([]int32, len(column))
	for k, id := range column {
		if k > 0 && id == column[k-1] { // a run, as in lists
			rows[k] = rows[k-1]
			continue
		}
		if 2*len(x.ids) >= len(x.slots) {
			x.resize(2 * (len(x.ids) + 8))
		}
		row, slot := x.find(id)
		if row < 0 {
			row = int32(len(x.ids))
			x.ids = append(x.ids, id)
			x.slots[slot] = row + 1
		}
		rows[k] = row
	}
	// So far rows are in the order of first sight.
	order := make([]int32, len(x.ids))
	for i := range order {
		order[i] = int32(i)
	}
	ids := x.ids
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(ids[a], ids[b]) })
	rank := make([]int32, len(order))
	sorted := make([]ID, len(order))
	for row, first := range order {
		rank[first], sorted[row] = int32(row), ids[first]
	}
	for k, first := range rows {
		rows[k] = rank[first]
	}
	x.ids = sorted
	x.resize(len(sorted))
	return x, rows
}

// resize makes slots for n ids and enters those that are there.
func (x *index[ID]) resize(n int) {
	x.slots = make([]int32, 1<<bits.Len(uint(2*n)))
	for row, id := range x.ids {
		_, slot := x.find(id)
		x.slots[slot] = int32(row) + 1
	}
}

// find returns the row of id and its slot; the row is -1 and the slot empty if
// there is none.
func (x *index[ID]) find(id ID) (row int32, slot uint64) {
	mask := uint64(len(x.slots) - 1)
	for slot = hash.Mix64(uint64(id)) & mask; ; slot = (slot + 1) & mask {
		row = x.slots[slot] - 1
		if row < 0 || x.ids[row] == id {
			return row, slot
		}
	}
}

func (x *index[ID]) row(id ID) (int, bool) {
	if len(x.ids) == 0 {
		return 0, false
	}
	if row, _ := x.find(id); row >= 0 {
		return int(row), true
	}
	return 0, false
}
