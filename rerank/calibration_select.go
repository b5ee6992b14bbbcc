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
// (within 0.01; it is taken as it is) or holds no probability, or if shares have another length, a number outside
// [0, 1], or an item whose sum is neither 0 nor 1 (within 0.01).
//
// It reckons in float64. Of an item only the aspects count that it has, A of them: a step bounds what items can gain by tangents of the
// logarithm, n·A products at most, and takes logarithms only for items that might be the best.
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
	items, err := aspectsOf(fn, "shares", shares, len(rel), len(p))
	if err != nil {
		return nil, nil, err
	}
	x := calibrated{rows: sequence(len(rel))}
	x.reset(float64(lambda), float64(alpha), p)
	for i, r := range rel {
		row, sum := items[i*len(p):(i+1)*len(p)], 0.0
		for _, g := range row {
			sum += g
		}
		if sum != 0 && !(math.Abs(sum-1) <= sumSlack) {
			return nil, nil, fmt.Errorf("rerank: %s: the shares of item %d sum to %v; want 1, or 0 for an item of which nothing is known", fn, i, sum)
		}
		x.append(float64(r), row)
	}
	order, scores = run[F](&x, len(rel), k, &x.scores)
	return order, scores, nil
}

// calibrated is the state of a calibrated selection. Items are numbered in the order in which they
// were added; item i stands in row rows[i].
//
// -KL is a sum of p·log over aspects, each of a linear function of the item's share; what an item does not have stays as it is
// without an item. So the value of a list with an item is that of the list beside an item without any shares,
// and a gain for each aspect that the item has and the target wants.
type calibrated struct {
	rows    []int32
	aspects []int32   // of the items, one after the other: those with a share that the target wants
	share   []float64 // parallel to aspects
	ends    []int32   // where the aspects of each item end
	base    []float64 // (1-lambda)·relevance

	target []float64
	lambda float64
	alpha  float64
	sum    []float64 // of the shares of what is chosen
	worth  float64   // (1-lambda)·Σ relevance of what is chosen
	scores []float64 // of the lists so far

	steps  int       // for which the following hold, one more than were taken
	height float64   // the value beside an item without shares and relevance
	rate   []float64 // an aspect's gain is lambda·p·log(1 + rate·share) …
	at     []float64 // … and at most at + slope·share
	slope  []float64
	most   float64 // no item gains more
}

// touch is the share at which the tangents touch the logarithms: most items have one aspect or a few.
const touch = 0.6

// tiny is the least share of a list that is told from none: 1/tiny is a number, so that rates are.
const tiny = 0x1p-1000

// reset empties the state.
func (x *calibrated) reset(lambda, alpha float64, target []float64) {
	x.lambda, x.alpha, x.worth, x.steps = lambda, alpha, 0, 0
	x.target = append(x.target[:0], target...)
	z := len(target)
	x.sum, x.rate, x.at, x.slope = resize(x.sum, z), resize(x.rate, z), resize(x.at, z), resize(x.slope, z)
	clear(x.sum)
	x.base, x.scores, x.aspects, x.share, x.ends = x.base[:0], x.scores[:0], x.aspects[:0], x.share[:0], x.ends[:0]
}

// append adds an item with its share of each aspect.
func (x *calibrated) append(rel float64, shares []float64) {
	for z, g := range shares {
		if g > 0 && x.target[z] > 0 {
			x.aspects, x.share = append(x.aspects, int32(z)), append(x.share, g)
		}
	}
	x.ends = append(x.ends, int32(len(x.aspects)))
	x.base = append(x.base, float64((1-x.lambda)*rel))
}

// of returns the aspects of an item and its shares of them.
func (x *calibrated) of(i int) ([]int32, []float64) {
	from := int32(0)
	if i > 0 {
		from = x.ends[i-1]
	}
	return x.aspects[from:x.ends[i]], x.share[from:x.ends[i]]
}

// prepare readies the next step.
func (x *calibrated) prepare() {
	if x.steps == len(x.scores)+1 {
		return
	}
	x.steps = len(x.scores) + 1
	b, kl, linear := (1-x.alpha)/float64(x.steps), 0.0, 0.0
	x.most = 0
	for z, p := range x.target {
		if p == 0 {
			continue
		}
		q := max(float64(x.alpha*p)+float64(b*x.sum[z]), tiny)
		kl += float64(p * fmath.Log(p/q))
		r, weight := b/q, x.lambda*p
		x.rate[z] = r
		x.slope[z] = float64(weight*r) / (1 + float64(r*touch))
		x.at[z] = float64(weight*fmath.Log1p(float64(r*touch))) - float64(x.slope[z]*touch)
		// Tangents at the shares of the target: as the shares of an item sum to 1, the largest slope is the most that they add.
		steep := float64(weight*r) / (1 + float64(r*p))
		linear += float64(weight*fmath.Log1p(float64(r*p))) - float64(steep*p)
		x.most = max(x.most, steep)
	}
	x.most = float64(x.most*(1+sumSlack)) + linear
	x.height = x.worth - float64(x.lambda*kl)
}

// value returns the value of the list with item i.
func (x *calibrated) value(i int) float64 {
	x.prepare()
	gain := 0.0
	aspects, share := x.of(i)
	for j, z := range aspects {
		gain += float64(x.target[z] * fmath.Log1p(float64(x.rate[z]*share[j])))
	}
	return x.height + (x.base[i] + float64(x.lambda*gain))
}

// bound returns at least the value of the list with item i.
func (x *calibrated) bound(i int) float64 {
	gain := 0.0
	aspects, share := x.of(i)
	for j, z := range aspects {
		gain += x.at[z] + float64(x.slope[z]*share[j])
	}
	return x.height + (x.base[i] + gain)
}

func (x *calibrated) best(open recsys.Bits) int {
	x.prepare()
	at, top := -1, math.Inf(-1)
	slack := float64(1e-11 * (1 + math.Abs(x.height))) // what rounding may do to a bound
	for i, base := range x.base {
		if x.height+(base+x.most)+slack < top || !open.Has(int(x.rows[i])) {
			continue
		}
		if at >= 0 && x.bound(i)+slack < top {
			continue
		}
		if v := x.value(i); at < 0 || v > top {
			at, top = i, v
		}
	}
	return at
}

func (x *calibrated) pick(i int) {
	value := x.value(i)
	x.scores = append(x.scores, value)
	x.worth += x.base[i]
	aspects, share := x.of(i)
	for j, z := range aspects {
		x.sum[z] += share[j]
	}
}
