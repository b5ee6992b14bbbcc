package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/engine"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// shaped grows trees as a trainer does, on the largest leaf more often than not. Every
// fourth feature holds categories if mixed.
func shaped(trees, leaves, features int, mixed bool) (*tree.Forest, *engine.Rows, *rand.Rand) {
	r := rand.New(rand.NewPCG(1, uint64(trees*leaves)))
	f := &tree.Forest{Outputs: 1, Features: make([]tree.Feature, features), Trees: make([]tree.Tree, trees)}
	for j := range f.Features {
		f.Features[j].Categorical = mixed && j%4 == 0
	}
	for i := range f.Trees {
		grow(r, f, &f.Trees[i], leaves)
		for j := range f.Trees[i].Nodes {
			n := &f.Trees[i].Nodes[j]
			n.Missing = tree.MissingNone
			if !n.Categorical {
				n.Threshold = r.NormFloat64()
				if mixed {
					n.Missing = tree.MissingNaN
				}
			}
		}
	}
	return f, &engine.Rows{Stride: features, Columns: ints(features)}, r
}

func ints(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

func BenchmarkRaw(b *testing.B) {
	for _, shape := range []struct {
		trees, leaves, features int
		mixed                   bool
	}{{100, 31, 28, false}, {100, 31, 200, false}, {500, 63, 28, false}, {100, 31, 28, true}, {100, 255, 28, false}} {
		f, rows, r := shaped(shape.trees, shape.leaves, shape.features, shape.mixed)
		for _, n := range []int{500, 1} {
			rows.N = n
			rows.Floats = make([]float32, n*rows.Stride)
			for i := range rows.Floats {
				rows.Floats[i] = float32(r.NormFloat64())
				if f.Features[i%rows.Stride].Categorical {
					rows.Floats[i] = float32(r.IntN(100))
				}
			}
			dst := make([]float64, n)
			for _, kind := range kinds {
				e := engine.New(f, engine.Options{Kind: kind})
				b.Run(fmt.Sprintf("trees=%d/leaves=%d/features=%d/mixed=%v/rows=%d/engine=%d", shape.trees, shape.leaves, shape.features, shape.mixed, n, kind), func(b *testing.B) {
					var s engine.Scratch
					for b.Loop() {
						e.Raw(dst, rows, &s)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
				})
			}
		}
	}
}
