package hnsw

import (
	"math"
	"math/bits"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
)

// headTable finds rows by their vectors, by open addressing.
type headTable struct {
	slots []uint32 // row + 1, or removed
	used  int
}

const removed = ^uint32(0)

// reset empties the table and makes room for n rows and half as many again.
func (t *headTable) reset(n int) {
	t.slots = make([]uint32, 1<<bits.Len(uint(2*n)))
	t.used = 0
}

// find returns the row of a table that equals a vector.
func (t *headTable) find(s *store, vec []float32) (row uint32, ok bool) {
	mask := len(t.slots) - 1
	for i := int(hashVector(vec)) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		if slot := t.slots[i]; slot != removed && slices.Equal(s.vector(slot-1), vec) {
			return slot - 1, true
		}
	}
	return 0, false
}

// remove takes a row out, if it is there.
func (t *headTable) remove(s *store, row uint32) {
	if len(t.slots) == 0 {
		return
	}
	mask := len(t.slots) - 1
	for i := int(hashVector(s.vector(row))) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i] == row+1 {
			t.slots[i] = removed
			return
		}
	}
}

// add adds a row. There must be room.
func (t *headTable) add(s *store, row uint32) {
	mask := len(t.slots) - 1
	i := int(hashVector(s.vector(row))) & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = row + 1
	t.used++
}

// hashVector is the same for equal vectors; 0 equals -0.
func hashVector(vec []float32) uint64 {
	h := uint64(len(vec))
	for _, v := range vec {
		h = bits.RotateLeft64(h^uint64(math.Float32bits(v+0)), 29) * 0x9e3779b97f4a7c15
	}
	return hash.Mix64(h)
}
