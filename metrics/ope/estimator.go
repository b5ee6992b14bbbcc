package ope

import (
	"fmt"
	"math"
	"strconv"
)

// Estimator is an estimator with its parameter. It is made by one of the functions of this
// package that return one, and is a plain value: it may be compared, copied and reused.
type Estimator struct {
	name   string
	param  string // what errors call lambda
	shape  shape
	lambda float64
	model  bool // doubly robust: the direct method plus weighted residuals
	ratio  bool // weights are divided by their mean
	mixed  bool // weights are taken against the mixture of the loggers
	strata bool // each logger counts by its precision
}

// shape is what becomes of a weight.
type shape uint8

const (
	raw         shape = iota // w
	clipped                  // min(w, λ)
	switched                 // w if w <= λ, else 0
	shrunk                   // λw/(w²+λ)
	subGaussian              // w/(1-λ+λw)
	matching                 // 1 if the target policy takes the logged action with certainty
	weightless               // 0: the direct method
)

// String returns the name that stands in [Estimate.Estimator].
func (e Estimator) String() string { return e.name }

// usesWeights reports whether the estimator weights rows at all, and needs their propensities.
func (e Estimator) usesWeights() bool { return e.shape != weightless }

// unbiased reports whether the estimator takes its weights as they are.
func (e Estimator) unbiased() bool {
	return e.shape == raw || e.shape == matching || e.shape == weightless
}

// IPS is inverse propensity scoring, the mean of w·r with w = π(a|x)/p: unbiased when the
// propensities are right and the logging policy can take whatever the target policy takes; its
// variance grows with the weights.
//
// Source: Horvitz and Thompson, JASA 47 (1952); Strehl et al., NeurIPS 2010.
func IPS() Estimator { return Estimator{name: "ips"} }

// ClippedIPS is the mean of min(w, lambda)·r: less variance than [IPS], and a bias towards 0 for
// rewards above 0. lambda is at least 0; +Inf is IPS. The interval knows nothing of that bias, so
// the verdict is at most [Weak] if any weight is changed, and [Unreliable] where that of the
// weights as they are would be; so it is with all estimators that have a lambda.
//
// Source: Ionides, JCGS 17 (2008); Bottou et al., JMLR 14 (2013), section 4.
func ClippedIPS(lambda float64) Estimator {
	return Estimator{name: named("ips_clip", lambda), param: "ClippedIPS", shape: clipped, lambda: lambda}
}

// SNIPS is self-normalized inverse propensity scoring, Σw·r/Σw: nearly always better than [IPS],
// bounded by the rewards, unmoved by a constant added to them; its bias vanishes as 1/n.
//
// Source: Swaminathan and Joachims, NeurIPS 2015, section 5; Owen, Monte Carlo theory, section
// 9.2, for the delta method.
func SNIPS() Estimator { return Estimator{name: "snips", ratio: true} }

// DM is the direct method, the mean of Σ_a π(a|x)·q̂(x, a): no weights and little variance, but
// all of the reward model's error. Its interval knows nothing of that error, so its verdict is
// at most [Weak].
//
// Source: Beygelzimer and Langford, KDD 2009; Dudík, Langford and Li, ICML 2011, section 2.
func DM() Estimator { return Estimator{name: "dm", shape: weightless, model: true} }

// DR is the doubly robust estimator, the direct method plus the mean of w·(r - q̂(x, a)):
// unbiased when the propensities or the reward model are right, and of less variance than [IPS]
// when the model is any good.
//
// Source: Dudík, Langford and Li, ICML 2011, section 2.
func DR() Estimator { return Estimator{name: "dr", model: true} }

// ClippedDR is [DR] with weights min(w, lambda); lambda as in [ClippedIPS].
//
// Source: Su, Dimakopoulou, Krishnamurthy and Dudík, ICML 2020 (pessimistic shrinkage).
func ClippedDR(lambda float64) Estimator {
	return Estimator{name: named("dr_clip", lambda), param: "ClippedDR", shape: clipped, lambda: lambda, model: true}
}

// SNDR is [DR] with the weights divided by their mean.
//
// Source: Thomas and Brunskill, ICML 2016 (WDR, for one step).
func SNDR() Estimator { return Estimator{name: "sndr", model: true, ratio: true} }

// SwitchDR is [DR] that leaves rows with w > lambda to the reward model alone. lambda is at
// least 0; 0 is [DM] wherever the target policy has mass, +Inf is DR.
//
// Source: Wang, Agarwal and Dudík, ICML 2017, section 4.
func SwitchDR(lambda float64) Estimator {
	return Estimator{name: named("switch_dr", lambda), param: "SwitchDR", shape: switched, lambda: lambda, model: true}
}

