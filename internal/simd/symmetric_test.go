package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/simd"
)

var symSizes = []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 33, 63, 64, 65, 128, 200, 256, 513}

// symmetric returns a matrix of d rows in tiles and as a square, and a padded vector.
func symmetric(r *rand.Rand, d int) (tiles, square, x []float64) {
	n := simd.SymPadded(d)
	tiles, square, x = make([]float64, simd.SymLen(d)), make([]float64, d*d), make([]float64, n)
	for i := range d {
		x[i] = r.NormFloat64()
		for j := range i + 1 {
			v := r.NormFloat64()
			square[i*d+j], square[j*d+i] = v, v
			tiles[simd.SymIndex(j, i)] = v
		}
	}
	simd.SymMirror(tiles)
	return tiles, square, x
}

// The error of a sum of n products is at most n·eps times the sum of their magnitudes.
func TestSymmetricKernelsEqualTheNaiveLoops(t *testing.T) {
	for _, tier := range simd.Available() {
		simd.Use(t, tier)
		r := rand.New(rand.NewPCG(6, 4))
		for _, d := range symSizes {
			m, square, x := symmetric(r, d)
			quad, size := 0.0, 0.0
			y := make([]float64, len(x))
			for i := range y {
				y[i] = math.NaN()
			}
			simd.Symv(y, m, x)
			for i := range d {
				sum, abs := 0.0, 0.0
				for j := range d {
					sum += square[i*d+j] * x[j]
					abs += math.Abs(square[i*d+j] * x[j])
				}
				quad += x[i] * sum
				size += math.Abs(x[i]) * abs
				if math.Abs(y[i]-sum) > float64(d)*0x1p-52*abs {
					t.Fatalf("%v, %d rows: y[%d] = %v, want %v", tier, d, i, y[i], sum)
				}
			}
			for i := d; i < len(y); i++ {
				if y[i] != 0 {
					t.Fatalf("%v, %d rows: padding %d is %v", tier, d, i, y[i])
				}
			}
			dot, quad2 := simd.DotQuadForm(m, y, x)
			if math.Abs(dot-quad) > float64(2*d)*0x1p-52*size || quad2 != simd.QuadForm(m, x) { // xᵀ·(M·x), y being that
				t.Fatalf("%v, %d rows: %v and %v, want %v twice", tier, d, dot, quad2, quad)
			}
			if got := simd.QuadForm(m, x); math.Abs(got-quad) > float64(2*d)*0x1p-52*size {
				t.Fatalf("%v, %d rows: quadratic form %v, want %v", tier, d, got, quad)
			}
			simd.Rank1(m, -0.7, x)
			for i := range d {
				for j := range d {
					want := square[i*d+j] - 0.7*x[i]*x[j]
					got := m[simd.SymIndex(i, j)]
					if math.Abs(got-want) > 4*0x1p-52*(math.Abs(square[i*d+j])+math.Abs(x[i]*x[j])) {
						t.Fatalf("%v, %d rows: (%d, %d) is %v, want %v", tier, d, i, j, got, want)
					}
				}
			}
		}
	}
}

func TestSymmetricKernelsHaveTheBitsOfGo(t *testing.T) {
	for _, d := range symSizes {
		run := func(tier simd.Tier) []float64 {
			simd.Use(t, tier)
			m, _, x := symmetric(rand.New(rand.NewPCG(uint64(d), 2)), d)
			y := make([]float64, len(x))
			simd.Symv(y, m, x)
			dot, quad := simd.DotQuadForm(m, y, x)
			out := []float64{dot, quad, simd.Dot64(x, y)}
			simd.Rank1(m, 0.3, y)
			out = append(append(out, y...), m...)
			if d > 0 { // an odd length, for the tails
				out = append(out, simd.Dot64(m[:len(m)-d%5], m[d%5:]))
				simd.Axpy64(1.7, x[:d], y[:d])
				out = append(out, y...)
			}
			return out
		}
		want := run(simd.PureGo)
		for _, tier := range simd.Available() {
			for i, got := range run(tier) {
				if math.Float64bits(got) != math.Float64bits(want[i]) {
					t.Fatalf("%d rows, %v: number %d is %v, in Go %v", d, tier, i, got, want[i])
				}
			}
		}
	}
}

func TestSymmetricIndexCoversTheTiles(t *testing.T) {
	for _, d := range []int{1, 8, 9, 20} {
		seen := map[int]bool{}
		for i := range simd.SymPadded(d) {
			for j := range i + 1 {
				at := simd.SymIndex(i, j)
				if at < 0 || at >= simd.SymLen(d) || seen[at] || at != simd.SymIndex(j, i) {
					t.Fatalf("%d rows: (%d, %d) is at %d of %d", d, i, j, at, simd.SymLen(d))
				}
				seen[at] = true
			}
		}
	}
}

func TestSymmetricKernelsPanicOnSizesThatDoNotFit(t *testing.T) {
	for name, f := range map[string]func(){
		"odd vector":    func() { simd.QuadForm(make([]float64, 64), make([]float64, 7)) },
		"other matrix":  func() { simd.Symv(make([]float64, 16), make([]float64, 64), make([]float64, 16)) },
		"other result":  func() { simd.Symv(make([]float64, 16), make([]float64, 64), make([]float64, 8)) },
		"other rank":    func() { simd.Rank1(make([]float64, 65), 1, make([]float64, 8)) },
		"other vector":  func() { simd.DotQuadForm(make([]float64, 64), make([]float64, 16), make([]float64, 8)) },
		"other product": func() { simd.Dot64(make([]float64, 1), nil) },
		"other sum":     func() { simd.Axpy64(1, make([]float64, 1), nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestSymmetricKernelsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	m, _, x := symmetric(rand.New(rand.NewPCG(1, 1)), 64)
	y := make([]float64, 64)
	if n := testing.AllocsPerRun(100, func() {
		simd.Symv(y, m, x)
		simd.Rank1(m, 1e-9*simd.QuadForm(m, y)*simd.Dot64(x, y), x)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSymmetric(b *testing.B) {
	for _, d := range []int{16, 64, 256} {
		m, square, x := symmetric(rand.New(rand.NewPCG(1, 1)), d)
		y := make([]float64, len(x))
		for _, k := range []struct {
			name string
			run  func()
		}{
			{"quad/impl=naive", func() {
				s := 0.0
				for i := range d {
					for j := range d {
						s += x[i] * square[i*d+j] * x[j]
					}
				}
				y[0] = s
			}},
			{"quad/impl=simd", func() { y[0] = simd.QuadForm(m, x) }},
			{"symv/impl=simd", func() { simd.Symv(y, m, x) }},
			{"rank1/impl=simd", func() { simd.Rank1(m, 1e-9, x) }},
			{"dotquad/impl=simd", func() { y[0], y[1] = simd.DotQuadForm(m, x, x) }},
			{"dot/impl=simd", func() { y[0] = simd.Dot64(x, x) }},
		} {
			b.Run(fmt.Sprintf("d=%d/op=%s", d, k.name), func(b *testing.B) {
				for b.Loop() {
					k.run()
				}
			})
		}
	}
}
