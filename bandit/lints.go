package bandit

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys"
)

// defaultDraws is the Monte Carlo sample of a shared posterior.
const defaultDraws = 256

// LinTS is Thompson sampling with a linear regression of rewards on features x: at each place each row is chosen with the
// probability that it has the highest reward of those that may come, when
//
//	θ ~ N(A⁻¹b, V²·A⁻¹)      A = λI + Σ x·xᵀ, b = Σ r·x
//
// With a θ for each arm the rewards of rows are independent, and the propensities are exact: by quadrature, as of
// [BestNormal]. Each row draws on its own, also where [Config].Arm gives two the same θ.
//
// With a shared θ (see [LinearModel].Shared) rewards of rows are correlated and there is no closed form: θ is drawn Draws times, anew
// whenever something has been learned, and
//
//	p = (draws in which the row is the best of those that may come) / Draws
//
// The pick is drawn from these p, so what is logged is the very probability that the row had: a row that is never
// the best could not have come. As an estimate of Thompson sampling's own probability, with draws without end, p has the standard error
// √(p(1-p)/Draws), which is logged beside it; an estimator that takes this policy as it is need not mind. All requests and places between
// two changes of the state count the same draws, which are a hash of the number of changes. With Marginal, each row draws its
// reward from its own marginal N(xᵀθ, V²·xᵀA⁻¹x) instead, independent of the others, and propensities are exact.
//
// Source: Agrawal and Goyal, "Thompson Sampling for Contextual Bandits with Linear Payoffs", ICML 2013, Algorithm 1 (shared; there
// V grows as √(d·ln t)); Chapelle and Li, NeurIPS 2011, for small V. Drawing each place anew makes each conditional exact.
type LinTS struct {
	Model LinearModel
	// V is the scale of the posterior, finite and >= 0: about the standard deviation of the noise. 0 means 1.
	V float64
	// Draws is the size of the Monte Carlo sample of a shared model, up to 1,000,000. 0 means 256.
	Draws int
	// Marginal draws the rewards of rows independently, for a shared model.
	Marginal bool
}

var _ Algorithm = LinTS{}

// Validate returns an error that names the field that is out of its domain.
func (a LinTS) Validate() error {
	if !(a.V >= 0) || math.IsInf(a.V, 0) {
		return fieldError("LinTS.V", a.V, "want a finite number > 0 (0 means 1)")
	}
	if a.Draws < 0 || a.Draws > 1_000_000 {
		return fieldError("LinTS.Draws", a.Draws, "want 0 to 1000000 (0 means 256)")
	}
	return a.Model.Validate()
}

func (a LinTS) spec() spec {
	return thompsonSpec("lints/1", a.Model, a.V, a.Draws, a.Marginal, -widest, widest)
}

// thompsonSpec is the spec of [LinTS] and [LogisticTS].
func thompsonSpec(name string, m LinearModel, v float64, draws int, marginal bool, lo, hi float64) spec {
	s := spec{version: version(name, "v", v, "draws", float64(draws)), lo: lo, hi: hi}
	if marginal {
		s.version += " marginal"
	}
	s.version += m.version()
	if m.Shared && !marginal {
		s.class = recsys.ExplorationEstimated
	}
	return s
}

func (a LinTS) newLearner() learner {
	return newLinear(a.Model, false).drawing(a.V, a.Draws, a.Marginal)
}

func (a LinTS) choose(v *view) { v.thompson(a.Model.Shared && !a.Marginal, orOne(a.V)) }

func (a LinTS) bind(s *recsys.Schema) (Algorithm, error) {
	m, err := a.Model.bound(s)
	a.Model = m
	return a, err
}

func (a LinTS) columns() *layout { return a.Model.layout }

func (a LinTS) context(dst []float64, q *recsys.Query, c *recsys.Candidates, row int32) []float64 {
	return a.Model.layout.append(dst, q, c, row)
}

// LogisticTS is Thompson sampling with a logistic regression of rewards in [0, 1] on features: as [LinTS], but with the
// posterior of [Logistic], a normal approximation with the full covariance. Since the probability of a reward grows with xᵀθ,
// the best row is the one of the highest xᵀθ; so the propensities are exact, of that approximation, with a θ for each arm, and estimated with
// a shared one. A correction of a reward moves θ by one Newton step.
//
// Source: Chapelle and Li, "An Empirical Evaluation of Thompson Sampling", NeurIPS 2011, with the full covariance of
// [Logistic] in place of the diagonal of their Algorithm 3.
type LogisticTS struct {
	Model LinearModel
	// V is the scale of the posterior, finite and >= 0. 0 means 1: the posterior itself. Chapelle and Li found 0.5 better.
	V float64
	// Draws is the size of the Monte Carlo sample of a shared model, up to 1,000,000. 0 means 256.
	Draws int
	// Marginal draws the rewards of rows independently, for a shared model.
	Marginal bool
}

var _ Algorithm = LogisticTS{}

// Validate returns an error that names the field that is out of its domain.
func (a LogisticTS) Validate() error {
	if !(a.V >= 0) || math.IsInf(a.V, 0) {
		return fieldError("LogisticTS.V", a.V, "want a finite number > 0 (0 means 1)")
	}
	if a.Draws < 0 || a.Draws > 1_000_000 {
		return fieldError("LogisticTS.Draws", a.Draws, "want 0 to 1000000 (0 means 256)")
	}
	return a.Model.Validate()
}

func (a LogisticTS) spec() spec {
	return thompsonSpec("logistic-ts/1", a.Model, a.V, a.Draws, a.Marginal, 0, 1)
}

func (a LogisticTS) newLearner() learner {
	return newLinear(a.Model, true).drawing(a.V, a.Draws, a.Marginal)
}

func (a LogisticTS) choose(v *view) { v.thompson(a.Model.Shared && !a.Marginal, orOne(a.V)) }

func (a LogisticTS) bind(s *recsys.Schema) (Algorithm, error) {
	m, err := a.Model.bound(s)
	a.Model = m
	return a, err
}

func (a LogisticTS) columns() *layout { return a.Model.layout }

func (a LogisticTS) context(dst []float64, q *recsys.Query, c *recsys.Candidates, row int32) []float64 {
	return a.Model.layout.append(dst, q, c, row)
}

// drawing makes a learner of a shared model draw from its posterior.
func (l *linear) drawing(v float64, draws int, marginal bool) *linear {
	if l.shared != nil && !marginal {
		l.v, l.draws = orOne(v), draws
		if draws == 0 {
			l.draws = defaultDraws
		}
	}
	return l
}

// thompson writes the probability that each open row has the highest of the normal rewards.
func (v *view) thompson(jointly bool, scale float64) {
	if jointly {
		v.jointly()
		return
	}
	x := contextsOf(v)
	s := &x.solver
	if v.fresh {
		for i, variance := range x.variance {
			x.variance[i] = max(float64(scale*math.Sqrt(variance)), certain)
		}
		if !slices.Equal(s.a, x.mean) || !slices.Equal(s.b, x.variance) { // else what was prepared still holds
			s.memo.clear()
			s.a, s.b = append(s.a[:0], x.mean...), append(s.b[:0], x.variance...)
			s.Normal(s.a, s.b)
		}
	}
	s.Best(v.p, v.open)
}

// certain is the standard deviation of a row without features: the quadrature wants one above 0.
const certain = 1e-9
