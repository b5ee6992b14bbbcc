package flat_test

import (
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func Example() {
	// Three items with factors for sweetness and spice.
	items := []recsys.ItemID{10, 20, 30}
	factors := []float32{
		0.9, 0.1, // cake
		0.2, 1.5, // curry
		0.7, 0.8, // gingerbread
	}
	x, err := flat.New(flat.Config{Metric: retrieval.InnerProduct}, items, vector.From(factors, 2))
	if err != nil {
		panic(err)
	}
	user := []float32{1, 0.5}
	found, err := x.Search(nil, user, 2, retrieval.SearchOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println("best:", found)

	// Cake gets better; the user had gingerbread yesterday.
	if err := x.Update(10, []float32{1.5, 0.1}); err != nil {
		panic(err)
	}
	found, err = x.Search(found[:0], user, 2, retrieval.SearchOptions{Exclude: []recsys.ItemID{30}})
	if err != nil {
		panic(err)
	}
	fmt.Println("then:", found)
	// Output:
	// best: [{30 1.1} {10 0.95}]
	// then: [{10 1.55} {20 0.95}]
}

func ExampleIndex_SearchBatch() {
	items := []recsys.ItemID{1, 2, 3}
	x, err := flat.New(flat.Config{Metric: retrieval.Cosine}, items, vector.From([]float32{1, 0, 0, 1, 1, 1}, 2))
	if err != nil {
		panic(err)
	}
	users := vector.From([]float32{3, 0, 2, 2}, 2)
	lists, err := x.SearchBatch(nil, users, 1, retrieval.SearchOptions{})
	if err != nil {
		panic(err)
	}
	for i, found := range lists {
		fmt.Printf("user %d: item %d\n", i, found[0].Item)
	}
	// Output:
	// user 0: item 1
	// user 1: item 3
}
