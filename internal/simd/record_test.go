package simd_test

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// What is promised to have the same bits has them on every processor and in every later
// version, too: the sums are of results on amd64, and of what Go computes elsewhere.
func TestBitsAreOnRecord(t *testing.T) {
	const n = 1003
	in := func(seed uint64) []float32 { // numbers in ±(1, 16), no elementary function involved
		r := rand.New(rand.NewPCG(seed, 61))
		return drawn(r, n, func(r *rand.Rand) float32 {
			return math.Float32frombits(r.Uint32()&0x807fffff | (0x7f+r.Uint32N(4))<<23)
		})
	}
	out := func(f func(dst, x []float32)) func() []float32 {
		return func() []float32 {
			dst := make([]float32, n)
			f(dst, in(1))
			return dst
		}
	}
	for _, c := range []struct {
		name string
		run  func() []float32
		want uint64
	}{
		{"Exp", out(simd.Exp), 0xd4f2ae614586b8d8},
		{"Sigmoid", out(simd.Sigmoid), 0x69192c1ecee9ed7d},
		{"Softmax", out(simd.Softmax), 0x5a03bb5feb33daca},
		{"Sum", func() []float32 { return []float32{simd.Sum(in(1))} }, 0xc2d69819da995206},
		{"Axpy", func() []float32 {
			y := in(2)
			simd.Axpy(1.1, in(1), y)
			return y
		}, 0x55671917ba447640},
		{"GemvT", func() []float32 {
			y := make([]float32, 100)
			simd.GemvT(y, in(1), 100, in(2)[:10])
			return y
		}, 0xeda527dc1a2d2fe7},
		{"Adam", func() []float32 {
			w, m, v := in(1), make([]float32, n), make([]float32, n)
			for step := 1; step <= 3; step++ {
				simd.Adam{Rate: 1e-3, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}.Step(w, in(uint64(step)), m, v, step)
			}
			return w
		}, 0x309bdea00c9ad046},
		{"AdaGrad", func() []float32 {
			w, s := in(1), make([]float32, n)
			for step := range 3 {
				simd.AdaGrad{Rate: 0.05, Epsilon: 1e-6}.Step(w, in(uint64(step)), s)
			}
			return w
		}, 0xebce8c1b1e4184b1},
		{"F16", func() []float32 {
			codes, back := make([]uint16, n), make([]float32, n)
			simd.EncodeF16(codes, in(1))
			simd.DecodeF16(back, codes)
			return back
		}, 0x2472c52ceb50f2f2},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachTier(t, func(t *testing.T) {
				h := fnv.New64a()
				for _, x := range c.run() {
					b := math.Float32bits(x)
					h.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
				}
				if got := h.Sum64(); got != c.want {
					t.Errorf("%#x, on record %#x", got, c.want)
				}
			})
		})
	}
}
