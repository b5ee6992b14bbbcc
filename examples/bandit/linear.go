package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/bandit"
)

// linearPolicy is what a name says for linear models: a bound, a posterior or a greedy choice with noise.
type linearPolicy struct {
	kind  byte    // 'u': bound of width scale; 't': draw from the posterior of that scale; 'e': epsilon-greedy
	scale float64 // of 'e': ε
}

func parseLinear(name string) (linearPolicy, error) {
	if x, ok := parameter(name, "linucb_"); ok {
		return linearPolicy{'u', x}, nil
	}
	if x, ok := parameter(name, "lints_"); ok {
		return linearPolicy{'t', x}, nil
	}
	if x, ok := epsilonOf(name); ok && x <= 1 {
		return linearPolicy{'e', x}, nil
	}
	return linearPolicy{}, fmt.Errorf("policy %q is unknown for linear rewards; want one like linucb_0.5, lints_0.5, eps_0.1 or random", name)
}

// disjoint is an environment of contexts and a parameter for each arm.
type disjoint struct {
	theta    [][]float64
	logistic bool // the product is the log-odds of a reward of 1
	noise    float64
	ridge    float64
}

func newDisjoint(s *spec, logistic bool) (*disjoint, error) {
	theta, err := matrix(s.Theta)
	if err != nil {
		return nil, err
	}
	ridge, err := s.ridge()
	if err != nil {
		return nil, err
	}
	if err := drawnAs("context", s.Context, "x~N(0,I_d)/sqrt(d), x[0]=1"); err != nil {
		return nil, err
	}
	return &disjoint{theta, logistic, s.Noise, ridge}, nil
}

func (w *disjoint) start(policy string, chance, choice *rand.Rand) (func() (float64, error), error) {
	p, err := parseLinear(policy)
	if err != nil {
		return nil, err
	}
	k, d := len(w.theta), len(w.theta[0])
	arms, err := bandit.NewLinearArms(k, d, bandit.RidgeConfig{Lambda: w.ridge})
	if err != nil {
		return nil, err
	}
	c := &disjointChoice{p, arms, make([]float64, k), make([]float64, k)}
	x, means := make([]float64, d), make([]float64, k)
	return func() (float64, error) {
		gaussian(x, d, chance)
		x[0] = 1
		best := math.Inf(-1)
		for i, theta := range w.theta {
			means[i] = dot(x, theta)
			if w.logistic {
				means[i] = 1 / (1 + math.Exp(-means[i]))
			}
			best = max(best, means[i])
		}
		arm := c.arm(x, choice)
		reward := 0.0
		if w.logistic {
			reward = coin(means[arm], chance)
		} else {
			reward = means[arm] + w.noise*chance.NormFloat64()
		}
		return best - means[arm], arms.Update(arm, x, reward)
	}, nil
}

// disjointChoice chooses among the arms at a context.
type disjointChoice struct {
	linearPolicy
	m              *bandit.LinearArms
	mean, variance []float64
}

func (c *disjointChoice) arm(x []float64, r *rand.Rand) int {
	switch {
	case c.kind == 'u':
		return c.m.UCB(x, c.scale)
	case c.kind == 't':
		return c.m.Thompson(x, c.scale, r)
	case r.Float64() < c.scale:
		return r.IntN(c.m.Len())
	}
	c.m.Moments(c.mean, c.variance, x)
	return anyHighest(c.mean, r)
}

// anyHighest returns the index of the largest value, one of several at random: while no arm has had a reward, all
// are alike, and the first one would be tried alone.
func anyHighest(x []float64, r *rand.Rand) int {
	best, ties := 0, 1
	for i, v := range x[1:] {
		switch {
		case v > x[best]:
			best, ties = i+1, 1
		case v == x[best]:
			if ties++; r.IntN(ties) == 0 {
				best = i + 1
			}
		}
	}
	return best
}

// shared is an environment of actions that are new in each round, with features, and one parameter.
type shared struct {
	theta []float64
	k     int
	noise float64
	ridge float64
}

func newShared(s *spec) (*shared, error) {
	w := &shared{k: s.K, noise: s.Noise}
	if json.Unmarshal(s.Theta, &w.theta) != nil || len(w.theta) == 0 {
		return nil, errors.New("theta: want a list of d numbers")
	}
	if s.K < 1 || s.D != 0 && s.D != len(w.theta) {
		return nil, fmt.Errorf("field K is %d, d is %d; want K >= 1, and d = %d, the length of theta", s.K, s.D, len(w.theta))
	}
	if err := drawnAs("features", s.Features, "N(0,I_d)/sqrt(d)"); err != nil {
		return nil, err
	}
	var err error
	w.ridge, err = s.ridge()
	return w, err
}

func (w *shared) start(policy string, chance, choice *rand.Rand) (func() (float64, error), error) {
	p, err := parseLinear(policy)
	if err != nil {
		return nil, err
	}
	d := len(w.theta)
	m, err := bandit.NewRidge(d, bandit.RidgeConfig{Lambda: w.ridge})
	if err != nil {
		return nil, err
	}
	s := &sharedChoice{linearPolicy: p, m: m, mean: make([]float64, w.k), variance: make([]float64, w.k), theta: make([]float64, d)}
	x := make([]float64, w.k*d)
	return func() (float64, error) {
		gaussian(x, d, chance)
		best := math.Inf(-1)
		for i := range w.k {
			best = max(best, dot(w.theta, x[i*d:]))
		}
		i, err := s.row(x, choice)
		if err != nil {
			return 0, err
		}
		mean := dot(w.theta, x[i*d:])
		return best - mean, m.Update(x[i*d:(i+1)*d], mean+w.noise*chance.NormFloat64(), 1)
	}, nil
}

// sharedChoice chooses among rows.
type sharedChoice struct {
	linearPolicy
	m              *bandit.Ridge
	mean, variance []float64
	theta          []float64
	sampler        bandit.Sampler
}

// row returns the row of x to take, of as many features each as theta has.
func (s *sharedChoice) row(x []float64, r *rand.Rand) (int, error) {
	switch {
	case s.kind == 'u':
		s.m.RowMoments(s.mean, s.variance, x)
		for i, v := range s.variance {
			s.mean[i] += s.scale * math.Sqrt(v)
		}
		return anyHighest(s.mean, r), nil
	case s.kind == 't':
		if !s.sampler.Ready(s.m) {
			return 0, errors.New("the covariance of the posterior is singular")
		}
		s.sampler.Draw(s.theta, s.scale, r)
	case r.Float64() < s.scale:
		return r.IntN(len(s.mean)), nil
	default:
		s.theta = s.m.Theta(s.theta[:0])
	}
	for i := range s.mean {
		s.mean[i] = dot(s.theta, x[i*len(s.theta):])
	}
	return anyHighest(s.mean, r), nil
}
