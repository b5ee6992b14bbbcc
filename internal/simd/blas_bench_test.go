package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// The tier is part of the name, so that benchstat compares tiers of runs with RECSYS_SIMD.
func benchName(format string, args ...any) string {
	return fmt.Sprintf(format, args...) + "/tier=" + simd.Active().String()
}

func BenchmarkGemm(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{64, 128, 256, 512} {
		b.Run(benchName("n=%d", n), func(b *testing.B) {
			x, c := normals(r, n*n), make([]float32, n*n)
			var p simd.Packed
			p.Pack(normals(r, n*n), n, n, n)
			for b.Loop() {
				simd.Gemm(c, n, x, n, n, &p, false)
			}
			b.ReportMetric(2*float64(n*n*n)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}

func BenchmarkPosv(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{32, 64, 128} {
		b.Run(benchName("d=%d", n), func(b *testing.B) {
			from, _ := definite(r, n, n)
			a, x := make([]float32, n*n), normals(r, n)
			for b.Loop() {
				copy(a, from)
				simd.Posv(a, n, x)
			}
		})
	}
}

func BenchmarkSyrk(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, d := range []int{32, 64, 128} {
		b.Run(benchName("d=%d/rows=100", d), func(b *testing.B) {
			x, c := normals(r, 100*d), make([]float32, d*d)
			for b.Loop() {
				simd.Syrk(c, d, d, x, d, 100)
			}
		})
	}
}

// Rows pass a block of queries whose thresholds few of them exceed.
func BenchmarkQueryBlock(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const rows, d = 8192, 64
	x := normals(r, rows*d)
	for _, m := range []int{8, 16, 32, 64} {
		b.Run(benchName("queries=%d", m), func(b *testing.B) {
			var block simd.QueryBlock
			block.Set(normals(r, m*d), d, m, d)
			thresholds := make([]float32, m)
			for j := range thresholds {
				thresholds[j] = 30
			}
			var hits []simd.BlockHit
			for b.Loop() {
				hits = block.Above(hits[:0], x, d, rows, 0, thresholds)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows/float64(m), "ns/product")
		})
	}
}

func BenchmarkCodeBlock(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const n, d = 8192, 64
	for _, m := range []int{8, 16, 32, 64} {
		b.Run(benchName("queries=%d", m), func(b *testing.B) {
			queries, rows := codedPair(r, m*d, n*d)
			var block simd.CodeBlock
			block.Set(queries, d, m, d)
			thresholds := make([]int32, m)
			for j := range thresholds {
				thresholds[j] = 1 << 20
			}
			var pairs []simd.CodePair
			for b.Loop() {
				pairs = block.Above(pairs[:0], rows, d, n, 0, thresholds)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n/float64(m), "ns/product")
		})
	}
}

func BenchmarkElementwise(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const n = 1024
	x, y, m, v := normals(r, n), normals(r, n), make([]float32, n), make([]float32, n)
	codes := make([]uint16, n)
	for _, k := range []struct {
		name string
		f    func()
	}{
		{"exp", func() { simd.Exp(y, x) }},
		{"sigmoid", func() { simd.Sigmoid(y, x) }},
		{"softmax", func() { simd.Softmax(y, x) }},
		{"axpy", func() { simd.Axpy(1e-9, x, y) }},
		{"scale", func() { simd.Scale(1, y) }},
		{"sum", func() { simd.Sum(x) }},
		{"max", func() { simd.Max(x) }},
		{"add", func() { simd.Add(y, x) }},
		{"adam", func() { simd.Adam{Rate: 1e-9, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}.Step(y, x, m, v, 1) }},
		{"adagrad", func() { simd.AdaGrad{Rate: 1e-9, Epsilon: 1e-8}.Step(y, x, v) }},
		{"encodef16", func() { simd.EncodeF16(codes, x) }},
		{"decodef16", func() { simd.DecodeF16(y, codes) }},
		{"encodebf16", func() { simd.EncodeBF16(codes, x) }},
		{"decodebf16", func() { simd.DecodeBF16(y, codes) }},
	} {
		b.Run(benchName("%s/n=%d", k.name, n), func(b *testing.B) {
			for b.Loop() {
				k.f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
		})
	}
}
