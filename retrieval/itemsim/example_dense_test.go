package itemsim_test

import (
	"fmt"
	"log"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

func ExampleFromDense() {
	weights := itemsim.NewDense(3)
	weights.SetColumns(0, 3, []float32{
		0, 0.5, -0.25, // to item 10: from 10, 20, 30
		0.5, 0, 2, // to item 20
		-0.25, 2, 0, // to item 30
	})
	model, err := itemsim.FromDense([]recsys.ItemID{10, 20, 30}, weights, itemsim.Spec{Trainer: "mine"})
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range model.Neighbors(nil, 20, 10) {
		fmt.Println(n.Item, n.Weight)
	}
	// Output:
	// 30 2
	// 10 0.5
}
