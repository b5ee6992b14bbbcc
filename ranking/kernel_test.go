package ranking_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/ranking"
)

func sigmoid(z float32) float32 {
	v := []float32{z}
	ranking.Sigmoids(v)
	return v[0]
}

func TestSigmoidIsWithinAnUlp(t *testing.T) {
	worst, at := 0.0, float32(0)
	check := func(z float32) {
		got, want := float64(sigmoid(z)), fmath.Sigmoid(float64(z))
		ulp := float64(math.Nextafter32(float32(want), 2) - float32(want))
		if err := math.Abs(got-want) / ulp; err > worst {
			worst, at = err, z
		}
	}
	for z := float32(-86); z < 90; z += 0.00137 {
		check(z)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		check(float32(r.NormFloat64()))
	}
	if worst > 0.51 {
		t.Errorf("at %v the error is %v ulp; want <= 0.51", at, worst)
	}
	t.Logf("largest error %.3f ulp, at %v", worst, at)
}

func TestSigmoidEdges(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct{ z, want float32 }{
		{0, 0.5},
		{float32(math.Copysign(0, -1)), 0.5},
		{inf, 1},
		{-inf, 0},
		{1e30, 1},
		{-1e30, 0},
		{88, 1},
		{-88, 0},
		{20, 1},
	} {
		if got := sigmoid(c.z); got != c.want {
			t.Errorf("sigmoid(%v) = %v; want %v", c.z, got, c.want)
		}
	}
	if got := sigmoid(float32(math.NaN())); got == got {
		t.Errorf("sigmoid(NaN) = %v; want NaN", got)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 1_000_000 {
		z := float32(r.NormFloat64() * 10)
		if next := math.Nextafter32(z, 200); sigmoid(z) > sigmoid(next) {
			t.Fatalf("sigmoid decreases from %v to %v", z, next)
		}
	}
}

// lengths at which unrolled loops go wrong.
var lengths = []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 257}

func TestProductsAreTheNaiveSum(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	normal := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return v
	}
	for _, n := range lengths {
		w, x, y, gap := normal(n), normal(n+5), normal(n+3), normal(n)
		at := make([]int32, n)
		for i := range at {
			at[i] = int32(i)
		}
		naive := func(v []float32) (sum, limit float64) {
			size := 0.0
			for i := range w {
				p := float64(w[i]) * float64(v[i])
				if math.IsNaN(p) || math.IsInf(p, 0) {
					p = float64(gap[i])
				}
				sum += p
				size += math.Abs(p)
			}
			// Each of two sums rounds n/2 products and additions, and the last addition rounds.
			return sum, float64(n/2+3) * 0x1p-24 * size
		}
		a, b := ranking.Dot2(w, x, y)
		c, d := ranking.Dot2At(w, x, y, at)
		e, _ := ranking.Dot2(w, x, x)
		if c != a || d != b || e != a {
			t.Errorf("n=%d: dot2 %v, %v; dot2At %v, %v; with itself %v; want the same bits", n, a, b, c, d, e)
		}
		for i, got := range []float32{a, b, ranking.DotGaps(w, gap, x, at)} {
			want, limit := naive([][]float32{x, y, x}[i])
			if math.Abs(float64(got)-want) > limit {
				t.Errorf("n=%d, product %d: %v; want %v within %v", n, i, got, want, limit)
			}
		}
		for i := range x {
			if i%3 == 0 {
				x[i] = float32(math.NaN())
			} else if i%7 == 0 {
				x[i] = float32(math.Inf(i%2*2 - 1))
			}
		}
		if want, limit := naive(x); math.Abs(float64(ranking.DotGaps(w, gap, x, at))-want) > limit {
			t.Errorf("n=%d: with gaps %v; want %v within %v", n, ranking.DotGaps(w, gap, x, at), want, limit)
		}
	}
}

func BenchmarkSigmoid(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	z, out := make([]float32, 1000), make([]float32, 1000)
	for i := range z {
		z[i] = float32(2 * r.NormFloat64())
	}
	b.Run("impl=sigmoids", func(b *testing.B) {
		for b.Loop() {
			copy(out, z)
			ranking.Sigmoids(out)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/value")
	})
	b.Run("impl=fmath", func(b *testing.B) {
		for b.Loop() {
			for i, v := range z {
				out[i] = float32(fmath.Sigmoid(float64(v)))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/value")
	})
}
