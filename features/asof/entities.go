package asof

import "github.com/recsyskit/recsys/internal/hash"

// entities keeps a row of words for each key: an index by open addressing over rows in slabs, of
// which only the last grows. Nothing in it is a pointer that the garbage collector follows row by row.
type entities struct {
	words int
	slabs [][]uint64
	n     int

	keys []uint64
	rows []uint32 // by place in keys: the row + 1; 0 is none
}

// slabRows is how many rows a slab has room for.
const slabRows = 1 << slabBits

const slabBits = 10

func newEntities(words int) *entities {
	return &entities{words: words, keys: make([]uint64, 16), rows: make([]uint32, 16)}
}

// find returns the row of a key, nil if there is none.
func (e *entities) find(key uint64) []uint64 {
	mask := uint64(len(e.keys) - 1)
	for p := hash.Mix64(key) & mask; e.rows[p] != 0; p = (p + 1) & mask {
		if e.keys[p] == key {
			return e.row(e.rows[p] - 1)
		}
	}
	return nil
}

// take returns the row of a key, and whether it was there; a new one is full of zeros.
func (e *entities) take(key uint64) (row []uint64, found bool) {
	mask := uint64(len(e.keys) - 1)
	p := hash.Mix64(key) & mask
	for ; e.rows[p] != 0; p = (p + 1) & mask {
		if e.keys[p] == key {
			return e.row(e.rows[p] - 1), true
		}
	}
	if e.n >= len(e.keys)/4*3 {
		e.grow()
		return e.take(key)
	}
	k := e.n >> slabBits
	if k == len(e.slabs) {
		e.slabs = append(e.slabs, nil)
	}
	e.slabs[k] = room(e.slabs[k], e.n%slabRows, slabRows, e.words)
	e.n++
	e.keys[p], e.rows[p] = key, uint32(e.n)
	return e.row(uint32(e.n) - 1), false
}

func (e *entities) row(i uint32) []uint64 {
	from := int(i%slabRows) * e.words
	return e.slabs[i>>slabBits][from : from+e.words : from+e.words]
}

func (e *entities) grow() {
	keys, rows := e.keys, e.rows
	e.keys, e.rows = make([]uint64, 2*len(keys)), make([]uint32, 2*len(rows))
	mask := uint64(len(e.keys) - 1)
	for i, row := range rows {
		if row != 0 {
			p := hash.Mix64(keys[i]) & mask
			for e.rows[p] != 0 {
				p = (p + 1) & mask
			}
			e.keys[p], e.rows[p] = keys[i], row
		}
	}
}

// bytes returns what it takes in memory.
func (e *entities) bytes() int64 {
	if len(e.slabs) == 0 {
		return 0
	}
	full := len(e.slabs) - 1
	return int64(full)*slabRows*int64(e.words)*8 + int64(len(e.slabs[full]))*8 + int64(len(e.keys))*12
}
