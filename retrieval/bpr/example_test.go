package bpr_test

import (
	"context"
	"fmt"
	"log"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/bpr"
)

func ExampleTrain() {
	// Users 1 to 3 took coffee (1), milk (2) or sugar (5), users 4 to 6 tea (3) or lemons (4).
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6},
		Items: []recsys.ItemID{1, 2, 1, 5, 2, 5, 3, 4, 3, 4, 3},
	}, retrieval.SumWeights)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	model, err := bpr.Train(ctx, in, bpr.Config{Factors: 4, Epochs: 50})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("bpr", model)).Build()
	if err != nil {
		log.Fatal(err)
	}
	// A user whom the model has not met takes lemons.
	res, err := p.Recommend(ctx, &recsys.Request{
		User: 99, K: 1,
		History: []recsys.Event{{Item: 4, Kind: recsys.Purchase}},
		Exclude: []recsys.ItemID{4},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Items[0].ID)
	// Output: 3
}
