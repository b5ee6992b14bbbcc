// Package idtable finds the position of an ID in a list: the vocabulary of a model.
package idtable

// Table maps IDs to their position in a list. It is immutable and safe for concurrent use.
// The zero Table holds nothing.
type Table struct {
	dense   []int32 // by ID: position, or -1; nil when IDs are too far apart
	entries []entry
	mask    uint64
}

// entry has key and position side by side: a look-up waits for one line of the cache.
type entry struct {
	key uint64
	at  int32 // -1: empty
}

// New returns the table of ids, which are all different and fewer than 2^31. It takes
// 32 to 64 bytes for each, at most 32 where IDs are small numbers.
func New(ids []uint64) Table {
	if len(ids) == 0 {
		return Table{}
	}
	most := uint64(0)
	for _, id := range ids {
		most = max(most, id)
	}
	if most/8 < uint64(len(ids)) {
		t := Table{dense: make([]int32, most+1)}
		for p := range t.dense {
			t.dense[p] = -1
		}
		for i, id := range ids {
			t.dense[id] = int32(i)
		}
		return t
	}
	size := 4
	for size < 2*len(ids) {
		size *= 2
	}
	t := Table{entries: make([]entry, size), mask: uint64(size - 1)}
	for p := range t.entries {
		t.entries[p].at = -1
	}
	for i, id := range ids {
		p := slot(id) & t.mask
		for t.entries[p].at >= 0 {
			p = (p + 1) & t.mask
		}
		t.entries[p] = entry{id, int32(i)}
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
	if id < uint64(len(t.dense)) {
		return t.dense[id]
	}
	return t.probe(id)
}

func (t *Table) probe(id uint64) int32 {
	if len(t.entries) == 0 {
		return -1
	}
	for p := slot(id) & t.mask; ; p = (p + 1) & t.mask {
		e := &t.entries[p]
		if e.key == id || e.at < 0 {
			return e.at
		}
	}
}
