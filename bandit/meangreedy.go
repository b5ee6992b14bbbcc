package bandit

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys"
)

// MeanGreedy is epsilon-greedy over what has been learned: the rows whose arms have the highest mean reward share 1-ε,
// and all m rows that may come at a place share ε:
//
//	P(row | picks above) = ε/m + (1-ε)·[mean is the highest]/ties      ε = Epsilon, or min(1, Epsilon·Decline/t)
//
// t is the number of observations of the segment, of which those that decay count less. An arm without feedback has the mean Prior. [EpsilonGreedy]
// is the same rule over the order of the pipeline, without learning.
//
// Source: Auer, Cesa-Bianchi and Fischer, "Finite-time Analysis of the Multiarmed Bandit Problem", Machine
// Learning 47, 2002, figure 3 (εn-greedy: ε = min(1, cK/(d²n)), here Epsilon·Decline = cK/d²); Sutton and Barto,
// Reinforcement Learning, 2nd edition, 2018, section 2.2. Ties share, as there.
type MeanGreedy struct {
	// Epsilon is in [0, 1]. 0 is the greedy policy.
	Epsilon float64
	// Decline, >= 0, makes ε decline as 1/t once t, the observations so far, exceeds it. 0: ε stays.
	Decline float64
	// Prior is the mean reward of an arm without feedback, finite. 0 is pessimistic where rewards are >= 0; 1, with rewards up to 1,
	// has every arm tried soon.
	Prior float64
	// Decay, in (0, 1], is the factor by which the weight of an observation shrinks with each later one of its
	// segment. 0 means 1: no decay.
	Decay float64
}

var _ Algorithm = MeanGreedy{}

// Validate returns an error that names the field that is out of its domain.
func (a MeanGreedy) Validate() error {
	switch {
	case !(a.Epsilon >= 0 && a.Epsilon <= 1):
		return fieldError("MeanGreedy.Epsilon", a.Epsilon, "want 0 (greedy) to 1 (uniform)")
	case !(a.Decline >= 0) || math.IsInf(a.Decline, 0):
		return fieldError("MeanGreedy.Decline", a.Decline, "want a finite number >= 0 (0: epsilon stays)")
	case !finite([]float64{a.Prior}):
		return fieldError("MeanGreedy.Prior", a.Prior, "want a finite number")
	}
	return checkDecay("MeanGreedy.Decay", a.Decay)
}

func (a MeanGreedy) spec() spec {
	s := spec{version: version("mean-greedy/1", "e", a.Epsilon, "decline", a.Decline, "prior", a.Prior, "decay", a.Decay), lo: -widest, hi: widest}
	if a.Epsilon == 0 {
		s.class = recsys.ExplorationDeterministic
	}
	return s
}

func (a MeanGreedy) newLearner() learner { return newTally(orOne(a.Decay), 0) }

func (a MeanGreedy) choose(v *view) {
	epsilon := a.Epsilon
	if a.Decline > 0 && v.t > a.Decline {
		epsilon *= a.Decline / v.t
	}
	best, ties := math.Inf(-1), 0
	for i, j := range v.open {
		x := a.Prior
		if v.n[j] > 0 {
			x = v.s[j] / v.n[j]
		}
		v.p[i] = x
		if x > best {
			best, ties = x, 0
		}
		if x == best {
			ties++
		}
	}
	each, more := epsilon/float64(len(v.p)), (1-epsilon)/float64(ties)
	for i, x := range v.p {
		v.p[i] = each
		if x == best {
			v.p[i] += more
		}
	}
}

// fieldError says which field of an algorithm is wrong.
func fieldError(field string, value any, want string) error {
	return fmt.Errorf("bandit: %s is %v; %s", field, value, want)
}

func checkDecay(field string, x float64) error {
	if !(x >= 0 && x <= 1) {
		return fieldError(field, x, "want > 0, at most 1 (0 means 1: no decay)")
	}
	return nil
}

// version joins a name and parameters that are not 0: "ucb1/1 c=2".
func version(name string, parameters ...any) string {
	var b strings.Builder
	b.WriteString(name)
	for i := 0; i < len(parameters); i += 2 {
		if x := parameters[i+1].(float64); x != 0 {
			b.WriteString(" " + parameters[i].(string) + "=" + strconv.FormatFloat(x, 'g', -1, 64))
		}
	}
	return b.String()
}

// orOne returns x, or 1 for 0.
func orOne(x float64) float64 {
	if x == 0 {
		return 1
	}
	return x
}
