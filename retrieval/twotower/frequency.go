package twotower

import "math"

// frequency estimates how likely an item is in a batch, from the batches that went by: it
// averages the number of steps between two batches that have the item.
//
// Source: Yi et al., RecSys 2019, algorithm 2. Items have a slot each here, so that its several
// hash functions, which guard against collisions, are not needed. The average starts at
// what the counts of the training say in place of a constant.
type frequency struct {
	rate     float32
	last     []int32   // A: the last step that had the item
	interval []float32 // B
}

// newFrequency returns the estimate before the first step: counts[i] examples of all have
// item i, and a batch takes as many examples. Items without examples get the interval of one
// example.
func newFrequency(counts []int32, batch int, rate float64) *frequency {
	f := &frequency{rate: float32(rate), last: make([]int32, len(counts)), interval: make([]float32, len(counts))}
	total := 0.0
	for _, n := range counts {
		total += float64(n)
	}
	for i, n := range counts {
		// 1 / (1 - (1-p)^batch), as steps between batches that have the item.
		p := max(float64(n), 1) / max(total, 1)
		absent := 1.0
		for b, x := batch, 1-min(p, 1); b > 0; b >>= 1 { // (1-p)^batch by squares
			if b&1 != 0 {
				absent *= x
			}
			x *= x
		}
		f.interval[i] = float32(1 / max(1-absent, 1e-12))
	}
	return f
}

// see says that the batch of step t = 1, 2, … has the item; once per batch.
func (f *frequency) see(item int32, t int) {
	gap := float32(t - int(f.last[item]))
	if f.last[item] == 0 { // nothing is known of the time before the first sight
		gap = f.interval[item]
	}
	f.interval[item] += float32(f.rate * (gap - f.interval[item]))
	f.last[item] = int32(min(t, math.MaxInt32))
}

// probability returns the estimate, in (0, 1].
func (f *frequency) probability(item int32) float64 {
	return 1 / max(float64(f.interval[item]), 1)
}
