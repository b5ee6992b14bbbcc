package calibrate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// SegmentConfig configures [CheckSegments].
type SegmentConfig struct {
	// Level is the share of errors allowed, in (0, 1); 0 means 0.05: with Bonferroni the
	// probability that any segment is called off though all are right; without, the
	// expected share of wrong calls among the calls (Benjamini-Hochberg).
	Level float64
	// Bonferroni bounds the probability of a single wrong call, instead of their share.
	Bonferroni bool
	// MinEvents is how many positives and negatives a segment must expect, >= 0, for the normal
	// approximation; 0 means 5. Smaller segments are not tested.
	MinEvents float64
}

// Segment is what [CheckSegments] finds of one segment.
type Segment[K cmp.Ordered] struct {
	Key                 K
	Rows                int
	Weight              float64
	Predicted, Observed float64 // mean prediction and mean label
	// Z is how many standard deviations the labels are above the predictions, and P the
	// probability of so much, or more, on either side by chance; NaN if the segment was not tested.
	Z, P float64
	Off  bool // by more than chance
}

// String prints the segment on a line.
func (s Segment[K]) String() string {
	verdict := ""
	if s.Off {
		verdict = ", off"
	}
	return fmt.Sprintf("%v: %d rows, predicted %.4f, observed %.4f, z %+.1f%s", s.Key, s.Rows, s.Predicted, s.Observed, s.Z, verdict)
}

// CheckSegments tests, for each value of segment, whether the labels agree with the
// probabilities: those of a device, a country, a position. segment has a value for each row;
// the other slices are as for [Fit], with labels that are 0 or 1 for the test to be exact: labels
// between vary less. The result has all segments, the most deviant first (those not tested last),
// ties by key. Keys that are NaN are one segment.
//
//	z = Σ w (y - p) / sqrt(Σ w² p (1-p))
//
// compares with the normal distribution, two-sided: calibration in the large, per segment. Many tests give some small p by chance, so the calls are
// corrected over the segments that were tested.
//
// Source: Benjamini, Hochberg, JRSS B 57, 1995; Dunn, JASA 56, 1961 (Bonferroni).
func CheckSegments[K cmp.Ordered](probs, labels, weights []float32, segment []K, cfg SegmentConfig) ([]Segment[K], error) {
	level, least := cfg.Level, cfg.MinEvents
	if level == 0 {
		level = 0.05
	}
	if least == 0 {
		least = 5
	}
	if !(level > 0 && level < 1) {
		return nil, fmt.Errorf("calibrate: SegmentConfig.Level is %v; want a number in (0, 1), or 0 for 0.05", cfg.Level)
	}
	if !(least >= 0) {
		return nil, fmt.Errorf("calibrate: SegmentConfig.MinEvents is %v; want >= 0 (0 means 5)", cfg.MinEvents)
	}
	if len(segment) != len(probs) {
		return nil, &Error{"segments", -1, fmt.Sprint(len(segment)), fmt.Sprintf("%d, that of probabilities", len(probs))}
	}
	if _, err := collect("probabilities", unit, probs, labels, weights); err != nil {
		return nil, err
	}
	type sums struct{ positives, negatives, difference, variance float64 }
	at, ofNaN := map[K]int{}, -1
	var found []Segment[K]
	var of []sums
	for i, key := range segment {
		p, y, w := float64(probs[i]), float64(labels[i]), 1.0
		if weights != nil {
			w = float64(weights[i])
		}
		if y != y || w == 0 {
			continue
		}
		k, ok := at[key]
		if key != key { // NaN, which no map finds again
			k, ok = ofNaN, ofNaN >= 0
		}
		if !ok {
			k = len(found)
			if at[key] = k; key != key {
				ofNaN = k
			}
			found, of = append(found, Segment[K]{Key: key}), append(of, sums{})
		}
		s, t := &found[k], &of[k]
		s.Rows++
		s.Weight += w
		s.Predicted += float64(w * p)
		s.Observed += float64(w * y)
		t.positives += p
		t.negatives += 1 - p
		t.difference += float64(w * (y - p))
		t.variance += float64(float64(w*w) * float64(p*(1-p)))
	}
	for k := range found {
		s, t := &found[k], &of[k]
		s.Predicted /= s.Weight
		s.Observed /= s.Weight
		s.Z, s.P = math.NaN(), math.NaN()
		if t.positives >= least && t.negatives >= least && t.variance > 0 {
			s.Z = t.difference / math.Sqrt(t.variance)
			s.P = math.Erfc(math.Abs(s.Z) / math.Sqrt2)
		}
	}
	call(found, level, cfg.Bonferroni)
	return found, nil
}

// call sorts the segments and says which are off.
func call[K cmp.Ordered](found []Segment[K], level float64, bonferroni bool) {
	slices.SortFunc(found, func(a, b Segment[K]) int {
		if tested := cmp.Compare(boolInt(isNaN(a.Z)), boolInt(isNaN(b.Z))); tested != 0 {
			return tested
		}
		if !isNaN(a.Z) && math.Abs(a.Z) != math.Abs(b.Z) {
			return cmp.Compare(math.Abs(b.Z), math.Abs(a.Z))
		}
		return cmp.Compare(a.Key, b.Key)
	})
	tested := 0
	for tested < len(found) && !isNaN(found[tested].Z) {
		tested++
	}
	calls := 0
	for k := range tested {
		limit := level / float64(tested)
		if !bonferroni {
			limit *= float64(k + 1)
		}
		if found[k].P <= limit {
			calls = k + 1 // Benjamini-Hochberg calls all up to the last one below its limit
		}
	}
	for k := range calls {
		found[k].Off = true
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isNaN(x float64) bool { return x != x }
