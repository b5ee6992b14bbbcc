package ope

// resampler draws how often each row counts in each resample: Poisson(1), which makes the
// resamples those of the bootstrap up to their size, and lets a log be read once, in any
// number of parts.
type resampler struct {
	seed   uint64
	counts []float64      // rows drawn per resample
	table  [1 << 16]uint8 // the Poisson count of a 16-bit uniform
	draws  [blockRows]float64
}

func newResampler(resamples int, seed uint64) *resampler {
	r := &resampler{seed: seed, counts: make([]float64, resamples)}
	const inverseE = 0.36787944117144233
	p, cumulative, k := inverseE, inverseE, 0
	for i := range r.table {
		// The mid-point of the i-th cell.
		for u := (float64(i) + 0.5) / float64(len(r.table)); u > cumulative; {
			k++
			p /= float64(k)
			cumulative += p
		}
		r.table[i] = uint8(k)
	}
	return r
}

// bootSums returns how many sums a resample of the estimator takes.
func (e Estimator) bootSums() int {
	if e.ratio {
		return 3
	}
	return 1
}

// add adds the rows of b, whose terms stand in w, to all resamples. The draws of a block are a
// function of the seed, the block's first row and the resample.
func (r *resampler) add(s *state, b *block, w *work) {
	n := len(r.counts)
	for i := range n {
		draws := r.draw(b.n, mix(r.seed+0x9e3779b97f4a7c15*uint64(b.first))^mix(uint64(i)+0xbf58476d1ce4e5b9))
		r.counts[i] += sum(draws)
		for k, e := range s.estimators {
			t := &s.terms[k]
			x := w.arrays[k].x[:b.n]
			if !e.ratio {
				t.boot[i] += dot(x, draws)
				continue
			}
			if e.model {
				t.boot[i] += dot(b.direct[:b.n], draws)
			}
			t.boot[n+i] += dot(x, draws)
			t.boot[2*n+i] += dot(e.weightsOf(b), draws)
		}
	}
}

// draw returns n counts, four per 64 bits of SplitMix64.
//
// Source: Steele, Lea and Flood, OOPSLA 2014, figure 17, for the generator.
func (r *resampler) draw(n int, state uint64) []float64 {
	for i := 0; i < n; i += 4 {
		state += 0x9e3779b97f4a7c15
		u := mix(state)
		r.draws[i] = float64(r.table[u&0xffff])
		r.draws[i+1] = float64(r.table[u>>16&0xffff])
		r.draws[i+2] = float64(r.table[u>>32&0xffff])
		r.draws[i+3] = float64(r.table[u>>48])
	}
	return r.draws[:n]
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
