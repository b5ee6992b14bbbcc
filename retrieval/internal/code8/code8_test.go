package code8_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// vectors are the kinds of vectors that the bound must hold for.
var vectors = []struct {
	name string
	make func(rng *rand.Rand, x []float32)
}{
	{"normal", func(rng *rand.Rand, x []float32) { each(x, func(int) float64 { return rng.NormFloat64() }) }},
	{"uniform", func(rng *rand.Rand, x []float32) { each(x, func(int) float64 { return rng.Float64() }) }},
	{"zero", func(_ *rand.Rand, x []float32) { clear(x) }},
	{"one value", func(rng *rand.Rand, x []float32) { clear(x); x[rng.IntN(len(x))] = -3.7 }},
	{"one dominates", func(rng *rand.Rand, x []float32) {
		each(x, func(int) float64 { return rng.NormFloat64() })
		x[rng.IntN(len(x))] = 1e6
	}},
	{"just below half a step", func(rng *rand.Rand, x []float32) {
		each(x, func(i int) float64 { return (float64(i%127) + 0.4999999) / 127 })
		x[0] = 1
	}},
	{"half a step", func(rng *rand.Rand, x []float32) {
		each(x, func(i int) float64 { return float64(i%127) + 0.5 })
		x[0] = 127
	}},
	{"huge range", func(rng *rand.Rand, x []float32) {
		each(x, func(int) float64 { return math.Ldexp(rng.NormFloat64(), rng.IntN(80)-60) })
	}},
	{"denormal", func(rng *rand.Rand, x []float32) {
		each(x, func(int) float64 { return float64(rng.IntN(2000)-1000) * 0x1p-149 })
	}},
	{"smallest", func(rng *rand.Rand, x []float32) {
		each(x, func(int) float64 { return float64(rng.IntN(3)-1) * 0x1p-149 })
	}},
	{"small", func(rng *rand.Rand, x []float32) { each(x, func(int) float64 { return rng.NormFloat64() * 1e-20 }) }},
	{"large", func(rng *rand.Rand, x []float32) { each(x, func(int) float64 { return rng.NormFloat64() * 1e15 }) }},
	{"equal", func(_ *rand.Rand, x []float32) { each(x, func(int) float64 { return 0.1 }) }},
	{"alternating", func(_ *rand.Rand, x []float32) { each(x, func(i int) float64 { return 0.1 - 0.2*float64(i&1) }) }},
}

func each(x []float32, value func(i int) float64) {
	for i := range x {
		x[i] = float32(value(i))
	}
}

var dims = []int{1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 200}

// forPairs calls check with a query and a row of every two kinds.
func forPairs(t *testing.T, check func(t *testing.T, rng *rand.Rand, q, x []float32)) {
	for _, d := range dims {
		for i, kq := range vectors {
			for j, kx := range vectors {
				t.Run(fmt.Sprintf("d=%d/%s·%s", d, kq.name, kx.name), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(d), uint64(i*100+j)))
					q, x := make([]float32, d), make([]float32, d)
					for range 3 {
						kq.make(rng, q)
						kx.make(rng, x)
						check(t, rng, q, x)
					}
				})
			}
		}
	}
}

// product is the exact inner product.
func product(q, x []float32) *big.Float {
	sum := exact(0)
	for i := range q {
		sum.Add(sum, exact(0).Mul(exact(float64(q[i])), exact(float64(x[i]))))
	}
	return sum
}

// distance is the exact squared distance.
func distance(q, x []float32) *big.Float {
	sum := exact(0)
	for i := range q {
		diff := exact(0).Sub(exact(float64(q[i])), exact(float64(x[i])))
		sum.Add(sum, diff.Mul(diff, diff))
	}
	return sum
}

// exact holds the sums of products of float32 without rounding: 2^±300 and some.
func exact(v float64) *big.Float { return new(big.Float).SetPrec(800).SetFloat64(v) }

// scales are those that a row may be coded under: its own, one for a group, a bad one.
func scales(rng *rand.Rand, x []float32) []float32 {
	own := code8.Scale(code8.MaxAbs(x))
	return []float32{own, own * float32(1+rng.Float64()), own / 3, own * 100, 0, 1}
}

func TestBoundIsNeverExceeded(t *testing.T) {
	forPairs(t, func(t *testing.T, rng *rand.Rand, q, x []float32) {
		var c code8.Query
		c.Set(q)
		norm := code8.Norm(x)
		if !c.Safe(norm) {
			t.Fatal("not safe")
		}
		codes := make([]uint8, code8.Stride(len(x)))
		for _, scale := range scales(rng, x) {
			residual := code8.Encode(codes, x, scale)
			n := simd.DotInt8(c.Codes(), codes)
			approx, bound := c.Approx(n, scale), c.Bound(norm, residual)
			dot := simd.Dot(q, x)
			for name, v := range map[string]*big.Float{"computed": exact(float64(dot)), "true": product(q, x)} {
				if diff := exact(0).Sub(v, exact(approx)); diff.Abs(diff).Cmp(exact(bound)) > 0 {
					t.Errorf("%s product %v, approximation %v, |difference| %v > bound %v", name, v, approx, diff, bound)
				}
			}
			if m := c.Max(norm); math.Abs(float64(dot)) > m {
				t.Errorf("product %v is beyond Max %v", dot, m)
			}
			diff := exact(0).Sub(exact(float64(dot)), product(q, x))
			if diff.Abs(diff).Cmp(exact(c.Slack(norm))) > 0 {
				t.Errorf("rounding %v is beyond Slack %v", diff, c.Slack(norm))
			}
		}
	})
}

