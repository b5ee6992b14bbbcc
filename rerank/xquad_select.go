package rerank

import (
	"fmt"

	"github.com/recsyskit/recsys"
)

// SelectXQuAD returns k items chosen one by one so that every aspect of what is wanted is covered, by explicit query aspect
// diversification, and the score at which each was chosen:
//
//	argmax_i  (1-lambda)·rel[i] + lambda·Σ_z aspects[z]·coverage[i][z]·Π_{j chosen} (1 - coverage[j][z])
//
// rel holds the relevance of n items, best on the scale of probabilities; aspects the probability of each of Z aspects, P(z); coverage, row-major
// n × Z, the probability that an item satisfies an aspect, P(i|z) in [0, 1] (an item may satisfy several or none). Ties
// go to the smallest index. Fewer than k items give all of them, k <= 0 none. lambda = 0 is the order of relevance.
//
// It is an error if lambda is outside [0, 1], if a relevance is not finite, if aspects do not sum to 1 (within 0.01; they are
// taken as they are) or one is no probability, or if coverage has another length or a number outside [0, 1]. Without aspects only relevance counts.
//
// It reckons in float64, at most n·k·Z products and usually far fewer: a score can only fall as more is chosen.
//
// Source: Santos, Macdonald and Ounis, "Exploiting Query Reformulations for Web Search Result Diversification", WWW
// 2010, equations 1 to 6.
func SelectXQuAD[F float32 | float64](rel, aspects, coverage []F, lambda F, k int) (order []int32, scores []F, err error) {
	const fn = "SelectXQuAD"
	if !(lambda >= 0 && lambda <= 1) {
		return nil, nil, fmt.Errorf("rerank: %s: lambda is %v; want a number in [0, 1]", fn, lambda)
	}
	if err := finite(fn, "rel", rel); err != nil {
		return nil, nil, err
	}
	p, err := distribution(fn, "aspects", aspects)
	if err != nil {
		return nil, nil, err
	}
	x := explicit{rows: sequence(len(rel))}
	if x.coverage, err = aspectsOf(fn, "coverage", coverage, len(rel), len(p)); err != nil {
		return nil, nil, err
	}
	x.reset(float64(lambda), p)
	for _, r := range rel {
		x.append(float64(r))
	}
	order, scores = run[F](&x, len(rel), k, &x.scores)
	return order, scores, nil
}

// explicit is the state of a selection by explicit aspects. Items are numbered in the order in which they
// were added; item i stands in row rows[i].
type explicit struct {
	rows     []int32
	coverage []float64 // items x aspects, row-major
	lambda   float64
	left     []float64 // of each aspect: its probability times that nothing chosen satisfies it
	base     []float64 // (1-lambda)·relevance
	bound    []float64 // the score at the last look: left never grows, and neither does any sum over it
	seen     []int32   // how many were chosen at that look
	scores   []float64 // of the items chosen
}

// reset empties the state but for coverage.
func (x *explicit) reset(lambda float64, aspects []float64) {
	x.lambda = lambda
	x.left = append(x.left[:0], aspects...)
	x.base, x.bound, x.seen, x.scores = x.base[:0], x.bound[:0], x.seen[:0], x.scores[:0]
}

// append adds an item whose coverage is there already.
func (x *explicit) append(rel float64) {
	i := len(x.base)
	x.base = append(x.base, float64((1-x.lambda)*rel))
	x.bound, x.seen = append(x.bound, 0), append(x.seen, -1)
	x.look(i)
}

func (x *explicit) row(i int) []float64 {
	z := len(x.left)
	return x.coverage[i*z : (i+1)*z]
}

// look brings the score of an item up to date.
func (x *explicit) look(i int) float64 {
	if int(x.seen[i]) != len(x.scores) {
		x.bound[i] = x.base[i] + float64(x.lambda*dot(x.left, x.row(i)))
		x.seen[i] = int32(len(x.scores))
	}
	return x.bound[i]
}

func (x *explicit) best(open recsys.Bits) int {
	at, top := -1, 0.0
	for i, bound := range x.bound {
		if at >= 0 && bound <= top || !open.Has(int(x.rows[i])) {
			continue
		}
		if score := x.look(i); at < 0 || score > top {
			at, top = i, score
		}
	}
	return at
}

func (x *explicit) pick(i int) {
	x.scores = append(x.scores, x.look(i))
	for z, c := range x.row(i) {
		x.left[z] *= 1 - c
	}
}
