package interleave_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/metrics/interleave"
)

// signExactly is 2 P(X >= most) in rationals.
func signExactly(a, b int) float64 {
	n, sum := int64(a+b), new(big.Int)
	for k := int64(max(a, b)); k <= n; k++ {
		sum.Add(sum, new(big.Int).Binomial(n, k))
	}
	p, _ := new(big.Rat).SetFrac(sum.Lsh(sum, 1), new(big.Int).Lsh(big.NewInt(1), uint(n))).Float64()
	return min(p, 1)
}

func TestSignTestIsExact(t *testing.T) {
	for a := range 40 {
		for b := range 40 {
			if got, want := interleave.SignTest(a, b), signExactly(a, b); math.Abs(got-want) > 1e-12*want {
				t.Fatalf("%d to %d: %v; want %v", a, b, got, want)
			}
		}
	}
	for _, c := range [][2]int{{1000, 1100}, {0, 900}, {3000, 3001}, {700, 1300}} {
		if got, want := interleave.SignTest(c[0], c[1]), signExactly(c[0], c[1]); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%v: %v; want %v", c, got, want)
		}
	}
	// A million wins: the normal limit with a correction of continuity.
	if got, want := interleave.SignTest(500_000, 501_000), math.Erfc(999/math.Sqrt(1_001_000)/math.Sqrt2); math.Abs(got-want) > 1e-5*want {
		t.Errorf("%v; want near %v", got, want)
	}
	if p := interleave.SignTest(-1, 2); !math.IsNaN(p) {
		t.Errorf("%v of a negative number", p)
	}
}

// Source: Student 1908: the distribution has a closed form for 1, 2 and 4 degrees of freedom, among others.
func TestTTestIsStudents(t *testing.T) {
	tails := map[int]func(t float64) float64{
		1: func(t float64) float64 { return 1 - 2/math.Pi*math.Atan(t) },
		2: func(t float64) float64 { return 1 - t/math.Sqrt(2+t*t) },
		4: func(t float64) float64 {
			u := 4 + t*t
			return 1 - t*(6+t*t)/(u*math.Sqrt(u))
		},
	}
	r := rand.New(rand.NewPCG(3, 3))
	for df, tail := range tails {
		for range 50 {
			x := make([]float64, df+1)
			for i := range x {
				x[i] = r.NormFloat64() + 1
			}
			m := interleave.TTest(x)
			if want := tail(math.Abs(m.T)); math.Abs(m.P-want) > 1e-12+1e-10*want {
				t.Fatalf("%d degrees, t %v: p %v; want %v", df, m.T, m.P, want)
			}
			if q := (m.Upper - m.Mean) / m.SE; math.Abs(tail(q)-0.05) > 1e-11 {
				t.Fatalf("%d degrees: the interval is %v standard errors wide, with %v outside", df, q, tail(q))
			}
		}
	}
	m := interleave.TTest([]float64{1, 2, 3, 4, 5})
	if m.N != 5 || m.Mean != 3 || math.Abs(m.SE-math.Sqrt(0.5)) > 1e-15 || math.Abs(m.T-3/math.Sqrt(0.5)) > 1e-12 {
		t.Errorf("%+v", m)
	}
}

func TestTTestOfLittle(t *testing.T) {
	nan := math.NaN()
	for _, x := range [][]float64{nil, {2}, {1, nan}, {1, math.Inf(1)}} {
		if m := interleave.TTest(x); !math.IsNaN(m.P) || !math.IsNaN(m.Lower) || m.N != len(x) {
			t.Errorf("%v: %+v", x, m)
		}
	}
	if m := interleave.TTest([]float64{0, 0, 0}); m.P != 1 || m.Lower != 0 {
		t.Errorf("%+v", m)
	}
	if m := interleave.TTest([]float64{2, 2, 2}); m.P != 0 || m.Lower != 2 || !math.IsInf(m.T, 1) {
		t.Errorf("%+v", m)
	}
}

// Under no difference both tests are wrong as often as they say.
func TestPValuesHoldWhenNothingDiffers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const runs = 2000
	sign, student := 0, 0
	for range runs {
		var e interleave.Experiment
		for user := range uint64(60) {
			for range 1 + r.IntN(4) {
				c := interleave.Credit{A: float64(r.IntN(3)), B: float64(r.IntN(3))}
				if err := e.Add(user, c); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := e.Result()
		if got.SignP < 0.05 {
			sign++
		}
		if got.Share.P < 0.05 {
			student++
		}
	}
	if sign > 140 || student < 60 || student > 140 { // 100 ± 4 standard errors; the sign test is exact, so it may be below
		t.Errorf("of %d runs, %d and %d have p < 0.05", runs, sign, student)
	}
}
