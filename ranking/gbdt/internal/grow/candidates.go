package grow

import (
	"math"

	"github.com/recsyskit/recsys/internal/hash"
)

// choose sets the columns that the leaf with number at may be split by: those that its
// interactions leave, and of these a share drawn by the seed and the place in the tree.
func (s *searcher) choose(at int) {
	c := &s.g.columns
	s.candidates = s.candidates[:0]
	for _, column := range c.active {
		if c.may(s.l, column) {
			s.candidates = append(s.candidates, column)
		}
	}
	share := s.g.cfg.NodeFeatures
	if share == 0 || share == 1 || len(s.candidates) < 2 {
		return
	}
	want := max(1, int(math.Round(share*float64(len(s.candidates)))))
	seed := hash.Combine(s.seed, uint64(len(s.g.nodes)), uint64(at))
	// Selection sampling keeps the order: Knuth, volume 2, section 3.4.2, algorithm S.
	kept := 0
	for i, column := range s.candidates {
		u := float64(hash.Combine(seed, uint64(i))>>11) * 0x1p-53
		if float64(u*float64(len(s.candidates)-i)) < float64(want-kept) {
			s.candidates[kept] = column
			kept++
		}
	}
	s.candidates = s.candidates[:kept]
}
