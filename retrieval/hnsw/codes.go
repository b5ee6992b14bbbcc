package hnsw

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/retrieval"
)

// Codes of one scale are compared fastest, but one vector of large values makes those of
// all others coarse: among normal ones, one component of 1000 takes recall from 1 to .04.
// Where the largest exceeds the usual by scaleSpread, each code has a unit of its own. A
// walk then takes 3 to 10 % longer.
//
// What is usual is the lower quarter under L2. Under inner product the answers are vectors
// of large norm, and it is what 1 of 100 exceeds.
const scaleSpread = 4

// Codes are chosen again for a vector that exceeds their scale, and when 1/recodeShare of
// the items have changed.
const recodeShare = 4

// commonScale returns the scale for codes of vectors with the given peaks, which it sorts;
// ok is false where each should have its own.
func commonScale(m retrieval.Metric, peaks []float32) (scale float32, ok bool) {
	peaks = slices.DeleteFunc(peaks, func(p float32) bool { return p == 0 }) // such have any scale
	if len(peaks) == 0 {
		return 0, true
	}
	slices.Sort(peaks)
	last := len(peaks) - 1
	usual := peaks[last-last/100]
	if m == retrieval.L2 {
		usual = peaks[last/4]
	}
	return peaks[last], peaks[last] <= scaleSpread*usual
}

// recoded returns the store with codes that suit the live rows and one more vector: the
// same store, if its codes do.
func (s *store) recoded(vec []float32) *store {
	peaks := []float32{peak(vec)}
	for row := range uint32(s.rows.Limit()) {
		if s.rows.Live(row) {
			peaks = append(peaks, peak(s.vector(row)))
		}
	}
	scale, ok := commonScale(s.metric, peaks)
	if ok && s.units == nil && s.scale/2 <= scale && scale <= s.scale || !ok && s.units != nil {
		return s
	}
	t := &store{
		rows: s.rows, metric: s.metric, dim: s.dim, capacity: s.capacity, vectors: s.vectors,
		codes: alloc[uint8](len(s.codes)), tops: s.tops, pitch: s.pitch,
		degree: s.degree, links: s.links, upper: s.upper, twins: s.twins, behind: s.behind, followers: s.followers, dead: s.dead, deadRows: s.deadRows,
	}
	if s.squares != nil {
		t.squares = make([]float32, s.capacity)
	}
	t.entry.Store(s.entry.Load())
	t.setHubs(s.listHubs(nil))
	t.scale = scale + min(scale/4, math.MaxFloat32-scale)
	if !ok {
		t.units = make([]float32, s.capacity)
	}
	for row := range uint32(s.rows.Limit()) {
		t.encode(row)
	}
	return t
}

// encode stores the code of a row.
func (s *store) encode(row uint32) {
	at := int(row) * s.pitch
	code, v := s.codes[at:at+s.pitch], s.vector(row)
	scale := s.scaleFor(v)
	step, square := codeStep(scale), int32(0)
	for i, x := range v {
		c := toInt8(x * step)
		code[i] = uint8(c + 128)
		square += c * c
	}
	for i := s.dim; i < s.pitch; i++ {
		code[i] = 128
	}
	if s.units != nil {
		s.units[row] = scale / 127
	}
	if s.squares != nil {
		s.squares[row] = codeSquare(scale/127, square)
	}
}

// scaleFor returns what 127 in the code of a vector stands for.
func (s *store) scaleFor(v []float32) float32 {
	if s.units != nil {
		return peak(v)
	}
	return s.scale
}

// codeSquare returns the squared norm of a vector from that of its code.
func codeSquare(unit float32, square int32) float32 {
	return float32(float32(unit*unit) * float32(square))
}

// codeStep returns what a value is multiplied by to become a code.
func codeStep(scale float32) float32 {
	if step := 127 / scale; step <= math.MaxFloat32 {
		return step
	}
	return 0 // nothing but zeros, or hardly more
}

// toInt8 rounds to the nearest whole number, halves away from zero, within ±127.
func toInt8(x float32) int32 {
	if x < 0 {
		return int32(max(x, -127) - 0.5)
	}
	return int32(min(x, 127) + 0.5)
}

// peak returns the largest absolute value in v.
func peak(v []float32) float32 {
	p := float32(0)
	for _, x := range v {
		p = max(p, x, -x)
	}
	return p
}
