package ease_test

import (
	"context"
	"fmt"
	"log"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ease"
)

func Example() {
	ctx := context.Background()
	// Users 1 to 4 take tea (3) with milk (4), users 5 to 8 coffee (5) with sugar (6); all of
	// them took the cup (1).
	var r retrieval.Records
	for user := recsys.UserID(1); user <= 8; user++ {
		drink, extra := recsys.ItemID(3), recsys.ItemID(4)
		if user > 4 {
			drink, extra = 5, 6
		}
		for _, item := range []recsys.ItemID{1, drink, extra} {
			r.Users, r.Items = append(r.Users, user), append(r.Items, item)
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		log.Fatal(err)
	}
	model, err := ease.Train(ctx, in, ease.Config{Regularization: 1})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("ease", model)).Build()
	if err != nil {
		log.Fatal(err)
	}
	// A user whom the model has not met takes tea.
	res, err := p.Recommend(ctx, &recsys.Request{
		User: 99, K: 2,
		History: []recsys.Event{{Item: 3, Kind: recsys.Purchase}},
		Exclude: []recsys.ItemID{3},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range res.Items {
		fmt.Println(item.ID)
	}
	// Output:
	// 4
	// 1
}
