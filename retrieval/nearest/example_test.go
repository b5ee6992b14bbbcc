package nearest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func Example() {
	// Any index will do; an example has no need of a fast one.
	index, err := retrievaltest.NewExact(retrieval.InnerProduct,
		[]recsys.ItemID{10, 20, 30, 40},
		vector.From([]float32{1, 0, 0.9, 0.1, 0, 1, 0.2, 0.8}, 2))
	if err != nil {
		log.Fatal(err)
	}
	source, err := nearest.New(index, nearest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("vectors", source)).Build()
	if err != nil {
		log.Fatal(err)
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{
		K: 2, History: []recsys.Event{{Item: 10}}, Exclude: []recsys.ItemID{10},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range res.Items {
		fmt.Println(item.ID)
	}
	// Output:
	// 20
	// 40
}

func ExampleInterests() {
	index, err := retrievaltest.NewExact(retrieval.InnerProduct,
		[]recsys.ItemID{10, 20, 30, 40},
		vector.From([]float32{1, 0, 0.9, 0.1, 0, 1, 0.2, 0.8}, 2))
	if err != nil {
		log.Fatal(err)
	}
	jazzAndGardening := []float32{1, 0, 0, 0.5}
	both := nearest.Interests{Balanced: true}
	found, err := both.Search(nil, index, jazzAndGardening, 2, retrieval.SearchOptions{})
	fmt.Println(found, err)
	// Output: [{10 1} {30 0.5}] <nil>
}
