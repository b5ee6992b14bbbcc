package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/bandit"
)

// parameter returns the number behind a prefix of name, and whether name is made so.
func parameter(name, prefix string) (x float64, ok bool) {
	text, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && x >= 0 && x <= math.MaxFloat64
}

// epsilonOf returns the ε of a name of epsilon-greedy.
func epsilonOf(name string) (float64, bool) {
	if x, ok := parameter(name, "eps_greedy_"); ok {
		return x, true
	}
	if name == "random" {
		return 1, true
	}
	return parameter(name, "eps_")
}

// algorithm returns the policy of a name over arms without features. Its constants for bounds are those of the names; where a name has
// none, c stands for UCB1 and kl for KL-UCB.
func algorithm(name string, c, kl float64) (bandit.Algorithm, error) {
	var a bandit.Algorithm
	switch {
	case name == "ucb1":
		a = bandit.UCB1{C: c}
	case name == "klucb":
		a = bandit.KLUCB{C: kl}
	case name == "ts":
		a = bandit.Thompson{}
	default:
		a = parametric(name)
	}
	if a == nil {
		return nil, fmt.Errorf("policy %q is unknown; want one like eps_greedy_0.1, softmax_0.1, ucb1, klucb, sw_ucb_w800_c0.6, exp3_g0.1, ts_beta11, dts_gamma0.995 or random", name)
	}
	if err := a.Validate(); err != nil {
		return nil, fmt.Errorf("policy %q: %w", name, err)
	}
	return a, nil
}

// parametric returns the algorithm of a name with numbers, nil if there is none. A parameter of 0 must not become a default.
func parametric(name string) bandit.Algorithm {
	if x, ok := epsilonOf(name); ok {
		return bandit.MeanGreedy{Epsilon: x}
	}
	if x, ok := parameter(name, "softmax_"); ok && x > 0 {
		return bandit.Boltzmann{Temperature: x}
	}
	if x, ok := parameter(name, "ucb1_c"); ok && x > 0 {
		return bandit.UCB1{C: x}
	}
	if x, ok := parameter(name, "klucb_c"); ok {
		return bandit.KLUCB{C: x}
	}
	if x, ok := parameter(name, "exp3_g"); ok && x > 0 {
		return bandit.EXP3{Gamma: x}
	}
	if x, ok := parameter(name, "dts_gamma"); ok && x > 0 {
		return bandit.Thompson{Decay: x}
	}
	if window, c, ok := strings.Cut(strings.TrimPrefix(name, "sw_ucb_w"), "_c"); ok && strings.HasPrefix(name, "sw_ucb_w") {
		w, err := strconv.Atoi(window)
		if x, ok := parameter(c, ""); err == nil && w > 0 && ok && x > 0 {
			return bandit.SlidingUCB{Window: w, C: x}
		}
	}
	if prior, ok := strings.CutPrefix(name, "ts_beta"); ok {
		if len(prior) == 2 && !strings.Contains(prior, ",") { // a digit for each
			prior = prior[:1] + "," + prior[1:]
		}
		one, other, _ := strings.Cut(prior, ",")
		alpha, ok1 := parameter(one, "")
		beta, ok2 := parameter(other, "")
		if ok1 && ok2 && alpha > 0 && beta > 0 {
			return bandit.Thompson{Alpha: alpha, Beta: beta}
		}
	}
	return nil
}
