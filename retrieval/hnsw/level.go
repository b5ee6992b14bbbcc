package hnsw

import (
	"math"
	"math/bits"

	"github.com/recsyskit/recsys/internal/hash"
)

// maxLevel bounds the levels above the lowest one: with M = 2 it is met once in 2³⁰ rows.
const maxLevel = 30

// levels draws the level of a row. P(level >= l) = M^-l, which is the distribution of
// floor(-ln(u)/ln(M)) for a uniform u.
//
// Source: Malkov and Yashunin, section 4.1 and algorithm 1, with mL = 1/ln(M). A level
// here is a function of the row and the seed: an item that takes over a row takes over
// its place in the hierarchy, and a store knows the levels of rows before they are used.
type levels struct {
	seed  uint64
	below [maxLevel + 1]uint64 // level >= l if the hash of the row is below below[l]
}

func newLevels(seed uint64, m int) *levels {
	l := &levels{seed: seed}
	for i, t := 1, uint64(math.MaxUint64); i <= maxLevel; i++ {
		t /= uint64(m)
		l.below[i] = t
	}
	return l
}

func (l *levels) of(row uint32) int {
	u := hash.Combine(l.seed, uint64(row))
	level := 0
	for level < maxLevel && u < l.below[level+1] {
		level++
	}
	return level
}

// towers says where the links of rows above the lowest level are. Rows of level 0, 15 of
// 16 for M = 16, cost a bit and a half; the others are numbered by counting bits. All but
// links is fixed when a store is made.
type towers struct {
	m     int
	tall  []uint64 // bit of each row: is its level above 0
	rank  []uint32 // how many tall rows there are before each word of tall
	first []uint32 // first block of the tall row of a number, and the number of blocks
	links []uint32 // blocks of m links: for each tall row one for level 1, 2, …
}

// bytes returns the memory that the towers take.
func (t *towers) bytes() int { return 8*len(t.tall) + 4*(len(t.rank)+len(t.first)+len(t.links)) }

func newTowers(l *levels, m, capacity int) towers {
	t := towers{m: m, first: []uint32{0}}
	blocks := uint32(0)
	for row := range uint32(capacity) {
		if row&63 == 0 {
			t.tall = append(t.tall, 0)
			t.rank = append(t.rank, uint32(len(t.first)-1))
		}
		if level := l.of(row); level > 0 {
			t.tall[row>>6] |= 1 << (row & 63)
			blocks += uint32(level)
			t.first = append(t.first, blocks)
		}
	}
	t.links = make([]uint32, int(blocks)*m)
	for i := range t.links {
		t.links[i] = none
	}
	return t
}

// number returns how many tall rows there are below a row.
func (t *towers) number(row uint32) int {
	w := int(row >> 6)
	if w >= len(t.rank) {
		return max(len(t.first)-1, 0)
	}
	return int(t.rank[w]) + bits.OnesCount64(t.tall[w]&(1<<(row&63)-1))
}

// at returns the first block of a row and the number of its blocks, which is its level.
// Whatever the arrays hold, the blocks are within links.
func (t *towers) at(row uint32) (block, level int) {
	w := int(row >> 6)
	if w >= len(t.tall) || w >= len(t.rank) || t.tall[w]>>(row&63)&1 == 0 {
		return 0, 0
	}
	i := t.number(row)
	if i+1 >= len(t.first) {
		return 0, 0
	}
	from, to := int(t.first[i]), int(t.first[i+1])
	if to < from || to > len(t.links)/t.m {
		return 0, 0
	}
	return from, to - from
}

// of returns the links of a row at a level above 0; nil when it is not so tall.
func (t *towers) of(row uint32, level int) []uint32 {
	block, n := t.at(row)
	if level > n {
		return nil
	}
	at := (block + level - 1) * t.m
	return t.links[at : at+t.m : at+t.m]
}
