package fmath

// Sigmoid returns the logistic function 1 / (1 + e**-x), in [0, 1], with an
// error below 3 ulp on both tails. It is 0.5 at 0, 1 at +Inf, 0 at -Inf, NaN for
// NaN.
func Sigmoid(x float64) float64 {
	switch {
	case x != x:
		return x
	case x >= 0:
		return 1 / (1 + Exp(-x))
	}
	e := Exp(x)
	return e / (1 + e)
}

// Softplus returns log(1 + e**x), with an error below 3 ulp. It is the log loss
// of a logit: -log Sigmoid(x) = Softplus(-x). It is 0 at -Inf, +Inf at +Inf, NaN
// for NaN, and never overflows for a finite x.
func Softplus(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 0:
		return x + Log1p(Exp(-x))
	}
	return Log1p(Exp(x))
}
