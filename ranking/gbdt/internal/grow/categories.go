package grow

import (
	"cmp"
	"slices"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
)

// bucket is a category on trial.
type bucket struct {
	bin  int
	sum  int64
	rows float64
	mean float64
}

// categories looks at splits of a categorical column: one category against all others if
// there are few; else a run of the categories in the order of their mean gradient, from either
// end. What has no bin of its own always goes right.
func (s *searcher) categories(f *bins.Feature, h []int64, c int32) split {
	var best split
	var top float64
	if len(f.Categories) <= s.g.cfg.OneHot {
		top = s.oneCategory(&best, f, h, c, s.floor)
	} else {
		top = s.manyCategories(&best, f, h, c, s.floor)
	}
	best.categorical = true
	s.settle(&best, top)
	return best
}

func (s *searcher) oneCategory(best *split, f *bins.Feature, h []int64, c int32, top float64) float64 {
	for b, v := range h[:len(f.Categories)] {
		if loss, ok := s.sides(v, whole(s.rows(c, b, v)), s.g.cfg.L2, 0); ok && loss > top {
			top = loss
			best.left, best.set = v, [4]uint64{}
			best.set[b/64] = 1 << (b % 64)
		}
	}
	return top
}

func (s *searcher) manyCategories(best *split, f *bins.Feature, h []int64, c int32, top float64) float64 {
	cfg := &s.g.cfg
	var memory [bins.MaxBins]bucket
	order := memory[:0]
	for b, v := range h[:len(f.Categories)] {
		n := s.rows(c, b, v)
		if whole(n) < max(cfg.CatSmooth, 1) {
			continue
		}
		g, w := s.real(v)
		order = append(order, bucket{b, v, n, g / (w + cfg.CatSmooth)})
	}
	slices.SortFunc(order, func(a, b bucket) int {
		if d := cmp.Compare(a.mean, b.mean); d != 0 {
			return d
		}
		return a.bin - b.bin
	})
	l2 := cfg.L2 + cfg.CatL2
	most := min(cfg.MaxCategories, (len(order)+1)/2)
	taken, backwards := 0, false
	for _, back := range [2]bool{false, true} {
		var left int64
		var n, group float64
		for i := range most {
			k := &order[i]
			if back {
				k = &order[len(order)-1-i]
			}
			left += k.sum
			n += k.rows
			group += k.rows
			if float64(s.l.count())-whole(n) < float64(cfg.MinRowsPerSide) {
				break
			}
			if whole(group) < float64(cfg.MinRowsPerSide) {
				continue
			}
			loss, ok := s.sides(left, whole(n), l2, 0)
			if !ok {
				continue
			}
			group = 0
			if loss > top {
				top = loss
				best.left, best.several = left, true
				taken, backwards = i+1, back
			}
		}
	}
	best.set = [4]uint64{}
	for i := range taken {
		b := order[i].bin
		if backwards {
			b = order[len(order)-1-i].bin
		}
		best.set[b/64] |= 1 << (b % 64)
	}
	return top
}
