package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// world is an environment. It may be played concurrently.
type world interface {
	// start begins a run of a policy. chance decides what the world does, choice what the policy does. Each call of
	// the function plays a round and returns its regret. The error says what is wrong with the policy's name.
	start(policy string, chance, choice *rand.Rand) (func() (regret float64, err error), error)
}

// world makes the environment. Its errors name the field.
func (s *spec) world() (world, error) {
	switch kind := s.Kind; {
	case strings.HasPrefix(kind, "bernoulli"):
		return newArmed(s)
	case strings.HasPrefix(kind, "disjoint linear"):
		return newDisjoint(s, false)
	case strings.HasPrefix(kind, "disjoint logistic"):
		return newDisjoint(s, true)
	case strings.HasPrefix(kind, "shared linear"):
		return newShared(s)
	case strings.HasPrefix(kind, "cascade"):
		return newCascade(s)
	}
	return nil, fmt.Errorf("kind is %q; want bernoulli, disjoint linear, disjoint logistic, shared linear or cascade at its start", s.Kind)
}

// chances checks probabilities.
func chances(field string, p []float64) error {
	if len(p) == 0 {
		return fmt.Errorf("%s is empty; want a probability for each arm", field)
	}
	for i, x := range p {
		if !(x >= 0 && x <= 1) {
			return fmt.Errorf("%s[%d] is %v; want a probability", field, i, x)
		}
	}
	return nil
}

// matrix reads rows of as many numbers each.
func matrix(text json.RawMessage) ([][]float64, error) {
	var rows [][]float64
	if json.Unmarshal(text, &rows) != nil || len(rows) == 0 || len(rows[0]) == 0 {
		return nil, errors.New("theta: want a list of d numbers for each arm")
	}
	for i, r := range rows {
		if len(r) != len(rows[0]) {
			return nil, fmt.Errorf("theta[%d] has %d numbers; want %d as theta[0]", i, len(r), len(rows[0]))
		}
	}
	return rows, nil
}

// drawnAs checks the description of a distribution: other ones than that are not known.
func drawnAs(field, text, want string) error {
	if text != "" && text != want {
		return fmt.Errorf("%s is %q; want %q", field, text, want)
	}
	return nil
}

func (s *spec) ridge() (float64, error) {
	if !(s.Noise >= 0) || !(s.Ridge >= 0) || math.IsInf(s.Noise+s.Ridge, 1) {
		return 0, fmt.Errorf("noise_sd is %v and ridge_lambda %v; want finite numbers >= 0", s.Noise, s.Ridge)
	}
	if s.Ridge == 0 {
		return 1, nil
	}
	return s.Ridge, nil
}

// gaussian fills x with normal draws of variance 1/len(x), row by row of d.
func gaussian(x []float64, d int, r *rand.Rand) {
	scale := 1 / math.Sqrt(float64(d))
	for i := range x {
		x[i] = r.NormFloat64() * scale
	}
}

func dot(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

// coin returns 1 with probability p, else 0.
func coin(p float64, r *rand.Rand) float64 {
	if r.Float64() < p {
		return 1
	}
	return 0
}
