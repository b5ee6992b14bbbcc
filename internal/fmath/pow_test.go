package fmath_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/fmath"
)

func bigPow(x, y float64) *big.Float {
	l := bigLog(bigFloat(x))
	return bigExp(l.Mul(l, bigFloat(y)))
}

func TestPowErrorStaysBelowOneUlp(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	rng := rand.New(rand.NewPCG(1, 2))
	worst, wx, wy := 0.0, 0.0, 0.0
	for range n {
		target := rng.Float64()*2150 - 1078 // log2 of the result
		for _, x := range []float64{
			math.Ldexp(1+rng.Float64(), rng.IntN(2096)-1074),
			math.Ldexp(1+rng.Float64(), rng.IntN(20)-10),
			1 + math.Ldexp(rng.Float64()-0.5, -rng.IntN(52)),
			float64(1 + rng.IntN(100_000)), // a popularity
		} {
			for _, y := range []float64{target / math.Log2(x), rng.Float64()*4 - 2, float64(rng.IntN(40) - 20), rng.Float64()} {
				got := fmath.Pow(x, y)
				if x == 1 || math.IsInf(y, 0) || math.IsNaN(y) || got == 0 || math.IsInf(got, 0) {
					continue // the special cases below
				}
				if u := ulps(got, bigPow(x, y)); u > worst {
					worst, wx, wy = u, x, y
				}
			}
		}
	}
	t.Logf("worst error %.3f ulp at %v**%v", worst, wx, wy)
	if worst >= 1 {
		t.Errorf("Pow(%v, %v) is %.3f ulp off; want < 1", wx, wy, worst)
	}
}

func TestPowAgreesWithPackageMath(t *testing.T) {
	inf, negZero := math.Inf(1), math.Copysign(0, -1)
	values := []float64{
		0, negZero, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 1.5, -1.5, 10, math.NaN(), inf, -inf, math.MaxFloat64, -math.MaxFloat64,
		0x1p-1074, -0x1p-1074, 0x1p-1022, 0x1p31, 0x1p31 + 1, -0x1p32, 0x1p53, 0x1p53 - 1, -(0x1p53 - 1), 0x1p53 + 2, 0x1p64, 0x1p65, -0x1p70,
		1 + 0x1p-52, 1 - 0x1p-53, 1 + 0x1p-21, 1 - 0x1p-21, 1 + 0x1p-20, 1 - 0x1p-19, -1 - 0x1p-52, -1 + 0x1p-53, 1023, 1024, 1025, -1074, -1075, -1076, 308.3,
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		values = append(values, math.Ldexp(rng.Float64()-0.5, rng.IntN(40)-20), float64(rng.IntN(2001)-1000))
	}
	for _, x := range values {
		for _, y := range values {
			if math.Abs(x) < 0x1p-1022 && y != math.Trunc(y) || math.Abs(math.Abs(x)-1) < 1e-3 && math.Abs(y) > 0x1p31 {
				// Package math takes the Log, see amd64Log, and has
				// 7.389055989 for e², (1 + 2^-52)**(2^53).
				continue
			}
			got, want := fmath.Pow(x, y), math.Pow(x, y)
			if math.Float64bits(got) == math.Float64bits(want) || math.IsNaN(got) && math.IsNaN(want) {
				continue
			}
			// The oracle above binds us to one ulp; package math promises none, and
			// is off by 1e-13 where it squares often.
			if math.Signbit(got) != math.Signbit(want) || !(math.Abs(got-want) <= 2e-12*math.Abs(want)) && math.Abs(want) > 1e-300 && math.Abs(want) < 1e308 {
				t.Errorf("Pow(%v, %v) = %v; package math has %v", x, y, got, want)
			}
		}
	}
}

func TestPowOfIntegersIsExact(t *testing.T) {
	for x := int64(-20); x <= 20; x++ {
		want := int64(1)
		for n := 0; want < 1<<53 && want > -1<<53 && n < 200; n++ {
			if got := fmath.Pow(float64(x), float64(n)); got != float64(want) {
				t.Errorf("Pow(%d, %d) = %v; want %d", x, n, got, want)
			}
			want *= x
		}
	}
	for n := -1074; n < 1024; n++ {
		if got := fmath.Pow(2, float64(n)); got != math.Ldexp(1, n) {
			t.Errorf("Pow(2, %d) = %v", n, got)
		}
	}
}
