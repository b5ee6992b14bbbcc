package simd_test

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/simd"
)

// A fence hands out slices at the end, or at the start, of memory between two pages that
// cannot be touched.
type fence struct {
	t     *testing.T
	atEnd bool
}

func fencedSlice[T any](f fence, n int) []T {
	if n == 0 {
		return nil
	}
	return place[T](fenced(f.t, n*int(unsafe.Sizeof(*new(T)))), n, f.atEnd)
}

func (f fence) floats(r *rand.Rand, n int) []float32 {
	x := fencedSlice[float32](f, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// blasCalls run every kernel of this family once, on slices that get makes, of the length,
// or the dimension, n.
func blasCalls(r *rand.Rand, n int, get fence) map[string]func() {
	m := n + 9
	x, y, z, w := get.floats(r, n), get.floats(r, n), get.floats(r, n), get.floats(r, n)
	codes := fencedSlice[uint16](get, n)
	a, c := get.floats(r, m*n), get.floats(r, m*m)
	square, col := get.floats(r, n*n), get.floats(r, m)
	halves := fencedSlice[uint16](get, m*n)
	for i := range n {
		square[i*n+i] = float32(n) + 100
	}
	var wide, turned simd.Packed
	wide.Pack(a, n, m, n)
	turned.PackT(a, n, m, n)
	var block simd.QueryBlock
	block.Set(a[:min(m, 40)*n], n, min(m, 40), n)
	thresholds := make([]float32, min(m, 40))
	hits := make([]simd.BlockHit, 0, m*40)
	coded, codedRows := fencedSlice[int8](get, min(m, 40)*n), fencedSlice[uint8](get, m*n)
	var codeBlock simd.CodeBlock
	codeBlock.Set(coded, n, min(m, 40), n)
	floors := make([]int32, min(m, 40))
	pairs := make([]simd.CodePair, 0, m*40)
	return map[string]func(){
		"Axpy":       func() { simd.Axpy(2, x, y) },
		"Scale":      func() { simd.Scale(2, x) },
		"Sum":        func() { simd.Sum(x) },
		"Exp":        func() { simd.Exp(y, x) },
		"Sigmoid":    func() { simd.Sigmoid(y, x) },
		"Softmax":    func() { simd.Softmax(y, x) },
		"Adam":       func() { simd.Adam{Rate: 1, Beta1: .9, Beta2: .9, Epsilon: 1}.Step(x, y, z, w, 1) },
		"AdaGrad":    func() { simd.AdaGrad{Rate: 1, Epsilon: 1}.Step(x, y, z) },
		"Pack":       func() { wide.Pack(a, n, m, n) },
		"PackT":      func() { turned.PackT(a, n, m, n) },
		"Gemm":       func() { simd.Gemm(c, m, a, n, m, &turned, true) },
		"GemmTN":     func() { simd.GemmTN(square, n, a, n, n, &wide, false) },
		"Gemv":       func() { simd.Gemv(col, a, n, x) },
		"GemvT":      func() { simd.GemvT(x, a, n, col) },
		"Syrk":       func() { simd.Syrk(square, n, n, a, n, m) },
		"Posv":       func() { simd.Posv(square, n, x) },
		"F16":        func() { simd.EncodeF16(codes, x); simd.DecodeF16(x, codes) },
		"BF16":       func() { simd.EncodeBF16(codes, x); simd.DecodeBF16(x, codes) },
		"DotF16":     func() { simd.DotF16Batch(col, x, halves, n) },
		"DotBF16":    func() { simd.DotBF16Batch(col, x, halves, n) },
		"Add":        func() { simd.Add(x, y) },
		"Sub":        func() { simd.Sub(x, y) },
		"Mul":        func() { simd.Mul(x, y) },
		"Max":        func() { simd.Max(x) },
		"Min":        func() { simd.Min(x) },
		"ArgMax":     func() { simd.ArgMax(x) },
		"Set":        func() { block.Set(a[:min(m, 40)*n], n, min(m, 40), n) },
		"SetCodes":   func() { codeBlock.Set(coded, n, min(m, 40), n) },
		"AboveCodes": func() { pairs = codeBlock.Above(pairs[:0], codedRows, n, m, 0, floors) },
		"Above":      func() { hits = block.Above(hits[:0], a, n, m, 0, thresholds) },
	}
}

// A load or store outside the slices ends the test with a fault.
func TestBlasStaysWithinItsSlices(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(51, 1))
		for _, n := range []int{0, 1, 2, 3, 5, 7, 8, 9, 12, 15, 16, 17, 23, 31, 32, 33, 40, 47, 63, 64, 65, 66, 100} {
			for _, atEnd := range []bool{true, false} {
				for _, call := range blasCalls(r, n, fence{t, atEnd}) {
					call()
				}
			}
		}
	})
}

func TestBlasDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	eachTier(t, func(t *testing.T) {
		for name, call := range blasCalls(rand.New(rand.NewPCG(52, 1)), 70, fence{t, true}) {
			if n := testing.AllocsPerRun(3, call); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		}
	})
}
