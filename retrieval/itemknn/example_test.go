package itemknn_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
)

func ExampleTrain() {
	// Users 1 and 2 took coffee (1) and milk (2), users 3 and 4 tea (3) and lemons (4).
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 3, 3, 4, 4},
		Items: []recsys.ItemID{1, 2, 1, 2, 3, 4, 3, 4},
	}, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	model, err := itemknn.Train(ctx, in, itemknn.Config{Neighbors: 10})
	if err != nil {
		panic(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("itemknn", model)).Build()
	if err != nil {
		panic(err)
	}
	// A user whom the model has not met takes tea.
	res, err := p.Recommend(ctx, &recsys.Request{
		User: 99, K: 5,
		History: []recsys.Event{{Item: 3, Kind: recsys.Purchase}},
		Exclude: []recsys.ItemID{3},
	})
	if err != nil {
		panic(err)
	}
	for _, item := range res.Items {
		fmt.Println(item.ID)
	}
	// Output: 4
}

func ExampleTrain_neighbors() {
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 3, 3},
		Items: []recsys.ItemID{1, 2, 1, 2, 1, 3},
	}, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	model, err := itemknn.Train(context.Background(), in, itemknn.Config{Weighting: itemknn.Cosine})
	if err != nil {
		panic(err)
	}
	for _, n := range model.Neighbors(nil, 1, 10) {
		fmt.Printf("%d %.3f\n", n.Item, n.Weight)
	}
	// Output:
	// 2 0.816
	// 3 0.577
}

func ExampleUpdate() {
	ctx := context.Background()
	records := retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2},
		Items: []recsys.ItemID{1, 2, 1, 2},
	}
	in, err := retrieval.NewInteractions(records, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	model, err := itemknn.Train(ctx, in, itemknn.Config{Weighting: itemknn.Cosine})
	if err != nil {
		panic(err)
	}
	// User 2 takes the new item 3.
	records.Users, records.Items = append(records.Users, 2), append(records.Items, 3)
	if in, err = retrieval.NewInteractions(records, retrieval.SumWeights); err != nil {
		panic(err)
	}
	updated, err := itemknn.Update(ctx, model, in, 3)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(model.Neighbors(nil, 1, 10)), len(updated.Neighbors(nil, 1, 10)))
	// Output: 1 2
}
