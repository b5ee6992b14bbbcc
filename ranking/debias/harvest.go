package debias

import (
	"fmt"
	"math"
)

// Random returns the click rate of each place relative to place 0: the examination, if it was chance
// that gave the rows their places. The error is a [*CountError], also when place 0 has no click.
func Random(counts []Count) (Examination, error) {
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	clicks, shown := make([]float64, n), make([]float64, n)
	for _, c := range counts {
		clicks[c.Position] += c.Clicks
		shown[c.Position] += c.Impressions
	}
	e := make(Examination, n)
	for k := range e {
		e[k] = clicks[k] / shown[k]
	}
	return e.relative()
}

// Pivot compares each place with place 0 on the pairs that were shown at both:
//
//	e_k = Σ m c_k/n_k / Σ m c_0/n_0,  m = min(n_k, n_0)
//
// over the pairs, with c clicks of n impressions. Its errors are those of [AdjacentChain].
//
// Source: Agarwal et al., WSDM 2019.
func Pivot(counts []Count) (Examination, error) {
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	r := newRatios(n)
	each(counts, func(pair []Count) {
		if pair[0].Position != 0 {
			return
		}
		for _, c := range pair[1:] {
			r.add(c.Position, pair[0], c)
		}
	})
	e := Examination{1}
	for k := 1; k < n; k++ {
		ratio, err := r.at(k, 0)
		if err != nil {
			return nil, err
		}
		e = append(e, ratio)
	}
	return e, nil
}

// AdjacentChain compares each place with the one above it, as [Pivot] does, and multiplies the ratios:
// a re-ranking moves an item by one place more often than to the top. The errors are a
// [*CountError] when no pair was shown at two places that are compared, or none of them was clicked.
//
// Source: Agarwal et al., WSDM 2019.
func AdjacentChain(counts []Count) (Examination, error) {
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	r := newRatios(n)
	each(counts, func(pair []Count) {
		for i := 1; i < len(pair); i++ {
			if pair[i].Position == pair[i-1].Position+1 {
				r.add(pair[i].Position, pair[i-1], pair[i])
			}
		}
	})
	e := Examination{1}
	for k := 1; k < n; k++ {
		ratio, err := r.at(k, k-1)
		if err != nil {
			return nil, err
		}
		e = append(e, e[k-1]*ratio)
	}
	return e, nil
}

// AllPairs compares each place with each other that shares pairs with it, and returns the examination
// that makes all those comparisons together most likely: it maximises
//
//	Σ_{j<k} Σ_{i∈{j,k}} c_i^jk log(e_i r_jk) + (m^jk - c_i^jk) log(1 - e_i r_jk)
//
// over the examination e and a relevance r_jk of each interventional set, the pairs that were shown at both j and k.
// c_i^jk is Σ m c_i/n_i over the set, m^jk is Σ m, and m = min(n_j, n_k) as in [Pivot]. So it uses every move, wherever it
// went, where [Pivot] and [AdjacentChain] use one kind each, and a place needs only a chain of moves to place 0.
// The search is expectation maximisation, to a change of 1e-10 or at most 100,000 steps, over places squared numbers.
//
// The errors are those of [EM].
//
// Source: Agarwal, Zaitsev, Wang, Li, Najork, Joachims, WSDM 2019 (all-pairs). Their weights
// 1/w(q, d, k) make each pair count as one; m counts it by how much is known of it.
func AllPairs(counts []Count) (Examination, error) {
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	if err := connected(counts, n); err != nil {
		return nil, err
	}
	type set struct{ upper, lower int }
	at, sets := map[set]int{}, []Count(nil) // two counts of each set
	each(counts, func(pair []Count) {
		for i, lower := range pair {
			for _, upper := range pair[:i] {
				s := set{upper.Position, lower.Position}
				k, ok := at[s]
				if !ok {
					k = len(sets)
					at[s] = k
					sets = append(sets, Count{Position: s.upper}, Count{Position: s.lower})
				}
				m := min(upper.Impressions, lower.Impressions)
				for j, c := range []Count{upper, lower} {
					sets[k+j].Impressions += m
					sets[k+j].Clicks += float64(m * (c.Clicks / c.Impressions))
				}
			}
		}
	})
	if n == 1 {
		return Random(counts)
	}
	of := make([]int, len(sets))
	for i := range of {
		of[i] = i / 2
		sets[i].Clicks = min(sets[i].Clicks, sets[i].Impressions) // rounding
	}
	m := newPBM(sets, of, n, len(sets)/2)
	last := make(Examination, n)
	for range 100_000 {
		copy(last, m.seen)
		m.step()
		if moved(last, m.seen) < 1e-10 {
			break
		}
	}
	return Examination(m.seen).relative()
}

// moved returns the largest change of a value relative to the first.
func moved(from, to []float64) (change float64) {
	for k := range from {
		change = max(change, math.Abs(to[k]/to[0]-from[k]/from[0]))
	}
	return change
}

// ratios sums click rates of pairs at two places, by the lower place.
type ratios struct {
	upper, lower []float64
	shared       []bool
}

func newRatios(n int) *ratios {
	return &ratios{make([]float64, n), make([]float64, n), make([]bool, n)}
}

func (r *ratios) add(k int, upper, lower Count) {
	m := min(upper.Impressions, lower.Impressions)
	r.upper[k] += float64(m * (upper.Clicks / upper.Impressions))
	r.lower[k] += float64(m * (lower.Clicks / lower.Impressions))
	r.shared[k] = true
}

func (r *ratios) at(k, above int) (float64, error) {
	switch {
	case !r.shared[k]:
		return 0, &CountError{-1, fmt.Sprintf("no pair was shown at both position %d and position %d", above, k)}
	case r.upper[k] == 0:
		return 0, &CountError{-1, fmt.Sprintf("of the pairs that were shown at both position %d and position %d, none was clicked at %d", above, k, above)}
	}
	return r.lower[k] / r.upper[k], nil
}
