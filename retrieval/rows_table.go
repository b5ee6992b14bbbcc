package retrieval

import (
	"sync/atomic"
	"unsafe"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// itemTable finds the row of an item by open addressing. One writer changes it while others
// read; readers take no lock. What a slot says is checked against the row's item, so that a
// row that has changed hands since is not mistaken.
//
// A slot is 0 when it was never in use, gone when its item was deleted, and else the upper
// half of the item's hash over the row plus 1.
type itemTable struct {
	slots []atomic.Uint64 // as many as a power of two
	used  int             // slots that are not 0; the writer's
}

const (
	slotRow = 1<<32 - 1 // bits of a slot that hold the row plus 1
	gone    = 1 << 32
)

// tableSlots returns how many slots a table of n items has in a file: at most two thirds are
// in use.
func tableSlots(n int) int {
	if n == 0 {
		return 0
	}
	size := 4
	for 2*size < 3*n {
		size *= 2
	}
	return size
}

// atomics returns words as atomic integers: an atomic.Uint64 is laid out as the uint64 in it.
func atomics(words []uint64) []atomic.Uint64 {
	return unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(words))), len(words))
}

// newTable returns a table of the live rows, in their order.
func (r *Rows) newTable(slots []atomic.Uint64) *itemTable {
	t := &itemTable{slots: slots}
	r.eachLive(func(row uint32) { t.put(r.Item(row), row) })
	return t
}

// Find returns the row of an item. It takes no lock.
func (r *Rows) Find(item recsys.ItemID) (row uint32, ok bool) {
	for {
		t := r.table.Load()
		if _, row = t.slot(r, item); row != noRow {
			return row, true
		}
		// The item may have got another row after the table was replaced.
		if r.table.Load() == t {
			return 0, false
		}
	}
}

// FindAll appends the rows of those items that are there to dst. It takes no lock.
func (r *Rows) FindAll(dst []uint32, items []recsys.ItemID) []uint32 {
	for _, item := range items {
		if row, ok := r.Find(item); ok {
			dst = append(dst, row)
		}
	}
	return dst
}

const noRow = 1<<32 - 1

// slot returns where an item stands and its row, [noRow] when it is not there. A damaged
// file may hold any rows, and no slot that is 0.
func (t *itemTable) slot(r *Rows, item recsys.ItemID) (slot int, row uint32) {
	if t == nil || len(t.slots) == 0 {
		return 0, noRow
	}
	h := hash.Mix64(uint64(item))
	mask := len(t.slots) - 1
	for i, n := int(h)&mask, 0; n <= mask; {
		s := t.slots[i].Load()
		if s == 0 {
			break
		}
		if row := uint32(s) - 1; (s^h)>>32 == 0 && int64(row) < r.limit.Load() {
			if r.Item(row) == item {
				return i, row
			}
			if t.slots[i].Load() != s {
				continue // the item has moved, and the row that it had is another's
			}
		}
		i, n = (i+1)&mask, n+1
	}
	return 0, noRow
}

// put adds an item that is not there, and reports whether there was a slot for it: a
// damaged file may have filled them all.
func (t *itemTable) put(item recsys.ItemID, row uint32) bool {
	h := hash.Mix64(uint64(item))
	mask := len(t.slots) - 1
	for i, n := int(h)&mask, 0; n <= mask; i, n = (i+1)&mask, n+1 {
		switch t.slots[i].Load() {
		case 0:
			t.used++
			fallthrough
		case gone:
			t.slots[i].Store(h&^slotRow | uint64(row+1))
			return true
		}
	}
	return false
}

// enter makes an item stand in the table; r.mu is held. The row has the item already.
func (r *Rows) enter(item recsys.ItemID, row uint32) {
	if t := r.table.Load(); t != nil && (t.used+1)*4 <= len(t.slots)*3 && t.put(item, row) {
		return
	}
	n, size := 0, 16
	r.eachLive(func(uint32) { n++ })
	for size < 2*n {
		size *= 2
	}
	r.table.Store(r.newTable(make([]atomic.Uint64, size)))
}
