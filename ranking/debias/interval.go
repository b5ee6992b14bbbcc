package debias

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/parallel"
)

// Bootstrap makes percentile intervals of an examination by drawing queries with replacement. The zero value
// takes the defaults. Resample i draws from a stream of its own, so the intervals do not depend on the number of workers.
//
// Queries are the unit of chance, since clicks on one of them have its users and items in common; counts of a
// single query are drawn by item. With few units (below about 30) the intervals are too narrow. They hold
// for chance alone, not for what the position-based model leaves out.
//
// Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
type Bootstrap struct {
	// Resamples is the number of resamples, >= 0; 0 means 200.
	Resamples int
	// Level is the confidence level, in (0, 1); 0 means 0.95.
	Level float64
	// Seed seeds the draws. Every value is a seed, 0 included.
	Seed uint64
	// Workers is the number of goroutines, >= 0; 0 means GOMAXPROCS.
	Workers int
}

// Band is an examination with the ends of the interval of each place, and its standard error.
type Band struct {
	Examination Examination
	Lower       Examination
	Upper       Examination
	SE          []float64
	Units       int // queries or, of a single query, items
	Resamples   int
	// Failed counts the resamples for which the estimate failed, as where a place is compared with others through
	// a single query. They are left out, so where they are many the interval is too narrow.
	Failed int
}

// Interval returns the estimate of counts with its interval. estimate is [AdjacentChain], [AllPairs], [Pivot], [Random] or
// a function around [EM]; it is called from several goroutines and must not keep or change what it is given.
//
// The errors are those of estimate on all counts, a [*CountError] when more than half of the resamples fail, one that names
// a field of b, and the cause of ctx.
func (b Bootstrap) Interval(ctx context.Context, counts []Count, estimate func([]Count) (Examination, error)) (Band, error) {
	b, err := b.withDefaults()
	if err != nil {
		return Band{}, err
	}
	e, err := estimate(counts)
	if err != nil {
		return Band{}, err
	}
	sorted, _, err := places(counts)
	if err != nil {
		return Band{}, err
	}
	units := unitsOf(sorted)
	draws := make([]Examination, b.Resamples)
	err = parallel.Each(ctx, b.Workers, b.Resamples, func(_, i int) {
		r := rand.New(rand.NewPCG(hash.Combine(b.Seed, uint64(i)), uint64(i)))
		drawn, err := estimate(resample(r, units))
		if err == nil && len(drawn) == len(e) {
			draws[i] = drawn
		}
	})
	if err != nil {
		return Band{}, fmt.Errorf("debias: Bootstrap: %w", err)
	}
	return band(e, draws, len(units), b.Level)
}

func (b Bootstrap) withDefaults() (Bootstrap, error) {
	switch {
	case b.Resamples < 0:
		return b, fmt.Errorf("debias: Bootstrap.Resamples is %d; want >= 0 (0 means 200)", b.Resamples)
	case !(b.Level >= 0 && b.Level < 1):
		return b, fmt.Errorf("debias: Bootstrap.Level is %v; want in (0, 1) (0 means 0.95)", b.Level)
	case b.Workers < 0:
		return b, fmt.Errorf("debias: Bootstrap.Workers is %d; want >= 0 (0 means GOMAXPROCS)", b.Workers)
	}
	if b.Resamples == 0 {
		b.Resamples = 200
	}
	if b.Level == 0 {
		b.Level = 0.95
	}
	if b.Workers == 0 {
		b.Workers = runtime.GOMAXPROCS(0)
	}
	return b, nil
}

// unitsOf cuts sorted counts by query or, where there is one, by item.
func unitsOf(sorted []Count) (units [][]Count) {
	cut := func(same func(a, b Count) bool) {
		units = units[:0]
		for from, i := 0, 1; i <= len(sorted); i++ {
			if i == len(sorted) || !same(sorted[from], sorted[i]) {
				units = append(units, sorted[from:i])
				from = i
			}
		}
	}
	if cut(func(a, b Count) bool { return a.Query == b.Query }); len(units) == 1 {
		cut(func(a, b Count) bool { return a.Item == b.Item })
	}
	return units
}

// resample draws as many units as there are. One that is drawn twice has its counts doubled.
func resample(r *rand.Rand, units [][]Count) []Count {
	times := make([]int, len(units))
	for range units {
		times[r.IntN(len(units))]++
	}
	var out []Count
	for u, n := range times {
		for _, c := range units[u] {
			if n > 0 {
				c.Impressions *= float64(n)
				c.Clicks *= float64(n)
				out = append(out, c)
			}
		}
	}
	return out
}

// band makes the interval of each place from the draws; nil ones have failed.
func band(e Examination, draws []Examination, units int, level float64) (Band, error) {
	n := len(e)
	out := Band{e, make(Examination, n), make(Examination, n), make([]float64, n), units, len(draws), 0}
	draws = slices.DeleteFunc(draws, func(d Examination) bool { return d == nil })
	if out.Failed = out.Resamples - len(draws); 2*out.Failed > out.Resamples {
		return Band{}, &CountError{-1, fmt.Sprintf("%d of %d resamples of the %d units have no estimate; the places are compared through too few", out.Failed, out.Resamples, units)}
	}
	tail := float64((1 - level) / 2) // half is a product to the compiler, which must not fuse it
	values := make([]float64, len(draws))
	for k := range n {
		mean, square := 0.0, 0.0
		for i, d := range draws {
			values[i] = d[k]
			mean += d[k] / float64(len(draws))
		}
		for _, v := range values {
			square += float64((v - mean) * (v - mean))
		}
		out.SE[k] = math.Sqrt(square / float64(max(len(draws)-1, 1)))
		slices.Sort(values)
		out.Lower[k], out.Upper[k] = quantile(values, tail), quantile(values, 1-tail)
	}
	return out, nil
}

// quantile returns the p-quantile of sorted, which is not empty (Hyndman and Fan's definition 7).
func quantile(sorted []float64, p float64) float64 {
	h := float64(p * float64(len(sorted)-1))
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((h-float64(i))*(sorted[i+1]-sorted[i]))
}
