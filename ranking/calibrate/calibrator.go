package calibrate

import (
	"fmt"
	"math"
	"sort"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
)

// Method is the form of a calibrator.
type Method uint8

// The methods; the package comment compares them.
const (
	Platt       Method = iota // sigmoid of a linear function of the score
	Isotonic                  // the best function that does not fall
	Beta                      // three parameters, for probabilities
	Histogram                 // a constant per bin of equal mass
	Temperature               // one parameter, for probabilities
	methods
)

var methodNames = [methods]string{"platt", "isotonic", "beta", "histogram", "temperature"}

// String returns the name of the method in lower case.
func (m Method) String() string {
	if m < methods {
		return methodNames[m]
	}
	return fmt.Sprintf("method %d", uint8(m))
}

// ParseMethod returns the method that [Method.String] gives the name, or an error that lists the names.
func ParseMethod(name string) (Method, error) {
	for m, n := range methodNames {
		if n == name {
			return Method(m), nil
		}
	}
	return 0, fmt.Errorf("calibrate: method is %q; want one of %v", name, methodNames)
}

// Calibrator maps scores to probabilities. [Fit] makes one. It is immutable and safe
// for concurrent use.
type Calibrator struct {
	method  Method
	logOdds bool
	par     [3]float64 // Platt: slope, intercept. Beta: a, b, c. Temperature: 1/T.
	x, y    []float64  // Isotonic: corners. Histogram: upper ends of bins, but for the last, and values.
	version string
}

// Predictions are float32: what is closer to 1 than half a step cannot be told from
// 1, while small ones keep their digits.
const (
	leastProbability = 1e-12
	leastComplement  = 0x1p-25
)

// logs returns ln p and ln(1-p), p being kept off 0 and 1.
func logs(p float64) (lp, lq float64) {
	p = min(max(p, leastProbability), 1-leastComplement)
	return fmath.Log(p), fmath.Log1p(-p)
}

// Method returns the method.
func (c *Calibrator) Method() Method { return c.method }

// Parameters returns slope and intercept of Platt, a, b and c of Beta, the temperature
// T (+Inf if the scores say nothing), and nothing for the other methods.
func (c *Calibrator) Parameters() []float64 {
	switch c.method {
	case Platt:
		return []float64{c.par[0], c.par[1]}
	case Beta:
		return c.par[:]
	case Temperature:
		return []float64{1 / c.par[0]}
	}
	return nil
}

// Knots returns the corners of an Isotonic map, or of a Histogram the upper end of each
// bin and its value; the last bin has none, so y is one longer there. Empty for other methods.
func (c *Calibrator) Knots() (x, y []float64) {
	return append([]float64(nil), c.x...), append([]float64(nil), c.y...)
}

// Version returns a hash of all that the probabilities depend on.
func (c *Calibrator) Version() string { return c.version }

// String prints method, size and version.
func (c *Calibrator) String() string {
	switch c.method {
	case Isotonic, Histogram:
		return fmt.Sprintf("%v calibrator %s of %d values", c.method, c.version, len(c.y))
	}
	return fmt.Sprintf("%v calibrator %s of %.4g", c.method, c.version, c.Parameters())
}

// Probability returns the probability that a score stands for, in [0, 1]. It does not
// fall as the score rises, but for Histogram. Scores outside what the fit has seen
// get what the ends of the range get, or, of Platt, Beta and Temperature, what the formula
// gives. Beta, Temperature and Platt with LogOdds take scores below 0 for 0 and above 1
// for 1. NaN stays NaN. It costs about 15 ns and allocates nothing.
func (c *Calibrator) Probability(score float64) float64 {
	if score != score {
		return score
	}
	switch c.method {
	case Platt:
		if c.logOdds {
			lp, lq := logs(score)
			score = lp - lq
		}
		if c.par[0] == 0 {
			score = 0 // an infinite one too
		}
		return fmath.Sigmoid(float64(c.par[0]*score) + c.par[1])
	case Temperature:
		lp, lq := logs(score)
		return fmath.Sigmoid(c.par[0] * (lp - lq))
	case Beta:
		lp, lq := logs(score)
		return fmath.Sigmoid(float64(c.par[0]*lp) - float64(c.par[1]*lq) + c.par[2])
	case Histogram:
		return c.y[sort.SearchFloat64s(c.x, score)]
	}
	return interpolate(c.x, c.y, score)
}

// interpolate returns the value at x of the line through the corners, which ascend;
// beyond the ends it is flat.
func interpolate(xs, ys []float64, x float64) float64 {
	i := sort.SearchFloat64s(xs, x)
	switch {
	case i == len(xs):
		return ys[i-1]
	case i == 0 || xs[i] == x:
		return ys[i]
	}
	lo, hi := ys[i-1], ys[i]
	t := (x - xs[i-1]) / (xs[i] - xs[i-1])
	return min(lo+float64(t*(hi-lo)), hi) // rounding must not lift it above the corner
}

// finish computes what follows from the other fields.
func (c *Calibrator) finish() *Calibrator {
	h := hash.Combine(0, uint64(c.method), uint64(len(c.x)), uint64(len(c.y)))
	if c.logOdds {
		h = hash.Combine(h, 1)
	}
	for _, values := range [][]float64{c.par[:], c.x, c.y} {
		for _, v := range values {
			h = hash.Combine(h, math.Float64bits(v))
		}
	}
	c.version = fmt.Sprintf("%v-%016x", c.method, h)
	return c
}
