package peer_test

import (
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/peer"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/retrieval"
)

// TestPeersAnswer checks that every peer of this build finds what there is, so that a
// comparison is one at the recall that it names: exact ones everything, the others most
// with their largest effort.
func TestPeersAnswer(t *testing.T) {
	const k = 10
	base, queries, err := annset.Synthetic{Rows: 2000, Dim: 16, Queries: 50, Seed: 1}.Make(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	unit, unitQueries := annset.Normalized(base), annset.Normalized(queries)
	for _, metric := range []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2} {
		b, q := base, queries
		if metric == retrieval.Cosine {
			b, q = unit, unitQueries
		}
		truth, err := annset.Truth(t.Context(), b, q, metric, k, 2, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range peer.Kinds() {
			t.Run(metric.String()+"/"+kind.Name, func(t *testing.T) {
				if kind.Slow {
					t.Skip("slow")
				}
				index, err := kind.Build(b, peer.Config{Metric: metric, M: 16, Pool: 100})
				if err != nil {
					t.Skip(err)
				}
				defer index.Close()
				ids := make([]int32, q.Rows*k)
				index.Search(ids, q, k, kind.Efforts[len(kind.Efforts)-1])
				found := make([][]int32, q.Rows)
				for i := range found {
					found[i] = ids[i*k : (i+1)*k]
				}
				want := 0.9
				if len(kind.Efforts) == 1 {
					want = 0.999 // equal sums in another order
				}
				if recall := annset.Recall(truth, k, found); recall < want {
					t.Errorf("recall %v, want at least %v", recall, want)
				}
			})
		}
	}
}

func TestPeersFillUpWithMinusOne(t *testing.T) {
	base, queries, err := annset.Synthetic{Rows: 3, Dim: 4, Queries: 2, Seed: 1}.Make(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range peer.Kinds() {
		if kind.Name != "vek32 loop" && kind.Name != "hnswlib" && kind.Name != "coder/hnsw" {
			continue // not all libraries take so few rows
		}
		index, err := kind.Build(base, peer.Config{M: 16, Pool: 100})
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]int32, 2*5)
		index.Search(ids, queries, 5, 100)
		index.Close()
		seen := map[int32]int{}
		for _, id := range ids[:5] {
			seen[id]++
		}
		if seen[0] != 1 || seen[1] != 1 || seen[2] != 1 || seen[-1] != 2 || ids[4] != -1 {
			t.Errorf("%s: ids %v, want 0 to 2 and two -1", kind.Name, ids[:5])
		}
	}
}
