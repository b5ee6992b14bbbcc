package simd_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// exactFMA rounds x*y + z once, from a number that holds it exactly.
func exactFMA(x, y, z float32) float32 {
	for _, v := range []float32{x, y, z} {
		if v-v != 0 {
			return float32(float64(x)*float64(y) + float64(z))
		}
	}
	var p, s big.Float
	p.SetPrec(1000).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
	s.SetPrec(1000).Add(&p, big.NewFloat(float64(z)))
	if s.Sign() == 0 {
		return float32(float64(x)*float64(y) + float64(z))
	}
	r, _ := s.Float32()
	return r
}

// anyFloat draws bits, so that every exponent, subnormal numbers, zeros, infinities and NaN
// come up.
func anyFloat(r *rand.Rand) float32 {
	switch r.IntN(16) {
	case 0:
		return math.Float32frombits(r.Uint32() & 0x80000007)
	case 1:
		return math.Float32frombits(r.Uint32() & 0x807fffff)
	case 2:
		return math.Float32frombits(0x3f800000 | r.Uint32()&0x80000003)
	default:
		return math.Float32frombits(r.Uint32())
	}
}

func sameFloat(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestFMA32RoundsOnce(t *testing.T) {
	check := func(x, y, z float32) {
		t.Helper()
		if got, want := simd.FMA32(x, y, z), exactFMA(x, y, z); !sameFloat(got, want) {
			t.Fatalf("fma32(%g, %g, %g) = %x, want %x", x, y, z, got, want)
		}
	}
	check(1, 1, -1)
	check(-1, 0, float32(math.Copysign(0, -1)))
	check(math.MaxFloat32, 1, math.MaxFloat32*0x1p-25)
	check(0x1p-126, 0x1p-24, 0x1p-126)
	r := rand.New(rand.NewPCG(1, 2))
	for range 100000 {
		x, y := anyFloat(r), anyFloat(r)
		check(x, y, anyFloat(r))
		// A sum next to the middle of two float32: z is far above the product or far
		// below half of its last bit.
		p := float64(x) * float64(y)
		check(x, y, float32(p*0x1p24))
		check(x, y, float32(p*0x1p-24))
		check(x, y, float32(-p))
	}
}

// TestFMA32DoubleRounding draws sums whose rounding to float64 is the middle of two float32
// while the exact sum is not: adding in float64 and converting goes wrong on half of them.
func TestFMA32DoubleRounding(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	wrong := 0
	for range 20000 {
		// x*y = ±2^-24 (1 - a² 2^-46), within 2^-58 of half the last bit of z in [1, 2).
		a := float32(1+r.IntN(63)) * 0x1p-23
		x, y := (1+a)*0x1p-24, 1-a
		z := 1 + float32(r.IntN(1<<23))*0x1p-23
		if r.IntN(2) == 0 {
			x = -x
		}
		s := float32(math.Ldexp(1, r.IntN(200)-100))
		x, z = x*s, z*s
		want := exactFMA(x, y, z)
		if got := simd.FMA32(x, y, z); got != want {
			t.Fatalf("fma32(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
		if float32(float64(x)*float64(y)+float64(z)) != want {
			wrong++
		}
	}
	if wrong < 5000 {
		t.Errorf("only %d of 20000 cases tell one rounding from two", wrong)
	}
}
