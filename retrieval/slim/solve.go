package slim

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// solver finds the weights for one item after the other. Its memory is one worker's own.
type solver struct {
	*gram
	cfg Config

	place      []int32 // of an item among the candidates, from 1, and 0 for none
	keys       []uint64
	candidates []int32   // the items that may get a weight, those of the largest cosine first
	weight     []float32 // of each candidate
	rest       []float32 // a_k · (a_j - A w) of each candidate k
	rowAt      []int     // where the products of a candidate with all of them start, 0 for not yet
	products   []float32
}

func newSolver(g *gram, cfg Config) *solver {
	return &solver{gram: g, cfg: cfg, place: make([]int32, len(g.diagonal))}
}

// solve returns the keys of the weights for item j that are kept, in any order. The next call
// overwrites them.
func (s *solver) solve(j int32) []uint64 {
	s.choose(j)
	s.descend()
	s.keys = s.keys[:0]
	for k, i := range s.candidates {
		if w := s.weight[k]; w > 0 {
			s.keys = append(s.keys, topk.Key(w, i))
		}
		s.place[i] = 0
	}
	if s.cfg.Neighbors > 0 {
		return topk.Select(s.keys, s.cfg.Neighbors)
	}
	return s.keys
}

// choose lists the candidates for item j.
func (s *solver) choose(j int32) {
	others, products := s.row(j)
	s.keys = s.keys[:0]
	for k, i := range others {
		if p := products[k]; float64(p) > s.cfg.L1 {
			cosine := float64(p) / math.Sqrt(float64(s.diagonal[i])) // but for the norm of j
			s.keys = append(s.keys, topk.Key(float32(cosine), i))
		}
	}
	s.candidates, s.weight, s.rest, s.rowAt = s.candidates[:0], s.weight[:0], s.rest[:0], s.rowAt[:0]
	for k, key := range topk.Best(s.keys, s.cfg.Candidates) {
		i := topk.Position(key)
		s.place[i] = int32(k) + 1
		s.candidates = append(s.candidates, i)
		s.weight, s.rest, s.rowAt = append(s.weight, 0), append(s.rest, 0), append(s.rowAt, 0)
	}
	for k, i := range others {
		if at := s.place[i]; at > 0 {
			s.rest[at-1] = products[k]
		}
	}
	s.products = s.products[:0]
}

// descend moves one weight after the other to where the objective is smallest, the others
// being what they are, until none moves by much.
func (s *solver) descend() {
	largest := simd.Max(s.rest)
	l1, l2, enough := float32(s.cfg.L1), float32(s.cfg.L2), float32(s.cfg.Tolerance)*largest
	for range s.cfg.Sweeps {
		moved := float32(0)
		for k, i := range s.candidates {
			d, old := s.diagonal[i], s.weight[k]
			curvature := d + l2
			next := max(0, (s.rest[k]+float32(d*old)-l1)/curvature)
			if next == old {
				continue
			}
			step := next - old
			s.weight[k] = next
			simd.Axpy(-step, s.productsOf(k), s.rest)
			moved = max(moved, float32(abs(step)*curvature))
		}
		if moved <= enough {
			return
		}
	}
}

func abs(x float32) float32 { return max(x, -x) }

// productsOf returns the products of candidate k with all candidates. To gather them is most of
// the work, so it takes no branch: what is no candidate goes to a place before the row.
func (s *solver) productsOf(k int) []float32 {
	n := len(s.candidates)
	if at := s.rowAt[k]; at > 0 {
		return s.products[at : at+n]
	}
	at := len(s.products)
	s.products = slices.Grow(s.products, n+1)[:at+n+1]
	s.rowAt[k] = at + 1
	row := s.products[at:]
	clear(row)
	others, products := s.row(s.candidates[k])
	products = products[:len(others)]
	for l, i := range others {
		row[s.place[i]] = products[l]
	}
	row = row[1:]
	row[k] = s.diagonal[s.candidates[k]]
	return row
}
