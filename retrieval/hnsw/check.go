package hnsw

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/recsyskit/recsys/retrieval"
)

// floatsOf returns the floats that have the given bits, in the same memory.
func floatsOf(bits []uint32) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(bits))), len(bits))
}

// bitsOf is the inverse of floatsOf.
func bitsOf(floats []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(floats))), len(floats))
}

// check reports the first thing in a store that no index would write. It takes the time of
// one pass over all arrays.
func (s *store) check(cfg *Config) error {
	if err := s.rows.Check(); err != nil {
		return err
	}
	if err := s.checkLevels(cfg); err != nil {
		return err
	}
	entry := s.entry.Load()
	switch {
	case s.rows.Len() == 0:
		if entry != none && int(entry) >= s.rows.Limit() {
			return fmt.Errorf("the entry is row %d; want none", entry)
		}
	case int(entry) >= s.rows.Limit():
		return fmt.Errorf("the entry is row %d; want a row below %d", entry, s.rows.Limit())
	case s.isBehind(entry):
		return fmt.Errorf("the entry is row %d, which follows another", entry)
	case !s.live(entry) && !s.isDead(entry):
		return fmt.Errorf("the entry is row %d, which has no item", entry)
	}
	for _, r := range s.listHubs(nil) {
		if int(r) >= s.rows.Limit() || s.isBehind(r) {
			return fmt.Errorf("row %d is a hub; want rows below %d that follow none", r, s.rows.Limit())
		}
	}
	if s.scale != s.scale || s.scale < 0 || s.scale > math.MaxFloat32 {
		return fmt.Errorf("the scale of codes is %v; want it finite", s.scale)
	}
	for row := range uint32(s.capacity) {
		for level := range s.level(row) + 1 {
			if err := s.checkLinks(row, level); err != nil {
				return err
			}
		}
		if err := s.checkVector(row); err != nil {
			return err
		}
	}
	return s.checkTwins()
}

// checkLevels checks that the towers are those of the rows.
func (s *store) checkLevels(cfg *Config) error {
	t, want := &s.upper, newTowers(newLevels(cfg.Seed, cfg.M), cfg.M, s.capacity)
	if len(t.first) != len(want.first) || len(t.links) != len(want.links) {
		return fmt.Errorf("%d rows above level 0 with %d links; want %d with %d", len(t.first)-1, len(t.links), len(want.first)-1, len(want.links))
	}
	for i := range t.tall {
		if t.tall[i] != want.tall[i] || t.rank[i] != want.rank[i] {
			return fmt.Errorf("levels of rows %d to %d are not those of the seed", i*64, i*64+63)
		}
	}
	for i := range t.first {
		if t.first[i] != want.first[i] {
			return fmt.Errorf("level %d of the rows above level 0 is not that of the seed", i)
		}
	}
	return nil
}

func (s *store) checkLinks(row uint32, level int) error {
	ended := false
	for i, r := range s.neighbours(row, level) {
		switch {
		case r == none:
			ended = true
		case ended:
			return fmt.Errorf("row %d, level %d has link %d after the end of its links", row, level, i)
		case int(r) >= s.rows.Limit() || r == row:
			return fmt.Errorf("row %d, level %d links to row %d; want another row below %d", row, level, r, s.rows.Limit())
		case s.live(row) && !s.live(r) && !s.isDead(r):
			return fmt.Errorf("row %d, level %d links to row %d, which has no item", row, level, r)
		case s.live(row) && (s.isBehind(row) || s.isBehind(r)):
			return fmt.Errorf("row %d, level %d links to row %d; want both to follow no row", row, level, r)
		case s.level(r) < level:
			return fmt.Errorf("row %d links to row %d at level %d, which that does not reach", row, r, level)
		}
	}
	return nil
}

// checkTwins checks that each row that follows another is in one chain, behind rows of equal
// vectors.
func (s *store) checkTwins() error {
	seen := make([]uint64, s.capacity/64)
	held := func(row uint32) bool { return s.live(row) || s.isDead(row) }
	for head := range uint32(s.rows.Limit()) {
		if !held(head) || s.isBehind(head) {
			continue
		}
		for row := head; s.twins[row] != 0; {
			next, ok := s.follower(row)
			switch {
			case !ok || !held(next):
				return fmt.Errorf("row %d is followed by row %d, which has no item", row, next)
			case !slices.Equal(s.vector(next), s.vector(head)):
				return fmt.Errorf("row %d is followed by row %d; want an equal vector", row, next)
			}
			if row = next; !s.isBehind(row) && !s.live(head) {
				break // the heir
			}
			if !s.isBehind(row) || seen[row>>6]>>(row&63)&1 != 0 {
				return fmt.Errorf("row %d follows two rows, or is in the graph as well", row)
			}
			seen[row>>6] |= 1 << (row & 63)
		}
	}
	for row := range uint32(s.rows.Limit()) {
		if s.live(row) && s.isBehind(row) && seen[row>>6]>>(row&63)&1 == 0 {
			return fmt.Errorf("row %d follows no row", row)
		}
	}
	return nil
}

func (s *store) checkVector(row uint32) error {
	v := s.vector(row)
	for i, x := range v {
		if x-x != 0 {
			return fmt.Errorf("row %d has %v at place %d: %w", row, x, i, retrieval.ErrNotFinite)
		}
	}
	if !s.live(row) {
		return nil
	}
	if s.tops != nil && !(normAbove(v) <= math.Float32frombits(s.tops[row>>6])) {
		return fmt.Errorf("row %d has a larger norm than its block", row)
	}
	if s.codes == nil {
		return nil
	}
	scale, square := s.scaleFor(v), int32(0)
	step, unit := codeStep(scale), scale/127
	for i, c := range s.codes[int(row)*s.pitch : int(row+1)*s.pitch] {
		want := int32(0)
		if i < s.dim {
			want = toInt8(v[i] * step)
		}
		if int32(c)-128 != want {
			return fmt.Errorf("row %d has code %d at place %d; want %d", row, int32(c)-128, i, want)
		}
		square += want * want
	}
	if s.units != nil && s.units[row] != unit {
		return fmt.Errorf("row %d has a code with a unit of %v; want %v", row, s.units[row], unit)
	}
	if want := codeSquare(unit, square); s.squares != nil && s.squares[row] != want {
		return fmt.Errorf("row %d has a code of square %v; want %v", row, s.squares[row], want)
	}
	return nil
}
