package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// halfFormats describes both formats by what they are: the value of a code, and the two
// functions under test.
var halfFormats = []struct {
	name               string
	encode             func([]uint16, []float32)
	decode             func([]float32, []uint16)
	exponent, fraction int // bits
}{
	{"F16", simd.EncodeF16, simd.DecodeF16, 5, 10},
	{"BF16", simd.EncodeBF16, simd.DecodeBF16, 8, 7},
}

// value returns what the code means, from the definition in IEEE 754-2019, §3.4.
func halfValue(code uint16, exponent, fraction int) float64 {
	sign := 1.0
	if code>>15 != 0 {
		sign = -1
	}
	e := int(code>>fraction) & (1<<exponent - 1)
	f := float64(code&(1<<fraction-1)) / float64(int(1)<<fraction)
	bias := 1<<(exponent-1) - 1
	switch {
	case e == 1<<exponent-1 && f != 0:
		return math.NaN()
	case e == 1<<exponent-1:
		return sign * math.Inf(1)
	case e == 0:
		return sign * math.Ldexp(f, 1-bias)
	}
	return sign * math.Ldexp(1+f, e-bias)
}

func TestHalvesDecodeEveryCode(t *testing.T) {
	codes := make([]uint16, 1<<16)
	for i := range codes {
		codes[i] = uint16(i)
	}
	eachTier(t, func(t *testing.T) {
		for _, f := range halfFormats {
			got, back := make([]float32, len(codes)), make([]uint16, len(codes))
			f.decode(got, codes)
			f.encode(back, got)
			for i, v := range got {
				if want := halfValue(codes[i], f.exponent, f.fraction); !sameFloat(v, float32(want)) {
					t.Fatalf("%s %#04x = %v, want %v", f.name, i, v, want)
				}
				if v == v && back[i] != codes[i] {
					t.Fatalf("%s %#04x comes back as %#04x", f.name, i, back[i])
				}
			}
		}
	})
}

// Between two neighbouring codes the nearer one is taken, halfway the even one.
func TestHalvesRoundToNearestEven(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, f := range halfFormats {
			var x []float32
			var want []uint16
			infinity := uint16(1<<f.exponent-1) << f.fraction
			for code := range infinity {
				lo, hi := halfValue(code, f.exponent, f.fraction), halfValue(code+1, f.exponent, f.fraction)
				if math.IsInf(hi, 1) { // rounds as if the exponent went on
					hi = 2*lo - halfValue(code-1, f.exponent, f.fraction)
				}
				mid := float32((lo + hi) / 2)
				even := code + code&1
				for _, sign := range []uint16{0, 1 << 15} {
					v := mid
					if sign != 0 {
						v = -mid
					}
					x = append(x, v, math.Nextafter32(v, 0), math.Nextafter32(v, 2*v))
					want = append(want, sign|even, sign|code, sign|(code+1))
				}
			}
			nan := float32(math.NaN())
			quiet := math.Float32frombits(0x7f800001)
			x = append(x, float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, nan, quiet)
			got := make([]uint16, len(x))
			f.encode(got, x)
			for i, code := range want {
				if got[i] != code {
					t.Fatalf("%s of %v (%#08x) is %#04x, want %#04x", f.name, x[i], math.Float32bits(x[i]), got[i], code)
				}
			}
			tail := got[len(want):]
			if tail[0] != infinity || tail[1] != infinity|1<<15 || tail[2] != infinity {
				t.Errorf("%s of infinities: %#04x", f.name, tail)
			}
			for _, code := range tail[3:] {
				if v := halfValue(code, f.exponent, f.fraction); v == v {
					t.Errorf("%s of NaN is %v", f.name, v)
				}
			}
		}
	})
}

func TestHalvesLengths(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 1))
		for _, f := range halfFormats {
			for _, n := range []int{0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 8191, 8200, 16389} {
				x := normals(r, n+1)
				codes, back := make([]uint16, n+1), make([]float32, n+1)
				f.encode(codes[:n], x[:n])
				f.decode(back[:n], codes[:n])
				if codes[n] != 0 || back[n] != 0 {
					t.Fatalf("%s n=%d: wrote beyond the end", f.name, n)
				}
				for i := range n {
					if math.Abs(float64(back[i]-x[i])) > math.Abs(float64(x[i]))*math.Ldexp(1, -f.fraction-1)+0x1p-25 {
						t.Fatalf("%s n=%d: %v comes back as %v", f.name, n, x[i], back[i])
					}
				}
			}
		}
	})
}

func TestHalfDotHasTheBitsOfDot(t *testing.T) {
	batches := []func(out, q []float32, rows []uint16, stride int){simd.DotF16Batch, simd.DotBF16Batch}
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(32, 1))
		for k, f := range halfFormats {
			for _, d := range []int{0, 1, 7, 16, 33, 64, 255, 256, 257, 2048, 2049, 5000} {
				n, stride := 1+r.IntN(70), d+r.IntN(3)
				if d > 2000 {
					n = 3
				}
				q, x := normals(r, d), normals(r, n*stride)
				rows, plain := make([]uint16, len(x)), make([]float32, len(x))
				f.encode(rows, x)
				f.decode(plain, rows)
				out := make([]float32, n)
				batches[k](out, q, rows, stride)
				for i, got := range out {
					if want := simd.Dot(q, plain[i*stride:i*stride+d]); got != want {
						t.Fatalf("%s d=%d: row %d gives %v, want %v", f.name, d, i, got, want)
					}
				}
			}
		}
	})
}
