package encoder

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
)

// Rate estimates a probability from counts, of which there may be few: the click rate of a new item is that of all items, and
// its own when it has been shown often. It reads two Float columns, successes s and trials n, and writes
//
//	(s + Alpha) / (n + Alpha + Beta)
//
// the mean of the posterior under a Beta(Alpha, Beta) prior, in float64, rounded once. Counts may be fractions, as decayed ones are. NaN and ±Inf stand
// for 0, so that an item without counts has the mean of the prior; n < 0 stands for 0, and s is clipped to [0, n]. All of it is counted.
//
// Its inputs are counts as package window keeps them, two of its Count columns. A window.Rate is the quotient alone: it has no prior, and
// no smoothing can be made of it afterwards.
//
// Fit finds the prior from the counts of many rows (empirical Bayes): rows are entities, each with the
// counts that it has. Package ranking/encode does another thing: it counts labels itself, by ID, and gives each training row the statistics of
// other rows. Its mean (n m + Smoothing · prior) / (n + Smoothing) is that of Rate with Alpha = Smoothing · prior and
// Beta = Smoothing · (1 - prior). Rate is for counts that windows keep, which are from before the row by themselves.
//
// Source: Robbins, "An Empirical Bayes Approach to Statistics", Third Berkeley Symposium, 1956; Gelman et al., Bayesian Data Analysis, 3rd
// edition, section 2.4 (the posterior) and 5.3 (the beta-binomial model).
type Rate struct {
	// Alpha and Beta are the prior's pseudo-counts of successes and failures, > 0. Both 0: Fit finds them.
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
	// Method is how Fit finds them.
	Method RateMethod `json:"method"`
}

// RateMethod is how the prior of a [Rate] is fitted.
type RateMethod uint8

// The methods.
const (
	// MaximumLikelihood maximizes the likelihood of the counts under the beta-binomial distribution; see [FitBeta].
	MaximumLikelihood RateMethod = iota
	// Moments matches mean and variance of the rates; see [FitBetaMoments].
	Moments
)

func (e Rate) kind() string { return "rate" }

func (e Rate) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if err := wantKinds(in, recsys.Float, recsys.Float); err != nil {
		return nil, err
	}
	if e.Method > Moments {
		return nil, fmt.Errorf("field Method is %d; want MaximumLikelihood or Moments", e.Method)
	}
	if e.Alpha == 0 && e.Beta == 0 {
		return []recsys.Column{{Name: name}}, nil
	}
	const most = math.MaxFloat32
	if !(e.Alpha > 0 && e.Alpha <= most && e.Beta > 0 && e.Beta <= most) {
		return nil, fmt.Errorf("field Alpha is %v and Beta %v; want finite numbers > 0, or 0 for both to fit them", e.Alpha, e.Beta)
	}
	return []recsys.Column{{Name: name}}, nil
}

func (e Rate) kernel([]recsys.Column) kernel { return rateKernel{e.Alpha, e.Beta} }
func (e Rate) sum(h *fingerprint)            { h.real(e.Alpha).real(e.Beta).num(uint64(e.Method)) }

type rateKernel struct{ alpha, beta float64 }

func (k rateKernel) run(n int, in, out []lane, t *Counts) {
	successes, trials, o := &in[0], &in[1], &out[0]
	for i := range n {
		s, m := usableCounts(successes.f[i*successes.stride], trials.f[i*trials.stride], t)
		o.f[i*o.stride] = float32((s + k.alpha) / (m + k.alpha + k.beta))
	}
}

// usableCounts returns successes and trials with 0 <= s <= n < Inf.
func usableCounts(successes, trials float32, t *Counts) (s, n float64) {
	count := func(x float32) float64 {
		switch {
		case x != x:
			t.NaN++
			return 0
		case isInf(x):
			t.Inf++
			return 0
		case x < 0:
			t.Clipped++
			return 0
		}
		return float64(x)
	}
	s, n = count(successes), count(trials)
	if s > n {
		t.Clipped++
		s = n
	}
	return s, n
}

func (e Rate) fitter(_ []recsys.Column, cfg *FitConfig) fitter {
	if e.Alpha != 0 || e.Beta != 0 {
		return nil
	}
	size := cfg.Sample
	if size == 0 {
		size = defaultSample
	}
	return &rateFitter{Rate: e, size: size, rng: newRand(cfg.Seed)}
}
