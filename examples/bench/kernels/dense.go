package main

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/examples/bench/internal/lap"
	"github.com/recsyskit/recsys/examples/bench/internal/rival"
	"github.com/recsyskit/recsys/internal/simd"
)

// rivals lists the libraries of dense kernels that this program was built with.
func rivals() []rival.BLAS {
	all := []rival.BLAS{rival.Gonum()}
	if b, ok := rival.OpenBLAS(); ok {
		all = append(all, b)
	}
	return all
}

func denseEvents() []event {
	var all []event
	for _, n := range []int{64, 128, 256, 512} {
		all = append(all, gemm(n))
	}
	for _, n := range []int{32, 64, 128} {
		all = append(all, solve(n), syrk(n))
	}
	all = append(all, expEvent(4096), axpyEvent(64), axpyEvent(1024))
	return all
}

// gemm is a product of square matrices, the right one packed before.
func gemm(n int) event {
	return event{
		name:  fmt.Sprintf("gemm/n=%d", n),
		flops: 2 * float64(n) * float64(n) * float64(n),
		lanes: func(g *generator) []lap.Lane {
			a, b, c := g.floats(n*n), g.floats(n*n), make([]float32, n*n)
			var packed simd.Packed
			packed.Pack(b, n, n, n)
			lanes := []lap.Lane{
				{Name: "ours", Do: func() { simd.Gemm(c, n, a, n, n, &packed, false) }},
			}
			for _, r := range rivals() {
				lanes = append(lanes, lap.Lane{Name: r.Name, Do: func() { r.Gemm(c, a, b, n) }})
			}
			return append(lanes, lap.Lane{Name: "ours with packing", Do: func() {
				packed.Pack(b, n, n, n)
				simd.Gemm(c, n, a, n, n, &packed, false)
			}})
		},
	}
}

// solve is a system with a positive definite matrix, whose copy every lane has to make.
func solve(n int) event {
	return event{
		name: fmt.Sprintf("solve/n=%d", n),
		lanes: func(g *generator) []lap.Lane {
			matrix, b := g.definite(n), g.floats(n)
			a, x := make([]float32, n*n), make([]float32, n)
			lanes := []lap.Lane{{Name: "ours", Do: func() {
				copy(a, matrix)
				copy(x, b)
				if !simd.Posv(a, n, x) {
					panic("kernels: matrix is not positive definite")
				}
			}}}
			for _, r := range rivals() {
				lanes = append(lanes, lap.Lane{Name: r.Name, Do: func() {
					copy(a, matrix)
					copy(x, b)
					r.Solve(a, x, n)
				}})
			}
			return lanes
		},
	}
}

// syrk is the normal matrix of 256 rows.
func syrk(d int) event {
	const rows = 256
	return event{
		name:  fmt.Sprintf("syrk/d=%d", d),
		flops: rows * float64(d) * float64(d+1),
		lanes: func(g *generator) []lap.Lane {
			x, c := g.floats(rows*d), make([]float32, d*d)
			lanes := []lap.Lane{{Name: "ours", Do: func() { simd.Syrk(c, d, d, x, d, rows) }}}
			for _, r := range rivals() {
				lanes = append(lanes, lap.Lane{Name: r.Name, Do: func() { r.Syrk(c, x, d, rows) }})
			}
			return lanes
		},
	}
}

// expEvent is the exponential of many values.
func expEvent(n int) event {
	return event{
		name: fmt.Sprintf("exp/n=%d", n),
		lanes: func(g *generator) []lap.Lane {
			x, y := g.floats(n), make([]float32, n)
			return []lap.Lane{
				{Name: "ours", Do: func() { simd.Exp(y, x) }},
				{Name: "math.Exp", Do: func() {
					for i, v := range x {
						y[i] = float32(math.Exp(float64(v)))
					}
				}},
			}
		},
	}
}

func axpyEvent(n int) event {
	return event{
		name: fmt.Sprintf("axpy/n=%d", n),
		lanes: func(g *generator) []lap.Lane {
			x, y := g.floats(n), g.floats(n)
			lanes := []lap.Lane{{Name: "ours", Do: func() { simd.Axpy(1e-9, x, y) }}}
			for _, r := range rivals() {
				lanes = append(lanes, lap.Lane{Name: r.Name, Do: func() { r.Axpy(1e-9, x, y) }})
			}
			return lanes
		},
	}
}

// events lists everything that can be timed.
func events() []event { return append(distanceEvents(), denseEvents()...) }
