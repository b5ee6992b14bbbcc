package simd_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/simd"
)

func sortHits(hits []simd.BlockHit) {
	slices.SortFunc(hits, func(a, b simd.BlockHit) int {
		return cmp.Or(cmp.Compare(a.Query, b.Query), cmp.Compare(a.Row, b.Row))
	})
}

// The claim: exactly the products of Dot that are above, with the bits of Dot. Thresholds
// are set on products that occur, and just below them, so that the fast product often lies
// on the other side.
func TestQueryBlockIsDotAboveThreshold(t *testing.T) {
	draws := map[string]func(*rand.Rand) float32{
		"normal": func(r *rand.Rand) float32 { return float32(r.NormFloat64()) },
		// Products cancel: the sum is of the size of the rounding.
		"cancelling": func(r *rand.Rand) float32 { return float32(int(r.Uint32()%2)*2-1) * (1 + r.Float32()*1e-6) },
		"tiny":       func(r *rand.Rand) float32 { return float32(r.NormFloat64()) * 0x1p-73 },
		"huge":       func(r *rand.Rand) float32 { return float32(r.NormFloat64()) * 0x1p63 },
		"any":        func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) },
	}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachTier(t, func(t *testing.T) {
		for kind, draw := range draws {
			r := rand.New(rand.NewPCG(11, 12))
			var b simd.QueryBlock
			for _, m := range []int{0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 64} {
				for _, d := range []int{0, 1, 7, 16, 33, 64} {
					n, stride := r.IntN(300), d+r.IntN(3)
					queries, rows := drawn(r, m*stride, draw), drawn(r, n*stride, draw)
					if n > 20 && d > 3 && kind == "normal" {
						rows[9*stride+2], rows[17*stride+1] = nan, inf
					}
					b.Set(queries, stride, m, d)
					thresholds := make([]float32, m)
					var want []simd.BlockHit
					for j := range thresholds {
						q := b.Query(j)
						switch r.IntN(8) {
						case 0:
							thresholds[j] = -inf
						case 1:
							thresholds[j] = nan
						default:
							if n > 0 {
								thresholds[j] = simd.Dot(q, rows[r.IntN(n)*stride:][:d])
							}
							if r.IntN(2) == 0 {
								thresholds[j] = math.Nextafter32(thresholds[j], -inf)
							}
						}
						for i := range n {
							if s := simd.Dot(q, rows[i*stride:i*stride+d]); s > thresholds[j] {
								want = append(want, simd.BlockHit{Query: uint32(j), Row: uint32(i) + 7, Score: s})
							}
						}
					}
					got := b.Above(nil, rows, stride, n, 7, thresholds)
					sortHits(got)
					if !slices.Equal(got, want) {
						t.Fatalf("%s, %d queries, %d rows of %d: %d products above, want %d", kind, m, n, d, len(got), len(want))
					}
				}
			}
		}
	})
}

// Long vectors, and more rows than are worked on at a time.
func TestQueryBlockInPieces(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 14))
		for _, size := range [][2]int{{2500, 20}, {700, 300}, {2049, 30}, {2048, 70}} {
			d, n := size[0], size[1]
			var b simd.QueryBlock
			b.Set(normals(r, 9*d), d, 9, d)
			rows := normals(r, n*d)
			thresholds := make([]float32, 9)
			want := 0
			for j := range thresholds {
				for i := range n {
					if simd.Dot(b.Query(j), rows[i*d:(i+1)*d]) > 0 {
						want++
					}
				}
			}
			if got := b.Above(nil, rows, d, n, 0, thresholds); len(got) != want {
				t.Errorf("%d rows of %d: %d products above 0, want %d", n, d, len(got), want)
			}
		}
	})
}

func TestQueryBlockDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(15, 16))
		queries, rows := normals(r, 40*32), normals(r, 500*32)
		thresholds := make([]float32, 40)
		var b simd.QueryBlock
		dst := make([]simd.BlockHit, 0, 40*500)
		if n := testing.AllocsPerRun(5, func() {
			b.Set(queries, 32, 40, 32)
			dst = b.Above(dst[:0], rows, 32, 500, 0, thresholds)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
