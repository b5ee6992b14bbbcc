package ope_test

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/metrics/ope"
)

// slateWorld is one context with a few items, in which both policies are Plackett–Luce, so that all
// slates can be enumerated.
type slateWorld struct {
	items, places  int
	logger, target []float64 // logits
}

func newSlateWorld(seed uint64, items, places int) slateWorld {
	r := rand.New(rand.NewPCG(seed, 1))
	w := slateWorld{items: items, places: places, logger: make([]float64, items), target: make([]float64, items)}
	for i := range items {
		w.logger[i], w.target[i] = 0.7*r.NormFloat64(), 0.7*r.NormFloat64()
	}
	return w
}

// luce returns the policy of the logits.
func luce(logits []float64) ope.SlatePolicy {
	return func(dst []float64, above []int32) {
		var total float64
		for a, u := range logits {
			dst[a] = math.Exp(u)
			for _, b := range above {
				if int(b) == a {
					dst[a] = 0
				}
			}
			total += dst[a]
		}
		for a := range dst {
			dst[a] /= total
		}
	}
}

// independent returns a policy that fills each place without a look at the others.
func independent(dist [][]float64) ope.SlatePolicy {
	return func(dst []float64, above []int32) { copy(dst, dist[len(above)]) }
}

// each calls f for every slate of the policy.
func (w slateWorld) each(policy ope.SlatePolicy, f func(slate []int32, p float64)) {
	var walk func(slate []int32, p float64)
	walk = func(slate []int32, p float64) {
		if len(slate) == w.places {
			f(slate, p)
			return
		}
		dst := make([]float64, w.items)
		policy(dst, slate)
		for a, x := range dst {
			if x > 0 {
				walk(append(slate[:len(slate):len(slate)], int32(a)), p*x)
			}
		}
	}
	walk(nil, 1)
}

// placeProbabilities returns the probability of each item at each place.
func (w slateWorld) placeProbabilities(policy ope.SlatePolicy) [][]float64 {
	out := make([][]float64, w.places)
	for k := range out {
		out[k] = make([]float64, w.items)
	}
	w.each(policy, func(slate []int32, p float64) {
		for k, a := range slate {
			out[k][a] += p
		}
	})
	return out
}

// slate returns a logged slate with all that estimators read but a model.
func (w slateWorld) slate(items []int32, rewards []float64, place, placeTarget [][]float64) ope.Slate {
	s := ope.Slate{Reward: rewards}
	dst := make([]float64, w.items)
	for k, a := range items {
		luce(w.logger)(dst, items[:k])
		s.Propensity = append(s.Propensity, dst[a])
		luce(w.target)(dst, items[:k])
		s.Target = append(s.Target, dst[a])
		s.PlacePropensity = append(s.PlacePropensity, place[k][a])
		s.PlaceTarget = append(s.PlaceTarget, placeTarget[k][a])
	}
	return s
}

// value returns what the policy earns per slate.
func (w slateWorld) value(policy ope.SlatePolicy, reward func(slate []int32, k int) float64) float64 {
	var v float64
	w.each(policy, func(slate []int32, p float64) {
		for k := range slate {
			v += p * reward(slate, k)
		}
	})
	return v
}

// draw returns a slate of the policy.
func (w slateWorld) draw(r *rand.Rand, policy ope.SlatePolicy) []int32 {
	dst := make([]float64, w.items)
	var slate []int32
	for range w.places {
		policy(dst, slate)
		u := r.Float64()
		pick := -1
		for a, p := range dst {
			if p > 0 {
				pick = a
				if u < p {
					break
				}
				u -= p
			}
		}
		slate = append(slate, int32(pick))
	}
	return slate
}
