package simd_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// ffmRow is a table of n coordinates and one row over it, some slots twice.
type ffmRow struct {
	table  simd.FFM
	slots  []int32
	fields []uint16
	values []float32
}

func newFFMRow(k, parts, length int, draw func(*rand.Rand) float32, r *rand.Rand) *ffmRow {
	const n, fields = 12, 5
	x := &ffmRow{table: simd.FFM{K: k, Fields: fields, Parts: parts, Linear: drawn(r, n*parts, draw), Factors: drawn(r, n*parts*fields*k, draw)}}
	for range length {
		x.slots, x.fields = append(x.slots, int32(r.IntN(n))), append(x.fields, uint16(r.IntN(fields)))
		x.values = append(x.values, draw(r))
	}
	for at := range x.table.Factors { // sums of squares are not negative
		if at/k%parts == parts-1 {
			x.table.Factors[at] = float32(math.Abs(float64(x.table.Factors[at])))
		}
	}
	for at := range x.table.Linear {
		if at%parts == parts-1 {
			x.table.Linear[at] = float32(math.Abs(float64(x.table.Linear[at])))
		}
	}
	return x
}

func (x *ffmRow) run(method simd.FMMethod) []float32 {
	m := x.table
	m.Linear, m.Factors = slices.Clone(m.Linear), slices.Clone(m.Factors)
	out := []float32{m.Score(0.5, x.slots, x.fields, x.values)}
	if m.Parts > 1 {
		for range 2 {
			m.Step(method, &fmConstants[method], -0.3, x.slots, x.fields, x.values)
		}
		out = append(out, m.Score(0.5, x.slots, x.fields, x.values))
	}
	return append(append(out, m.Linear...), m.Factors...)
}

func TestFFMHasTheBitsOfGo(t *testing.T) {
	kinds := map[string]func(*rand.Rand) float32{
		"normal": func(r *rand.Rand) float32 { return float32(r.NormFloat64()) },
		"any":    func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) },
	}
	for kind, draw := range kinds {
		for _, k := range []int{1, 4, 7, 8, 16, 24, 256} {
			for method := range fmConstants {
				parts := 3
				if simd.FMMethod(method) == simd.FMAdaGrad {
					parts = 2
				}
				for _, length := range []int{0, 1, 2, 3, 17, 60} {
					for _, parts := range []int{1, parts} {
						x := newFFMRow(k, parts, length, draw, rand.New(rand.NewPCG(uint64(k), uint64(length))))
						simd.Use(t, simd.PureGo)
						want := x.run(simd.FMMethod(method))
						for _, tier := range simd.Available() {
							simd.Use(t, tier)
							for i, got := range x.run(simd.FMMethod(method)) {
								if !sameFloat(got, want[i]) {
									t.Fatalf("k %d, method %d, %d parts, %d %s entries, %v: number %d is %v, in Go %v", k, method, parts, length, kind, tier, i, got, want[i])
								}
							}
						}
					}
				}
			}
		}
	}
}

// Source: Juan et al. 2016, equation 4.
func TestFFMIsTheSumOverPairs(t *testing.T) {
	draw := func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }
	for _, k := range []int{3, 8} {
		x := newFFMRow(k, 2, 9, draw, rand.New(rand.NewPCG(3, 3)))
		m := &x.table
		cell := func(slot int32, field uint16) []float32 {
			return m.Factors[(int(slot)*m.Fields+int(field))*2*k:][:k]
		}
		want := 0.5
		for a, slot := range x.slots {
			want += float64(x.values[a]) * float64(m.Linear[2*slot])
			for b := a + 1; b < len(x.slots); b++ {
				v, w := cell(slot, x.fields[b]), cell(x.slots[b], x.fields[a])
				for f := range k {
					want += float64(x.values[a]) * float64(x.values[b]) * float64(v[f]) * float64(w[f])
				}
			}
		}
		if got := m.Score(0.5, x.slots, x.fields, x.values); math.Abs(float64(got)-want) > 1e-4 {
			t.Errorf("k %d: score %v, by pairs %v", k, got, want)
		}
	}
}

// One step of one pair, by hand: both sides move from what they were.
func TestFFMStepOfAPair(t *testing.T) {
	for _, k := range []int{1, 8} {
		m := simd.FFM{K: k, Fields: 2, Parts: 2, Linear: make([]float32, 4), Factors: make([]float32, 2*2*2*k)}
		a, b := m.Factors[2*k:], m.Factors[2*2*k:] // coordinate 0 for field 1; coordinate 1 for field 0
		a[0], b[0] = 2, 3
		m.Step(simd.FMAdaGrad, &[8]float32{0, 0.5, 0}, 1, []int32{0, 1}, []uint16{0, 1}, []float32{1, -1})
		// The slopes are -3 and -2; AdaGrad's first step is the rate times the sign.
		if a[0] != 2.5 || b[0] != 3.5 || a[k] != 9 || b[k] != 4 {
			t.Errorf("k %d: factors %v and %v, sums %v and %v; want 2.5, 3.5, 9, 4", k, a[0], b[0], a[k], b[k])
		}
		if m.Linear[0] != -0.5 || m.Linear[2] != 0.5 {
			t.Errorf("k %d: weights %v; want -0.5 and 0.5", k, m.Linear)
		}
	}
}

func TestFFMPanicsOnWhatDoesNotFit(t *testing.T) {
	m := simd.FFM{K: 8, Fields: 2, Parts: 1, Linear: make([]float32, 3), Factors: make([]float32, 48)}
	one, at, field := []float32{1}, []int32{0}, []uint16{0}
	for i, f := range []func(){
		func() { m.Score(0, []int32{3}, field, one) },
		func() { m.Score(0, []int32{-1}, field, one) },
		func() { m.Score(0, at, []uint16{2}, one) },
		func() { m.Score(0, at, nil, one) },
		func() { m.Score(0, at, field, nil) },
		func() { m.Step(simd.FMAdaGrad, new([8]float32), 1, at, field, one) },
		func() { (&simd.FFM{K: 0, Fields: 1, Parts: 1}).Score(0, nil, nil, nil) },
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
