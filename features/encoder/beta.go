package encoder

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/internal/fmath"
)

// maxStrength bounds Alpha + Beta of a fitted prior: where rates differ no more than chance makes them, every greater one fits better.
const maxStrength = 1e6

// FitBeta returns the parameters of the Beta distribution under which the counts are most likely, each pair being
// beta-binomial: entity i has successes[i] of trials[i], and a rate of its own, drawn from Beta(alpha, beta). Counts may be fractions;
// entities without trials do not matter.
//
// alpha + beta is at most 1e6, where the rates are the same but for chance; the ratio is then that of the sums. FitBeta fails with
// [ErrNoData] when there are no successes, no failures, fewer than two entities with trials or none with more than one, and says so
// of counts that are negative, not finite, or more than trials. It costs a dozen passes over the
// different pairs, with the order of the pairs of no influence but to rounding.
//
// The search is Newton's, in the logarithms of both parameters, damped where the likelihood would fall (Levenberg and Marquardt),
// from where [FitBetaMoments] is.
//
// Source: Minka, "Estimating a Dirichlet distribution", 2000 (revised 2012), section 3, of which this is the case of two outcomes.
func FitBeta(successes, trials []float64) (alpha, beta float64, err error) {
	pairs, err := countPairs(successes, trials)
	if err != nil {
		return 0, 0, err
	}
	return likeliestBeta(context.Background(), pairs)
}

// FitBetaMoments is [FitBeta] by the method of moments: the mean is that of all trials, and alpha + beta = 1/γ - 1, where γ is how far the
// rates, weighted by their trials, spread beyond what chance makes of them. It takes one pass, and is less precise where trials differ much.
//
// Source: Kleinman, "Proportions with Extraneous Variance", JASA 68(341), 1973, with the weights w_i = n_i.
func FitBetaMoments(successes, trials []float64) (alpha, beta float64, err error) {
	pairs, err := countPairs(successes, trials)
	if err != nil {
		return 0, 0, err
	}
	alpha, beta = momentBeta(pairs)
	return alpha, beta, nil
}

// countPair is k entities with s successes of n trials.
type countPair struct{ s, n, k float64 }

// countPairs returns the different pairs with trials.
func countPairs(successes, trials []float64) ([]countPair, error) {
	if len(successes) != len(trials) {
		return nil, fmt.Errorf("encoder: %d successes for %d trials; want as many", len(successes), len(trials))
	}
	var pairs []countPair
	var entities, s, n, most float64
	for i := range trials {
		if !(successes[i] >= 0 && successes[i] <= trials[i] && trials[i] <= math.MaxFloat32) {
			return nil, fmt.Errorf("encoder: entity %d has %v successes of %v trials; want 0 <= successes <= trials < Inf", i, successes[i], trials[i])
		}
		if trials[i] > 0 {
			pairs = append(pairs, countPair{successes[i], trials[i], 1})
			entities, s, n, most = entities+1, s+successes[i], n+trials[i], max(most, trials[i])
		}
	}
	switch {
	case entities < 2:
		return nil, fmt.Errorf("%w: %v entities with trials; a prior takes at least 2", ErrNoData, entities)
	case most <= 1:
		return nil, fmt.Errorf("%w: no entity has more than one trial, which tells nothing of how rates differ; give Alpha and Beta", ErrNoData)
	case s == 0:
		return nil, fmt.Errorf("%w: there are no successes; give Alpha and Beta", ErrNoData)
	case s == n:
		return nil, fmt.Errorf("%w: there are no failures; give Alpha and Beta", ErrNoData)
	}
	slices.SortFunc(pairs, func(a, b countPair) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.s, b.s)) })
	last := 0
	for _, p := range pairs[1:] {
		if q := &pairs[last]; p.s == q.s && p.n == q.n {
			q.k++
		} else {
			last++
			pairs[last] = p
		}
	}
	return pairs[:last+1], nil
}

func momentBeta(pairs []countPair) (alpha, beta float64) {
	var entities, s, n, squares float64
	for _, p := range pairs {
		entities, s, n = entities+p.k, s+float64(p.k*p.s), n+float64(p.k*p.n)
		squares += float64(p.k * float64(p.n*p.n))
	}
	mean, spread := s/n, 0.0
	for _, p := range pairs {
		d := p.s/p.n - mean
		spread += float64(p.k * float64(p.n*float64(d*d)))
	}
	chance := float64(mean * (1 - mean))
	// E spread = chance · Σ n_i (1 - n_i/n) (1/n_i + γ (1 - 1/n_i))
	all, own := n-squares/n, entities-1
	gamma := (spread - float64(chance*own)) / float64(chance*(all-own))
	strength := maxStrength
	if gamma > 0 && all > own {
		strength = min(max(1/gamma-1, 1e-3), maxStrength)
	}
	return float64(mean * strength), float64((1 - mean) * strength)
}