func TestThresholdNeverDropsARowThatReachesTheScore(t *testing.T) {
	forPairs(t, func(t *testing.T, rng *rand.Rand, q, x []float32) {
		var c code8.Query
		c.Set(q)
		norm := code8.Norm(x)
		codes := make([]uint8, code8.Stride(len(x)))
		for _, scale := range scales(rng, x) {
			residual := code8.Encode(codes, x, scale)
			n := simd.DotInt8(c.Codes(), codes)
			dot := simd.Dot(q, x)
			for _, score := range []float32{dot, math.Nextafter32(dot, -1e30), dot - dot/1000, dot - 1} {
				if score > dot {
					continue
				}
				if th := c.Threshold(float64(score), scale, norm, residual); n <= th {
					t.Errorf("the codes' product %d is not above %d, but the row scores %v >= %v", n, th, dot, score)
				}
			}
			// The threshold is of use: well above the score, rows are dropped.
			high := c.Approx(n, scale) + 2.001*c.Bound(norm, residual) + 1e-40
			if th := c.Threshold(high, scale, norm, residual); n > th {
				t.Errorf("the codes' product %d is above %d though the row cannot reach %v", n, th, high)
			}
		}
	})
}

func TestProductIsReachedByEveryRowWithinTheDistance(t *testing.T) {
	forPairs(t, func(t *testing.T, _ *rand.Rand, q, x []float32) {
		var c code8.Query
		c.Set(q)
		norm := code8.Norm(x)
		far := simd.L2Sq(q, x)
		if want := exact(c.Product(far, code8.Low(norm))); product(q, x).Cmp(want) < 0 {
			t.Errorf("product %v of a row at %v (true %v) is below %v", product(q, x), far, distance(q, x), want)
		}
	})
}

func TestNormIsRoundedUpAndLowDown(t *testing.T) {
	forPairs(t, func(t *testing.T, _ *rand.Rand, q, x []float32) {
		for _, v := range [][]float32{q, x} {
			square := distance(v, make([]float32, len(v)))
			norm := code8.Norm(v)
			low := code8.Low(norm)
			if s := exact(float64(norm)); s.Mul(s, s).Cmp(square) < 0 {
				t.Errorf("norm %v is below the true one", norm)
			}
			if s := exact(float64(low)); low < 0 || s.Mul(s, s).Cmp(square) > 0 {
				t.Errorf("low %v is above the true norm", low)
			}
			if low < norm*(1-0x1p-20)-0x1p-147 {
				t.Errorf("low %v is too far below %v", low, norm)
			}
		}
	})
}

func TestResidualIsRoundedUpAndTight(t *testing.T) {
	forPairs(t, func(t *testing.T, rng *rand.Rand, _, x []float32) {
		codes := make([]uint8, code8.Stride(len(x)))
		for _, scale := range scales(rng, x) {
			residual := code8.Encode(codes, x, scale)
			sum := exact(0)
			for i, v := range x {
				r := exact(float64(scale))
				r.Mul(r, exact(float64(codes[i])-code8.Bias))
				r.Sub(exact(float64(v)), r)
				sum.Add(sum, r.Mul(r, r))
			}
			s := exact(float64(residual))
			if s.Mul(s, s).Cmp(sum) < 0 {
				t.Errorf("scale %v: residual %v is below the true one", scale, residual)
			}
			if low := exact(float64(code8.Low(residual))); low.Mul(low, low).Cmp(sum) > 0 {
				t.Errorf("scale %v: residual %v is too large", scale, residual)
			}
		}
		for i := len(x); i < len(codes); i++ {
			if codes[i] != code8.Bias {
				t.Fatalf("padding byte %d is %d; want %d", i, codes[i], code8.Bias)
			}
		}
	})
}

func TestNothingIsProvenBeyondFloat32(t *testing.T) {
	q := []float32{math.MaxFloat32, -math.MaxFloat32}
	var c code8.Query
	c.Set(q)
	norm := code8.Norm(q)
	if !math.IsInf(float64(norm), 1) || c.Safe(norm) || c.Safe(1) {
		t.Errorf("norm %v, Safe %v, %v; want +Inf and not safe", norm, c.Safe(norm), c.Safe(1))
	}
	if th := c.Threshold(1, 1, norm, 1); th != math.MinInt32 {
		t.Errorf("Threshold = %d; want %d", th, math.MinInt32)
	}
	c.Set([]float32{0, 0})
	if th := c.Threshold(0, 1, norm, norm); th != math.MinInt32 {
		t.Errorf("Threshold of a zero query = %d; want %d", th, math.MinInt32)
	}
	if th := c.Threshold(1, 1, 1, 1); th != math.MaxInt32 {
		t.Errorf("Threshold of a zero query for a positive score = %d; want %d", th, math.MaxInt32)
	}
}

func TestStride(t *testing.T) {
	for _, c := range [][2]int{{0, 16}, {1, 16}, {16, 16}, {17, 32}, {32, 32}, {33, 64}, {64, 64}, {65, 128}, {200, 256}} {
		if got := code8.Stride(c[0]); got != c[1] {
			t.Errorf("Stride(%d) = %d; want %d", c[0], got, c[1])
		}
	}
}

func TestSetAllocatesNothing(t *testing.T) {
	var c code8.Query
	q := make([]float32, 64)
	c.Set(q)
	if n := testing.AllocsPerRun(100, func() { c.Set(q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSet(b *testing.B) {
	var c code8.Query
	q := make([]float32, 64)
	each(q, func(i int) float64 { return math.Sin(float64(i)) })
	for b.Loop() {
		c.Set(q)
	}
}

func BenchmarkEncode(b *testing.B) {
	x, codes := make([]float32, 64), make([]uint8, 64)
	each(x, func(i int) float64 { return math.Sin(float64(i)) })
	for b.Loop() {
		code8.Encode(codes, x, 1./127)
	}
}
