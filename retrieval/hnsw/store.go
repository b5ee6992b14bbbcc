package hnsw

import (
	"math"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
)

// none ends a list of links that is not full. It is no row: rows are below 2³¹.
const none = ^uint32(0)

// store holds everything about the rows of an index, by row. Searches read it while one
// writer changes it: links are read and written atomically, and the vector of a row is
// written only while no search can come to the row. When the arrays are full, the writer
// makes a larger store and publishes that; a search keeps to the one that it began with.
//
// What a file says of links, levels and the entry is not trusted: walk and towers bear any
// values.
type store struct {
	rows     *retrieval.Rows
	metric   retrieval.Metric
	dim      int
	capacity int // rows that there is room for, a multiple of 64

	vectors []float32 // capacity × dim
	codes   []uint8   // capacity × pitch; nil with Quant None
	scale   float32   // a code of 127 stands for this value, if units is nil
	units   []float32 // what 1 in the code of each row stands for; see commonScale
	squares []float32 // |x|² of each row as its code has it; only for L2 on codes
	tops    []uint32  // bits of the largest norm of each 64 rows; only for inner product
	pitch   int       // bytes from code to code

	degree int      // room for links of a row at level 0
	links  []uint32 // capacity × degree
	upper  towers
	entry  atomic.Uint32 // where walks start: a row of the highest level, none when empty

	hubs [hubCount]atomic.Uint32 // rows of large norms, ending at none; only for inner product

	twins  []uint32 // 1 + the row of an equal vector that follows each row, 0 if none does
	behind []uint64 // bits of the rows that follow another and are not in the graph

	followers *atomic.Int64 // how many items have such a row

	dead     []uint64      // bits of the rows without an item that links may lead to
	deadRows *atomic.Int64 // how many of them are in the graph
}

// newStore makes room for rows.
func newStore(cfg *Config, rows *retrieval.Rows, dim, capacity int) *store {
	capacity = (capacity + 63) &^ 63
	s := &store{
		rows: rows, metric: cfg.Metric, dim: dim, capacity: capacity,
		vectors: alloc[float32](capacity * dim),
		degree:  2 * cfg.M,
		links:   alloc[uint32](capacity * 2 * cfg.M),
		upper:   newTowers(newLevels(cfg.Seed, cfg.M), cfg.M, capacity),
	}
	for i := range s.links {
		s.links[i] = none
	}
	s.entry.Store(none)
	s.setHubs(nil)
	s.twins, s.behind = make([]uint32, capacity), make([]uint64, capacity/64)
	s.followers = new(atomic.Int64)
	s.dead, s.deadRows = make([]uint64, capacity/64), new(atomic.Int64)
	if cfg.Quant == Int8 {
		s.pitch = codePitch(dim)
		s.codes = alloc[uint8](capacity * s.pitch)
		if cfg.Metric == retrieval.L2 {
			s.squares = make([]float32, capacity)
		}
	}
	if cfg.Metric == retrieval.InnerProduct {
		s.tops = make([]uint32, capacity/64)
	}
	return s
}

// codePitch keeps codes from crossing a cache line needlessly.
func codePitch(dim int) int {
	switch {
	case dim <= 16:
		return 16
	case dim <= 32:
		return 32
	}
	return (dim + 63) &^ 63
}

// grown returns a store with room for more rows and all that s holds.
func (s *store) grown(cfg *Config, capacity int) *store {
	t := newStore(cfg, s.rows, s.dim, capacity)
	copy(t.vectors, s.vectors)
	copy(t.codes, s.codes)
	copy(t.squares, s.squares)
	if t.scale = s.scale; s.units != nil {
		t.units = make([]float32, t.capacity)
		copy(t.units, s.units)
	}
	copy(t.tops, s.tops)
	copy(t.twins, s.twins)
	copy(t.behind, s.behind)
	t.followers = s.followers
	copy(t.dead, s.dead)
	t.deadRows = s.deadRows
	t.setHubs(s.listHubs(nil))
	copy(t.links, s.links)
	copy(t.upper.links, s.upper.links)
	t.entry.Store(s.entry.Load())
	return t
}

// level returns the level of a row.
func (s *store) level(row uint32) int {
	_, level := s.upper.at(row)
	return level
}

func (s *store) vector(row uint32) []float32 {
	at := int(row) * s.dim
	return s.vectors[at : at+s.dim : at+s.dim]
}

// neighbours returns the room for links of a row at a level. Links end at none. It is nil
// for a row that does not reach the level.
func (s *store) neighbours(row uint32, level int) []uint32 {
	if level == 0 {
		at := int(row) * s.degree
		return s.links[at : at+s.degree : at+s.degree]
	}
	return s.upper.of(row, level)
}

// live reports whether a row has an item. Links in a damaged file may lead to any row that
// there is room for.
func (s *store) live(row uint32) bool { return int(row) < s.rows.Limit() && s.rows.Live(row) }

// isDead reports whether a row has no item but may be linked to.
func (s *store) isDead(row uint32) bool {
	return atomic.LoadUint64(&s.dead[row>>6])>>(row&63)&1 != 0
}

// die marks a row that has lost its item.
func (s *store) die(row uint32) {
	atomic.StoreUint64(&s.dead[row>>6], s.dead[row>>6]|1<<(row&63))
	if s.isBehind(row) {
		s.followers.Add(-1)
	} else {
		s.deadRows.Add(1)
	}
}

// bury undoes die, once nothing links to the row. It is behind no other then: a file that is
// read has as many followers as rows behind others.
func (s *store) bury(row uint32) {
	atomic.StoreUint64(&s.dead[row>>6], s.dead[row>>6]&^(1<<(row&63)))
	if !s.isBehind(row) {
		s.deadRows.Add(-1)
	}
	s.setBehind(row, false)
}

// list appends the links of a row at a level to dst.
func (s *store) list(dst []uint32, row uint32, level int) []uint32 {
	for _, r := range s.neighbours(row, level) {
		if int(r) >= s.capacity {
			break
		}
		dst = append(dst, r)
	}
	return dst
}

// setLinks writes the links of a row at a level.
func (s *store) setLinks(row uint32, level int, rows []uint32) {
	links := s.neighbours(row, level)
	for i := range links {
		r := none
		if i < len(rows) {
			r = rows[i]
		}
		if links[i] != r {
			atomic.StoreUint32(&links[i], r)
		}
	}
}

// put stores what follows from the vector of a row, which is there.
func (s *store) put(row uint32) {
	if s.codes != nil {
		s.encode(row)
	}
	if s.tops != nil {
		top := &s.tops[row>>6]
		if norm := normAbove(s.vector(row)); norm > math.Float32frombits(*top) {
			atomic.StoreUint32(top, math.Float32bits(norm))
		}
	}
}

// normAbove returns a number that is no less than the norm of v: the sum of 16 chains of
// fused products is off by less than (d/16+4) 2^-24 of it.
func normAbove(v []float32) float32 {
	slack := 1 + float64(len(v)+128)*0x1p-26
	return float32(math.Sqrt(float64(simd.Dot(v, v)))*slack) + math.SmallestNonzeroFloat32
}
