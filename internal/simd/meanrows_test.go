package simd_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

func wideNormals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64() * math.Exp(3*r.NormFloat64())
	}
	return x
}

func rounded32(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// weightedRowsNaive is WeightedRows64 by its documentation.
func weightedRowsNaive(weights, values []float64, d int) (sums, products []float64, least float64) {
	for at := 0; d > 0 && at < len(weights); at += d {
		var s, p [4]float64
		for j := range d {
			s[j%4] += weights[at+j]
			p[j%4] += float64(weights[at+j] * values[at+j])
			least = min(least, weights[at+j])
		}
		sums = append(sums, (s[0]+s[1])+(s[2]+s[3]))
		products = append(products, (p[0]+p[1])+(p[2]+p[3]))
	}
	return sums, products, least
}

func TestWeightedRowsHaveOneResult(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	eachTier(t, func(t *testing.T) {
		for _, d := range []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 20, 34, 9000} {
			for _, n := range []int{0, 1, 2, 17, 1000} {
				if n*d > 100000 {
					continue
				}
				w, v := wideNormals(r, n*d), wideNormals(r, n*d)
				for round := range 2 { // with and without negative weights
					sums, products := make([]float64, n), make([]float64, n)
					least := simd.WeightedRows64(sums, products, w, v, d)
					s, p, l := weightedRowsNaive(w, v, d)
					if !slices.Equal(sums, s) || !slices.Equal(products, p) || least != l {
						t.Fatalf("%d rows of %d, float64, round %d: differ", n, d, round)
					}
					w32, v32 := rounded32(w), rounded32(v)
					for i := range w {
						w[i], v[i] = float64(w32[i]), float64(v32[i])
					}
					least = simd.WeightedRows32(sums, products, w32, v32, d)
					s, p, l = weightedRowsNaive(w, v, d)
					if !slices.Equal(sums, s) || !slices.Equal(products, p) || least != l {
						t.Fatalf("%d rows of %d, float32, round %d: differ", n, d, round)
					}
					for i := range w {
						w[i] = math.Abs(w[i])
					}
				}
			}
		}
	})
}

func TestWeightedRowsShowNaNInTheirSums(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for _, d := range []int{1, 4, 7} {
			for at := range 3 * d {
				w, v := make([]float64, 3*d), make([]float64, 3*d)
				w[at] = math.NaN()
				sums, products := make([]float64, 3), make([]float64, 3)
				simd.WeightedRows64(sums, products, w, v, d)
				for i, s := range sums {
					if math.IsNaN(s) != (i == at/d) || math.IsNaN(products[i]) != (i == at/d) {
						t.Errorf("NaN at %d of rows of %d: sums %v, products %v", at, d, sums, products)
					}
				}
			}
		}
	})
}

func TestPickStopsAtTheFirstColumnOutside(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	eachTier(t, func(t *testing.T) {
		for _, d := range []int{1, 3, 20, 300} {
			for _, n := range []int{0, 1, 63, 64, 65, 128, 129, 1024, 2500} {
				for _, more := range []int{0, 1, 63, 64, 65, 200} {
					table := wideNormals(r, n*d)
					column := make([]int32, n+more)
					for i := range column {
						column[i] = int32(r.IntN(d))
					}
					stop := n
					switch {
					case n > 0 && more%3 == 1:
						stop = r.IntN(n)
						column[stop] = int32(d + r.IntN(3))
					case n > 0 && more%3 == 2:
						stop = r.IntN(n)
						column[stop] = -1 - int32(r.IntN(3))
					case more > 100:
						column[n] = math.MinInt32 // fetched ahead, never read
					}
					got, want := make([]float64, n), make([]float64, n)
					for i := range stop {
						want[i] = table[i*d+int(column[i])]
					}
					if wrote := simd.Pick64(got, table, column, d); wrote != stop || !slices.Equal(got, want) {
						t.Fatalf("%d rows of %d and %d ahead: wrote %d, want %d", n, d, more, wrote, stop)
					}
					clear(got)
					table32 := rounded32(table)
					for i := range stop {
						want[i] = float64(table32[i*d+int(column[i])])
					}
					if wrote := simd.Pick32(got, table32, column, d); wrote != stop || !slices.Equal(got, want) {
						t.Fatalf("float32: %d rows of %d and %d ahead: wrote %d, want %d", n, d, more, wrote, stop)
					}
				}
			}
		}
	})
}

