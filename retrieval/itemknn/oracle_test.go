package itemknn_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
)

// oracle computes every similarity by the definition, in float64.
func oracle(in *retrieval.Interactions, cfg itemknn.Config) [][]float64 {
	users, items := in.NumUsers(), in.NumItems()
	w := make([][]float64, items) // by item and user
	total := 0.0
	for _, x := range in.ByUser().Weight {
		total += float64(x)
	}
	for i := range w {
		w[i] = make([]float64, users)
		length := 0.0
		for u := range users {
			x, _ := in.ByUser().At(u, i)
			length += float64(x)
		}
		for u := range users {
			x32, _ := in.ByUser().At(u, i)
			x := float64(x32)
			_, row := in.ByUser().Row(u)
			taken := 0.0
			for _, x := range row {
				if x > 0 {
					taken++
				}
			}
			idf := math.Log(float64(1+items) / (1 + taken))
			switch cfg.Weighting {
			case itemknn.TFIDF:
				x = math.Sqrt(x) * idf
			case itemknn.BM25:
				x = x * (1.2 + 1) / (x + 1.2*(1-0.75+0.75*length/(total/float64(items)))) * idf
			}
			w[i][u] = x
		}
	}
	norm := func(i int) float64 {
		sum := 0.0
		for _, x := range w[i] {
			sum += x * x
		}
		return math.Sqrt(sum)
	}
	alpha := (1 + cfg.Asymmetry) / 2
	sim := make([][]float64, items)
	for i := range sim {
		sim[i] = make([]float64, items)
		for j := range sim[i] {
			dot := 0.0
			for u := range users {
				dot += w[i][u] * w[j][u]
			}
			if i == j || dot == 0 {
				continue
			}
			sim[i][j] = dot
			if !cfg.Raw {
				sim[i][j] = dot / (math.Pow(norm(j), 2*alpha)*math.Pow(norm(i), 2-2*alpha) + cfg.Shrinkage)
			}
		}
	}
	return sim
}

func TestModelHoldsTheBestSimilaritiesOfTheOracle(t *testing.T) {
	for seed, weighting := range []itemknn.Weighting{itemknn.TFIDF, itemknn.Cosine, itemknn.BM25} {
		for _, cfg := range []itemknn.Config{
			{Neighbors: 1},
			{Neighbors: 5},
			{Neighbors: 1000},
			{Neighbors: 7, Shrinkage: 20},
			{Neighbors: 7, Asymmetry: -0.6},
			{Neighbors: 7, Asymmetry: 1, Shrinkage: 1},
			{Neighbors: 4, Raw: true},
			{Neighbors: 3, Keep: itemknn.PerSource},
			{Neighbors: 6, Keep: itemknn.PerSource, Asymmetry: 0.4},
		} {
			cfg.Weighting = weighting
			in := random(t, uint64(seed), 40, 35, 500)
			m := train(t, in, cfg)
			sim := oracle(in, cfg)
			kept := make([][]float64, in.NumItems()) // by source and target
			for i, id := range in.Items() {
				kept[i] = make([]float64, in.NumItems())
				for _, n := range m.Neighbors(nil, id, math.MaxInt) {
					j, _ := in.ItemRow(n.Item)
					require.InEpsilon(t, sim[i][j], float64(n.Weight), 2e-6, "%+v: %d to %d", cfg, i, j)
					kept[i][j] = sim[i][j]
				}
			}
			for i := range kept {
				all, have := sim[i], kept[i]
				if cfg.Keep == itemknn.PerTarget {
					all, have = column(sim, i), column(kept, i)
				}
				requireBest(t, all, have, cfg.Neighbors)
			}
		}
	}
}

func column(m [][]float64, j int) (c []float64) {
	for i := range m {
		c = append(c, m[i][j])
	}
	return c
}

// requireBest demands that have is all with everything but the n largest set to 0; equal
// ones within rounding may be exchanged.
func requireBest(t *testing.T, all, have []float64, n int) {
	t.Helper()
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	count := 0
	for i, s := range have {
		if s == 0 {
			continue
		}
		count++
		require.GreaterOrEqual(t, s, sorted[min(n, len(sorted))-1]*(1-1e-5), "entry %d", i)
	}
	positive := 0
	for _, s := range all {
		if s > 0 {
			positive++
		}
	}
	require.Equal(t, min(n, positive), count)
}
