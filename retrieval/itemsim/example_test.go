package itemsim_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// Weights that a program of one's own has learned are served, explained and updated.
func Example() {
	items := []recsys.ItemID{10, 20, 30}
	weights := &retrieval.CSR{ // 10 proposes 20 and 30, 20 proposes 30
		Cols:   3,
		Start:  []int64{0, 2, 3, 3},
		Index:  []int32{1, 2, 2},
		Weight: []float32{0.5, 0.25, 1},
	}
	model, err := itemsim.New(items, weights, itemsim.Spec{Trainer: "mine"})
	if err != nil {
		panic(err)
	}
	ask := func(m *itemsim.Model, req recsys.Request) {
		p, err := recsys.NewPipeline(recsys.Retrieve("mine", m)).Build()
		if err != nil {
			panic(err)
		}
		res, err := p.Recommend(context.Background(), &req)
		if err != nil {
			panic(err)
		}
		for _, item := range res.Items {
			fmt.Print(item.ID, ":")
			why, err := m.Explain(nil, recsys.NewQuery(&req, nil, "why"), item.ID)
			if err != nil {
				panic(err)
			}
			for _, c := range why {
				fmt.Printf(" %g by %d", c.Score, c.Item)
			}
			fmt.Println()
		}
	}
	req := recsys.Request{
		K:       2,
		History: []recsys.Event{{Item: 10, Kind: recsys.Click}, {Item: 20, Kind: recsys.Click}},
		Exclude: []recsys.ItemID{10, 20},
	}
	ask(model, req)

	// Item 40 is new; 20 proposes it.
	model, err = model.WithItems(itemsim.Update{Item: 40, ProposedBy: []itemsim.Neighbor{{Item: 20, Weight: 2}}})
	if err != nil {
		panic(err)
	}
	ask(model, req)
	// Output:
	// 30: 1 by 20 0.25 by 10
	// 40: 2 by 20
	// 30: 1 by 20 0.25 by 10
}