func TestImportanceSaysWhatIsOutOfOrder(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	eachTier(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 3, 4, 5, 8, 1023} {
			target, p, r := make([]float64, n), make([]float64, n), make([]float64, n)
			w, x := make([]float64, n), make([]float64, n)
			for i := range n {
				target[i], p[i], r[i] = float64(i%3)/2, 0.25+float64(i%2)/4, float64(i)-7
			}
			both := func() (good, one bool) {
				good, one = simd.Importance64(w, x, target, p, r)
				w32, x32 := make([]float64, n), make([]float64, n)
				if g, o := simd.Importance32(w32, x32, target, rounded32(p), rounded32(r)); g != good || o != one {
					t.Errorf("float32 of %d: %v, %v, want %v, %v", n, g, o, good, one)
				}
				if good && (!slices.Equal(w, w32) || !slices.Equal(x, x32)) {
					t.Errorf("float32 of %d: other weights", n)
				}
				return good, one
			}
			if good, one := both(); !good || one || !slices.Equal(x, r) {
				t.Errorf("%d in order: %v, %v", n, good, one)
			}
			for i := range n {
				if w[i] != target[i]/p[i] {
					t.Fatalf("weight %d of %d = %v, want %v", i, n, w[i], target[i]/p[i])
				}
			}
			for _, at := range []int{0, n / 2, n - 1} {
				if n == 0 {
					break
				}
				for _, bad := range []struct {
					x           []float64
					value       float64
					good, isOne bool
				}{
					{p, 0, false, false},
					{p, -0.5, false, false},
					{p, 1.5, false, false},
					{p, nan, false, false},
					{p, 1, true, true},
					{target, -0.5, false, false},
					{target, 1.5, false, false},
					{target, nan, false, false},
					{target, 1, true, false},
					{r, nan, false, false},
					{r, inf, false, false},
					{r, -inf, false, false},
					{r, 0x1p100, true, false},
				} {
					old := bad.x[at]
					bad.x[at] = bad.value
					if good, one := both(); good != bad.good || one != bad.isOne {
						t.Errorf("%v at %d of %d: %v, %v", bad.value, at, n, good, one)
					}
					bad.x[at] = old
				}
				old := p[at] // a weight that overflows
				p[at], target[at] = 1e-310, 1
				if good, _ := simd.Importance64(w, x, target, p, r); good {
					t.Errorf("an infinite weight at %d of %d passes", at, n)
				}
				p[at], target[at] = old, 0
			}
		}
	})
}

func TestSumAndSpreadOfFloat64HaveOneResult(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	eachTier(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 1000, 1024, 8200, 20000} {
			x := wideNormals(r, n)
			var sum, squares [8]float64
			for i, v := range x {
				sum[i%8] += v
				squares[i%8] += float64((v - 0.25) * (v - 0.25))
			}
			fold := func(s [8]float64) float64 {
				return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
			}
			if got := simd.Sum64(x); got != fold(sum) {
				t.Errorf("sum of %d = %v, want %v", n, got, fold(sum))
			}
			got, least, most := simd.Spread64(x, 0.25)
			if n == 0 {
				if got != 0 || least != 0 || most != 0 {
					t.Errorf("spread of nothing = %v, %v, %v", got, least, most)
				}
				continue
			}
			if got != fold(squares) || least != slices.Min(x) || most != slices.Max(x) {
				t.Errorf("spread of %d = %v, %v, %v, want %v, %v, %v", n, got, least, most, fold(squares), slices.Min(x), slices.Max(x))
			}
		}
	})
}

func TestWeightedRowsAndPickPanicWhereLengthsDoNotFit(t *testing.T) {
	for _, f := range []func(){
		func() {
			simd.WeightedRows64(make([]float64, 2), make([]float64, 1), make([]float64, 4), make([]float64, 4), 2)
		},
		func() {
			simd.WeightedRows64(make([]float64, 2), make([]float64, 2), make([]float64, 4), make([]float64, 3), 2)
		},
		func() {
			simd.WeightedRows32(make([]float64, 2), make([]float64, 2), make([]float32, 4), make([]float32, 4), 3)
		},
		func() { simd.WeightedRows32(nil, nil, nil, nil, -1) },
		func() { simd.Pick64(make([]float64, 2), make([]float64, 5), make([]int32, 2), 3) },
		func() { simd.Pick64(make([]float64, 2), make([]float64, 6), make([]int32, 1), 3) },
		func() { simd.Pick32(nil, nil, nil, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
}
