package puresvd_test

import (
	"context"
	"fmt"
	"log"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/puresvd"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

func ExampleTrain() {
	// Users 1 and 2 took coffee (1) and milk (2), users 3 and 4 tea (3) and lemons (4).
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 3, 3, 4, 4},
		Items: []recsys.ItemID{1, 2, 1, 2, 3, 4, 3, 4},
	}, retrieval.SumWeights)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	model, err := puresvd.Train(ctx, in, puresvd.Config{Factors: 2})
	if err != nil {
		log.Fatal(err)
	}
	index, err := retrievaltest.NewExact(retrieval.InnerProduct, model.Items(), model.Vectors())
	if err != nil {
		log.Fatal(err)
	}
	source, err := nearest.New(index, nearest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("puresvd", source)).Build()
	if err != nil {
		log.Fatal(err)
	}
	// A user whom the model has not met takes tea.
	res, err := p.Recommend(ctx, &recsys.Request{
		User: 99, K: 1,
		History: []recsys.Event{{Item: 3, Kind: recsys.Purchase}},
		Exclude: []recsys.ItemID{3},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Items[0].ID)
	// Output: 4
}
