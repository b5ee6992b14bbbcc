package als_test

import (
	"context"
	"fmt"
	"log"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
)

// hotDrinks are the interactions of users 1 and 2, who took coffee (1) and milk (2), and of
// users 3 and 4, who took tea (3) and lemons (4).
func hotDrinks() *retrieval.Interactions {
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 3, 3, 4, 4},
		Items: []recsys.ItemID{1, 2, 1, 2, 3, 4, 3, 4},
	}, retrieval.SumWeights)
	if err != nil {
		log.Fatal(err)
	}
	return in
}

func ExampleTrain() {
	ctx := context.Background()
	model, err := als.Train(ctx, hotDrinks(), als.Config{Factors: 2})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("als", model)).Build()
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

func ExampleModel_Explain() {
	model, err := als.Train(context.Background(), hotDrinks(), als.Config{Factors: 2})
	if err != nil {
		log.Fatal(err)
	}
	// Why lemons for a user who took tea, and coffee once?
	q := recsys.NewQuery(&recsys.Request{History: []recsys.Event{{Item: 1}, {Item: 3}}}, nil, "explain")
	parts, err := model.Explain(nil, q, 4)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("item %d adds %.2f\n", parts[0].Item, parts[0].Score)
	// Output: item 3 adds 0.98
}

func ExampleModel_Refit() {
	ctx := context.Background()
	model, err := als.Train(ctx, hotDrinks(), als.Config{Factors: 2})
	if err != nil {
		log.Fatal(err)
	}
	// Users 3 and 4 take a new item, honey (5).
	today, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{3, 4},
		Items: []recsys.ItemID{5, 5},
	}, retrieval.SumWeights)
	if err != nil {
		log.Fatal(err)
	}
	model, err = model.Refit(ctx, today, nil, []recsys.ItemID{5})
	if err != nil {
		log.Fatal(err)
	}
	q := recsys.NewQuery(&recsys.Request{History: []recsys.Event{{Item: 3}}}, nil, "example")
	out := recsys.NewSink(5)
	if err := model.Retrieve(ctx, q, out); err != nil {
		log.Fatal(err)
	}
	items, _ := out.Items()
	fmt.Println(items)
	// Output: [3 4 5 1 2]
}
