package simd_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

func codedPair(r *rand.Rand, m, n int) ([]int8, []uint8) {
	queries, rows := make([]int8, m), make([]uint8, n)
	for i := range queries {
		queries[i] = int8(r.IntN(255) - 127)
	}
	for i := range rows {
		rows[i] = uint8(r.IntN(255) + 1)
	}
	return queries, rows
}

func TestCodeBlockIsDotInt8AboveThreshold(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(71, 1))
		var b simd.CodeBlock
		for _, m := range []int{0, 1, 5, 6, 15, 16, 17, 31, 32, 33, 48, 49, 64} {
			for _, d := range []int{0, 1, 4, 6, 8, 64, 68, 128} {
				n, stride := r.IntN(300), d+r.IntN(3)
				queries, rows := codedPair(r, m*stride, n*stride)
				if m > 20 && d > 8 { // the largest products of both signs
					for i := range d {
						queries[3*stride+i], queries[20*stride+i] = 127, -127
					}
				}
				b.Set(queries, stride, m, d)
				thresholds := make([]int32, m)
				var want []simd.CodePair
				for j := range thresholds {
					q := queries[j*stride : j*stride+d]
					switch r.IntN(8) {
					case 0:
						thresholds[j] = math.MinInt32
					case 1:
						thresholds[j] = math.MaxInt32
					default:
						if n > 0 {
							thresholds[j] = simd.DotInt8(q, rows[r.IntN(n)*stride:][:d]) - int32(r.IntN(2))
						}
					}
					for i := range n {
						if simd.DotInt8(q, rows[i*stride:i*stride+d]) > thresholds[j] {
							want = append(want, simd.CodePair{Query: uint32(j), Row: uint32(i) + 7})
						}
					}
				}
				got := b.Above(nil, rows, stride, n, 7, thresholds)
				slices.SortFunc(got, func(a, b simd.CodePair) int {
					return cmp.Or(cmp.Compare(a.Query, b.Query), cmp.Compare(a.Row, b.Row))
				})
				if !slices.Equal(got, want) {
					t.Fatalf("%d queries, %d rows of %d: %d pairs, want %d", m, n, d, len(got), len(want))
				}
			}
		}
	})
}

// Many codes, and more rows than are worked on at a time.
func TestCodeBlockInPieces(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(72, 1))
		for _, size := range [][2]int{{8192, 40}, {8196, 40}, {4, 5000}, {2048, 500}} {
			d, n := size[0], size[1]
			queries, rows := codedPair(r, 9*d, n*d)
			var b simd.CodeBlock
			b.Set(queries, d, 9, d)
			want := 0
			for j := range 9 {
				for i := range n {
					if simd.DotInt8(queries[j*d:(j+1)*d], rows[i*d:(i+1)*d]) > 100 {
						want++
					}
				}
			}
			thresholds := slices.Repeat([]int32{100}, 9)
			if got := b.Above(nil, rows, d, n, 0, thresholds); len(got) != want {
				t.Errorf("%d rows of %d: %d pairs, want %d", n, d, len(got), want)
			}
		}
	})
}
