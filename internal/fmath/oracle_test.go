package fmath_test

import (
	"math"
	"math/big"
)

// The oracle computes with 200 bits, so that its own error is far below one
// unit in the last place of a float64.
const prec = 200

func bigFloat(x float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(x) }

// bigExp returns e**x by the Taylor series of x / 2^s, squared s times.
func bigExp(x *big.Float) *big.Float {
	s := max(0, x.MantExp(nil)+20)
	r := new(big.Float).SetPrec(2*prec).SetMantExp(x, -s)
	sum := new(big.Float).SetPrec(2 * prec).SetInt64(1)
	term := new(big.Float).SetPrec(2 * prec).SetInt64(1)
	for i := int64(1); i < 30; i++ {
		term.Mul(term, r)
		term.Quo(term, new(big.Float).SetInt64(i))
		sum.Add(sum, term)
	}
	for range s {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigExpm1 returns e**x - 1, by the first terms of the series where 1 would
// swallow x.
func bigExpm1(x *big.Float) *big.Float {
	if x.MantExp(nil) > -60 {
		e := bigExp(x)
		return e.Sub(e, new(big.Float).SetInt64(1))
	}
	return series(x, 2, 6, 24)
}

// bigLog1p returns ln(1 + x), likewise.
func bigLog1p(x *big.Float) *big.Float {
	if x.MantExp(nil) > -60 {
		one := new(big.Float).SetPrec(2 * prec).SetInt64(1)
		return bigLog(one.Add(one, x))
	}
	return series(x, -2, 3, -4)
}

// series returns x + x²/d[0] + x³/d[1] + ...
func series(x *big.Float, d ...int64) *big.Float {
	sum, power := new(big.Float).SetPrec(2*prec).Set(x), new(big.Float).SetPrec(2*prec).Set(x)
	for _, n := range d {
		power.Mul(power, x)
		sum.Add(sum, new(big.Float).Quo(power, new(big.Float).SetInt64(n)))
	}
	return sum
}

// bigLog returns ln x, x > 0, by Halley's iteration on bigExp.
func bigLog(x *big.Float) *big.Float {
	mant := new(big.Float)
	e := x.MantExp(mant)
	m, _ := mant.Float64()
	y := new(big.Float).SetPrec(2 * prec).SetFloat64(math.Log(m) + float64(e)*math.Ln2)
	for range 4 { // each step triples the digits
		e := bigExp(y)
		num := new(big.Float).SetPrec(2*prec).Sub(x, e)
		den := new(big.Float).SetPrec(2*prec).Add(x, e)
		num.Quo(num, den)
		y.Add(y, num.Mul(num, new(big.Float).SetInt64(2)))
	}
	return y
}

// ulps returns |got - want| in units in the last place of want.
func ulps(got float64, want *big.Float) float64 {
	w, _ := want.Float64()
	if math.IsInf(w, 0) || math.IsInf(got, 0) || math.IsNaN(got) {
		if got == w {
			return 0
		}
		return math.Inf(1)
	}
	_, e := math.Frexp(w)
	ulp := math.Ldexp(1, max(e-53, -1074))
	d := new(big.Float).SetPrec(2*prec).Sub(bigFloat(got), want)
	f, _ := d.Quo(d, new(big.Float).SetFloat64(ulp)).Float64()
	return math.Abs(f)
}
