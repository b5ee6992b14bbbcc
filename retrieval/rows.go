package retrieval

import (
	"fmt"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/recsyskit/recsys"
)

const (
	rowChunkBits = 12
	rowChunk     = 1 << rowChunkBits // rows of a chunk
	rowLog       = 1 << 12           // changes that Rows remembers
	maxTableRows = math.MaxInt32
)

// Rows numbers the items of an index: an item has a row, small and dense, for as long as
// it is there, and an index keeps vectors and links by row. The row of a deleted item is
// given to a later one. Whoever implements an [Index] can build on it; a [Filter] is
// resolved against it.
//
// Reads are safe while one goroutine writes; writers take turns by the caller's lock.
// A row must be complete when it is inserted, since searches see it from then on: take a
// row with Reserve, store its vector, then Insert. The zero Rows is empty.
type Rows struct {
	chunks  atomic.Pointer[[]*rowsChunk]
	limit   atomic.Int64  // rows that were ever in use
	live    atomic.Int64  // items
	version atomic.Uint64 // changes
	token   atomic.Pointer[rowsToken]
	table   atomic.Pointer[itemTable]

	mu      sync.RWMutex // guards the rest
	free    []uint32
	pending bool           // restored: free is still to be built
	log     [rowLog]uint32 // row of the change that made version v, at v % rowLog
}

// rowsToken stands for a Rows without keeping it alive. It is not empty, since distinct
// variables of size zero may have one address.
type rowsToken struct{ _ byte }

type rowsChunk struct {
	item [rowChunk]atomic.Uint64
	live [rowChunk / 64]atomic.Uint64
}

// Len returns the number of items. After Restore of a damaged file it may be another.
func (r *Rows) Len() int { return max(0, int(r.live.Load())) }

// Limit returns a bound on rows: every row is below it. It never falls.
func (r *Rows) Limit() int { return int(r.limit.Load()) }

// Version grows with every change.
func (r *Rows) Version() uint64 { return r.version.Load() }

// Item returns the item of a row that is below Limit. For a row without an item it
// returns the last that it had.
func (r *Rows) Item(row uint32) recsys.ItemID {
	return recsys.ItemID((*r.chunks.Load())[row>>rowChunkBits].item[row&(rowChunk-1)].Load())
}

// Live reports whether a row below Limit has an item.
func (r *Rows) Live(row uint32) bool {
	return r.liveWord(int(row>>6))>>(row&63)&1 != 0
}

// liveWord returns the bits of rows 64w to 64w+63.
func (r *Rows) liveWord(w int) uint64 {
	return (*r.chunks.Load())[w>>(rowChunkBits-6)].live[w&(rowChunk/64-1)].Load()
}

// Reserve returns the row that the next Insert must name, and makes room for it. It
// fails with [ErrFull] at 2³¹-1 rows.
func (r *Rows) Reserve() (row uint32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findFree()
	if n := len(r.free); n > 0 {
		return r.free[n-1], nil
	}
	limit := r.limit.Load()
	if limit == maxTableRows {
		return 0, fmt.Errorf("retrieval: %d rows: %w", limit, ErrFull)
	}
	var chunks []*rowsChunk
	if p := r.chunks.Load(); p != nil {
		chunks = *p
	}
	if int(limit>>rowChunkBits) == len(chunks) {
		grown := append(chunks[:len(chunks):len(chunks)], new(rowsChunk))
		r.chunks.Store(&grown)
	}
	return uint32(limit), nil
}

// Insert gives an item the row that Reserve named. It fails with [ErrDuplicate] when
// the item has one.
func (r *Rows) Insert(item recsys.ItemID, row uint32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findFree()
	if old, ok := r.Find(item); ok {
		return fmt.Errorf("retrieval: item %d at row %d: %w", item, old, ErrDuplicate)
	}
	r.occupy(item, row)
	r.enter(item, row)
	r.live.Add(1)
	r.changed(row)
	return nil
}

// occupy gives an item a row that was reserved; r.mu is held.
func (r *Rows) occupy(item recsys.ItemID, row uint32) {
	if n := len(r.free); n > 0 {
		if r.free[n-1] != row {
			panic(errReserve)
		}
		r.free = r.free[:n-1]
	} else if int64(row) != r.limit.Load() {
		panic(errReserve)
	}
	c := (*r.chunks.Load())[row>>rowChunkBits]
	c.item[row&(rowChunk-1)].Store(uint64(item))
	if int64(row) == r.limit.Load() {
		r.limit.Add(1)
	}
	c.live[row&(rowChunk-1)>>6].Or(1 << (row & 63))
}

