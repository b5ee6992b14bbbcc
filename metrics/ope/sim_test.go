package ope_test

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/metrics/ope"
)

// world is a finite bandit of which everything is known: contexts of equal probability, actions
// with Bernoulli rewards, two policies and a reward model that is somewhat wrong.
type world struct {
	contexts, actions int
	mean              []float64 // expected reward, contexts x actions
	logger, target    []float64
	model             []float64
	cumulative        []float64 // of logger
}

// newWorld returns a world whose policies are softmax policies on noisy views of the rewards,
// with the given inverse temperatures; a logger of 0 is uniform, a target of +Inf deterministic.
func newWorld(seed uint64, contexts, actions int, logger, target float64) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{contexts: contexts, actions: actions}
	for range contexts {
		mean, view, other := make([]float64, actions), make([]float64, actions), make([]float64, actions)
		for a := range mean {
			mean[a] = 0.1 + 0.6*rng.Float64()
			view[a] = mean[a] + 0.2*rng.NormFloat64()
			other[a] = mean[a] + 0.2*rng.NormFloat64()
			w.model = append(w.model, 0.7*mean[a]+0.15+0.05*rng.NormFloat64())
		}
		w.mean = append(w.mean, mean...)
		w.logger = append(w.logger, softmax(view, logger)...)
		w.target = append(w.target, softmax(other, target)...)
	}
	w.cumulate()
	return w
}

func (w *world) cumulate() {
	w.cumulative = make([]float64, len(w.logger))
	for c := range w.contexts {
		sum := 0.0
		for a := range w.actions {
			sum += w.logger[c*w.actions+a]
			w.cumulative[c*w.actions+a] = sum
		}
	}
}

func softmax(xs []float64, beta float64) []float64 {
	p := make([]float64, len(xs))
	best := 0
	for a, x := range xs {
		if x > xs[best] {
			best = a
		}
	}
	if math.IsInf(beta, 1) {
		p[best] = 1
		return p
	}
	sum := 0.0
	for a, x := range xs {
		p[a] = math.Exp(beta * (x - xs[best]))
		sum += p[a]
	}
	for a := range p {
		p[a] /= sum
	}
	return p
}

// value returns the value of a policy.
func (w *world) value(policy []float64) float64 {
	sum := 0.0
	for i, p := range policy {
		sum += p * w.mean[i]
	}
	return sum / float64(w.contexts)
}

// draw fills a log with decisions of the logger. Its tables are those of the world.
func (w *world) draw(log *ope.Log[float64], n int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	if len(log.Reward) != n {
		*log = ope.Log[float64]{
			Actions: w.actions, Reward: make([]float64, n), Action: make([]int32, n), Propensity: make([]float64, n),
			Target: w.target, Model: w.model, Context: make([]int32, n),
		}
	}
	for i := range n {
		c := rng.IntN(w.contexts)
		at := c * w.actions
		u, a := rng.Float64(), 0
		for a < w.actions-1 && u >= w.cumulative[at+a] {
			a++
		}
		log.Context[i], log.Action[i], log.Propensity[i], log.Reward[i] = int32(c), int32(a), w.logger[at+a], 0
		if rng.Float64() < w.mean[at+a] {
			log.Reward[i] = 1
		}
	}
}

// spread returns the log with a row of the tables per decision.
func spread[F ope.Float](log ope.Log[float64]) ope.Log[F] {
	to := func(xs []float64) []F {
		if xs == nil {
			return nil
		}
		ys := make([]F, len(xs))
		for i, x := range xs {
			ys[i] = F(x)
		}
		return ys
	}
	rows := func(table []float64) []F {
		if table == nil {
			return nil
		}
		var out []F
		for _, c := range log.Context {
			out = append(out, to(table[int(c)*log.Actions:][:log.Actions])...)
		}
		return out
	}
	return ope.Log[F]{
		Actions: log.Actions, Reward: to(log.Reward), Action: log.Action, Propensity: to(log.Propensity),
		Target: rows(log.Target), Model: rows(log.Model), Logger: rows(log.Logger), Weight: to(log.Weight),
		Stratum: log.Stratum, Average: to(log.Average),
	}
}
