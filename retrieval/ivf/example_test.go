package ivf_test

import (
	"context"
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func Example() {
	// 360 directions in a plane, one a degree.
	vectors := vector.NewMatrix(360, 2)
	items := make([]recsys.ItemID, 360)
	for i := range items {
		items[i] = recsys.ItemID(i)
		angle := float64(i) * math.Pi / 180
		copy(vectors.Row(i), []float32{float32(math.Cos(angle)), float32(math.Sin(angle))})
	}
	ix, err := ivf.Build(context.Background(), ivf.Config{Metric: retrieval.Cosine}, items, vectors)
	if err != nil {
		fmt.Println(err)
		return
	}
	query := vectors.Row(90)
	found, _ := ix.Search(nil, query, 3, retrieval.SearchOptions{})
	for _, n := range found {
		fmt.Printf("%d %.4f\n", n.Item, n.Score)
	}
	if err := ix.Delete(90); err != nil {
		fmt.Println(err)
	}
	even := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
	found, _ = ix.Search(found[:0], query, 2, retrieval.SearchOptions{Filter: even})
	fmt.Println(found[0].Item, found[1].Item, ix.Len())
	// Output:
	// 90 1.0000
	// 89 0.9998
	// 91 0.9998
	// 88 92 359
}
