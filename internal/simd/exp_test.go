package simd_test

import (
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// exhaustive asks for all 2^32 arguments instead of one in 4099:
//
//	RECSYS_EXHAUSTIVE=1 go test ./internal/simd -run 'EveryFloat32' -timeout 1h
const exhaustive = "RECSYS_EXHAUSTIVE"

// everyFloat32 calls check with blocks of bit patterns that together are all of them, or a
// sample that has every exponent, both signs, the ends of each range and the specials.
func everyFloat32(t *testing.T, check func(t *testing.T, x []float32)) {
	const block = 1 << 12
	if os.Getenv(exhaustive) == "" {
		x := make([]float32, 0, block)
		add := func(bits uint32) {
			if x = append(x, math.Float32frombits(bits)); len(x) == block {
				check(t, x)
				x = x[:0]
			}
		}
		for b := uint64(0); b < 1<<32; b += 4099 {
			add(uint32(b))
		}
		for _, edge := range []float32{0, 0x1p-126, 17.33, 88.7228, 87.3365, 103.28, 103.9721, 104, 105, math.MaxFloat32, float32(math.Inf(1))} {
			for d := range uint32(256) {
				for _, sign := range []uint32{0, 1 << 31} {
					add(math.Float32bits(edge) + d - 128 | sign)
				}
			}
		}
		check(t, x)
		return
	}
	var wg sync.WaitGroup
	workers := uint64(runtime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() {
			x := make([]float32, block)
			for b := w * block; b < 1<<32 && !t.Failed(); b += workers * block {
				for i := range x {
					x[i] = math.Float32frombits(uint32(b) + uint32(i))
				}
				check(t, x)
			}
		})
	}
	wg.Wait()
}

// ulps returns how far got is from want in units of the last place of a float32.
func ulps(got float32, want float64) float64 {
	if want >= 0x1.ffffffp127 {
		if math.IsInf(float64(got), 1) {
			return 0
		}
		return math.Inf(1)
	}
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

// The claim of Exp and Sigmoid: below 0.501 ulp everywhere, and the same bits on every tier.
func checkElementwise(t *testing.T, f func(dst, x []float32), generic func(dst, x []float32), exact func(float64) float64) {
	for _, tier := range simd.Available() {
		t.Run(tier.String(), func(t *testing.T) {
			simd.Use(t, tier)
			everyFloat32(t, func(t *testing.T, x []float32) {
				got, want := make([]float32, len(x)), make([]float32, len(x))
				f(got, x)
				generic(want, x)
				for i, v := range x {
					if !sameFloat(got[i], want[i]) {
						t.Errorf("of %v (%#08x): %v, in Go %v", v, math.Float32bits(v), got[i], want[i])
						return
					}
					if tier == simd.PureGo && (v != v) != (got[i] != got[i]) {
						t.Errorf("of %v: %v", v, got[i])
					} else if tier == simd.PureGo && v == v && !(ulps(got[i], exact(float64(v))) < 0.501) {
						t.Errorf("of %v (%#08x): %v, want %v", v, math.Float32bits(v), got[i], exact(float64(v)))
						return
					}
				}
			})
		})
	}
}

func TestExpOfEveryFloat32(t *testing.T) {
	checkElementwise(t, simd.Exp, simd.ExpGeneric, fmath.Exp)
}

func TestSigmoidOfEveryFloat32(t *testing.T) {
	checkElementwise(t, simd.Sigmoid, simd.SigmoidGeneric, fmath.Sigmoid)
}

func TestExpAtTheEnds(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	x := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, nan, 88.72284, 88.72283, -103.97208, -103.97209, 1000, -1000, -90}
	want := []float32{1, 1, inf, 0, nan, inf, 3.4027985e38, 1e-45, 0, inf, 0, 8.194013e-40}
	eachTier(t, func(t *testing.T) {
		got := make([]float32, len(x))
		simd.Exp(got, x)
		for i := range x {
			if !sameFloat(got[i], want[i]) {
				t.Errorf("e**%v = %v, want %v", x[i], got[i], want[i])
			}
		}
	})
}

// Lengths around the registers: every element is computed, none beyond is written, in
// place as well.
func TestExpLengths(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, f := range []func(dst, x []float32){simd.Exp, simd.Sigmoid} {
			for n := range 70 {
				x := normals(r, n+1)
				one := make([]float32, 1)
				got := append([]float32(nil), x...)
				f(got[:n], got[:n])
				for i := range n {
					f(one, x[i:i+1])
					if got[i] != one[0] {
						t.Fatalf("n=%d: element %d is %v, alone %v", n, i, got[i], one[0])
					}
				}
				if got[n] != x[n] {
					t.Fatalf("n=%d: wrote beyond the end", n)
				}
			}
		}
	})
}

func TestSoftmax(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	inputs := [][]float32{
		{},
		{3},
		{1000, 1000},
		{-1000, 1000},
		{-inf, 0, -inf},
		{-inf, -inf},
		{inf, 0},
		{nan, 0},
		{0, nan},
		{-inf, nan, 2},
		{math.MaxFloat32, -math.MaxFloat32},
		normals(r, 1000),
	}
	for n := range 40 {
		inputs = append(inputs, normals(r, n))
	}
	var want [][]float32
	simd.Use(t, simd.PureGo)
	for _, x := range inputs {
		got := make([]float32, len(x))
		simd.Softmax(got, x)
		want = append(want, got)
		sum := 0.0
		for _, v := range x {
			sum += math.Exp(float64(v))
		}
		if sum-sum != 0 || sum == 0 {
			continue
		}
		for i, v := range x {
			if exact := math.Exp(float64(v)) / sum; math.Abs(float64(got[i])-exact) > 1e-5*exact {
				t.Errorf("softmax(%v)[%d] = %v, want %v", x, i, got[i], exact)
			}
		}
	}
	for i, exact := range map[int][]float32{1: {1}, 2: {.5, .5}, 3: {0, 1}, 4: {0, 1, 0}, 5: {nan, nan}, 6: {nan, nan}, 7: {nan, nan}, 8: {nan, nan}, 9: {nan, nan, nan}, 10: {1, 0}} {
		for j := range exact {
			if !sameFloat(want[i][j], exact[j]) {
				t.Errorf("softmax(%v) = %v, want %v", inputs[i], want[i], exact)
			}
		}
	}
	eachTier(t, func(t *testing.T) {
		for k, x := range inputs {
			got := append([]float32(nil), x...)
			simd.Softmax(got, got)
			for i := range got {
				if !sameFloat(got[i], want[k][i]) {
					t.Errorf("softmax(%v)[%d] = %v, in Go %v", x, i, got[i], want[k][i])
				}
			}
		}
	})
}
