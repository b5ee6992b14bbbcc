package bandit

import (
	"math"
	"math/rand/v2"
)

// sampler is an algorithm that chooses as if each arm drew a value and the highest came.
type sampler interface {
	// value draws for an arm of n observations and the sum s of rewards.
	value(rng *rand.Rand, n, s float64) float64
}

// Draw returns the index of an arm, drawn as a [Policy] draws it. Where the chances themselves are not wanted, as in a
// simulation, it is quicker than [Arms.Probabilities] and [Pick]: Thompson sampling draws a value for each arm instead of integrating
// (BenchmarkThompsonArms). arms are distinct, and not empty.
func (a *Arms) Draw(arms []uint64, rng *rand.Rand) int {
	x, ok := a.alg.(sampler)
	if !ok {
		a.p = a.Probabilities(a.p, arms)
		return Pick(a.p, unit(rng.Uint64()))
	}
	v := &a.v
	v.arms = append(v.arms[:0], arms...)
	a.l.look(v)
	best, at := math.Inf(-1), 0
	for i := range arms {
		if value := x.value(rng, v.n[i], v.s[i]); value > best {
			best, at = value, i
		}
	}
	return at
}

// value draws the log-odds of a Beta variable: the order is the same, and small parameters do not underflow.
func (a Thompson) value(rng *rand.Rand, n, s float64) float64 {
	return logGamma(rng, orOne(a.Alpha)+max(s, 0)) - logGamma(rng, orOne(a.Beta)+max(n-s, 0))
}

func (a GaussianThompson) value(rng *rand.Rand, n, s float64) float64 {
	mean, sd := a.belief(n, s)
	return mean + float64(sd*rng.NormFloat64())
}
