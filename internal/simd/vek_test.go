package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

var vekLengths = []int{0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 1000, 8191, 8192, 8193, 20000}

// What vek computes has the bits of a loop in Go, for all values.
func TestVekIsExact(t *testing.T) {
	loops := []struct {
		name string
		f    func(y, x []float32)
		one  func(y, x float32) float32
	}{
		{"Add", simd.Add, func(y, x float32) float32 { return y + x }},
		{"Sub", simd.Sub, func(y, x float32) float32 { return y - x }},
		{"Mul", simd.Mul, func(y, x float32) float32 { return y * x }},
	}
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(41, 1))
		for _, l := range loops {
			for _, n := range vekLengths {
				x := drawn(r, n, func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) })
				y := drawn(r, n+1, func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) })
				got := append([]float32(nil), y...)
				l.f(got[:n], x)
				for i := range x {
					if want := l.one(y[i], x[i]); !sameFloat(got[i], want) {
						t.Fatalf("%s, n=%d: %v and %v give %v, want %v", l.name, n, y[i], x[i], got[i], want)
					}
				}
				if !sameFloat(got[n], y[n]) {
					t.Fatalf("%s, n=%d: wrote beyond the end", l.name, n)
				}
			}
		}
	})
}

// The extremes at every place, among infinities and subnormals, with ties.
func TestVekExtremes(t *testing.T) {
	inf := float32(math.Inf(1))
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(42, 1))
		for _, n := range vekLengths {
			for trial := range 20 {
				x := drawn(r, n, func(r *rand.Rand) float32 {
					switch trial % 4 {
					case 0:
						return float32(r.IntN(4)) + 1 // ties
					case 1:
						return -1 - float32(r.IntN(1000))
					case 2:
						return math.Float32frombits(r.Uint32N(1 << 23)) // subnormal
					}
					return float32(r.NormFloat64())
				})
				if n > 0 && trial > 12 {
					x[r.IntN(n)] = inf
					x[r.IntN(n)] = -inf
				}
				top, low, at := -inf, inf, -1
				for i, v := range x {
					if at < 0 || v > top {
						at = i
					}
					top, low = max(top, v), min(low, v)
				}
				if got := simd.Max(x); got != top {
					t.Fatalf("n=%d: Max = %v, want %v", n, got, top)
				}
				if got := simd.Min(x); got != low {
					t.Fatalf("n=%d: Min = %v, want %v", n, got, low)
				}
				if got := simd.ArgMax(x); got != at {
					t.Fatalf("n=%d: ArgMax = %d, want %d", n, got, at)
				}
				if n > 0 {
					x[r.IntN(n)] = float32(math.NaN())
					if got := simd.ArgMax(x); got < 0 || got >= n {
						t.Fatalf("n=%d with NaN: ArgMax = %d", n, got)
					}
				}
			}
		}
	})
}
