package twotower

import "github.com/recsyskit/recsys/internal/hash"

// places says which rows of a table make the vector of an id: one, its own, or two that hashes
// choose.
type places struct {
	rows int // of the table
	k    int
	salt uint64
}

// newPlaces returns the places of n ids in a table of buckets, or of a row each for 0.
func newPlaces(n, buckets int, salt uint64) places {
	if buckets == 0 {
		return places{rows: n, k: 1}
	}
	return places{rows: buckets, k: 2, salt: salt}
}

// of returns the places of an id, whose number among those of the training is row, < 0 if it
// was not there. Only the first k count; a place < 0 is none.
func (p places) of(row int32, id uint64) (at [2]int32) {
	if p.k == 1 {
		return [2]int32{row, -1}
	}
	h := hash.Combine(p.salt, id)
	n := uint64(p.rows)
	return [2]int32{int32((h >> 32) * n >> 32), int32((h & 0xffffffff) * n >> 32)}
}

// The salts of the hashes of ids. They are part of the file format.
const (
	userSalt     = 0x75736572
	itemSalt     = 0x6974656d
	categorySalt = 0x63617465
)
