package metrics

import "math"

// clip keeps a predicted probability away from 0 and 1, so that one confident
// mistake costs -ln(1e-15) ≈ 34.5 and not infinity.
const clip = 1e-15

// LogLoss returns the mean negative log-likelihood of labels under predicted
// probabilities, in nats:
//
//	-Σ w_i (y_i ln p_i + (1-y_i) ln(1-p_i)) / Σ w_i
//
// probs[i], labels[i] and weights[i] belong to row i. Probabilities are in [0,
// 1] and are clipped to [1e-15, 1-1e-15]; labels are in [0, 1] and need not be
// 0 or 1; weights are >= 0, nil means 1 each. The result is NaN for no rows, no
// weight, or when a value is NaN or outside its range. It panics if the lengths
// differ.
func LogLoss[F Float](probs, labels, weights []F) float64 {
	return meanOver(probs, labels, weights, func(p, y float64) float64 {
		if !inUnit(p) || !inUnit(y) {
			return math.NaN()
		}
		p = min(max(p, clip), 1-clip)
		return -(float64(y*math.Log(p)) + float64((1-y)*math.Log1p(-p)))
	})
}

// Brier returns the mean squared difference of labels and predicted
// probabilities. Arguments, ranges and results for bad input are as for
// [LogLoss]; nothing is clipped.
//
// Source: Brier, Monthly Weather Review 78 (1950).
func Brier[F Float](probs, labels, weights []F) float64 {
	return meanOver(probs, labels, weights, func(p, y float64) float64 {
		if !inUnit(p) || !inUnit(y) {
			return math.NaN()
		}
		return (p - y) * (p - y)
	})
}

// RMSE returns the square root of the mean squared difference of targets and
// predictions, which may be any numbers. weights are >= 0, nil means 1 each.
// The result is NaN for no rows, no weight, a NaN, or a negative weight. It
// panics if the lengths differ.
func RMSE[F Float](predictions, targets, weights []F) float64 {
	return math.Sqrt(meanOver(predictions, targets, weights, func(p, y float64) float64 {
		return (p - y) * (p - y)
	}))
}

// ECE returns the expected calibration error over bins of equal width:
//
//	Σ_b w_b/w · |mean label in b - mean probability in b|
//
// A probability p belongs to bin b if p is in (b/bins, (b+1)/bins], 0 to the
// first. Arguments, ranges and results for bad input are as for [LogLoss];
// bins < 1 gives NaN. The estimate is biased upwards when bins hold few rows.
//
// Source: Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al., "On
// Calibration of Modern Neural Networks", ICML 2017, equation 3 (here with the
// probability of the positive class, not of the predicted one).
func ECE[F Float](probs, labels, weights []F, bins int) float64 {
	if bins < 1 || len(probs) == 0 {
		checkLengths(probs, labels, weights)
		return math.NaN()
	}
	gap := make([]float64, bins) // Σ w (y - p)
	var total float64
	bad := false
	each(probs, labels, weights, func(p, y, w float64) {
		if !inUnit(p) || !inUnit(y) || !(w >= 0) {
			bad = true
			return
		}
		gap[bin(p, bins)] += float64(w * (y - p))
		total += w
	})
	if bad {
		return math.NaN()
	}
	var sum float64
	for _, g := range gap {
		sum += math.Abs(g)
	}
	return sum / total
}

// bin returns the index b of the interval (b/bins, (b+1)/bins] that holds p, 0
// for p = 0. The product p·bins may round to the wrong side of an edge, so the
// edges decide.
func bin(p float64, bins int) int {
	b := int(math.Ceil(p*float64(bins))) - 1
	b = min(max(b, 0), bins-1)
	switch {
	case b > 0 && p <= float64(b)/float64(bins):
		b--
	case b < bins-1 && p > float64(b+1)/float64(bins):
		b++
	}
	return b
}

func inUnit(x float64) bool { return x >= 0 && x <= 1 }

// meanOver returns the weighted mean of loss over the rows.
func meanOver[F Float](probs, labels, weights []F, loss func(p, y float64) float64) float64 {
	var sum, total float64
	each(probs, labels, weights, func(p, y, w float64) {
		if !(w >= 0) {
			w = math.NaN()
		}
		sum += float64(w * loss(p, y))
		total += w
	})
	return sum / total
}

func each[F Float](probs, labels, weights []F, do func(p, y, w float64)) {
	checkLengths(probs, labels, weights)
	for i, p := range probs {
		w := 1.0
		if weights != nil {
			w = float64(weights[i])
		}
		do(float64(p), float64(labels[i]), w)
	}
}

func checkLengths[F Float](probs, labels, weights []F) {
	if len(labels) != len(probs) || weights != nil && len(weights) != len(probs) {
		panic("metrics: lengths differ")
	}
}
