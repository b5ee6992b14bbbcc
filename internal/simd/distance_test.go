package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/simd"
)

// dims are the dimensions that the distances are tested at.
func dims() []int {
	var ds []int
	for d := range 261 {
		ds = append(ds, d)
	}
	return append(ds, 271, 272, 273, 287, 288, 289, 319, 320, 321, 383, 384, 511, 512, 513, 768, 1000, 1024, 1536, 4095, 4096, 4097, 16384, 16385, 40000)
}

// fill draws vectors of one kind.
var fills = []struct {
	name string
	draw func(r *rand.Rand) float32
}{
	{"normal", func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }},
	{"wide", func(r *rand.Rand) float32 {
		return float32(math.Ldexp(r.NormFloat64(), r.IntN(120)-60))
	}},
	{"tiny", func(r *rand.Rand) float32 {
		return math.Float32frombits(r.Uint32()&0x80000000 | uint32(r.IntN(64))<<23>>1)
	}},
	{"signs", func(r *rand.Rand) float32 {
		return []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0x1p-80, -0x1p-80}[r.IntN(6)]
	}},
	{"special", func(r *rand.Rand) float32 {
		if r.IntN(40) > 0 {
			return float32(r.NormFloat64())
		}
		return []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32, 0x1p-149}[r.IntN(6)]
	}},
	{"any", func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) }},
}

func drawn(r *rand.Rand, n int, draw func(*rand.Rand) float32) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = draw(r)
	}
	return v
}

// eachTier runs f once per tier that the processor has.
func eachTier(t *testing.T, f func(t *testing.T)) {
	for _, tier := range simd.Available() {
		t.Run(tier.String(), func(t *testing.T) {
			simd.Use(t, tier)
			f(t)
		})
	}
}

// The oracle: the order of summation as the package doc tells it, with a fused multiply-add
// that math/big rounds (checked in TestFMA32RoundsOnce) and no code of the package besides.
func oracleSum(n int, term func(i int, acc float32) float32) float32 {
	groups := 1
	if n >= 256 {
		groups = 2
	}
	var acc [32]float32
	for i := range (n + 15) &^ 15 {
		at := i % (16 * groups)
		acc[at] = term(i, acc[at])
	}
	for w := 8 * groups; w > 0; w /= 2 {
		for j := range w {
			acc[j] += acc[j+w]
		}
	}
	return acc[0]
}

func at(v []float32, i int) float32 {
	if i < len(v) {
		return v[i]
	}
	return 0
}

func oracleDot(a, b []float32) float32 {
	return oracleSum(len(a), func(i int, acc float32) float32 { return simd.FMA32(at(a, i), at(b, i), acc) })
}

func oracleL2Sq(a, b []float32) float32 {
	return oracleSum(len(a), func(i int, acc float32) float32 {
		t := at(a, i) - at(b, i)
		return simd.FMA32(t, t, acc)
	})
}

func TestDistancesHaveTheBitsOfTheReference(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 7))
		for _, d := range dims() {
			for _, f := range fills {
				if d > 300 && f.name != "normal" && f.name != "any" {
					continue
				}
				off := r.IntN(4)
				a, b := drawn(r, d+off, f.draw)[off:], drawn(r, d, f.draw)
				check := func(name string, got, want float32) {
					t.Helper()
					if !sameFloat(got, want) {
						t.Fatalf("%s, d=%d, %s: %x, want %x", name, d, f.name, got, want)
					}
				}
				check("Dot", simd.Dot(a, b), oracleDot(a, b))
				check("L2Sq", simd.L2Sq(a, b), oracleL2Sq(a, b))
				ab, aa, bb := simd.CosineSums(a, b)
				check("CosineSums ab", ab, oracleDot(a, b))
				check("CosineSums aa", aa, oracleDot(a, a))
				check("CosineSums bb", bb, oracleDot(b, b))
			}
		}
	})
}

func TestDistancesAreCloseToFloat64(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 7))
		for _, d := range dims() {
			a, b := drawn(r, d, fills[0].draw), drawn(r, d, fills[0].draw)
			var dot, abs, l2 float64
			for i := range a {
				p := float64(a[i]) * float64(b[i])
				dot += p
				abs += math.Abs(p)
				e := float64(a[i]) - float64(b[i])
				l2 += e * e
			}
			// Each product goes through at most d/16 + 5 additions.
			eps := (float64(d)/16 + 7) * 0x1p-24
			if got := float64(simd.Dot(a, b)); math.Abs(got-dot) > eps*abs {
				t.Errorf("Dot, d=%d: %v, want %v ± %v", d, got, dot, eps*abs)
			}
			if got := float64(simd.L2Sq(a, b)); math.Abs(got-l2) > eps*l2 {
				t.Errorf("L2Sq, d=%d: %v, want %v ± %v", d, got, l2, eps*l2)
			}
		}
	})
}

