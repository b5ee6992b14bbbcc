package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// fmRows is a table of n coordinates and rows of different lengths over it.
type fmRows struct {
	table  simd.FM
	starts []int32
	slots  []int32
	values []float32
}

func newFMRows(k, parts, n, rows int, draw func(*rand.Rand) float32, r *rand.Rand) *fmRows {
	x := &fmRows{table: simd.FM{K: k, Parts: parts, Linear: drawn(r, n*parts, draw), Factors: drawn(r, n*parts*k, draw)}, starts: []int32{0}}
	for i := range rows {
		for range i % 23 {
			x.slots = append(x.slots, int32(r.IntN(n)))
			x.values = append(x.values, draw(r))
		}
		x.starts = append(x.starts, int32(len(x.slots)))
	}
	// Sums of squares are not negative.
	for at := range x.table.Linear {
		if at%parts == parts-1 {
			x.table.Linear[at] = float32(math.Abs(float64(x.table.Linear[at])))
		}
	}
	for at := range x.table.Factors {
		if k > 0 && at/k%parts == parts-1 {
			x.table.Factors[at] = float32(math.Abs(float64(x.table.Factors[at])))
		}
	}
	return x
}

var fmConstants = [][8]float32{
	simd.FMAdaGrad: {0.01, 0.05, 1e-6},
	simd.FMAdam:    {0.01, 0.9, 0.1, 0.999, 0.001, 1.25, 1e-8, 0.02},
	simd.FMFTRL:    {7, 10, 1, 0.25, 0.01, 7, 7},
}

// run does everything that there is to do with a table and returns all that it gives.
func (x *fmRows) run(method simd.FMMethod) []float32 {
	m := x.table
	m.Linear, m.Factors = slices.Clone(m.Linear), slices.Clone(m.Factors)
	state := make([]float32, m.StateLen())
	for i := range state {
		state[i] = float32(i) / 8
	}
	out := make([]float32, len(x.starts)-1)
	m.Scores(out, state, x.starts, x.slots, x.values)
	for i := range len(x.starts) - 1 {
		slots, values := x.slots[x.starts[i]:x.starts[i+1]], x.values[x.starts[i]:x.starts[i+1]]
		s := slices.Clone(state)
		m.Sum(s, slots, values)
		out = append(append(out, s...), m.Fold(s))
		if m.Parts > 1 {
			m.Step(method, &fmConstants[method], s, 0.3-float32(i%2), slots, values)
		}
	}
	return append(append(out, m.Linear...), m.Factors...)
}

func TestFMHasTheBitsOfGo(t *testing.T) {
	kinds := map[string]func(*rand.Rand) float32{
		"normal": func(r *rand.Rand) float32 { return float32(r.NormFloat64()) },
		"any":    func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) },
	}
	for kind, draw := range kinds {
		for _, k := range []int{0, 8, 16, 24, 32, 64, 256} {
			for method := range fmConstants {
				for parts := 1; parts <= 3; parts++ {
					if parts > 1 && (parts == 2) != (simd.FMMethod(method) == simd.FMAdaGrad) {
						continue
					}
					x := newFMRows(k, parts, 40, 50, draw, rand.New(rand.NewPCG(uint64(k), uint64(parts))))
					simd.Use(t, simd.PureGo)
					want := x.run(simd.FMMethod(method))
					for _, tier := range simd.Available() {
						simd.Use(t, tier)
						for i, got := range x.run(simd.FMMethod(method)) {
							if !sameFloat(got, want[i]) {
								t.Fatalf("k %d, method %d, %d parts, %s values, %v: number %d is %v, in Go %v", k, method, parts, kind, tier, i, got, want[i])
							}
						}
					}
				}
			}
		}
	}
}

// Long rows and many of them are cut into pieces.
func TestFMPiecesAreTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	draw := func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }
	x := newFMRows(256, 2, 40, 1200, draw, r)
	for range 5000 {
		x.slots, x.values = append(x.slots, int32(r.IntN(40))), append(x.values, draw(r)/100)
	}
	x.starts = append(x.starts, int32(len(x.slots)))
	simd.Use(t, simd.PureGo)
	want := x.run(simd.FMAdaGrad)
	for _, tier := range simd.Available() {
		simd.Use(t, tier)
		for i, got := range x.run(simd.FMAdaGrad) {
			if !sameFloat(got, want[i]) {
				t.Fatalf("%v: number %d is %v, in Go %v", tier, i, got, want[i])
			}
		}
	}
}

// Source: Rendle 2010, lemma 3.1: the sum over pairs takes one pass.
func TestFMIsTheDoubleLoop(t *testing.T) {
	draw := func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }
	x := newFMRows(16, 1, 30, 60, draw, rand.New(rand.NewPCG(3, 3)))
	m := &x.table
	out := make([]float32, len(x.starts)-1)
	m.Scores(out, make([]float32, m.StateLen()), x.starts, x.slots, x.values)
	for i, got := range out {
		want, size := 0.0, 0.0
		for a := x.starts[i]; a < x.starts[i+1]; a++ {
			w := float64(x.values[a]) * float64(m.Linear[x.slots[a]])
			want, size = want+w, size+math.Abs(w)
			for b := a + 1; b < x.starts[i+1]; b++ {
				for f := range m.K {
					p := float64(x.values[a]) * float64(x.values[b]) *
						float64(m.Factors[int(x.slots[a])*m.K+f]) * float64(m.Factors[int(x.slots[b])*m.K+f])
					want, size = want+p, size+math.Abs(p)
				}
			}
		}
		if math.Abs(float64(got)-want) > 1e-5*(1+size) {
			t.Errorf("row %d of %d entries: %v, by pairs %v", i, x.starts[i+1]-x.starts[i], got, want)
		}
	}
}

