package auto_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/auto"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func Example() {
	items := []recsys.ItemID{10, 11, 12, 13}
	vectors := vector.From([]float32{1, 0, 0, 1, 0.8, 0.8, -1, 0}, 2)
	choice, err := auto.Build(context.Background(), auto.Config{
		Metric:  retrieval.InnerProduct,
		K:       2,
		Recall:  1,
		Queries: vector.From([]float32{1, 0.5, -1, 0.2}, 2),
	}, items, vectors)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(choice.Trials[choice.Taken].Recall)
	found, _ := choice.Index.Search(nil, []float32{1, 0.5}, 2, retrieval.SearchOptions{})
	for _, n := range found {
		fmt.Println(n.Item, n.Score)
	}
	// Output:
	// 1
	// 12 1.2
	// 10 1
}
