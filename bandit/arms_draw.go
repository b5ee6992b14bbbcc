package bandit

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/fmath"
)

// Draw appends to dst a list of min(k, len(arms)) of arms, which are distinct, filled place by place as a [Policy] fills a slate: each arm
// comes to a place with the probability that [Arms.Probabilities] of the arms that are left would tell. The caller sets
// Reward of each outcome and gives it to Update. A k that is not > 0 gives none.
//
// [Thompson] and [GaussianThompson], and a [Cascade] of them, draw a value for each arm that is left and take the highest, which has
// that very probability and is about a hundred times as fast as computing it: then Propensity is 0, not known. Other algorithms
// compute it and say it. A list looks at what has been learned once, which makes it cheaper than k calls of Probabilities.
func (a *Arms) Draw(dst []Outcome, arms []uint64, k int, rng *rand.Rand) []Outcome {
	return a.draw(dst, arms, k, rng, true)
}

// DrawOnce is Draw, but the algorithms that draw values draw one for each arm and take the k highest, as Thompson sampling of lists
// is published. Its regret is somewhat below that of values drawn anew at each place, which a [Policy] takes because it
// knows their probabilities: an arm that is probably bad has one chance to come and not k.
//
// Source: Zhong, Chueng and Tan, "Thompson Sampling Algorithms for Cascading Bandits", JMLR 22, 2021, Algorithm 1.
func (a *Arms) DrawOnce(dst []Outcome, arms []uint64, k int, rng *rand.Rand) []Outcome {
	return a.draw(dst, arms, k, rng, false)
}

func (a *Arms) draw(dst []Outcome, arms []uint64, k int, rng *rand.Rand, anew bool) []Outcome {
	v := &a.v
	a.look(arms)
	x, sampled := a.alg.(sampler)
	if c, ok := a.alg.(Cascade); ok {
		x, sampled = c.Of.(sampler)
	}
	for place := range min(k, len(arms)) {
		i, p := 0, 1.0
		switch {
		case len(v.open) == 1:
		case sampled:
			if anew || place == 0 {
				v.chances()
				x.sample(v, rng)
			}
			i, p = highest(v.p), 0
		default:
			v.chances()
			a.alg.choose(v)
			v.normalize()
			v.fresh = false
			i = drawn(v.p, unit(rng.Uint64()))
			p = v.p[i]
		}
		dst = append(dst, Outcome{Arm: v.arms[v.open[i]], Propensity: p, Choices: len(v.open), Place: place})
		v.open = append(v.open[:i], v.open[i+1:]...)
		v.p = append(v.p[:min(i, len(v.p))], v.p[min(i+1, len(v.p)):]...)
	}
	return dst
}

// highest returns the index of the largest value, the first of several.
func highest(x []float64) int {
	best := 0
	for i, value := range x {
		if value > x[best] {
			best = i
		}
	}
	return best
}

// look readies the view for arms, all of them open.
func (a *Arms) look(arms []uint64) {
	v := &a.v
	v.open, v.rows = sized(v.open, len(arms)), sized(v.rows, len(arms))
	for i := range v.open {
		v.open[i], v.rows[i] = int32(i), int32(i)
	}
	v.arms = append(v.arms[:0], arms...)
	a.l.look(v)
	v.fresh = true
}

// sampler is an algorithm that can draw a value for each row, of which the highest has the probability that choose would tell,
// without computing it.
type sampler interface {
	// sample writes the values of v.open to v.p.
	sample(v *view, rng *rand.Rand)
}

func (a Thompson) sample(v *view, rng *rand.Rand) {
	alpha, beta := orOne(a.Alpha), orOne(a.Beta)
	for i, j := range v.open {
		v.p[i] = logOdds(alpha+max(v.s[j], 0), beta+max(v.n[j]-v.s[j], 0), rng)
	}
}

func (a GaussianThompson) sample(v *view, rng *rand.Rand) {
	sd, noise := orOne(a.SD), orOne(a.Noise)
	ratio := noise / sd
	weight := float64(ratio * ratio)
	for i, j := range v.open {
		n := weight + max(v.n[j], 0)
		mean := (float64(weight*a.Mean) + v.s[j]) / n
		v.p[i] = mean + float64(noise/math.Sqrt(n)*rng.NormFloat64())
	}
}

// logOdds draws x from Beta(alpha, beta) and returns ln(x/(1-x)), which tells apart values next to 0 and to 1.
func logOdds(alpha, beta float64, rng *rand.Rand) float64 {
	a, lift := gamma(alpha, rng)
	b, drop := gamma(beta, rng)
	return fmath.Log(a/b) + lift - drop
}

// gamma draws x·exp(lift) from the Gamma distribution of the shape and scale 1; lift is 0 for shapes from 1.
//
// Source: Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26, 2000, section 6 for
// shapes below 1.
func gamma(shape float64, rng *rand.Rand) (x, lift float64) {
	if shape < 1 {
		lift = fmath.Log(unit(rng.Uint64())) / shape
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		z := rng.NormFloat64()
		v := 1 + float64(c*z)
		if v <= 0 {
			continue
		}
		v = float64(float64(v*v) * v)
		u, square := unit(rng.Uint64()), float64(z*z)
		if u < 1-float64(0.0331*float64(square*square)) ||
			fmath.Log(u) < float64(square/2)+float64(d*(1-v+fmath.Log(v))) {
			return d * v, lift
		}
	}
}
