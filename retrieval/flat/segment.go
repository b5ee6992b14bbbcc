package flat

import (
	"math"

	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// segment holds the rows that were there when the index was built or compacted, by
// descending norm. It is immutable; its arrays may be mapped from a file.
type segment struct {
	set  settings
	rows int

	vectors []float32 // rows × set.stride()
	norms   []float32 // of each row, rounded up
	codes   []uint8   // rows × code8.Stride(set.Dim); nil without codes
	starts  []uint32  // first row of each block, and the number of rows
	bounds  []float32 // boundFields for each block
}

// A block is a run of rows that share a scale and bounds, since they have similar norms.
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

// nextBlock returns the length of a block that starts at a row: an eighth of the rows
// before it. A scan that stops early stops at the end of a block, so that it reads an
// eighth too much at most; and there are few blocks in all.
func nextBlock(start int) int {
	return min(max(start/8&^63, smallestBlock), largestBlock)
}

func blockStarts(rows int) []uint32 {
	starts := []uint32{0}
	for at := 0; at < rows; {
		at = min(at+nextBlock(at), rows)
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

// vector returns a row.
func (s *segment) vector(row uint32) []float32 {
	at := int(row) * s.set.stride()
	return s.vectors[at : at+s.set.Dim : at+s.set.Dim]
}

// newSegment makes room for rows, which the caller stores in vectors and norms, and then
// seals.
func newSegment(set settings, rows int) *segment {
	s := &segment{
		set: set, rows: rows,
		vectors: make([]float32, rows*set.stride()),
		norms:   make([]float32, rows),
		starts:  blockStarts(rows),
	}
	s.bounds = make([]float32, s.blocks()*boundFields)
	if set.Codes {
		s.codes = make([]uint8, rows*code8.Stride(set.Dim))
	}
	return s
}

// sealBlock computes codes and bounds of a block whose rows are stored.
func (s *segment) sealBlock(b int) {
	start, end := int(s.starts[b]), int(s.starts[b+1])
	m := bounds{low: math.MaxFloat32}
	var top float32
	for i := start; i < end; i++ {
		m.norm, m.low = max(m.norm, s.norms[i]), min(m.low, code8.Low(s.norms[i]))
		top = max(top, code8.MaxAbs(s.vector(uint32(i))))
	}
	if s.codes != nil {
		m.scale = code8.Scale(top)
		stride := code8.Stride(s.set.Dim)
		for i := start; i < end; i++ {
			m.residual = max(m.residual, code8.Encode(s.codes[i*stride:(i+1)*stride], s.vector(uint32(i)), m.scale))
		}
	}
	copy(s.bounds[b*boundFields:], []float32{m.norm, m.low, m.scale, m.residual})
}
