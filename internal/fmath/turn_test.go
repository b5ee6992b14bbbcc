package fmath_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/fmath"
)

func TestTurnIsSineAndCosineOfTwoPi(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200000 {
		x := rng.Float64()
		if i%3 == 0 {
			x = (x - 0.5) * 16
		}
		sin, cos := fmath.Turn(x)
		// x mod 1 is exact, and so small an argument leaves the error of 2πx at 1e-15.
		s, c := math.Sincos(2 * math.Pi * math.Mod(x, 1))
		if math.Abs(sin-s) > 2e-15 || math.Abs(cos-c) > 2e-15 {
			t.Fatalf("Turn(%v) = %v, %v; want %v, %v", x, sin, cos, s, c)
		}
		if d := sin*sin + cos*cos - 1; math.Abs(d) > 1e-15 {
			t.Fatalf("Turn(%v) is off the circle by %v", x, d)
		}
	}
}

func TestTurnIsExactAtQuarters(t *testing.T) {
	for q, want := range [][2]float64{{0, 1}, {1, 0}, {0, -1}, {-1, 0}} {
		for _, turns := range []float64{0, 1, -1, 1000, -1 << 40} {
			if sin, cos := fmath.Turn(float64(q)/4 + turns); sin != want[0] || cos != want[1] ||
				sin == 0 && math.Signbit(sin) || cos == 0 && math.Signbit(cos) {
				t.Errorf("Turn(%v) = %v, %v; want %v", float64(q)/4+turns, sin, cos, want)
			}
		}
	}
	// An eighth of a turn is where both polynomials are furthest from their centre.
	if sin, cos := fmath.Turn(0.125); math.Abs(sin-math.Sqrt2/2) > 1e-16 || math.Abs(cos-math.Sqrt2/2) > 2e-16 {
		t.Errorf("Turn(1/8) = %v, %v", sin, cos)
	}
}
