package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// elementwise lists the kernels that change slices of one length side by side; each runs
// on x, of which it may change every slice, and returns what else it gives.
var elementwise = []struct {
	name   string
	slices int
	run    func(x [][]float32) float32
}{
	{"Axpy", 2, func(x [][]float32) float32 { simd.Axpy(1.7, x[0], x[1]); return 0 }},
	{"Scale", 1, func(x [][]float32) float32 { simd.Scale(-0.3, x[0]); return 0 }},
	{"Sum", 1, func(x [][]float32) float32 { return simd.Sum(x[0]) }},
	{"Adam", 4, func(x [][]float32) float32 {
		for i, v := range x[3] {
			x[3][i] = v * v // a second moment is not negative
		}
		simd.Adam{Rate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: 0.1}.Step(x[0], x[1], x[2], x[3], 7)
		return 0
	}},
	{"AdaGrad", 3, func(x [][]float32) float32 {
		for i, v := range x[2] {
			x[2][i] = v * v
		}
		simd.AdaGrad{Rate: 0.1, Epsilon: 1e-6}.Step(x[0], x[1], x[2])
		return 0
	}},
}

func TestElementwiseHasTheBitsOfGo(t *testing.T) {
	lengths := []int{8191, 8192, 8193, 20011}
	for n := range 100 {
		lengths = append(lengths, n)
	}
	kinds := map[string]func(*rand.Rand) float32{
		"normal": func(r *rand.Rand) float32 { return float32(r.NormFloat64()) },
		"any":    func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) },
	}
	for _, k := range elementwise {
		for kind, draw := range kinds {
			for _, n := range lengths {
				results := func(tier simd.Tier) [][]float32 {
					simd.Use(t, tier)
					r := rand.New(rand.NewPCG(uint64(n), 1))
					x := make([][]float32, k.slices+1)
					for i := range k.slices {
						x[i] = drawn(r, n+1, draw)
					}
					cut := make([][]float32, k.slices)
					for i := range cut {
						cut[i] = x[i][:n]
					}
					x[k.slices] = []float32{k.run(cut)}
					return x
				}
				want := results(simd.PureGo)
				for _, tier := range simd.Available() {
					for s, got := range results(tier) {
						for i := range got {
							if !sameFloat(got[i], want[s][i]) {
								t.Fatalf("%s of %d %s elements, %v: element %d of slice %d is %v, in Go %v", k.name, n, kind, tier, i, s, got[i], want[s][i])
							}
						}
					}
				}
			}
		}
	}
}

// Three steps against the formulas in float64.
// Source: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2.
func TestAdamIsThePapers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	const n = 37
	a := simd.Adam{Rate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: 0.05}
	w, m, v := normals(r, n), make([]float32, n), make([]float32, n)
	ew, em, ev := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range w {
		ew[i] = float64(w[i])
	}
	for step := 1; step <= 3; step++ {
		g := normals(r, n)
		a.Step(w, g, m, v, step)
		for i := range w {
			x := float64(g[i])
			em[i] = 0.9*em[i] + 0.1*x
			ev[i] = 0.999*ev[i] + 0.001*x*x
			mhat, vhat := em[i]/(1-math.Pow(0.9, float64(step))), ev[i]/(1-math.Pow(0.999, float64(step)))
			ew[i] -= 0.01 * (mhat/(math.Sqrt(vhat)+1e-8) + 0.05*ew[i])
			if math.Abs(float64(w[i])-ew[i]) > 5e-6 {
				t.Fatalf("step %d: w[%d] = %v, want %v", step, i, w[i], ew[i])
			}
		}
	}
}

// Source: Duchi, Hazan and Singer 2011, figure 1.
func TestAdaGradIsThePapers(t *testing.T) {
	w, s := []float32{1, -2, 0}, make([]float32, 3)
	a := simd.AdaGrad{Rate: 0.5}
	a.Step(w, []float32{3, -4, 1}, s) // the first step is the rate times the sign
	for i, want := range []float32{0.5, -1.5, -0.5} {
		if w[i] != want {
			t.Errorf("w[%d] = %v, want %v", i, w[i], want)
		}
	}
	a.Step(w, []float32{4, 3, 0}, s) // s = 25, 25, 1
	for i, want := range []float32{0.5 - 0.5*4/5, -1.5 - 0.5*3/5, -0.5} {
		if math.Abs(float64(w[i]-want)) > 1e-6 {
			t.Errorf("w[%d] = %v, want %v", i, w[i], want)
		}
	}
}

func TestBlasShapesPanic(t *testing.T) {
	x3, x4 := make([]float32, 3), make([]float32, 4)
	var b simd.Packed
	b.Pack(x4, 2, 2, 2)
	for name, f := range map[string]func(){
		"Axpy":          func() { simd.Axpy(1, x3, x4) },
		"Exp":           func() { simd.Exp(x3, x4) },
		"Sigmoid":       func() { simd.Sigmoid(x4, x3) },
		"Softmax":       func() { simd.Softmax(x4, x3) },
		"Adam":          func() { simd.Adam{}.Step(x3, x3, x3, x4, 1) },
		"Adam step 0":   func() { simd.Adam{}.Step(x3, x3, x3, x3, 0) },
		"AdaGrad":       func() { simd.AdaGrad{}.Step(x3, x4, x3) },
		"Pack rows":     func() { new(simd.Packed).Pack(x3, 2, 2, 2) },
		"Pack negative": func() { new(simd.Packed).Pack(x3, 2, -1, 2) },
		"PackT stride":  func() { new(simd.Packed).PackT(x4, 1, 2, 2) },
		"Gemm A":        func() { simd.Gemm(x4, 2, x3, 2, 2, &b, false) },
		"Gemm C":        func() { simd.Gemm(x3, 2, x4, 2, 2, &b, false) },
		"GemmTN C":      func() { simd.GemmTN(x4, 1, x4, 2, 2, &b, false) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if msg := recover(); msg == nil {
					t.Error("no panic")
				} else if s := fmt.Sprint(msg); len(s) < 6 || s[:6] != "simd: " {
					t.Errorf("panic %v", msg)
				}
			}()
			f()
		})
	}
}
