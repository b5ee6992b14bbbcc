package bandit

import (
	"fmt"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
)

// Bootstrap is how decisions are weighted for the members of a bootstrapped ensemble, one decision at a time. The zero value
// is [DoubleOrNothing].
type Bootstrap uint8

const (
	// DoubleOrNothing gives a decision weight 2 or 0, each with probability 1/2: half of the members never see it.
	// Source: Owen and Eckles, "Bootstrapping Data Arrays of Arbitrary Order", Annals of Applied Statistics
	// 6, 2012 (weights of 0 or 2); Eckles and Kaptein, "Bootstrap Thompson Sampling and Sequential Decision Problems in the Behavioral
	// Sciences", SAGE Open 9, 2019.
	DoubleOrNothing Bootstrap = iota
	// Poisson gives a decision a weight of Poisson distribution, of mean 1.
	// Source: Oza and Russell, "Online Bagging and Boosting", AISTATS 2001.
	Poisson
	// NoBootstrap gives every decision weight 1: members differ by what they are.
	NoBootstrap
)

// Validate returns an error if b is none of the constants.
func (b Bootstrap) Validate() error {
	if b > NoBootstrap {
		return fmt.Errorf("bandit: Bootstrap is %d; want DoubleOrNothing, Poisson or NoBootstrap", uint8(b))
	}
	return nil
}

// String returns "double-or-nothing", "poisson" or "none".
func (b Bootstrap) String() string {
	switch b {
	case Poisson:
		return "poisson"
	case NoBootstrap:
		return "none"
	}
	return "double-or-nothing"
}

// Weight returns how often a decision, named by the request's ID, counts for a member: mean 1, variance 1 (but for NoBootstrap). It is a hash of
// its arguments, so that the same decision has the same weight whenever its feedback comes, and
// members that are trained from logs take the same weights as members that learn online.
func (b Bootstrap) Weight(seed uint64, decision string, member int) int {
	h := hash.Combine(hash.String(seed, decision), uint64(member))
	switch b {
	case NoBootstrap:
		return 1
	case Poisson:
		u, k := unit(h), 0
		for p := fmath.Exp(-1); u >= p && k < 20; p /= float64(k) {
			u -= p
			k++
		}
		return k
	}
	return int(h>>63) * 2
}
