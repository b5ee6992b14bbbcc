package session_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/session"
)

// visits are sessions, the oldest first: phone (1), then a case (2) or a charger (3); and tea
// (4) with milk (5).
func visits() *retrieval.Interactions {
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 2, 3, 3, 4, 4},
		Items: []recsys.ItemID{1, 2, 1, 2, 3, 4, 5, 1, 3},
	}, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	return in
}

func ExampleTrainKNN() {
	cfg := session.STAN()
	cfg.Repeat = -1 // what the visitor has seen stands on the page already
	model, err := session.TrainKNN(context.Background(), visits(), cfg)
	if err != nil {
		panic(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("stan", model)).Build()
	if err != nil {
		panic(err)
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{
		K: 5, History: []recsys.Event{{Item: 1, Kind: recsys.Click}},
	})
	if err != nil {
		panic(err)
	}
	for _, item := range res.Items {
		fmt.Println(item.ID)
	}
	// Output:
	// 3
	// 2
}

func ExampleTrainTransitions() {
	model, err := session.TrainTransitions(context.Background(), visits(), session.Transitions{Gap: 5})
	if err != nil {
		panic(err)
	}
	for _, n := range model.Neighbors(nil, 1, 10) {
		fmt.Printf("%d %.2f\n", n.Item, n.Weight)
	}
	// Output:
	// 2 0.57
	// 3 0.43
}

func ExampleVSKNN() {
	cfg := session.VSKNN()
	cfg.Neighbors, cfg.Sample = 500, 2000
	model, err := session.TrainKNN(context.Background(), visits(), cfg)
	if err != nil {
		panic(err)
	}
	fmt.Println(model.NumSessions(), "sessions,", len(model.Items()), "items")
	// Output: 4 sessions, 5 items
}