// vacate marks a row as without an item; r.mu is held.
func (r *Rows) vacate(row uint32) {
	(*r.chunks.Load())[row>>rowChunkBits].live[row&(rowChunk-1)>>6].And(^(uint64(1) << (row & 63)))
}

// NewRows returns the table of n items in which row i is item(i)'s. It is what n times
// Reserve and Insert would make, in less time. It fails with [ErrDuplicate] when an item
// comes twice, with [ErrFull] at more than 2³¹-1 rows.
func NewRows(n int, item func(row int) recsys.ItemID) (*Rows, error) {
	if n > maxTableRows {
		return nil, fmt.Errorf("retrieval: %d rows: %w", n, ErrFull)
	}
	r := new(Rows)
	if n == 0 {
		return r, nil
	}
	chunks := make([]*rowsChunk, (n+rowChunk-1)>>rowChunkBits)
	r.chunks.Store(&chunks)
	r.limit.Store(int64(n))
	size := 16
	for size < 2*n {
		size *= 2
	}
	t := &itemTable{slots: make([]atomic.Uint64, size)}
	for row := range n {
		i := row & (rowChunk - 1)
		if i == 0 {
			chunks[row>>rowChunkBits] = new(rowsChunk)
		}
		c, id := chunks[row>>rowChunkBits], item(row)
		if _, old := t.slot(r, id); old != noRow {
			return nil, fmt.Errorf("retrieval: item %d at rows %d and %d: %w", id, old, row, ErrDuplicate)
		}
		c.item[i].Store(uint64(id))
		c.live[i>>6].Or(1 << (i & 63))
		t.put(id, uint32(row))
	}
	r.table.Store(t)
	r.live.Store(int64(n))
	r.version.Store(rowLog + 1)
	return r, nil
}

// errReserve is the message of a panic.
const errReserve = "retrieval: a row of Rows that was not reserved"

// Delete takes an item's row away and returns it. When reuse is false, no later item
// gets the row until Free is called for it. It fails with [ErrNotFound].
func (r *Rows) Delete(item recsys.ItemID, reuse bool) (row uint32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findFree()
	t := r.table.Load()
	slot, row := t.slot(r, item)
	if row == noRow || !r.Live(row) { // the table of a damaged file may lead to a row without an item
		return 0, fmt.Errorf("retrieval: item %d: %w", item, ErrNotFound)
	}
	t.slots[slot].Store(gone)
	r.vacate(row)
	r.live.Add(-1)
	if reuse {
		r.free = append(r.free, row)
	}
	r.changed(row)
	return row, nil
}

// Move gives an item another row, the one that Reserve named, and returns the one that it
// had, which no later item gets until Free is called for it. Find and FindAll see the one
// row or the other. It fails with [ErrNotFound].
func (r *Rows) Move(item recsys.ItemID, row uint32) (old uint32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findFree()
	t := r.table.Load()
	slot, old := t.slot(r, item)
	if old == noRow || !r.Live(old) {
		return 0, fmt.Errorf("retrieval: item %d: %w", item, ErrNotFound)
	}
	r.changed(old) // before as well: who sees the new row sees another version
	r.occupy(item, row)
	t.slots[slot].Store(t.slots[slot].Load()&^slotRow | uint64(row+1))
	r.vacate(old)
	r.changed(old)
	r.changed(row)
	return old, nil
}

// Free lets a later item have a row whose item was deleted. It must not come between a
// Reserve and its Insert. It panics if the row has an item.
func (r *Rows) Free(row uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findFree()
	if int64(row) >= r.limit.Load() || r.Live(row) {
		panic("retrieval: Rows.Free of a row that has an item")
	}
	r.free = append(r.free, row)
}

// changed logs a change of a row; r.mu is held.
func (r *Rows) changed(row uint32) {
	v := r.version.Load()
	r.log[v%rowLog] = row
	r.version.Store(v + 1)
}

// Changes appends the rows that got or lost an item after version v to dst, some of them
// perhaps twice, and returns the version now. An item that was moved has both its rows among
// them. ok is false when they are not remembered any more: the last 4,096 are. It waits for
// a change that is under way.
func (r *Rows) Changes(dst []uint32, v uint64) (_ []uint32, now uint64, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	now = r.version.Load()
	if now-v > rowLog {
		return dst, now, false
	}
	for ; v < now; v++ {
		dst = append(dst, r.log[v%rowLog])
	}
	return dst, now, true
}

// chunkWords is the length of a chunk as AppendTo writes it.
const chunkWords = rowChunk + rowChunk/64

