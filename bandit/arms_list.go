package bandit

import "math/rand/v2"

// List appends to dst a list of min(k, len(arms)) of arms, which are distinct, filled place by place as a [Policy] fills a slate: each arm
// comes to a place with the probability that [Arms.Probabilities] of the arms that are left would tell. The caller sets
// Reward of each outcome and gives it to Update. A k that is not > 0 gives none.
//
// As for [Arms.Draw], [Thompson] and [GaussianThompson], and a [Cascade] of them, draw a value for each arm that is left and take the
// highest: then Propensity is 0, not known. Other algorithms tell it. A list looks at what has been learned once, which makes it
// cheaper than k calls of Probabilities.
func (a *Arms) List(dst []Outcome, arms []uint64, k int, rng *rand.Rand) []Outcome {
	return a.list(dst, arms, k, rng, true)
}

// ListOnce is List, but the algorithms that draw values draw one for each arm and take the k highest, as Thompson sampling of lists
// is published. Its regret is somewhat below that of values drawn anew at each place, which a [Policy] takes because it
// knows their probabilities: an arm that is probably bad has one chance to come and not k.
//
// Source: Zhong, Chueng and Tan, "Thompson Sampling Algorithms for Cascading Bandits", JMLR 22, 2021, Algorithm 1.
func (a *Arms) ListOnce(dst []Outcome, arms []uint64, k int, rng *rand.Rand) []Outcome {
	return a.list(dst, arms, k, rng, false)
}

func (a *Arms) list(dst []Outcome, arms []uint64, k int, rng *rand.Rand, anew bool) []Outcome {
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
				for at, j := range v.open {
					v.p[at] = x.value(rng, v.n[j], v.s[j])
				}
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
		if sampled && len(v.p) > i {
			v.p = append(v.p[:i], v.p[i+1:]...)
		}
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
