package sasrec_test

import (
	"context"
	"fmt"
	"log"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/sasrec"
)

func ExampleTrain() {
	// Forty users went through ten items in a circle, each from another place.
	var log40 retrieval.Records
	for u := range 40 {
		for k := range 6 {
			log40.Users = append(log40.Users, recsys.UserID(u))
			log40.Items = append(log40.Items, recsys.ItemID((u+k)%10))
		}
	}
	in, err := retrieval.NewInteractions(log40, retrieval.SumWeights)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	model, err := sasrec.Train(ctx, in, sasrec.Config{
		Architecture: sasrec.Architecture{Dim: 16, Layers: 1, Length: 5},
		LearningRate: 0.01,
		Epochs:       60,
		Batch:        64,
		Share:        -1, // so little data has none to spare for validation
	})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("next", model)).Build()
	if err != nil {
		log.Fatal(err)
	}
	// A user whom the model has not met is at item 7, coming from 6.
	res, err := p.Recommend(ctx, &recsys.Request{
		User: 99, K: 1,
		History: []recsys.Event{{Item: 6, Kind: recsys.Click}, {Item: 7, Kind: recsys.Click}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Items[0].ID)
	// Output: 8
}