// TestBatchAndGatherHaveTheBitsOfDot goes through every size of a batch up to 40, so every
// place in it, and odd strides. Guards around out show what is written beside it.
func TestBatchAndGatherHaveTheBitsOfDot(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 7))
		for _, d := range dims() {
			for n := range 41 {
				if d > 160 && n > 20 && n%7 != 0 || d > 400 && n > 10 && n%13 != 0 {
					continue
				}
				if d > 5000 && n > 3 || !worthwhile(d, n) {
					continue
				}
				f := fills[(d+n)%len(fills)]
				stride := d + []int{0, 1, 3, 16}[r.IntN(4)]
				checkBatch(t, r, d, n, stride, f.draw, f.name)
			}
		}
		checkBatch(t, r, 16, 5000, 17, fills[0].draw, "long")
		checkBatch(t, r, 64, 1100, 64, fills[0].draw, "long")
		checkBatch(t, r, 300, 300, 301, fills[0].draw, "long")
	})
}

// worthwhile thins out the sizes of a batch where it costs much and finds little: for the
// loop in Go, under the race detector, and in short runs.
func worthwhile(d, n int) bool {
	if simd.Active() == simd.PureGo {
		return n < 3 && d%5 < 2
	}
	return !race.Enabled && !testing.Short() || d < 70 && n%5 < 3 || d%16 < 2 && n < 20
}

func checkBatch(t *testing.T, r *rand.Rand, d, n, stride int, draw func(*rand.Rand) float32, kind string) {
	t.Helper()
	const guard = 12345
	q := drawn(r, d, draw)
	var rows []float32
	if n > 0 {
		rows = drawn(r, (n-1)*stride+d, draw)
	}
	buf := make([]float32, n+2)
	run := func(name string, fill func(out []float32), want func(i int) float32) {
		t.Helper()
		for i := range buf {
			buf[i] = guard
		}
		fill(buf[1 : n+1])
		if buf[0] != guard || buf[n+1] != guard {
			t.Fatalf("%s, d=%d n=%d: wrote beside out", name, d, n)
		}
		for i, got := range buf[1 : n+1] {
			if w := want(i); !sameFloat(got, w) {
				t.Fatalf("%s, d=%d n=%d stride=%d %s: out[%d] = %x, want %x", name, d, n, stride, kind, i, got, w)
			}
		}
	}
	row := func(i int) []float32 { return rows[i*stride : i*stride+d] }
	dot, l2 := make([]float32, n), make([]float32, n)
	for i := range n {
		dot[i], l2[i] = simd.Dot(q, row(i)), simd.L2Sq(q, row(i))
	}
	run("DotBatch", func(out []float32) { simd.DotBatch(out, q, rows, stride) }, func(i int) float32 { return dot[i] })
	run("L2SqBatch", func(out []float32) { simd.L2SqBatch(out, q, rows, stride) }, func(i int) float32 { return l2[i] })
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(r.IntN(n))
	}
	run("DotGather", func(out []float32) { simd.DotGather(out, q, rows, stride, ids) }, func(i int) float32 { return dot[ids[i]] })
	run("L2SqGather", func(out []float32) { simd.L2SqGather(out, q, rows, stride, ids) }, func(i int) float32 { return l2[ids[i]] })

	for _, threshold := range []float32{float32(math.Inf(-1)), 0, float32(math.Inf(1)), float32(math.NaN())} {
		var wantIDs []uint32
		var want []float32
		for i, s := range dot {
			if s > threshold {
				wantIDs, want = append(wantIDs, 1000+uint32(i)), append(want, s)
			}
		}
		gotIDs, got := make([]uint32, n+16), make([]float32, n+16)
		check := func(name string, kept int) {
			t.Helper()
			if kept != len(want) {
				t.Fatalf("%s, d=%d n=%d %s above %v: kept %d, want %d", name, d, n, kind, threshold, kept, len(want))
			}
			for i := range want {
				if got[i] != want[i] || gotIDs[i] != wantIDs[i] {
					t.Fatalf("%s, d=%d n=%d %s above %v: place %d holds %d, %v; want %d, %v",
						name, d, n, kind, threshold, i, gotIDs[i], got[i], wantIDs[i], want[i])
				}
			}
		}
		check("DotAbove", simd.DotAbove(gotIDs, got, q, rows, stride, n, threshold, 1000))
		clear(gotIDs)
		clear(got)
		check("SelectAbove", simd.SelectAbove(gotIDs, got, dot, threshold, 1000))
	}
}

func TestEmptyIsZero(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		ab, aa, bb := simd.CosineSums(nil, nil)
		if s := []float32{simd.Dot(nil, nil), simd.L2Sq(nil, nil), ab, aa, bb}; fmt.Sprint(s) != "[0 0 0 0 0]" {
			t.Errorf("sums of nothing: %v, want zeros", s)
		}
		out := []float32{1, 1, 1}
		simd.DotBatch(out, nil, nil, 0)
		if fmt.Sprint(out) != "[0 0 0]" {
			t.Errorf("products with rows of no elements: %v, want zeros", out)
		}
		simd.DotBatch(nil, []float32{1}, nil, 1)
		simd.DotGather(nil, []float32{1}, nil, 1, nil)
		out = []float32{1, 1, 1}
		simd.L2SqGather(out, nil, nil, 0, []uint32{0, 7})
		if fmt.Sprint(out) != "[0 0 1]" {
			t.Errorf("distances to rows of no elements: %v, want [0 0 1]", out)
		}
	})
}