// likeliestBeta climbs the likelihood, from the moments.
func likeliestBeta(ctx context.Context, pairs []countPair) (alpha, beta float64, err error) {
	alpha, beta = momentBeta(pairs)
	var s, n float64
	for _, p := range pairs {
		s, n = s+float64(p.k*p.s), n+float64(p.k*p.n)
	}
	if start := alpha + beta; start > 1e4 { // far out the slope is too small to come back by
		alpha, beta = float64(alpha/start*1e4), float64(beta/start*1e4)
	}
	x, y := fmath.Log(alpha), fmath.Log(beta)
	best, damp := betaLikelihood(pairs, alpha, beta), 1e-3
	for range 200 {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		gx, gy, hxx, hxy, hyy := betaSlopes(pairs, alpha, beta)
		// in logarithms: d/dx = alpha d/dalpha, d²/dx² = alpha² d²/dalpha² + alpha d/dalpha
		hxx, hyy = float64(alpha*float64(alpha*hxx))+float64(alpha*gx), float64(beta*float64(beta*hyy))+float64(beta*gy)
		hxy = float64(alpha * float64(beta*hxy))
		gx, gy = float64(alpha*gx), float64(beta*gy)
		moved := false
		for ; damp < 1e12; damp *= 4 {
			a, d := -hxx+damp, -hyy+damp
			det := float64(a*d) - float64(hxy*hxy)
			if !(a > 0 && det > 0) {
				continue
			}
			dx, dy := (float64(d*gx)+float64(hxy*gy))/det, (float64(hxy*gx)+float64(a*gy))/det
			if longest := max(math.Abs(dx), math.Abs(dy)); longest > 2 {
				dx, dy = float64(dx/longest*2), float64(dy/longest*2)
			}
			na, nb := fmath.Exp(x+dx), fmath.Exp(y+dy)
			if v := betaLikelihood(pairs, na, nb); v > best {
				moved = math.Abs(dx)+math.Abs(dy) > 1e-12
				x, y, alpha, beta, best = x+dx, y+dy, na, nb, v
				damp = max(damp/16, 1e-12)
				break
			}
		}
		if alpha+beta > maxStrength {
			return float64(s / n * maxStrength), float64((1 - s/n) * maxStrength), nil
		}
		if !moved {
			break
		}
	}
	return alpha, beta, nil
}

// betaLikelihood returns the logarithm of the likelihood, without what does not depend on the parameters.
func betaLikelihood(pairs []countPair, alpha, beta float64) float64 {
	lgamma := func(x float64) float64 {
		v, _ := math.Lgamma(x)
		return v
	}
	a, b, ab := lgamma(alpha), lgamma(beta), lgamma(alpha+beta)
	sum := 0.0
	for _, p := range pairs {
		v := (lgamma(p.s+alpha) - a) + (lgamma(p.n-p.s+beta) - b) - (lgamma(p.n+alpha+beta) - ab)
		sum += float64(p.k * v)
	}
	return sum
}

// betaSlopes returns the first and the second derivatives of betaLikelihood.
func betaSlopes(pairs []countPair, alpha, beta float64) (ga, gb, haa, hab, hbb float64) {
	da, ta := polygamma(alpha)
	db, tb := polygamma(beta)
	dm, tm := polygamma(alpha + beta)
	for _, p := range pairs {
		d1, t1 := polygamma(p.s + alpha)
		d2, t2 := polygamma(p.n - p.s + beta)
		d3, t3 := polygamma(p.n + alpha + beta)
		ga += float64(p.k * ((d1 - da) - (d3 - dm)))
		gb += float64(p.k * ((d2 - db) - (d3 - dm)))
		haa += float64(p.k * ((t1 - ta) - (t3 - tm)))
		hbb += float64(p.k * ((t2 - tb) - (t3 - tm)))
		hab -= float64(p.k * (t3 - tm))
	}
	return ga, gb, haa, hab, hbb
}

// polygamma returns the first and the second derivative of lnΓ at x > 0: x is brought above 10 by ψ(x) = ψ(x+1) - 1/x and
// ψ'(x) = ψ'(x+1) + 1/x², where the asymptotic series hold to 1e-15.
//
// Source: Abramowitz and Stegun, 6.3.5, 6.3.18, 6.4.6 and 6.4.12.
func polygamma(x float64) (digamma, trigamma float64) {
	var below, below2 float64
	for ; x < 10; x++ {
		below += 1 / x
		below2 += 1 / float64(x*x)
	}
	r := 1 / float64(x*x)
	horner := func(c ...float64) float64 {
		v := 0.0
		for i := len(c) - 1; i >= 0; i-- {
			v = c[i] + float64(r*v)
		}
		return v
	}
	digamma = fmath.Log(x) - 0.5/x - float64(r*horner(1./12, -1./120, 1./252, -1./240, 1./132, -691./32760)) - below
	trigamma = 1/x + float64(0.5*r) + float64(r/x*horner(1./6, -1./30, 1./42, -1./30, 5./66, -691./2730)) + below2
	return digamma, trigamma
}

// rateFitter keeps the counts of rows: all of them up to a size, beyond it a uniform sample.
type rateFitter struct {
	Rate
	size              int
	seen              uint64
	successes, trials []float64
	rng               *rand.Rand
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x656e636f646572)) }

func (f *rateFitter) observe(n int, in []lane) {
	for i := range n {
		s, m := usableCounts(in[0].f[i*in[0].stride], in[1].f[i*in[1].stride], new(Counts))
		if m == 0 {
			continue
		}
		f.seen++
		if len(f.trials) < f.size {
			f.successes, f.trials = append(f.successes, s), append(f.trials, m)
		} else if at := f.rng.Uint64N(f.seen); at < uint64(f.size) {
			f.successes[at], f.trials[at] = s, m
		}
	}
}

func (f *rateFitter) fit(ctx context.Context) (Encoder, error) {
	pairs, err := countPairs(f.successes, f.trials)
	if err != nil {
		return nil, err
	}
	e := f.Rate
	if e.Method == Moments {
		e.Alpha, e.Beta = momentBeta(pairs)
		return e, nil
	}
	e.Alpha, e.Beta, err = likeliestBeta(ctx, pairs)
	return e, err
}
