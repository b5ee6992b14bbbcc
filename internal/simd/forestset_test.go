package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/simd"
)

// rowOf is ForestSet.Row in float64.
func rowOf(s *simd.ForestSet, x float32) int {
	v := float64(x)
	switch {
	case math.IsNaN(v):
		return int(s.Known) + 1
	case v <= float64(s.Lowest) || v >= float64(s.Known):
		return int(s.Known)
	}
	return int(math.Trunc(v))
}

func randomSet(r *rand.Rand) simd.ForestSet {
	lowest := float32(-1)
	if r.IntN(2) == 0 {
		lowest = -math.SmallestNonzeroFloat32
	}
	s := simd.NewForestSet(lowest, r.IntN(300)*r.IntN(2), 1+r.IntN(40))
	for i := range s.Table {
		s.Table[i] = int32(r.Uint32())
	}
	return s
}

// randomCategory is often at an edge.
func randomCategory(r *rand.Rand, s *simd.ForestSet) float32 {
	edges := []float32{
		float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, float32(math.Copysign(0, -1)), -0.5, -1, -2, 1 << 31, 3e9, -3e9,
		1 << 24, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, math.Nextafter32(-1, 0), math.Nextafter32(1<<31, 0),
		float32(s.Known), float32(s.Known) - 1, float32(s.Known) + 1, math.Float32frombits(r.Uint32()),
	}
	if r.IntN(2) == 0 {
		return edges[r.IntN(len(edges))]
	}
	return r.Float32() * float32(s.Known+1)
}

func TestForestSetTurnsTheRowsOfItsTable(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 1))
		for range 300 {
			s := randomSet(r)
			var x [32]float32
			for i := range x {
				x[i] = randomCategory(r, &s)
			}
			n := int(s.Words)
			words := make([]int32, (n+15)/16*16*32)
			s.Turn(words, &x)
			for i, v := range x {
				require.Equal(t, rowOf(&s, v), s.Row(v), "%v of %d", v, s.Known)
				for w := range n {
					require.Equal(t, s.Table[rowOf(&s, v)*n+w], words[32*w+i], "%v of %d, word %d", v, s.Known, w)
				}
			}
			require.Panics(t, func() { s.Turn(words[1:], &x) })
		}
	})
}

func TestRowSetsLoadTheRowsOfTheirTables(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 2))
		for _, n := range []int{0, 1, 2, 15, 16, 17, 40, 600} {
			sets, want := make([]simd.ForestSet, n), []int32(nil)
			x := make([]float32, (n+15)/16*16)
			for i := range sets {
				sets[i] = randomSet(r)
				x[i] = randomCategory(r, &sets[i])
				w := int(sets[i].Words)
				want = append(want, sets[i].Table[rowOf(&sets[i], x[i])*w:][:w]...)
			}
			s := simd.NewRowSets(sets)
			require.Equal(t, len(x), s.Len())
			words := make([]int32, len(want)+simd.SetTail)
			words[len(words)-1] = 12345
			s.Load(words, x)
			require.Equal(t, want, append([]int32(nil), words[:len(want)]...))
			require.EqualValues(t, 12345, words[len(words)-1])
			if n > 0 {
				require.Panics(t, func() { s.Load(words, x[1:]) })
				require.Panics(t, func() { s.Load(words[2:], x) })
			}
		}
	})
}

func TestForestSetRefusesShapes(t *testing.T) {
	require.Panics(t, func() { simd.NewForestSet(-1, -1, 1) })
	require.Panics(t, func() { simd.NewForestSet(-1, 1, 0) })
	require.Panics(t, func() { simd.NewForestSet(-1, 1<<20, 1<<20) })
	short := simd.NewForestSet(-1, 3, 2)
	short.Table = short.Table[1:]
	require.Panics(t, func() { short.Turn(make([]int32, 16*32), new([32]float32)) })
	require.Panics(t, func() { simd.NewRowSets([]simd.ForestSet{short}) })
}
