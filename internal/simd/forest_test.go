package simd_test

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/simd"
)

// askedTree is a tree as a list of questions, each with the leaves that a yes leaves over.
type askedTree struct {
	asks   []ask
	leaves []float64
	output int
}

type ask struct {
	word  int
	below int32
	set   bool
	keep  uint64
}

// leaf is the oracle.
func (t *askedTree) leaf(row func(word int) int32) int {
	left := ^uint64(0)
	for _, a := range t.asks {
		if w := row(a.word); a.set && w&a.below != 0 || !a.set && w >= a.below {
			left &= a.keep
		}
	}
	return bits.TrailingZeros64(left)
}

// randomAsked returns trees of up to limit leaves, in which one leaf is never ruled out, as
// in a real one.
func randomAsked(r *rand.Rand, n, limit, words, outputs int) []askedTree {
	trees := make([]askedTree, n)
	for i := range trees {
		t := &trees[i]
		t.output = r.IntN(outputs)
		t.leaves = make([]float64, 1+r.IntN(limit))
		for j := range t.leaves {
			t.leaves[j] = r.NormFloat64()
		}
		stays := uint64(1) << r.IntN(len(t.leaves))
		for range r.IntN(2 * limit) {
			if words == 0 {
				break
			}
			a := ask{word: r.IntN(words), below: r.Int32N(20) - 10, keep: r.Uint64() | r.Uint64() | stays}
			if a.set = r.IntN(3) == 0; a.set {
				a.below = 1 << r.IntN(31)
			}
			if len(t.leaves) <= 32 || r.IntN(3) == 0 {
				a.keep |= 0xffffffff << 32 // bears on the lower half alone
			}
			t.asks = append(t.asks, a)
		}
	}
	return trees
}

// forestOf splits the questions as Forest wants them.
func forestOf(trees []askedTree, words, outputs int, single bool) *simd.Forest {
	var nodes []simd.ForestNode
	var leaves [][]float64
	descs := make([]simd.ForestTree, len(trees))
	for i, t := range trees {
		descs[i].Output = uint32(t.output)
		leaves = append(leaves, t.leaves)
		for kind := range 4 {
			for _, a := range t.asks {
				keep := uint32(a.keep >> (kind / 2 * 32))
				if a.set == (kind%2 == 1) && keep != ^uint32(0) {
					nodes = append(nodes, simd.ForestNode{Below: a.below, Word: uint32(a.word), Keep: keep})
					descs[i].Nodes[kind]++
				}
			}
		}
	}
	return simd.NewForest(descs, nodes, leaves, words, outputs, single)
}

func TestForestEqualsAskingOneByOne(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 1))
		for _, limit := range []int{1, 2, 16, 31, 32, 33, 63, 64} {
			for _, n := range []int{0, 1, 2, 5, 300} {
				for _, words := range []int{0, 1, 7, 40} {
					checkForest(t, r, n, limit, words)
				}
			}
		}
	})
}

func checkForest(t *testing.T, r *rand.Rand, n, limit, words int) {
	t.Helper()
	const lanes = simd.ForestLanes
	outputs := 1 + r.IntN(3)
	trees := randomAsked(r, n, limit, words, outputs)
	block := make([]int32, lanes*words)
	for i := range block {
		block[i] = r.Int32N(24) - 12
		if r.IntN(3) == 0 {
			block[i] = int32(r.Uint32())
		}
	}
	from := r.IntN(n + 1)
	to := from + r.IntN(n-from+1)
	sums, sums32 := make([]float64, lanes*outputs+1), make([]float32, lanes*outputs+1)
	found := make([]uint32, lanes*n+1)
	for i := range sums {
		sums[i] = r.NormFloat64()
		sums32[i] = float32(sums[i])
	}
	found[lanes*(to-from)] = 12345
	want, want32 := append([]float64(nil), sums...), append([]float32(nil), sums32...)
	f := forestOf(trees, words, outputs, false)
	f.Sum(sums, block, from, to)
	f.Find(found, block, from, to)
	forestOf(trees, words, outputs, true).Sum32(sums32, block, from, to)
	for j := from; j < to; j++ {
		for i := range lanes {
			leaf := trees[j].leaf(func(w int) int32 { return block[lanes*w+i] })
			if got := found[lanes*(j-from)+i]; int(got) != leaf {
				t.Fatalf("limit=%d words=%d: row %d, tree %d: leaf %d; want %d", limit, words, i, j, got, leaf)
			}
			if leaf >= len(trees[j].leaves) {
				continue
			}
			want[lanes*trees[j].output+i] += trees[j].leaves[leaf]
			want32[lanes*trees[j].output+i] += float32(trees[j].leaves[leaf])
		}
	}
	require.Equal(t, want, sums, "limit=%d words=%d trees=%d to %d of %d", limit, words, from, to, n)
	require.Equal(t, want32, sums32, "limit=%d words=%d trees=%d to %d of %d", limit, words, from, to, n)
	require.EqualValues(t, 12345, found[lanes*(to-from)])
}

