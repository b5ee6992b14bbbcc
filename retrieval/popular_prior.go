package retrieval

import "github.com/recsyskit/recsys/internal/fmath"

// counts are what the items of a part have, those that have any.
type counts struct {
	items []int32 // positions, ascending
	n     []float64
	total float64
}

func nonzero(dense []float64) counts {
	var c counts
	for i, n := range dense {
		if n > 0 {
			c.items, c.n, c.total = append(c.items, int32(i)), append(c.n, n), c.total+n
		}
	}
	return c
}

// The precision that is looked for: it is a factor of 1.02 wide in the end.
const (
	leastPrior, mostPrior = 0.01, 1e8
	priorTolerance        = 1.02
)

// likeliestPrior returns the precision s of the Dirichlet distribution with the mean m =
// all/total under which the counts of the parts are most likely: where the derivative of
//
//	Σ_parts  lnΓ(s) - lnΓ(s + n) + Σ_items lnΓ(s m_i + n_i) - lnΓ(s m_i)
//
// changes its sign, by bisection of log s. Items that all lacks tell nothing.
func likeliestPrior(all []float64, total float64, parts []counts) float64 {
	if total == 0 || len(parts) == 0 {
		return 1
	}
	rising := func(s float64) bool {
		slope := 0.0
		for i := range parts {
			c := &parts[i]
			known := c.total
			for j, n := range c.n {
				m := all[c.items[j]] / total
				if m == 0 {
					known -= n
					continue
				}
				a := s * m
				slope += float64(m * (digamma(a+n) - digamma(a)))
			}
			slope -= digamma(s+known) - digamma(s)
		}
		return slope > 0
	}
	low, high := fmath.Log(leastPrior), fmath.Log(mostPrior)
	for high-low > fmath.Log(priorTolerance) {
		middle := (low + high) / 2
		if rising(fmath.Exp(middle)) {
			low = middle
		} else {
			high = middle
		}
	}
	return fmath.Exp((low + high) / 2)
}

// digamma returns the derivative of lnΓ at x > 0, to some ten digits: it is brought above 6
// by ψ(x) = ψ(x+1) - 1/x, where the asymptotic series holds (Abramowitz and Stegun, 6.3.5
// and 6.3.18).
func digamma(x float64) float64 {
	below := 0.0
	for ; x < 6; x++ {
		below += 1 / x
	}
	r := 1 / float64(x*x)
	series := float64(r * (1./12 - float64(r*(1./120-float64(r*(1./252-float64(r*(1./240-float64(r/132)))))))))
	return fmath.Log(x) - 0.5/x - series - below
}
