package objective

import "github.com/recsyskit/recsys/internal/fmath"

// Transform is a function that is applied to a head or to a label. NaN stays NaN.
type Transform string

// The transforms.
const (
	// Identity leaves the value as it is.
	Identity Transform = "identity"
	// Logit is log(p / (1-p)), for probabilities. p is first brought into
	// [1e-6, 1 - 1e-6], so that the result lies within ±13.9.
	Logit Transform = "logit"
	// Log1p is log(1 + x), for amounts: seconds, prices, counts. A negative x counts as 0.
	Log1p Transform = "log1p"
)

const transformNames = `"identity", "logit" or "log1p"`

// logitMargin keeps the logit of 0 and of 1 finite.
const logitMargin = 1e-6

func (t Transform) known() bool {
	switch t {
	case "", Identity, Logit, Log1p:
		return true
	}
	return false
}

// op is a transform as the inner loop knows it.
type op uint8

const (
	opIdentity op = iota
	opLogit
	opLog1p
)

// op returns the transform as the inner loop knows it: comparing strings there
// would cost more than the arithmetic.
func (t Transform) op() op {
	switch t {
	case Logit:
		return opLogit
	case Log1p:
		return opLog1p
	}
	return opIdentity
}

// apply returns the transform of x.
func (o op) apply(x float64) float64 {
	switch o {
	case opLogit:
		if x != x {
			return x
		}
		p := min(max(x, logitMargin), 1-logitMargin)
		return fmath.Log(p / (1 - p))
	case opLog1p:
		if x < 0 {
			return 0
		}
		return fmath.Log1p(x)
	}
	return x
}
