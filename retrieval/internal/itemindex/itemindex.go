// Package itemindex finds the row of an item in a model.
package itemindex

import (
	"fmt"

	"github.com/recsyskit/recsys"
)

// Index maps the item IDs of a model to their positions. It is immutable and safe
// for concurrent use. The zero Index is empty.
//
// IDs that are small against their number, as a vocabulary gives them, are looked
// up in an array (about 1 ns); others by open addressing. Memory is 4 bytes per ID
// up to the largest, at most 32 per item, or else 24 to 48 bytes per item.
type Index struct {
	ids   []recsys.ItemID
	rows  []int32 // row of an ID, -1 for none; nil when the IDs are sparse
	slots []slot
	shift uint
}

type slot struct {
	id  recsys.ItemID
	row int32 // -1: empty
}

// New returns an index of ids, which must ascend strictly: ids[i] has position i. It
// keeps the slice. The error names the first ID out of order.
func New(ids []recsys.ItemID) (Index, error) {
	for i := 1; i < len(ids); i++ {
		if ids[i-1] >= ids[i] {
			return Index{}, fmt.Errorf("item %d at %d follows item %d; want ascending IDs", ids[i], i, ids[i-1])
		}
	}
	if uint64(len(ids)) > 1<<31-1 {
		return Index{}, fmt.Errorf("%d items; want < 2^31", len(ids))
	}
	x := Index{ids: ids}
	if n := len(ids); n > 0 {
		if last := ids[n-1]; uint64(last) < uint64(n)*8 {
			x.direct(int(last) + 1)
		} else {
			x.hashed()
		}
	}
	return x, nil
}

func (x *Index) direct(size int) {
	x.rows = make([]int32, size)
	for i := range x.rows {
		x.rows[i] = -1
	}
	for row, id := range x.ids {
		x.rows[id] = int32(row)
	}
}

func (x *Index) hashed() {
	size := 16
	x.shift = 60
	for 2*size < 3*len(x.ids) {
		size, x.shift = 2*size, x.shift-1
	}
	x.slots = make([]slot, size)
	for i := range x.slots {
		x.slots[i].row = -1
	}
	for row, id := range x.ids {
		p := x.place(id)
		for x.slots[p].row >= 0 {
			p = (p + 1) & (len(x.slots) - 1)
		}
		x.slots[p] = slot{id, int32(row)}
	}
}

func (x *Index) place(id recsys.ItemID) int { return int(uint64(id) * 0x9e3779b97f4a7c15 >> x.shift) }

// Len returns the number of items.
func (x *Index) Len() int { return len(x.ids) }

// IDs returns the items by position, ascending. The slice is the index's.
func (x *Index) IDs() []recsys.ItemID { return x.ids }

// Find returns the position of an item, -1 when it is not in the index.
func (x *Index) Find(id recsys.ItemID) int32 {
	if x.rows != nil {
		if uint64(id) < uint64(len(x.rows)) {
			return x.rows[id]
		}
		return -1
	}
	if len(x.slots) == 0 {
		return -1
	}
	for p := x.place(id); ; p = (p + 1) & (len(x.slots) - 1) {
		if s := &x.slots[p]; s.row < 0 || s.id == id {
			return s.row
		}
	}
}
