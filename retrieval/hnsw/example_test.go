package hnsw_test

import (
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func ExampleIndex() {
	items := []recsys.ItemID{10, 20, 30}
	vectors := vector.From([]float32{1, 0, 0, 1, 0.5, 0.5}, 2)
	index, err := hnsw.New(hnsw.Config{}, items, vectors)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := index.Insert(40, []float32{2, 1}); err != nil {
		fmt.Println(err)
	}
	found, err := index.Search(nil, []float32{1, 0}, 2, retrieval.SearchOptions{})
	fmt.Println(found, err)
	// Output: [{40 2} {10 1}] <nil>
}
