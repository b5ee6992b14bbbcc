package walk_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/walk"
)

func ExampleTrain() {
	// Everybody takes coffee (1); users 1 and 2 milk (2) with it, user 3 a magazine (3).
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 3, 3, 4},
		Items: []recsys.ItemID{1, 2, 1, 2, 1, 3, 1},
	}, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	for _, beta := range []float64{0, 1.5} { // the more, the less popularity counts
		model, err := walk.Train(context.Background(), in, walk.Config{Beta: beta})
		if err != nil {
			panic(err)
		}
		fmt.Printf("beta %g:", beta)
		for _, n := range model.Neighbors(nil, 1, 10) {
			fmt.Printf(" %d %.2f", n.Item, n.Weight)
		}
		fmt.Println()
	}
	// Output:
	// beta 0: 2 0.67 3 0.33
	// beta 1.5: 3 0.59 2 0.41
}
