package rerank

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// SelectCalibrated returns k items chosen one by one so that the list reflects a target distribution over aspects, such as the genres of
// what a user liked, and the value of the list at each step:
//
//	argmax_i  (1-lambda)·Σ_{j in S ∪ i} rel[j] - lambda·KL(target, S ∪ i)
//	KL(p, S) = Σ_z p[z]·log(p[z] / ((1-alpha)·q[z] + alpha·p[z])),  q = mean of the shares of S
//
// rel holds the relevance of n items; target the probability of each of Z aspects; shares, row-major n × Z, how
// each item divides among the aspects: numbers in [0, 1] that sum to 1, or all 0 for an item of which nothing is known. alpha in (0,
// 1) is the smoothing that keeps KL finite; 0.01 in the paper. Ties go to the smallest index. Fewer than k items give all of them, k
// <= 0 none. lambda = 0 is the order of relevance.
//
// It is an error if lambda is outside [0, 1] or alpha outside (0, 1), if a relevance is not finite, if target does not sum to 1
// (within 1e-3; it is taken as it is) or holds no probability, or if shares have another length, a number outside
// [0, 1], or an item whose sum is neither 0 nor 1 (within 1e-3).
//
// It reckons in float64. A step bounds the gain of all items by a tangent of the logarithm, n·Z products, and
// takes logarithms only for items that might be the best.
//
// Source: Steck, "Calibrated Recommendations", RecSys 2018, sections 3 and 4: equations 6, 7 and the greedy step of 4.2.
func SelectCalibrated[F float32 | float64](rel, target, shares []F, lambda, alpha F, k int) (order []int32, scores []F, err error) {
	const fn = "SelectCalibrated"
	if !(lambda >= 0 && lambda <= 1) {
		return nil, nil, fmt.Errorf("rerank: %s: lambda is %v; want a number in [0, 1]", fn, lambda)
	}
	if !(alpha > 0 && alpha < 1) {
		return nil, nil, fmt.Errorf("rerank: %s: alpha is %v; want a number in (0, 1)", fn, alpha)
	}
	if err := finite(fn, "rel", rel); err != nil {
		return nil, nil, err
	}
	p, err := distribution(fn, "target", target)
	if err != nil {
		return nil, nil, err
	}
	x := calibrated{rows: sequence(len(rel))}
	if x.shares, err = aspectsOf(fn, "shares", shares, len(rel), len(p)); err != nil {
		return nil, nil, err
	}
	x.reset(float64(lambda), float64(alpha), p)
	for i, r := range rel {
		sum := 0.0
		for _, g := range x.row(i) {
			sum += g
		}
		if sum != 0 && !(math.Abs(sum-1) <= sumSlack) {
			return nil, nil, fmt.Errorf("rerank: %s: the shares of item %d sum to %v; want 1, or 0 for an item of which nothing is known", fn, i, sum)
		}
		x.append(float64(r))
	}
	order, scores = run[F](&x, len(rel), k, &x.scores)
	return order, scores, nil
}

// calibrated is the state of a calibrated selection. Items are numbered in the order in which they
// were added; item i stands in row rows[i].
type calibrated struct {
	rows   []int32
	shares []float64 // items x aspects, row-major
	target []float64
	lambda float64
	alpha  float64
	base   []float64 // (1-lambda)·relevance
	sum    []float64 // of the shares of what is chosen
	worth  float64   // (1-lambda)·Σ relevance of what is chosen
	scores []float64 // of the lists so far

	slope []float64 // of the tangent, per aspect
	bound []float64
}

// reset empties the state but for shares.
func (x *calibrated) reset(lambda, alpha float64, target []float64) {
	x.lambda, x.alpha, x.worth = lambda, alpha, 0
	x.target = append(x.target[:0], target...)
	x.sum = resize(x.sum, len(target))
	clear(x.sum)
	x.slope = resize(x.slope, len(target))
	x.base, x.bound, x.scores = x.base[:0], x.bound[:0], x.scores[:0]
}

// append adds an item whose shares are there already.
func (x *calibrated) append(rel float64) {
	x.base, x.bound = append(x.base, float64((1-x.lambda)*rel)), append(x.bound, 0)
}

func (x *calibrated) row(i int) []float64 {
	z := len(x.target)
	return x.shares[i*z : (i+1)*z]
}

// value returns the value of the list with item i.
func (x *calibrated) value(i int) float64 {
	worth := x.worth + x.base[i]
	if x.lambda == 0 {
		return worth
	}
	n, kl := float64(len(x.scores)+1), 0.0
	for z, g := range x.row(i) {
		if p := x.target[z]; p > 0 {
			q := float64((1-x.alpha)*((x.sum[z]+g)/n)) + float64(x.alpha*p)
			kl += float64(p * fmath.Log(p/q))
		}
	}
	return worth - float64(x.lambda*kl)
}

// tangent sets slope and returns height so that height + base[i] + Σ slope·row(i) is never less than value(i).
//
// -KL is a sum of p·log of a linear function of the item's shares. A logarithm lies below its tangents; this one
// touches where the item has the shares of the target.
func (x *calibrated) tangent() (height float64) {
	b := (1 - x.alpha) / float64(len(x.scores)+1)
	for z, p := range x.target {
		x.slope[z] = 0
		if p > 0 {
			without := float64(x.alpha*p) + float64(b*x.sum[z])
			touch := without + float64(b*p)
			x.slope[z] = float64(x.lambda*p) * b / touch
			height += float64(p * (fmath.Log(touch/p) + without/touch - 1))
		}
	}
	return x.worth + float64(x.lambda*height)
}

func (x *calibrated) best(open recsys.Bits) int {
	height := x.tangent()
	first, most := -1, 0.0
	for i, base := range x.base {
		if !open.Has(int(x.rows[i])) {
			continue
		}
		x.bound[i] = height + base + weighted(x.slope, x.row(i))
		if first < 0 || x.bound[i] > most {
			first, most = i, x.bound[i]
		}
	}
	if first < 0 {
		return -1
	}
	at, top := first, x.value(first)
	slack := float64(1e-11 * (1 + math.Abs(height) + math.Abs(top))) // what rounding may do to a bound
	for i, bound := range x.bound {
		if bound+slack < top || !open.Has(int(x.rows[i])) {
			continue
		}
		if v := x.value(i); v > top || v == top && i < at {
			at, top = i, v
		}
	}
	return at
}

func (x *calibrated) pick(i int) {
	value := x.value(i)
	x.scores = append(x.scores, value)
	x.worth += x.base[i]
	for z, g := range x.row(i) {
		x.sum[z] += g
	}
}