func TestForestRefusesShapes(t *testing.T) {
	leaves := [][]float64{{1, 2}}
	tree := []simd.ForestTree{{Nodes: [4]uint32{1}}}
	f := simd.NewForest(tree, make([]simd.ForestNode, 1), leaves, 1, 1, false)
	for name, do := range map[string]func(){
		"nodes":       func() { simd.NewForest(tree, nil, leaves, 1, 1, false) },
		"leaves":      func() { simd.NewForest(tree, make([]simd.ForestNode, 1), nil, 1, 1, false) },
		"many leaves": func() { simd.NewForest(make([]simd.ForestTree, 1), nil, [][]float64{make([]float64, 65)}, 1, 1, false) },
		"no leaf":     func() { simd.NewForest(make([]simd.ForestTree, 1), nil, [][]float64{{}}, 1, 1, false) },
		"word":        func() { simd.NewForest(tree, []simd.ForestNode{{Word: 1}}, leaves, 1, 1, false) },
		"output":      func() { simd.NewForest([]simd.ForestTree{{Output: 1}}, nil, leaves, 1, 1, false) },
		"second half": func() {
			simd.NewForest([]simd.ForestTree{{Nodes: [4]uint32{2: 1}}}, make([]simd.ForestNode, 1), leaves, 1, 1, false)
		},
		"block":        func() { f.Sum(make([]float64, 32), make([]int32, 31), 0, 1) },
		"sums":         func() { f.Sum(make([]float64, 31), make([]int32, 32), 0, 1) },
		"not single":   func() { f.Sum32(make([]float32, 32), make([]int32, 32), 0, 1) },
		"found":        func() { f.Find(make([]uint32, 31), make([]int32, 32), 0, 1) },
		"trees":        func() { f.Sum(make([]float64, 32), make([]int32, 32), 0, 2) },
		"no such tree": func() { f.Sum(make([]float64, 32), make([]int32, 32), -1, 1) },
	} {
		require.Panics(t, do, name)
	}
}

func BenchmarkForest(b *testing.B) {
	for _, limit := range []int{32, 64} {
		r := rand.New(rand.NewPCG(1, 1))
		trees := randomAsked(r, 100, limit, 28, 1)
		for i := range trees {
			for len(trees[i].asks) < limit-1 {
				trees[i].asks = append(trees[i].asks, ask{})
			}
			trees[i].asks = trees[i].asks[:limit-1]
			for j := range trees[i].asks { // a node of 64 leaves bears on one half of them
				keep := (r.Uint64() | 1) & 0xffffffff << (j % 2 * (limit - 32))
				trees[i].asks[j] = ask{word: r.IntN(28), keep: keep | 0xffffffff<<32>>(j%2*(limit-32))}
			}
			trees[i].leaves = make([]float64, limit)
		}
		f := forestOf(trees, 28, 1, false)
		for _, tier := range simd.Available() {
			b.Run(fmt.Sprintf("leaves=%d/impl=%v", limit, tier), func(b *testing.B) {
				simd.Use(b, tier)
				sums, block := make([]float64, 32), make([]int32, 32*28)
				for b.Loop() {
					f.Sum(sums, block, 0, len(trees))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/32, "ns/row")
			})
		}
	}
}