// AppendTo appends the table to dst, for a file: the items of 4,096 rows, then a bit for
// each of them that says whether it is there, and so on up to Limit; then a hash table of the
// items, 12 to 24 bytes for each. What it appends depends on the rows alone, not on the order of the
// changes that led to them. No writer may run.
func (r *Rows) AppendTo(dst []uint64) []uint64 {
	limit := r.Limit()
	if limit == 0 {
		return dst
	}
	// Reserve may have made a chunk that no row is in yet.
	for _, c := range (*r.chunks.Load())[:(limit+rowChunk-1)>>rowChunkBits] {
		for i := range c.item {
			dst = append(dst, c.item[i].Load())
		}
		for i := range c.live {
			dst = append(dst, c.live[i].Load())
		}
	}
	n := tableSlots(r.Len())
	dst = append(dst, make([]uint64, n)...)
	r.newTable(atomics(dst[len(dst)-n:]))
	return dst
}

// eachLive calls f for the rows that have an item, ascending.
func (r *Rows) eachLive(f func(row uint32)) {
	for w := 0; w<<6 < r.Limit(); w++ {
		for word := r.liveWord(w); word != 0; word &= word - 1 {
			f(uint32(w<<6 + bits.TrailingZeros64(word)))
		}
	}
}

// Restore replaces the table by what AppendTo wrote, with its Limit and Len. It keeps
// words, which must be writable: a private mapping of a file will do. It takes time in
// proportion to limit/4096, but for the list of free rows, which the first change makes in
// limit/64: all rows without an item are free. Of the numbers it checks only that they fit
// each other and that no row beyond limit has an item; call [Rows.Check] for a file that is
// not trusted. No reader may run.
func (r *Rows) Restore(words []uint64, limit, n int) error {
	count := (max(0, min(limit, maxTableRows)) + rowChunk - 1) >> rowChunkBits
	if limit < 0 || limit > maxTableRows || n < 0 || n > limit || len(words)-tableSlots(n) != count*chunkWords {
		return fmt.Errorf("retrieval: %d rows with %d items in %d words do not fit", limit, n, len(words))
	}
	words, slots := words[:count*chunkWords], words[count*chunkWords:]
	chunks := make([]*rowsChunk, count)
	for i := range chunks {
		// An atomic.Uint64 is laid out as the uint64 in it.
		chunks[i] = (*rowsChunk)(unsafe.Pointer(unsafe.SliceData(words[i*chunkWords:])))
	}
	if n := limit & (rowChunk - 1); n > 0 { // the last chunk has rows that were never in use
		for w, word := range words[len(words)-rowChunk/64:] {
			if beyond := max(0, min(64, (w+1)*64-n)); bits.LeadingZeros64(word) < beyond {
				return fmt.Errorf("retrieval: a row has an item; want rows below %d", limit)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chunks.Store(&chunks)
	r.limit.Store(int64(limit))
	r.live.Store(int64(n))
	r.table.Store(&itemTable{slots: atomics(slots), used: n})
	r.free, r.pending = nil, true
	r.version.Add(rowLog + 1)
	return nil
}

// Check reports the first flaw of a restored table: a doubled item, an item that cannot be
// found, or another number of items than Len says. It takes O(Limit) time.
func (r *Rows) Check() (err error) {
	n, found := 0, 0
	r.eachLive(func(row uint32) {
		n++
		item := r.Item(row)
		switch at, ok := r.Find(item); {
		case err != nil:
		case ok && at != row && r.Live(at):
			err = fmt.Errorf("retrieval: item %d is at rows %d and %d: %w", item, min(at, row), max(at, row), ErrDuplicate)
		case !ok || at != row:
			err = fmt.Errorf("retrieval: item %d at row %d cannot be found", item, row)
		}
	})
	if t := r.table.Load(); t != nil {
		for i := range t.slots {
			if t.slots[i].Load()&slotRow != 0 {
				found++
			}
		}
	}
	switch {
	case err != nil:
	case n != r.Len():
		err = fmt.Errorf("retrieval: %d items; want %d", n, r.Len())
	case found != n:
		err = fmt.Errorf("retrieval: %d entries of %d items", found, n)
	}
	return err
}

// findFree lists the free rows of a restored table; r.mu is held.
func (r *Rows) findFree() {
	if !r.pending {
		return
	}
	r.pending = false
	limit := r.Limit()
	for w := (limit+63)/64 - 1; w >= 0; w-- {
		for word := ^r.liveWord(w); word != 0; {
			bit := bits.Len64(word) - 1
			word &^= 1 << bit
			if row := w<<6 + bit; row < limit {
				r.free = append(r.free, uint32(row))
			}
		}
	}
}
