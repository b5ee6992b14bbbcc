package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/simd"
)

func TestForestRowEqualsAskingOneByOne(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 1))
		for _, limit := range []int{1, 2, 31, 32, 33, 64} {
			for _, n := range []int{0, 1, 2, 15, 16, 17, 300} {
				for _, words := range []int{0, 1, 7, 31, 32, 33, 90, 1 << 16} {
					for _, sets := range []bool{false, true} {
						checkForestRow(t, r, n, limit, words, sets)
					}
				}
			}
		}
	})
}

func checkForestRow(t *testing.T, r *rand.Rand, n, limit, words int, sets bool) {
	t.Helper()
	trees := randomAsked(r, n, limit, words, 1)
	nodes, leaves := make([][]simd.RowNode, n), make([][]float64, n)
	for i := range trees {
		for range limit {
			leaves[i] = append(leaves[i], r.NormFloat64())
		}
		for j := range trees[i].asks {
			a := &trees[i].asks[j]
			a.set = a.set && sets
			nodes[i] = append(nodes[i], simd.RowNode{Word: uint32(a.word), Set: a.set, Below: a.below, Keep: a.keep})
		}
	}
	row := make([]int32, words+simd.RowWindow)
	for i := range row {
		row[i] = r.Int32N(24) - 12
		if r.IntN(3) == 0 {
			row[i] = int32(r.Uint32())
		}
	}
	f := simd.NewForestRow(nodes, leaves, words, limit > 32)
	groups := (n + simd.RowTrees - 1) / simd.RowTrees
	from := r.IntN(groups + 1)
	to := from + r.IntN(groups-from+1)
	found := make([]uint32, simd.RowTrees*(to-from)+1)
	found[len(found)-1] = 12345
	f.Find(found, row, from, to)
	sum := math.Copysign(0, -1)
	for i, got := range found[:len(found)-1] {
		if at := simd.RowTrees*from + i; at < n {
			sum += leaves[at][got]
			if want := trees[at].leaf(func(w int) int32 { return row[w] }); int(got) != want {
				t.Fatalf("limit=%d words=%d trees=%d: tree %d: leaf %d; want %d", limit, words, n, at, got, want)
			}
		}
	}
	got := f.Sum(math.Copysign(0, -1), row, from, to)
	require.Equal(t, math.Float64bits(sum), math.Float64bits(got), "%v; want %v", got, sum)
	require.EqualValues(t, 12345, found[len(found)-1])
}

func TestForestRowRefusesShapes(t *testing.T) {
	nodes := [][]simd.RowNode{{{Word: 1}}}
	f := simd.NewForestRow(nodes, make([][]float64, 1), 2, false)
	for name, do := range map[string]func(){
		"word":   func() { simd.NewForestRow(nodes, make([][]float64, 1), 1, false) },
		"words":  func() { simd.NewForestRow(nil, nil, -1, false) },
		"leaves": func() { simd.NewForestRow(nodes, nil, 2, false) },
		"sum":    func() { f.Sum(0, make([]int32, 33), 0, 1) },
		"row":    func() { f.Find(make([]uint32, 16), make([]int32, 33), 0, 1) },
		"found":  func() { f.Find(make([]uint32, 15), make([]int32, 34), 0, 1) },
		"groups": func() { f.Find(make([]uint32, 32), make([]int32, 34), 0, 2) },
	} {
		require.Panics(t, do, name)
	}
}

func BenchmarkForestRow(b *testing.B) {
	for _, words := range []int{28, 200} {
		r := rand.New(rand.NewPCG(1, 1))
		nodes, leaves := make([][]simd.RowNode, 100), make([][]float64, 100)
		for i := range nodes {
			leaves[i] = make([]float64, 64)
			for range 30 {
				nodes[i] = append(nodes[i], simd.RowNode{Word: uint32(r.IntN(words)), Keep: r.Uint64() | 1})
			}
		}
		f := simd.NewForestRow(nodes, leaves, words, false)
		for _, tier := range simd.Available() {
			b.Run(fmt.Sprintf("words=%d/impl=%v", words, tier), func(b *testing.B) {
				simd.Use(b, tier)
				found, row := make([]uint32, 112), make([]int32, f.Words())
				for b.Loop() {
					f.Find(found, row, 0, 7)
				}
			})
		}
	}
}
