package metrics

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrNoValues is returned where an interval is asked for and no user has a
// value.
var ErrNoValues = errors.New("metrics: no user has a value")

// Bootstrap makes percentile intervals by drawing users with replacement. The
// zero value takes the defaults. Its methods are safe for concurrent use.
//
// Resample i draws from a stream of its own, a function of Seed and i, so the
// intervals depend neither on the number of workers nor on their order.
//
// Users are the unit of chance: pass one value per user, the user's mean where
// there are several. With few users (below about 30) percentile intervals are
// too narrow.
//
// Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
// chapter 13.
type Bootstrap struct {
	// Resamples is the number of resamples; default 1000, enough for the 2.5
	// and 97.5 percentiles.
	Resamples int
	// Level is the confidence level, in (0, 1); default 0.95.
	Level float64
	// Seed seeds the draws. Every value is a seed, 0 included.
	Seed uint64
	// Workers is the number of goroutines; default GOMAXPROCS.
	Workers int
}

// Interval is a mean over users with the ends of its confidence interval.
type Interval struct {
	Summary
	Lower, Upper float64
}

// Mean returns the mean of values, one per user, with its interval. Users whose
// value is NaN are left out and counted in Undefined; if none is left, the error
// is [ErrNoValues]. A field out of range is an error that names it. The cost is
// Resamples·N draws and 8·(N + Resamples) bytes.
func (b Bootstrap) Mean(values []float64) (Interval, error) {
	b, err := b.withDefaults()
	if err != nil {
		return Interval{}, err
	}
	iv := Interval{Summary: Summarize(values)}
	if iv.N == 0 {
		return iv, ErrNoValues
	}
	if iv.Undefined > 0 {
		values = slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	}
	iv.Lower, iv.Upper = b.percentiles(values)
	return iv, nil
}

// Paired compares two systems on the same users.
type Paired struct {
	MeanA, MeanB float64  // over the users with both values
	Difference   Interval // of B - A, user by user
}

// Paired returns the means of two systems A and B, as[i] and bs[i] being the
// values of user i, and the interval of the difference B - A. Users for whom
// either is NaN are left out of everything and counted in Difference.Undefined;
// if none is left, the error is [ErrNoValues]. Different lengths are an error.
//
// Drawing users, not values, keeps what the two systems have in common on a
// user out of the interval, which is why it is narrower than the intervals of
// the two means suggest.
func (b Bootstrap) Paired(as, bs []float64) (Paired, error) {
	if len(as) != len(bs) {
		return Paired{}, fmt.Errorf("metrics: paired systems have %d and %d users; want the same users in the same order", len(as), len(bs))
	}
	var p Paired
	var sumA, sumB Accumulator
	diff := make([]float64, len(as))
	for i := range as {
		diff[i] = bs[i] - as[i]
		if math.IsNaN(diff[i]) {
			continue
		}
		sumA.Add(as[i])
		sumB.Add(bs[i])
	}
	p.MeanA, p.MeanB = sumA.Summary().Mean, sumB.Summary().Mean
	var err error
	p.Difference, err = b.Mean(diff)
	return p, err
}

func (b Bootstrap) withDefaults() (Bootstrap, error) {
	if b.Resamples < 0 {
		return b, fmt.Errorf("metrics: Bootstrap.Resamples is %d; want >= 0 (0 means 1000)", b.Resamples)
	}
	if !(b.Level >= 0 && b.Level < 1) {
		return b, fmt.Errorf("metrics: Bootstrap.Level is %v; want in (0, 1) (0 means 0.95)", b.Level)
	}
	if b.Workers < 0 {
		return b, fmt.Errorf("metrics: Bootstrap.Workers is %d; want >= 0 (0 means GOMAXPROCS)", b.Workers)
	}
	if b.Resamples == 0 {
		b.Resamples = 1000
	}
	if b.Level == 0 {
		b.Level = 0.95
	}
	if b.Workers == 0 {
		b.Workers = runtime.GOMAXPROCS(0)
	}
	return b, nil
}

// percentiles returns the ends of the interval of the mean of values, which
// holds no NaN and is not empty.
func (b Bootstrap) percentiles(values []float64) (lower, upper float64) {
	means := make([]float64, b.Resamples)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(b.Workers, b.Resamples) {
		wg.Go(func() {
			var pcg rand.PCG
			rng := rand.New(&pcg)
			for i := next.Add(1) - 1; i < int64(len(means)); i = next.Add(1) - 1 {
				pcg.Seed(stream(b.Seed, uint64(i)))
				var sum float64
				for range values {
					sum += values[rng.IntN(len(values))]
				}
				means[i] = sum / float64(len(values))
			}
		})
	}
	wg.Wait()
	slices.Sort(means)
	tail := (1 - b.Level) / 2
	return quantile(means, tail), quantile(means, 1-tail)
}

// stream returns the two halves of the seed of stream i. The finalizer of
// SplitMix64 spreads neighbouring i over all bits.
func stream(seed, i uint64) (uint64, uint64) {
	return mix(seed + i*0x9e3779b97f4a7c15), mix(mix(seed) ^ i)
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// quantile returns the p-quantile of sorted, which is not empty, with linear
// interpolation between neighbours (Hyndman and Fan's definition 7).
func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((h-float64(i))*(sorted[i+1]-sorted[i]))
}
