package ope

import (
	"fmt"
	"math"
)

// Slate is one logged slate, reduced to what slate estimators need. A slice has an entry per
// place, the first place first; it belongs to the caller and is only read. Slates may differ in
// length, as requests and their candidates do. A slate without places earned 0.
type Slate struct {
	// Reward is what was earned at each place, finite. What a slate earned as a whole may stand
	// at its first place, for the estimators that weight whole slates.
	Reward []float64
	// Propensity is the probability with which the logging policy chose the item given the items
	// above it, in (0, 1], and Target that with which the target policy would have, in [0, 1]:
	// the probabilities of a slate, and of its upper part, are their products. They are for all
	// estimators but [IIPS], [SNIIPS] and [PseudoInverse]. Of a slate whose probability is known
	// as a whole alone, that may stand at the first place and 1 at the others, for [SIPS] and [SNSIPS].
	Propensity, Target []float64
	// PlacePropensity and PlaceTarget are the probabilities of the item at its place whatever
	// stands above it, for [IIPS] and [SNIIPS].
	PlacePropensity, PlaceTarget []float64
	// Model is q̂ of the logged item given the items above it, and Direct is Σ_a π(a)·q̂(a) over
	// the items a that the target policy could show there given the same, for [CascadeDR].
	Model, Direct []float64
	// Unsupported is the mass that the target policy puts, given the items above, on items that
	// the logging policy could not show at the place, in [0, 1]; nil if that is not known. All
	// but a logged item of propensity 1 is found without it.
	Unsupported []float64
	// Additive is the weight of the slate that [Additive.Weight] returns, for [PseudoInverse].
	Additive float64
}

// slateNeeds says which fields of a slate the estimators read.
type slateNeeds struct {
	prefix, place, model, additive bool
}

// check returns the error of the first value of slate number row outside its domain.
func (s *Slate) check(row int, n slateNeeds) error {
	places := len(s.Reward)
	fields := []struct {
		name   string
		values []float64
		ok     func(x float64) bool
		want   string
		needed bool
	}{
		{"Reward", s.Reward, finite, wantFinite, true},
		{"Propensity", s.Propensity, isPropensity, wantPropensity, n.prefix},
		{"Target", s.Target, isProbability, wantProbability, n.prefix},
		{"PlacePropensity", s.PlacePropensity, isPropensity, wantPropensity, n.place},
		{"PlaceTarget", s.PlaceTarget, isProbability, wantProbability, n.place},
		{"Model", s.Model, finite, wantFinite, n.model},
		{"Direct", s.Direct, finite, wantFinite, n.model},
		{"Unsupported", s.Unsupported, isProbability, wantProbability, s.Unsupported != nil && n.prefix},
	}
	for _, f := range fields {
		if !f.needed {
			continue
		}
		if len(f.values) != places {
			return &FieldError{fmt.Sprintf("Slate.%s of slate %d", f.name, row), fmt.Sprintf("of length %d", len(f.values)), fmt.Sprintf("of length %d, as Reward is", places)}
		}
		for i, x := range f.values {
			if !f.ok(x) {
				return &RowError{row, fmt.Sprintf("%s[%d]", f.name, i), x, f.want}
			}
		}
	}
	if n.additive && !finite(s.Additive) {
		return &RowError{row, "Additive", s.Additive, wantFinite}
	}
	return nil
}

func isPropensity(x float64) bool  { return x > 0 && x <= 1 }
func isProbability(x float64) bool { return x >= 0 && x <= 1 }

// prefixWeights writes into dst the weight of the slate down to each place, Π π/p, and returns
// it with the mass of the target policy that leaves the support of the logging policy: at each
// place, by the weight of what stands above it.
func (s *Slate) prefixWeights(dst []float64, row int) (w []float64, unsupported float64, err error) {
	w, above := dst[:0], 1.0
	for i, p := range s.Propensity {
		t := s.Target[i]
		var out float64
		if s.Unsupported != nil {
			out = s.Unsupported[i]
		}
		if p == 1 {
			out = max(out, 1-t)
		}
		unsupported += float64(above * out)
		above *= t / p
		if !finite(above) {
			return w, 0, &RowError{row, fmt.Sprintf("Propensity[%d]", i), p, wantRatio}
		}
		w = append(w, above)
	}
	return w, unsupported, nil
}

// placeWeights writes into dst the weight of each item at its place.
func (s *Slate) placeWeights(dst []float64, row int) ([]float64, error) {
	w := dst[:0]
	for i, p := range s.PlacePropensity {
		x := s.PlaceTarget[i] / p
		if !finite(x) {
			return w, &RowError{row, fmt.Sprintf("PlacePropensity[%d]", i), p, wantRatio}
		}
		w = append(w, x)
	}
	return w, nil
}

// total returns what the slate earned.
func (s *Slate) total() float64 { return sum(s.Reward) }

// SlateReport is what a log of slates says about a target policy.
type SlateReport struct {
	// Estimates has one entry per estimator, in the order asked for. A row, of [Estimate.N] and
	// in reasons, is a slate. [Estimate.ESS] of estimators that weight places is
	// (Σw)²/Σw² over the slates, with w and w² the means over the places of a slate.
	Estimates []Estimate
	// Diagnostics describes the weights of each estimator, parallel to Estimates: a slate's
	// weight is the mean over its places, 1 for a slate without places.
	Diagnostics []Diagnostics
}

// EvaluateSlates estimates what the target policy would have earned per slate, with every
// estimator in one pass. Without estimators it takes [SNSIPS], and [SNRIPS].
//
// Errors: [ErrEmpty]; a [*FieldError] for a field of opt out of range or a field of a slate of
// another length than Reward; a [*RowError] for the first value outside its domain, whose Row is
// the slate and whose Field names the place, such as "Propensity[2]".
//
// A slate costs time in proportion to its length, and to the square of that for [SNIIPS] and [SNRIPS].
func EvaluateSlates(slates []Slate, opt Options, estimators ...SlateEstimator) (SlateReport, error) {
	if len(estimators) == 0 {
		estimators = []SlateEstimator{SNSIPS(), SNRIPS()}
	}
	a, err := NewSlateAccumulator(opt, estimators...)
	if err != nil {
		return SlateReport{}, err
	}
	for i := range slates {
		if err := a.Add(&slates[i]); err != nil {
			return SlateReport{}, err
		}
	}
	return a.Report()
}

// onPlaces returns the mean and the mean square of the weights of a slate's places.
func onPlaces(w []float64) (mean, square float64) {
	if len(w) == 0 {
		return 1, 1
	}
	n := float64(len(w))
	return sum(w) / n, dot(w, w) / n
}

// last returns the weight of the whole slate.
func last(w []float64) float64 {
	if len(w) == 0 {
		return 1
	}
	return w[len(w)-1]
}

// nan is what is not known.
var nan = math.NaN()
