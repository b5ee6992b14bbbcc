package slim_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/slim"
)

func ExampleTrain() {
	// Who takes a pen (1) takes ink (2), and who takes ink takes paper (3). The pen shares
	// users with paper, but tells nothing that the ink does not.
	var r retrieval.Records
	for u, basket := range [][]recsys.ItemID{{1, 2, 3}, {1, 2, 3}, {1, 2}, {1, 2, 3}, {2, 3}, {2, 3}, {2, 3}, {3}} {
		for _, item := range basket {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, item)
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	model, err := slim.Train(context.Background(), in, slim.Config{L1: 0.1, L2: 0.1, Discount: -1})
	if err != nil {
		panic(err)
	}
	q := recsys.NewQuery(&recsys.Request{Items: []recsys.ItemID{1, 2}}, nil, "why")
	why, err := model.Explain(nil, q, 3)
	if err != nil {
		panic(err)
	}
	for _, c := range why {
		fmt.Printf("%.2f by item %d\n", c.Score, c.Item)
	}
	// Output:
	// 0.83 by item 2
}
