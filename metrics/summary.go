package metrics

import "math"

// Summary describes a metric over users.
type Summary struct {
	N         int     // users with a value
	Undefined int     // users whose value is NaN; they count nowhere else
	Mean      float64 // NaN when N is 0
	StdErr    float64 // standard error of the mean, s/√N with the n-1 variance; NaN when N < 2
}

// Summarize returns the summary of values, one per user. Users whose value is
// NaN are left out of the mean and counted apart. Values are summed in order,
// so that workers who each fill their users' places give the same summary
// whatever their number.
func Summarize(values []float64) Summary {
	var a Accumulator
	for _, x := range values {
		a.Add(x)
	}
	return a.Summary()
}

// Accumulator collects a metric user by user in constant memory. The zero value
// is empty. It is not safe for concurrent use: give each worker one and
// [Accumulator.Merge] them. The result then depends on the split by rounding;
// to get the same bits for any number of workers use [Summarize].
//
// Source: Welford, Technometrics 4 (1962); Chan, Golub and LeVeque 1979 for
// Merge.
type Accumulator struct {
	n         int
	undefined int
	mean      float64
	m2        float64 // sum of squared differences from the mean
}

// Add counts a user's value; NaN counts as undefined.
func (a *Accumulator) Add(x float64) {
	if math.IsNaN(x) {
		a.undefined++
		return
	}
	a.n++
	delta := x - a.mean
	a.mean += delta / float64(a.n)
	a.m2 += float64(delta * (x - a.mean))
}

// Merge adds the values of b, which keeps them too.
func (a *Accumulator) Merge(b *Accumulator) {
	a.undefined += b.undefined
	if b.n == 0 {
		return
	}
	n := float64(a.n + b.n)
	delta := b.mean - a.mean
	a.m2 += b.m2 + float64(delta*delta*(float64(a.n)*float64(b.n)/n))
	a.mean += float64(delta * (float64(b.n) / n))
	a.n += b.n
}

// Summary returns what has been added so far.
func (a *Accumulator) Summary() Summary {
	s := Summary{N: a.n, Undefined: a.undefined, Mean: math.NaN(), StdErr: math.NaN()}
	if a.n > 0 {
		s.Mean = a.mean
	}
	if a.n > 1 {
		s.StdErr = math.Sqrt(a.m2 / float64(a.n-1) / float64(a.n))
	}
	return s
}
