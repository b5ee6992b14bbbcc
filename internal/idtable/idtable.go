// Package idtable finds the position of an ID in a list: the vocabulary of a model.
package idtable

// Table maps IDs to their position in a list. It is immutable and safe for concurrent use.
// The zero Table holds nothing.
type Table struct {
	keys []uint64
	at   []int32 // -1: empty
	mask uint64
}

// New returns the table of ids, which are all different and fewer than 2^31. It takes
// 24 to 48 bytes for each.
func New(ids []uint64) Table {
	if len(ids) == 0 {
		return Table{}
	}
	size := 4
	for size < 2*len(ids) {
		size *= 2
	}
	t := Table{keys: make([]uint64, size), at: make([]int32, size), mask: uint64(size - 1)}
	for p := range t.at {
		t.at[p] = -1
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

// Find returns the position of id, or -1.
func (t *Table) Find(id uint64) int32 {
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
