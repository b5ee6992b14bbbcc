package annindex_test

import (
	"path/filepath"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/retrieval"
)

// TestEveryKindBuildsAndMaps checks the table: a kind builds an index of the metric that it is
// asked for, says what it costs, and opens what it saved.
func TestEveryKindBuildsAndMaps(t *testing.T) {
	base, _, err := annset.Synthetic{Rows: 500, Dim: 20, Queries: 1, Seed: 1}.Make(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	items := make([]recsys.ItemID, base.Rows)
	for i := range items {
		items[i] = recsys.ItemID(1000 + i)
	}
	for _, k := range annindex.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			if annindex.Named(k.Name).Name != k.Name || len(k.Efforts) == 0 {
				t.Errorf("Named(%q) and its efforts: %v", k.Name, k.Efforts)
			}
			for _, codes := range []bool{true, false} {
				index, cost, err := k.Build(t.Context(), annindex.Config{Metric: retrieval.L2, Codes: codes, M: 8, EfConstruction: 40, K: 5, Seed: 1, Workers: 1}, items, base)
				if err != nil {
					t.Fatal(err)
				}
				if index.Metric() != retrieval.L2 || index.Len() != 500 || index.Dim() != 20 {
					t.Errorf("%v index of %d × %d", index.Metric(), index.Len(), index.Dim())
				}
				if !(cost.Wall > 0) || !(cost.CPU > 0) || cost.Bytes < 500*20 {
					t.Errorf("cost %+v", cost)
				}
				found, err := index.Search(nil, base.Row(7), 1, retrieval.SearchOptions{})
				if err != nil || len(found) != 1 || found[0].Item != 1007 || found[0].Score != 0 {
					t.Errorf("the nearest to row 7 is %v, %v", found, err)
				}
				if !k.Saves() {
					if _, err := k.Open("file"); err == nil {
						t.Error("Open of a kind that is not saved gives no error")
					}
					continue
				}
				file := filepath.Join(t.TempDir(), "index")
				if err := index.(annindex.Saver).Save(file); err != nil {
					t.Fatal(err)
				}
				mapped, err := k.Open(file)
				if err != nil {
					t.Fatal(err)
				}
				if mapped.Len() != 500 || mapped.Metric() != retrieval.L2 {
					t.Errorf("mapped: %v index of %d", mapped.Metric(), mapped.Len())
				}
			}
		})
	}
	if annindex.Named("nothing") != nil {
		t.Error("an unknown name has a kind")
	}
}
