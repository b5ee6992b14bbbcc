package fmath_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/fmath"
)

var one = big.NewFloat(1)

// functions lists each function with its exact value and the bound, in ulp,
// that its comment promises.
var functions = []struct {
	name   string
	f      func(float64) float64
	std    func(float64) float64 // of package math; nil where it has none
	exact  func(*big.Float) *big.Float
	bound  float64
	lo, hi float64 // where the result is finite and not zero
}{
	{"Exp", fmath.Exp, math.Exp, bigExp, 1, -745, 709.7},
	{"Expm1", fmath.Expm1, math.Expm1, bigExpm1, 1, -40, 709.7},
	{"Log", fmath.Log, math.Log, bigLog, 1, 0x1p-1074, math.MaxFloat64},
	{"Log1p", fmath.Log1p, math.Log1p, bigLog1p, 1, -1 + 0x1p-53, math.MaxFloat64},
	{"Sigmoid", fmath.Sigmoid, nil, func(x *big.Float) *big.Float {
		e := bigExp(x)
		return new(big.Float).Quo(e, new(big.Float).Add(e, one))
	}, 3, -745, 745},
	{"Softplus", fmath.Softplus, nil, func(x *big.Float) *big.Float { return bigLog1p(bigExp(x)) }, 3, -745, 745},
}

// arguments returns n values between lo and hi: even steps, even steps of the
// exponent on both sides of 0 and of 1, and the ends.
func arguments(lo, hi float64, n int) []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	xs := []float64{lo, hi}
	for len(xs) < n {
		for _, x := range []float64{
			lo/2 + (hi/2-lo/2)*2*rng.Float64(),
			math.Ldexp(1+rng.Float64(), rng.IntN(2098)-1074),
			-math.Ldexp(1+rng.Float64(), rng.IntN(80)-70),
			math.Ldexp(1+rng.Float64(), rng.IntN(80)-70),
			1 + math.Ldexp(rng.Float64()-0.5, -rng.IntN(50)),
		} {
			if lo <= x && x <= hi {
				xs = append(xs, x)
			}
		}
	}
	return xs
}

func TestErrorStaysBelowTheDocumentedUlps(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 300
	}
	for _, fn := range functions {
		t.Run(fn.name, func(t *testing.T) {
			worst, at := 0.0, 0.0
			for _, x := range arguments(fn.lo, fn.hi, n) {
				if u := ulps(fn.f(x), fn.exact(bigFloat(x))); u > worst {
					worst, at = u, x
				}
			}
			t.Logf("worst error %.3f ulp at %v", worst, at)
			if worst >= fn.bound {
				t.Errorf("%s(%v) is %.3f ulp off; want < %v", fn.name, at, worst, fn.bound)
			}
		})
	}
}

func TestAgreesWithPackageMath(t *testing.T) {
	for _, fn := range functions {
		if fn.std == nil {
			continue
		}
		for _, x := range arguments(fn.lo, fn.hi, 200_000) {
			if amd64Log(fn.name, x) {
				continue
			}
			got, want := fn.f(x), fn.std(x)
			// Both are off by less than one ulp from the truth.
			if d := math.Abs(got - want); d > 2*math.Abs(math.Nextafter(want, math.Inf(1))-want) {
				t.Fatalf("%s(%v) = %v; package math has %v", fn.name, x, got, want)
			}
		}
	}
}

func TestSpecialValuesAreThoseOfPackageMath(t *testing.T) {
	values := []float64{
		0, math.Copysign(0, -1), 1, -1, 2, -2, 0.5, math.NaN(), math.Inf(1), math.Inf(-1),
		math.MaxFloat64, -math.MaxFloat64, 0x1p-1074, -0x1p-1074, 0x1p-1022, -0x1p-1022,
		709.782712893384, 709.7827128933841, 710, -745.1332191019411, -745.1332191019412, -746, -38.8, -39, 1e300, -1e300,
	}
	for _, fn := range functions {
		if fn.std == nil {
			continue
		}
		for _, x := range values {
			if amd64Log(fn.name, x) {
				continue
			}
			got, want := fn.f(x), fn.std(x)
			same := math.Float64bits(got) == math.Float64bits(want) || math.IsNaN(got) && math.IsNaN(want)
			// A subnormal or finite result may differ in its last place.
			if !same && (math.IsNaN(got) || math.IsNaN(want) || math.Signbit(got) != math.Signbit(want) ||
				math.Abs(got-want) > 2*math.Abs(math.Nextafter(want, math.Inf(1))-want)) {
				t.Errorf("%s(%v) = %v; package math has %v", fn.name, x, got, want)
			}
		}
	}
}

// amd64Log reports whether package math is no oracle: in Go 1.26 its amd64
// assembly has Log(0x1p-1074) = -709.09, where the truth is -744.44.
func amd64Log(name string, x float64) bool {
	return name == "Log" && 0 < x && x < 0x1p-1022
}

func TestExactValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name    string
		f       func(float64) float64
		in, out float64
	}{
		{name: "Exp", f: fmath.Exp, in: 0, out: 1},
		{name: "Exp", f: fmath.Exp, in: -inf, out: 0},
		{name: "Log", f: fmath.Log, in: 1, out: 0},
		{name: "Log", f: fmath.Log, in: 0, out: -inf},
		{name: "Log", f: fmath.Log, in: -1, out: nan},
		{name: "Sigmoid", f: fmath.Sigmoid, in: 0, out: 0.5},
		{name: "Sigmoid", f: fmath.Sigmoid, in: inf, out: 1},
		{name: "Sigmoid", f: fmath.Sigmoid, in: -inf, out: 0},
		{name: "Sigmoid", f: fmath.Sigmoid, in: nan, out: nan},
		{name: "Sigmoid", f: fmath.Sigmoid, in: 1000, out: 1},
		{name: "Sigmoid", f: fmath.Sigmoid, in: -1000, out: 0},
		{name: "Softplus", f: fmath.Softplus, in: inf, out: inf},
		{name: "Softplus", f: fmath.Softplus, in: -inf, out: 0},
		{name: "Softplus", f: fmath.Softplus, in: nan, out: nan},
		{name: "Softplus", f: fmath.Softplus, in: 1e300, out: 1e300},
	} {
		if got := c.f(c.in); got != c.out && !(math.IsNaN(got) && math.IsNaN(c.out)) {
			t.Errorf("%s(%v) = %v; want %v", c.name, c.in, got, c.out)
		}
	}
}

func BenchmarkExp(b *testing.B) { benchmark(b, fmath.Exp, math.Exp) }
func BenchmarkLog(b *testing.B) { benchmark(b, fmath.Log, math.Log) }
func BenchmarkPow(b *testing.B) {
	pow := func(f func(x, y float64) float64) func(float64) float64 {
		return func(x float64) float64 { return f(x, 0.2297) }
	}
	benchmark(b, pow(fmath.Pow), pow(math.Pow))
}

func benchmark(b *testing.B, ours, std func(float64) float64) {
	for _, impl := range []struct {
		name string
		f    func(float64) float64
	}{{"fmath", ours}, {"math", std}} {
		b.Run("impl="+impl.name, func(b *testing.B) {
			x, sum := 0.5, 0.0
			for b.Loop() {
				sum += impl.f(x)
				if x += 0.37; x > 30 {
					x = 0.5
				}
			}
			sink = sum
		})
	}
}

var sink float64