// A method's step of a parameter against its formula in float64.
func TestFMStepsAreThePapers(t *testing.T) {
	for method, c := range fmConstants {
		parts := 3
		if simd.FMMethod(method) == simd.FMAdaGrad {
			parts = 2
		}
		m := simd.FM{K: 8, Parts: parts, Linear: make([]float32, parts), Factors: make([]float32, 8*parts)}
		state := make([]float32, m.StateLen())
		m.Linear[0], state[0] = 0.5, 1
		w, a, b := 0.5, 0.0, 0.0
		const slope = -0.7
		for range 3 {
			g := slope + float64(c[0])*w
			switch simd.FMMethod(method) {
			case simd.FMAdaGrad:
				a += g * g
				w -= float64(c[1]) * g / (math.Sqrt(a) + float64(c[2]))
			case simd.FMAdam:
				a = float64(c[1])*a + float64(c[2])*g
				b = float64(c[3])*b + float64(c[4])*g*g
				w -= float64(c[7]) * a / (math.Sqrt(b)*float64(c[5]) + float64(c[6]))
			case simd.FMFTRL: // McMahan et al. 2013, algorithm 1
				g = slope
				sigma := (math.Sqrt(b+g*g) - math.Sqrt(b)) * float64(c[1])
				a += g - sigma*w
				b += g * g
				w = 0
				if math.Abs(a) > float64(c[3]) {
					w = -(a - math.Copysign(float64(c[3]), a)) / ((float64(c[2])+math.Sqrt(b))*float64(c[1]) + float64(c[4]))
				}
			}
			m.Step(simd.FMMethod(method), &c, state, slope, []int32{0}, []float32{1})
			if math.Abs(float64(m.Linear[0])-w) > 1e-6 {
				t.Errorf("method %d: weight %v, want %v", method, m.Linear[0], w)
			}
		}
		// Only the first factor has a sum that is not its own: the others have no gradient.
		for f := 1; f < 8; f++ {
			if m.Factors[f] != 0 {
				t.Errorf("method %d: factor %d moved to %v", method, f, m.Factors[f])
			}
		}
		if m.Factors[0] == 0 {
			t.Errorf("method %d: factor 0 did not move", method)
		}
	}
}

func TestFMPanicsOnWhatDoesNotFit(t *testing.T) {
	m := simd.FM{K: 8, Parts: 1, Linear: make([]float32, 3), Factors: make([]float32, 24)}
	state := make([]float32, 17)
	one := []float32{1}
	for i, f := range []func(){
		func() { m.Sum(state, []int32{3}, one) },
		func() { m.Sum(state, []int32{-1}, one) },
		func() { m.Sum(state[:16], []int32{0}, one) },
		func() { m.Sum(state, []int32{0, 1}, one) },
		func() { m.Fold(state[1:]) },
		func() { m.Scores(one, state, []int32{0}, []int32{0}, one) },
		func() { m.Scores(one, state, []int32{0, 2}, []int32{0}, one) },
		func() { m.Scores(one, state, []int32{1, 0}, []int32{0}, one) },
		func() { m.Step(simd.FMAdaGrad, new([8]float32), state, 1, []int32{0}, one) },
		func() { (&simd.FM{K: 9, Parts: 1}).Sum(make([]float32, 19), nil, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("call %d did not panic", i)
				}
			}()
			f()
		}()
	}
}

func BenchmarkFM(b *testing.B) {
	const fields, n, rows = 20, 60000, 10000
	r := rand.New(rand.NewPCG(1, 1))
	for _, k := range []int{8, 16, 32} {
		for _, tier := range simd.Available() {
			m := simd.FM{K: k, Parts: 2, Linear: make([]float32, 2*n), Factors: make([]float32, 2*n*k)}
			served := simd.FM{K: k, Parts: 1, Linear: make([]float32, n), Factors: make([]float32, n*k)}
			starts, slots, values := []int32{0}, []int32(nil), []float32(nil)
			for range rows {
				for f := range fields {
					u := r.Float64()
					slots, values = append(slots, int32(f*3000+int(u*u*u*3000))), append(values, 1)
				}
				starts = append(starts, int32(len(slots)))
			}
			dst, state := make([]float32, rows), make([]float32, m.StateLen())
			name := fmt.Sprintf("k=%d/impl=%v", k, tier)
			b.Run("op=scores/"+name, func(b *testing.B) {
				simd.Use(b, tier)
				for b.Loop() {
					served.Scores(dst, state, starts, slots, values)
				}
				b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds()/1e6, "Mrows/s")
			})
			b.Run("op=train/"+name, func(b *testing.B) {
				simd.Use(b, tier)
				c := [8]float32{1e-5, 0.05, 1e-6}
				for b.Loop() {
					for i := range rows {
						clear(state)
						row, x := slots[i*fields:(i+1)*fields], values[i*fields:(i+1)*fields]
						m.Sum(state, row, x)
						m.Step(simd.FMAdaGrad, &c, state, 0.5-m.Fold(state), row, x)
					}
				}
				b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds()/1e6, "Mrows/s")
			})
		}
	}
}
