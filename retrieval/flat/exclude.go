package flat

import "github.com/recsyskit/recsys"

// itemSet is a set of items with open addressing. To exclude by item rather than by row
// spares a search the look-up of rows, most of which it will never meet.
type itemSet struct {
	slots []recsys.ItemID
	used  []bool
	shift uint
	n     int
}

func (t *itemSet) fill(items []recsys.ItemID) {
	t.n = len(items)
	if t.n == 0 {
		return
	}
	size, shift := 16, uint(60)
	for size < 2*len(items) {
		size, shift = size*2, shift-1
	}
	t.shift = shift
	if cap(t.slots) < size {
		t.slots, t.used = make([]recsys.ItemID, size), make([]bool, size)
	}
	t.slots, t.used = t.slots[:size], t.used[:size]
	clear(t.used)
	for _, item := range items {
		p := t.home(item)
		for t.used[p] && t.slots[p] != item {
			p = (p + 1) & (size - 1)
		}
		t.slots[p], t.used[p] = item, true
	}
}

func (t *itemSet) has(item recsys.ItemID) bool {
	if t.n == 0 {
		return false
	}
	for p := t.home(item); t.used[p]; p = (p + 1) & (len(t.slots) - 1) {
		if t.slots[p] == item {
			return true
		}
	}
	return false
}

func (t *itemSet) home(item recsys.ItemID) int {
	return int(uint64(item) * 0x9e3779b97f4a7c15 >> t.shift)
}