// DRos is [DR] with optimistic shrinkage, weights λw/(w²+λ). lambda is at least 0; 0 is [DM],
// +Inf is DR.
//
// Source: Su, Dimakopoulou, Krishnamurthy and Dudík, ICML 2020 (optimistic shrinkage).
func DRos(lambda float64) Estimator {
	return Estimator{name: named("dros", lambda), param: "DRos", shape: shrunk, lambda: lambda, model: true}
}

// SubGaussianIPS is the mean of ŵ·r with ŵ = w/(1-λ+λw), which is 0 for w = 0. lambda is in
// [0, 1]; 0 is [IPS]. The weights are at most 1/λ and stay smooth.
//
// Source: Metelli, Russo and Restelli, NeurIPS 2021 (the power mean of w and 1 of order s = -1).
func SubGaussianIPS(lambda float64) Estimator {
	return Estimator{name: named("sg_ips", lambda), param: "SubGaussianIPS", shape: subGaussian, lambda: lambda}
}

// SubGaussianDR is [DR] with the weights of [SubGaussianIPS].
//
// Source: Metelli, Russo and Restelli, NeurIPS 2021.
func SubGaussianDR(lambda float64) Estimator {
	return Estimator{name: named("sg_dr", lambda), param: "SubGaussianDR", shape: subGaussian, lambda: lambda, model: true}
}

// Replay is the mean reward of the rows whose action the target policy would have taken with
// certainty. It is right only for a log of uniformly random actions and a deterministic target;
// on any other its verdict is [Unreliable].
//
// Source: Li, Chu, Langford and Wang, WSDM 2011, algorithm 3 for a fixed policy.
func Replay() Estimator { return Estimator{name: "replay", shape: matching, ratio: true} }

// BalancedIPS is [IPS] on a log of several loggers, with the propensity of their mixture
// ([Log.Average]) in the place of the logger's own: never more variance than IPS.
//
// Source: Agarwal, Basu, Schnabel and Joachims, KDD 2017; Veach and Guibas, SIGGRAPH 1995
// (balance heuristic).
func BalancedIPS() Estimator { return Estimator{name: "balanced_ips", mixed: true} }

// BalancedDR is [DR] with the weights of [BalancedIPS].
//
// Source: Kallus, Saito and Uehara, ICML 2021.
func BalancedDR() Estimator { return Estimator{name: "balanced_dr", model: true, mixed: true} }

// WeightedIPS is [IPS] on a log of several loggers ([Log.Stratum]), where the rows of a logger
// count by the inverse of the variance of their terms. The variances are those of the log. If a
// logger's terms do not vary at all, all loggers count alike.
//
// Source: Agarwal, Basu, Schnabel and Joachims, KDD 2017.
func WeightedIPS() Estimator { return Estimator{name: "weighted_ips", strata: true} }

// WeightedDR is [DR] on a log of several loggers, where the weighted residuals of a logger count
// by the inverse of the variance of its doubly robust terms; the direct method counts all rows
// alike, since contexts do not depend on the logger.
//
// Source: Kallus, Saito and Uehara, ICML 2021.
func WeightedDR() Estimator { return Estimator{name: "weighted_dr", model: true, strata: true} }

// named returns a name with its parameter.
func named(name string, lambda float64) string {
	if math.IsInf(lambda, 1) {
		return name + "_inf"
	}
	return name + "_" + strconv.FormatFloat(lambda, 'g', -1, 64)
}

// check returns an error if the parameter is out of range.
func (e Estimator) check() error {
	if e.name == "" {
		return &FieldError{"Estimator", "the zero value", "one that IPS, SNIPS, DR, … return"}
	}
	if e.shape == subGaussian && !(e.lambda >= 0 && e.lambda <= 1) {
		return &FieldError{e.param + "'s lambda", fmt.Sprint(e.lambda), "in [0, 1]"}
	}
	if !(e.lambda >= 0) {
		return &FieldError{e.param + "'s lambda", fmt.Sprint(e.lambda), ">= 0"}
	}
	return nil
}

// reshape returns the weight that the estimator gives a row of weight w.
func (e Estimator) reshape(w float64) float64 {
	switch e.shape {
	case clipped:
		return min(w, e.lambda)
	case switched:
		if w > e.lambda {
			return 0
		}
	case shrunk:
		if e.lambda == 0 {
			return 0
		}
		return w / (1 + float64(w*(w/e.lambda))) // neither w² nor λw can overflow
	case subGaussian:
		if w == 0 { // with λ = 1 the formula is 0/0
			return 0
		}
		return w / (1 - e.lambda + float64(e.lambda*w))
	case weightless:
		return 0
	}
	return w
}

// NeedsModel reports whether the estimator needs a reward model.
func (e Estimator) NeedsModel() bool { return e.model }
