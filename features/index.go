package features

import (
	"math"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/recsyskit/recsys/internal/hash"
)

// table is the index and the rows of one shard: open addressing with linear probing
// over words that name slots of a slab.
//
// Readers load the words of the index atomically, writers hold the shard's lock. A
// slot that the index names does not change; see epochs. The slices themselves are
// never changed either: a table that grows is replaced.
type table struct {
	index []uint64 // 2^n entries, at most half of them in use
	rows  []uint64 // slot i starts at word i*stride
}

// An entry holds a tag, the upper 30 bits of the key's hash, a bit that is set, a bit that says
// whether the row was read, and the slot. So one load of 8 bytes, without a look at the
// row, rules out all but one of 2^30 other keys, and an entry is neither empty nor deleted.
const (
	emptyEntry   = 0
	deletedEntry = 1

	liveBit = 1 << 32
	readBit = 1 << 33 // see evict; in stores with a bound
	tagBits = ^uint64(1<<34 - 1)
)

func entryOf(h uint64, slot uint32) uint64 { return h&tagBits | liveBit | uint64(slot) }

// tagged reports whether e is the entry of a row whose key has the tag of h.
func tagged(e, h uint64) bool { return (e^(h|liveBit))&(tagBits|liveBit) == 0 }

func hashOf(key uint64) uint64 { return hash.Mix64(key) }

// bucketWords is how many entries fill a cache line. Probing begins at the first of a line, so that
// one fetch answers for 98 of 100 keys, and eight tags are compared at once.
const bucketWords = 8

// home returns where probing for a hash begins: the first entry of a bucket.
func (t *table) home(h uint64) int { return int(h) & (len(t.index) - bucketWords) }

// bucket returns that entry.
func (t *table) bucket(h uint64) *uint64 { return &t.index[h&uint64(len(t.index)-bucketWords)] }

// row returns the first word of the row that an entry names.
func (t *table) row(entry uint64, stride int) *uint64 { return &t.rows[int(uint32(entry))*stride] }

// find returns the position and entry of a key, or, with ok false, where it can be inserted.
func (t *table) find(h, key uint64, stride int) (at int, entry uint64, ok bool) {
	mask := len(t.index) - 1
	free := -1
	for p := t.home(h); ; p = (p + 1) & mask {
		switch e := atomic.LoadUint64(&t.index[p]); {
		case e == emptyEntry:
			if free < 0 {
				free = p
			}
			return free, emptyEntry, false
		case e == deletedEntry:
			if free < 0 {
				free = p
			}
		case tagged(e, h) && *t.row(e, stride) == key:
			return p, e, true
		}
	}
}

// slots returns how many rows the slab has room for.
func (t *table) slots(stride int) int { return len(t.rows) / stride }

// grown returns a table with the rows of t, at the same slots, and room for more
// slots and entries; deleted entries are gone. It shares the slab if that has room.
func (t *table) grown(slots, entries, stride int) *table {
	n := &table{index: alignedWords(entries), rows: t.rows}
	if slots > t.slots(stride) {
		n.rows = alignedWords(slots * stride)
		copy(n.rows, t.rows)
	}
	for i := range t.index {
		if e := atomic.LoadUint64(&t.index[i]); e > deletedEntry {
			n.place(hashOf(*t.row(e, stride)), e)
		}
	}
	return n
}

// compacted returns a table with the rows of t in the first slots, and room for as many as named.
func (t *table) compacted(slots, entries, stride int) *table {
	n := &table{index: alignedWords(entries), rows: alignedWords(slots * stride)}
	slot := uint64(0)
	for i := range t.index {
		if e := atomic.LoadUint64(&t.index[i]); e > deletedEntry {
			row := unsafe.Slice(t.row(e, stride), stride)
			copy(n.rows[int(slot)*stride:], row)
			n.place(hashOf(row[keyWord]), e&^math.MaxUint32|slot)
			slot++
		}
	}
	return n
}

// place enters an entry of a key that is not in the index yet.
func (t *table) place(h, entry uint64) {
	mask := len(t.index) - 1
	for p := t.home(h); ; p = (p + 1) & mask {
		if t.index[p] == emptyEntry {
			t.index[p] = entry
			return
		}
	}
}

// entriesFor returns the size of an index for so many keys.
func entriesFor(keys int) int { return 1 << bits.Len(uint(max(2*keys, 8)-1)) }

// alignedWords returns zeros that begin at a cache line. Memory of Go does not move.
func alignedWords(n int) []uint64 {
	const line = 64
	words := make([]uint64, n+line/8-1)
	preferHugePages(words)
	off := int(-uintptr(unsafe.Pointer(&words[0]))%line) / 8
	return words[off : off+n : off+n]
}

// erase removes the entry at p and returns by how many there are more deleted entries: 1, or less where the
// next entry is empty, as no probing goes on from there then, and p and the deleted entries before it can be empty too.
func (t *table) erase(p int) int {
	mask := len(t.index) - 1
	if atomic.LoadUint64(&t.index[(p+1)&mask]) != emptyEntry {
		atomic.StoreUint64(&t.index[p], deletedEntry)
		return 1
	}
	atomic.StoreUint64(&t.index[p], emptyEntry)
	n := 0
	for p = (p - 1) & mask; atomic.LoadUint64(&t.index[p]) == deletedEntry; p = (p - 1) & mask {
		atomic.StoreUint64(&t.index[p], emptyEntry)
		n--
	}
	return n
}

// mark notes that the row of an entry was read.
func (t *table) mark(h, entry uint64) {
	mask := len(t.index) - 1
	for p := t.home(h); ; p = (p + 1) & mask {
		switch e := atomic.LoadUint64(&t.index[p]); e {
		case entry:
			atomic.CompareAndSwapUint64(&t.index[p], entry, entry|readBit)
			return
		case emptyEntry:
			return // a writer was here meanwhile
		}
	}
}
