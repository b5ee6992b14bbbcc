package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// cutOracle returns what BestCut is to, by the definition.
func cutOracle(h []int64, left, total, least int64, l2 float64) (int, float64) {
	b, top := -1, 0.0
	for i := range h {
		p := left
		for _, v := range h[:i+1] {
			p += v
		}
		gl, hl := float64(p>>32), float64(uint32(p))
		gr, hr := float64(total>>32)-gl, float64(uint32(total))-hl
		if int64(hl) < least || int64(hr) < least {
			continue
		}
		num := float64(float64(gl*gl)*(hr+l2)) + float64(float64(gr*gr)*(hl+l2))
		if q := num / float64((hl+l2)*(hr+l2)); b < 0 || q > top {
			b, top = i, q
		}
	}
	return b, top
}

func TestBestCutIsTheFirstOfTheBest(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 21))
		found := 0
		for range 3000 {
			n := r.IntN(257)
			h := make([]int64, n)
			scale := int64(1) << r.IntN(23)
			zeros := r.IntN(4)
			var total int64
			for i := range h {
				if r.IntN(4) < zeros {
					continue // equal cuts: the first counts
				}
				h[i] = (r.Int64N(2*scale)-scale)<<32 + r.Int64N(scale)
				total += h[i]
			}
			left := r.Int64N(scale)<<32 + r.Int64N(scale)
			total += left + (r.Int64N(scale)-scale/2)<<32 + r.Int64N(scale)
			least := 1 + r.Int64N(1+int64(uint32(total))/(1+r.Int64N(20)))
			l2 := float64(r.IntN(3)) * r.Float64() * float64(scale)
			b, worth := simd.BestCut(h, left, total, least, l2)
			wantB, want := cutOracle(h, left, total, least, l2)
			if b != wantB || worth != want {
				t.Fatalf("%d bins, least %d: bin %d worth %v, want %d worth %v", n, least, b, worth, wantB, want)
			}
			if b >= 0 {
				found++
			}
		}
		if found < 1000 {
			t.Errorf("only %d histograms had a cut", found)
		}
		const up, down = (1<<31 - 1) << 32, -(1<<31 - 1) << 32 // the largest sums there may be
		for _, h := range [][]int64{
			{up, 1, 1<<32 - 3, down, 0, 0, 0, 0, 0, 0, 0, 1},
			{down + 1<<31, 0, 0, 0, 0, 0, 0, 0, up + 1<<31 - 1},
			{0, 0, 0, 0, 0, 0, 0, 0, 0, down + 5, 0, 0, 0, 0, 0, 0, 7},
		} {
			var total int64
			for _, v := range h {
				total += v
			}
			b, worth := simd.BestCut(h, 0, total, 1, 0)
			if wantB, want := cutOracle(h, 0, total, 1, 0); b != wantB || worth != want || b < 0 {
				t.Errorf("%v: bin %d worth %v, want %d worth %v", h, b, worth, wantB, want)
			}
		}
	})
}

func BenchmarkBestCut(b *testing.B) {
	for _, n := range []int{16, 64, 255} {
		for _, tier := range simd.Available() {
			b.Run(fmt.Sprintf("bins=%d/impl=%v", n, tier), func(b *testing.B) {
				simd.Use(b, tier)
				r := rand.New(rand.NewPCG(1, 1))
				h := make([]int64, n)
				var total int64
				for i := range h {
					h[i] = (r.Int64N(2000)-1000)<<32 + r.Int64N(1000)
					total += h[i]
				}
				for b.Loop() {
					simd.BestCut(h, 0, total, 1, 0)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/bin")
			})
		}
	}
}
