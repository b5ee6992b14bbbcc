package flat

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// segment is a run of rows in the order in which a scan reads them: by descending norm, or
// in any order under the cosine. Places count from 0 in that order. It is immutable; its
// arrays may be mapped from a file.
//
// A segment that was built or compacted stores its vectors: the row at a place is the
// place. Others order rows that are stored elsewhere, and say which.
type segment struct {
	set  settings
	rows int // places

	first uint32    // the row that the store begins with
	store []float32 // vectors: of the row first+i at i × set.stride()
	ids   []uint32  // of each place: its row, counted from first; nil when that is the place

	vectors []float32 // of each place; nil where there are codes to scan and ids
	norms   []float32 // of each place, rounded up
	codes   []uint8   // of each place, code8.Stride(set.Dim) apart; nil without codes
	starts  []uint32  // first place of each block, and the number of places
	bounds  []float32 // boundFields for each block
}

// A block is a run of places that share a scale and bounds, since their rows have similar
// norms.
const boundFields = 4

type bounds struct {
	norm     float32 // at least the norm of each row
	low      float32 // at most the norm of each row
	scale    float32 // of the codes
	residual float32 // at least the norm of each row's residual
}

const (
	smallestBlock = 64
	largestBlock  = 1024
)

// nextBlock returns the length of a block that starts at a place: half of the places before
// it. Shorter ones would have tighter bounds, but each block costs a search as much as a
// hundred rows; on the factors of 41,000 items an eighth was 17 % slower.
func nextBlock(start int) int {
	return min(max(start/2&^63, smallestBlock), largestBlock)
}

// nextInRun returns the length of a block of a run that is ordered by norm. A few rows come
// first: they may be among the best of all, and a search reads blocks in the order of the
// lowest norm in each.
func nextInRun(start int) int { return min(max(start, 32), 256) }

// nextAlike returns the length of a block of a run whose norms are all alike.
func nextAlike(int) int { return largestBlock }

func blockStarts(rows int, next func(start int) int) []uint32 {
	starts := []uint32{0}
	for at := 0; at < rows; {
		at = min(at+next(at), rows)
		starts = append(starts, uint32(at))
	}
	return starts
}

func (s *segment) blocks() int { return len(s.starts) - 1 }

func (s *segment) block(b int) (start, end int, m bounds) {
	f := (*[boundFields]float32)(s.bounds[b*boundFields:])
	return int(s.starts[b]), int(s.starts[b+1]), bounds{norm: f[0], low: f[1], scale: f[2], residual: f[3]}
}

// unitNorm is a bound on the norm of a normalised vector.
const unitNorm = 1.01

// maxNorm returns a bound on all norms.
func (s *segment) maxNorm() float32 {
	switch {
	case s.rows == 0:
		return 0
	case s.set.byNorm():
		return s.norms[0]
	}
	return unitNorm
}

// id returns the row at a place, counted from the first one.
func (s *segment) id(place int) uint32 {
	if s.ids == nil {
		return uint32(place)
	}
	return s.ids[place]
}

// vector returns a row, counted from the first one.
func (s *segment) vector(id uint32) []float32 {
	at := int(id) * s.set.stride()
	return s.store[at : at+s.set.Dim : at+s.set.Dim]
}

// newSegment makes room for rows, which the caller stores in vectors and norms, and then
// seals.
func newSegment(set settings, rows int) *segment {
	s := &segment{
		set: set, rows: rows,
		vectors: make([]float32, rows*set.stride()),
		norms:   make([]float32, rows),
	}
	s.store = s.vectors
	s.makeBlocks(nextBlock)
	return s
}

// newRun returns a segment of some of the rows that were added to a segment of so many
// rows, in this order. It keeps ids.
func newRun(set settings, first int, added *addition, ids []uint32) *segment {
	s := &segment{
		set: set, rows: len(ids),
		first: uint32(first), store: added.vectors, ids: ids,
		norms: make([]float32, len(ids)),
	}
	for i, id := range ids {
		s.norms[i] = added.norms[id]
	}
	if !set.Codes {
		s.vectors = make([]float32, len(ids)*set.stride())
		for i, id := range ids {
			copy(s.vectors[i*set.stride():], s.vector(id))
		}
	}
	if set.byNorm() {
		s.makeBlocks(nextInRun)
	} else {
		s.makeBlocks(nextAlike)
	}
	for b := range s.blocks() {
		s.sealBlock(b)
	}
	return s
}

func (s *segment) makeBlocks(next func(start int) int) {
	s.starts = blockStarts(s.rows, next)
	s.bounds = make([]float32, s.blocks()*boundFields)
	if s.set.Codes {
		s.codes = make([]uint8, s.rows*code8.Stride(s.set.Dim))
	}
}

// sealBlock computes codes and bounds of a block whose rows are stored.
func (s *segment) sealBlock(b int) {
	start, end := int(s.starts[b]), int(s.starts[b+1])
	m := bounds{low: math.MaxFloat32}
	var top float32
	for i := start; i < end; i++ {
		m.norm, m.low = max(m.norm, s.norms[i]), min(m.low, code8.Low(s.norms[i]))
	}
	if s.codes != nil {
		for i := start; i < end; i++ {
			top = max(top, code8.MaxAbs(s.vector(s.id(i))))
		}
		m.scale = code8.Scale(top)
		stride := code8.Stride(s.set.Dim)
		for i := start; i < end; i++ {
			m.residual = max(m.residual, code8.Encode(s.codes[i*stride:(i+1)*stride], s.vector(s.id(i)), m.scale))
		}
	}
	copy(s.bounds[b*boundFields:], []float32{m.norm, m.low, m.scale, m.residual})
}

// without returns the segment without the rows that are dead. What remains of a block has
// the bounds and the codes that it had.
func (s *segment) without(dead func(row uint32) bool) *segment {
	ids := make([]uint32, 0, s.rows)
	t := &segment{
		set: s.set, first: s.first, store: s.store, bounds: s.bounds,
		norms:  make([]float32, 0, s.rows),
		starts: make([]uint32, 1, len(s.starts)),
	}
	keep := func(start, end int) { // places between two dead ones
		t.norms = append(t.norms, s.norms[start:end]...)
		if s.codes != nil {
			stride := code8.Stride(s.set.Dim)
			t.codes = append(t.codes, s.codes[start*stride:end*stride]...)
		} else {
			stride := s.set.stride()
			t.vectors = append(t.vectors, s.vectors[start*stride:end*stride]...)
		}
	}
	if s.codes != nil {
		t.codes = make([]uint8, 0, len(s.codes))
	} else {
		t.vectors = make([]float32, 0, len(s.vectors))
	}
	from := 0
	for b := range s.blocks() {
		for i := int(s.starts[b]); i < int(s.starts[b+1]); i++ {
			id := s.id(i)
			if !dead(s.first + id) {
				ids = append(ids, id)
				continue
			}
			keep(from, i)
			from = i + 1
		}
		t.starts = append(t.starts, uint32(len(ids)))
	}
	if len(ids) == s.rows {
		return s
	}
	keep(from, s.rows)
	t.ids, t.rows = slices.Clip(ids), len(ids)
	return t
}
