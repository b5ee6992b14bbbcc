package simd_test

import (
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// TestForestsReadNothingOutside is TestNothingIsReadOutside for forests.
func TestForestsReadNothingOutside(t *testing.T) {
	a, b, c := fenced(t, 1<<16), fenced(t, 1<<16), fenced(t, 1<<16)
	r := rand.New(rand.NewPCG(6, 6))
	eachTier(t, func(t *testing.T) {
		for _, end := range []bool{true, false} {
			for _, limit := range []int{1, 32, 64} {
				for _, words := range []int{0, 1, 40} {
					trees := randomAsked(r, 20, limit, words, 2)
					block := place[int32](a, 32*words, end)
					double, single := forestOf(trees, words, 2, false), forestOf(trees, words, 2, true)
					double.Sum(place[float64](b, 64, end), block, 3, 20)
					single.Sum32(place[float32](b, 64, end), block, 3, 20)
					double.Find(place[uint32](b, 32*17, end), block, 3, 20)

					nodes, leaves := make([][]simd.RowNode, 20), make([][]float64, 20)
					for i := range nodes {
						leaves[i] = make([]float64, limit)
						for _, ask := range trees[i].asks {
							nodes[i] = append(nodes[i], simd.RowNode{Word: uint32(ask.word), Set: r.IntN(2) == 0, Below: ask.below, Keep: ask.keep})
						}
					}
					row := simd.NewForestRow(nodes, leaves, words, limit > 32)
					row.Sum(0, place[int32](a, row.Words(), end), 0, 2)
					row.Find(place[uint32](b, 32, end), place[int32](a, row.Words(), end), 0, 2)
				}
			}
			for _, stride := range []int{1, 16, 33} {
				tile := (*[512]float32)(place[float32](b, 512, end))
				simd.ForestTile(tile, place[float32](a, 31*stride+16, end), stride)
				simd.ForestOrder(place[int32](c, 32*3, end), tile, make([]simd.ForestColumn, 3), []uint32{0, 7, 15})
			}
			features, places := make([]int32, 20), place[int32](a, 40, end)
			for j := range features {
				features[j] = int32(2 * j)
			}
			for j := range places {
				places[j] = int32(j)
			}
			columns := simd.NewRowColumns(make([]simd.ForestColumn, 20), features)
			columns.Order(place[int32](c, 32, end), 0, 2)
			columns.Load(place[int32](c, 32, end), 0, places, place[float32](b, 40, end))
			for _, words := range []int{1, 16, 21} {
				set := simd.NewForestSet(-1, 3, words)
				set.Turn(place[int32](c, 32*32, end), (*[32]float32)(place[float32](b, 32, end)))
				sets := simd.NewRowSets([]simd.ForestSet{set, set})
				sets.Load(place[int32](c, 2*words+15, end), place[float32](b, 16, end))
			}
		}
	})
}
