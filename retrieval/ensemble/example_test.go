package ensemble_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ensemble"
	"github.com/recsyskit/recsys/retrieval/itemknn"
)

// Coffee (1) goes with milk (2), tea (3) with lemons (4), and everybody takes bread (5) in the end.
func ExampleLearn() {
	baskets := [][]recsys.ItemID{{1, 2, 5}, {1, 2, 5}, {3, 4, 5}, {3, 4, 5}, {1, 2, 5}, {3, 4, 5}}
	var records retrieval.Records
	var cases []ensemble.Case
	for u, basket := range baskets {
		user := recsys.UserID(u)
		for _, item := range basket {
			records.Users, records.Items = append(records.Users, user), append(records.Items, item)
		}
		// Later two more such users come, and what they take after the first item is known.
		for range 2 {
			cases = append(cases, ensemble.Case{
				Request:  recsys.Request{User: 100 + user, History: []recsys.Event{{Item: basket[0]}}, Exclude: basket[:1]},
				Relevant: basket[1:],
			})
		}
	}
	in, err := retrieval.NewInteractions(records, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	popular, err := retrieval.NewPopular(in, retrieval.PopularConfig{})
	if err != nil {
		panic(err)
	}
	knn, err := itemknn.Train(ctx, in, itemknn.Config{})
	if err != nil {
		panic(err)
	}
	blend, err := ensemble.Learn(ctx, []ensemble.Source{
		{Name: "popular", Retriever: popular},
		{Name: "itemknn", Retriever: knn},
	}, cases, ensemble.Config{Budget: 3, K: 2})
	if err != nil {
		panic(err)
	}
	for _, s := range blend.Report().Sources {
		fmt.Printf("%s proposes %d, finds %.2f alone, adds %.2f\n", s.Name, s.Quota, s.Recall, s.Added)
	}
	// Output:
	// popular proposes 1, finds 0.75 alone, adds 0.50
	// itemknn proposes 1, finds 1.00 alone, adds 0.50
}
