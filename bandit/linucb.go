package bandit

import (
	"math"

	"github.com/recsyskit/recsys"
)

// LinUCB takes the row with the highest upper confidence bound of a linear regression of rewards on features x:
//
//	xᵀθ + Alpha·√(xᵀA⁻¹x)      A = λI + Σ x·xᵀ, θ = A⁻¹·Σ r·x
//
// with a θ and an A for each arm, or one for all; see [LinearModel].Shared. Rows of equal bound share the probability; apart
// from ties the policy does not explore by chance, so its propensities are deterministic and its log has no support
// for another policy.
//
// A slate costs d² operations for each row of the window, learning 4d² for each shown item, in float64: 100 arms of 64 features
// take some tens of microseconds.
//
// Source: Li, Chu, Langford and Schapire, "A Contextual-Bandit Approach to Personalized News Article
// Recommendation", WWW 2010, Algorithm 1; the shared model is theirs where all features are the action's (its
// Algorithm 2 has both). Alpha = 1 + √(ln(2/δ)/2) gives a bound of confidence 1-δ.
type LinUCB struct {
	Model LinearModel
	// Alpha is the width of the bound, finite and >= 0, in standard deviations of the estimate for noise of variance
	// 1. 0 means 1; for none there is [LinGreedy].
	Alpha float64
}

var _ Algorithm = LinUCB{}

// Validate returns an error that names the field that is out of its domain.
func (a LinUCB) Validate() error {
	if !(a.Alpha >= 0) || math.IsInf(a.Alpha, 0) {
		return fieldError("LinUCB.Alpha", a.Alpha, "want a finite number > 0 (0 means 1)")
	}
	return a.Model.Validate()
}

func (a LinUCB) spec() spec {
	return spec{
		version: version("linucb/1", "alpha", a.Alpha) + a.Model.version(), class: recsys.ExplorationDeterministic,
		lo: -widest, hi: widest,
	}
}

func (a LinUCB) newLearner() learner { return newLinear(a.Model, false) }

func (a LinUCB) choose(v *view) {
	x, alpha := contextsOf(v), orOne(a.Alpha)
	for i, j := range v.open {
		v.p[i] = x.mean[j] + float64(alpha*math.Sqrt(x.variance[j]))
	}
	v.best()
}

func (a LinUCB) bind(s *recsys.Schema) (Algorithm, error) {
	m, err := a.Model.bound(s)
	a.Model = m
	return a, err
}

func (a LinUCB) columns() *layout { return a.Model.layout }

func (a LinUCB) context(dst []float64, q *recsys.Query, c *recsys.Candidates, row int32) []float64 {
	return a.Model.layout.append(dst, q, c, row)
}

// LinGreedy is epsilon-greedy over a linear regression of rewards on features: the rows with the highest mean xᵀθ share 1-ε,
// and all m rows that may come at a place share ε:
//
//	P(row | picks above) = ε/m + (1-ε)·[xᵀθ is the highest]/ties
//
// The propensities are exact; for an Epsilon of 0 they are deterministic. Source: Langford and Zhang, "The Epoch-Greedy Algorithm for
// Contextual Multi-armed Bandits", NeurIPS 2007, with chance at every place instead of epochs.
type LinGreedy struct {
	Model LinearModel
	// Epsilon is in [0, 1]. 0 is the greedy policy.
	Epsilon float64
}

var _ Algorithm = LinGreedy{}

// Validate returns an error that names the field that is out of its domain.
func (a LinGreedy) Validate() error {
	if !(a.Epsilon >= 0 && a.Epsilon <= 1) {
		return fieldError("LinGreedy.Epsilon", a.Epsilon, "want 0 (greedy) to 1 (uniform)")
	}
	return a.Model.Validate()
}

func (a LinGreedy) spec() spec {
	s := spec{version: version("lin-greedy/1", "e", a.Epsilon) + a.Model.version(), lo: -widest, hi: widest}
	if a.Epsilon == 0 {
		s.class = recsys.ExplorationDeterministic
	}
	return s
}

func (a LinGreedy) newLearner() learner { return newLinear(a.Model, false) }

func (a LinGreedy) choose(v *view) {
	x := contextsOf(v)
	for i, j := range v.open {
		v.p[i] = x.mean[j]
	}
	v.best()
	ties := 0.0
	for _, p := range v.p {
		ties += p
	}
	each, more := a.Epsilon/float64(len(v.p)), (1-a.Epsilon)/ties
	for i, p := range v.p {
		v.p[i] = each + float64(p*more)
	}
}

func (a LinGreedy) bind(s *recsys.Schema) (Algorithm, error) {
	m, err := a.Model.bound(s)
	a.Model = m
	return a, err
}

func (a LinGreedy) columns() *layout { return a.Model.layout }

func (a LinGreedy) context(dst []float64, q *recsys.Query, c *recsys.Candidates, row int32) []float64 {
	return a.Model.layout.append(dst, q, c, row)
}
