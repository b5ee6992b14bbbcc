package gbdt

import "math"

// idTable maps the IDs of a vocabulary to their categories. It is immutable.
type idTable struct {
	keys []uint64
	at   []int32 // -1: empty
	mask uint64
}

// newIDTable returns the table of ids, which are all different.
func newIDTable(ids []uint64) idTable {
	if len(ids) == 0 {
		return idTable{}
	}
	size := 4
	for size < 2*len(ids) {
		size *= 2
	}
	t := idTable{keys: make([]uint64, size), at: make([]int32, size), mask: uint64(size - 1)}
	for i := range t.at {
		t.at[i] = -1
	}
	for i, id := range ids {
		p := slot(id) & t.mask
		for t.at[p] >= 0 {
			p = (p + 1) & t.mask
		}
		t.keys[p], t.at[p] = id, int32(i)
	}
	return t
}

// slot spreads ids over a table: the upper half of a multiplication by 2^64/phi, folded down.
func slot(id uint64) uint64 {
	h := id * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// find returns the category of id, or -1.
func (t *idTable) find(id uint64) int32 {
	if len(t.at) == 0 {
		return -1
	}
	for p := slot(id) & t.mask; t.at[p] >= 0; p = (p + 1) & t.mask {
		if t.keys[p] == id {
			return t.at[p]
		}
	}
	return -1
}

// category returns the value that stands for id in rows: its category, NaN for the ID 0, which
// feature sources write where there is no value, unless the vocabulary has it, -1 for
// any other that is unknown.
func (t *idTable) category(id uint64) float32 {
	c := t.find(id)
	if c < 0 && id == 0 {
		return float32(math.NaN())
	}
	return float32(c)
}

// plainCategory returns the value of an ID that is its own category.
func plainCategory(id uint64) float32 {
	if id >= maxCategory {
		return -1
	}
	return float32(id)
}
