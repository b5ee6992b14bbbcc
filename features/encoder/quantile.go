package encoder

import (
	"math/rand/v2"
	"slices"
)

// sample keeps the finite values of each component of a column: all of them up to a size, and beyond it a
// uniform sample (Vitter, ACM TOMS 11(1), 1985, algorithm R) that depends on the seed alone.
type sample struct {
	size   int
	values [][]float32 // by component
	seen   []uint64
	rng    *rand.Rand
}

func newSample(cfg *FitConfig, dim int) sample {
	size := cfg.Sample
	if size == 0 {
		size = defaultSample
	}
	return sample{size: size, values: make([][]float32, dim), seen: make([]uint64, dim), rng: newRand(cfg.Seed)}
}

func (s *sample) observe(n int, a *lane) {
	for i := range n {
		for j, x := range a.row(i) {
			if x-x != 0 {
				continue
			}
			s.seen[j]++
			if len(s.values[j]) < s.size {
				s.values[j] = append(s.values[j], x)
			} else if at := s.rng.Uint64N(s.seen[j]); at < uint64(s.size) {
				s.values[j][at] = x
			}
		}
	}
}

// sorted returns the values of component j in ascending order.
func (s *sample) sorted(j int) []float32 {
	slices.Sort(s.values[j])
	return s.values[j]
}

// quantile returns the q-quantile of values in ascending order, linear between order statistics.
//
// Source: Hyndman and Fan, The American Statistician 50(4), 1996, definition 7.
func quantile(sorted []float32, q float64) float64 {
	at := float64(q * float64(len(sorted)-1))
	low := int(at)
	if low+1 >= len(sorted) {
		return float64(sorted[len(sorted)-1])
	}
	a, b := float64(sorted[low]), float64(sorted[low+1])
	return a + float64((at-float64(low))*(b-a))
}
