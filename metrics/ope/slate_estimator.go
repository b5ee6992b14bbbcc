package ope

import "fmt"

// SlateEstimator is an estimator of what a target policy earns per slate. It is made by one of
// the functions of this package that return one, and is a plain value: it may be compared,
// copied and reused.
type SlateEstimator struct {
	name   string
	weight slateWeight
	ratio  bool // weights are divided by their mean
}

// slateWeight says what a reward is weighted by.
type slateWeight uint8

const (
	noWeight      slateWeight = iota
	jointWeight               // the whole slate
	prefixWeight              // the slate down to the place
	placeWeight               // the item at its place
	cascadeWeight             // as prefixWeight, with a reward model
	pseudoWeight              // Additive
)

// String returns the name that stands in [Estimate.Estimator].
func (e SlateEstimator) String() string { return e.name }

// byPlace reports whether each place has a mean weight of its own.
func (e SlateEstimator) byPlace() bool {
	return e.ratio && (e.weight == prefixWeight || e.weight == placeWeight)
}

// SIPS is inverse propensity scoring of whole slates, the mean of w·Σ_k r_k with w the ratio of
// the slate's probabilities: unbiased whatever users do, and of a variance that grows
// exponentially with the places.
//
// Source: McInerney et al., KDD 2020, section 3; Precup, Sutton and Singh, ICML 2000.
func SIPS() SlateEstimator { return SlateEstimator{name: "sips", weight: jointWeight} }

// SNSIPS is [SIPS] with the weights divided by their mean.
//
// Source: McInerney et al., KDD 2020, section 3; Swaminathan and Joachims, NeurIPS 2015.
func SNSIPS() SlateEstimator { return SlateEstimator{name: "snsips", weight: jointWeight, ratio: true} }

// IIPS is independent inverse propensity scoring, the mean of Σ_k w_k·r_k with w_k the ratio of
// the probabilities of the item at place k, whatever stands above it: unbiased if what an item
// earns depends on its place, not on the other items.
//
// Source: Li et al., KDD 2018, section 4 (item-position model); McInerney et al., KDD 2020, section 3.
func IIPS() SlateEstimator { return SlateEstimator{name: "iips", weight: placeWeight} }

// SNIIPS is [IIPS] with the weights of each place divided by their mean over the slates that
// have the place. With slates of different lengths, how long a slate is must depend on the
// request, not on the policy.
//
// Source: McInerney et al., KDD 2020, section 3.
func SNIIPS() SlateEstimator { return SlateEstimator{name: "sniips", weight: placeWeight, ratio: true} }

// RIPS is reward-interaction inverse propensity scoring, the mean of Σ_k w_{1:k}·r_k with
// w_{1:k} the ratio of the probabilities of the slate down to place k: unbiased if users read
// from the top, so that what an item earns depends on the items above it alone.
//
// Source: McInerney et al., KDD 2020, section 3.
func RIPS() SlateEstimator { return SlateEstimator{name: "rips", weight: prefixWeight} }

// SNRIPS is [RIPS] with the weights of each place divided by their mean over the slates that
// have the place; as for [SNIIPS], lengths must depend on the request alone.
//
// Source: McInerney et al., KDD 2020, section 3.
func SNRIPS() SlateEstimator {
	return SlateEstimator{name: "snrips", weight: prefixWeight, ratio: true}
}

// CascadeDR is doubly robust under the assumption of [RIPS], the mean of
//
//	Σ_k w_{1:k}·(r_k - q̂_k(a_k)) + w_{1:k-1}·Σ_a π(a)·q̂_k(a)
//
// where q̂_k may predict what place k earns, or all that is earned from there on under the
// target policy, given the items above. It is unbiased for any q̂ that has not seen the slate.
//
// Source: Kiyohara et al., WSDM 2022.
func CascadeDR() SlateEstimator { return SlateEstimator{name: "cascade_dr", weight: cascadeWeight} }

// PseudoInverse is the pseudo-inverse estimator, the mean of w·Σ_k r_k with w = qᵀΓ⁺1 of
// [Additive.Weight], which may be negative: unbiased if what a slate earns is the sum of what
// each item earns at its place, though only the sum is seen.
//
// Source: Swaminathan et al., NeurIPS 2017, section 3.
func PseudoInverse() SlateEstimator { return SlateEstimator{name: "pi", weight: pseudoWeight} }

// SNPseudoInverse is [PseudoInverse] with the weights divided by their mean.
//
// Source: Swaminathan et al., NeurIPS 2017, section 4 (wPI).
func SNPseudoInverse() SlateEstimator {
	return SlateEstimator{name: "snpi", weight: pseudoWeight, ratio: true}
}

// check returns an error if e is the zero value, or if there is no interval of kind k for it.
func (e SlateEstimator) check(k Interval) error {
	if e.weight == noWeight {
		return &FieldError{"SlateEstimator", "the zero value", "one that SIPS, RIPS, … return"}
	}
	if e.byPlace() && k == Bernstein {
		return &FieldError{"Options.Interval", fmt.Sprintf("%v for %s", k, e.name), "Normal, Bootstrap or Anytime"}
	}
	return nil
}

// plain returns the estimator of single decisions that has e's form on whole slates, for what
// both have in common: intervals and verdicts.
func (e SlateEstimator) plain() Estimator {
	return Estimator{name: e.name, ratio: e.ratio && !e.byPlace()}
}
