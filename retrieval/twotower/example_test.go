package twotower_test

import (
	"context"
	"fmt"
	"log"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/twotower"
)

// log of a café: even users take coffee (10, 12, 14), odd ones tea (11, 13, 15).
func visits() *retrieval.Interactions {
	var r retrieval.Records
	for u := range 60 {
		for k := range 3 {
			if (u/2+k)%4 != 0 { // nobody takes everything
				r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(10+u%2+2*k))
			}
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		log.Fatal(err)
	}
	return in
}

func ExampleTrain() {
	ctx := context.Background()
	model, err := twotower.Train(ctx, visits(), twotower.Config{Dim: 8, Batch: 32, LearningRate: 0.01, Epochs: 30})
	if err != nil {
		log.Fatal(err)
	}
	index, err := flat.New(flat.Config{}, model.Items(), model.Vectors())
	if err != nil {
		log.Fatal(err)
	}
	source, err := nearest.New(index, nearest.Config{Vectors: model.UserVector})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("twotower", source)).Build()
	if err != nil {
		log.Fatal(err)
	}
	// A user whom the model has not met takes tea.
	res, err := p.Recommend(ctx, &recsys.Request{
		User: 99, K: 2,
		History: []recsys.Event{{Item: 11, Kind: recsys.Purchase}},
		Exclude: []recsys.ItemID{11},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Items[0].ID%2 == 1, res.Items[1].ID%2 == 1)
	// Output: true true
}

func ExampleTrainInput() {
	// A new tea, 17, is on the menu. Nobody has had it, but it is a tea.
	items := twotower.Features[recsys.ItemID]{
		Keys: []recsys.ItemID{10, 11, 12, 13, 14, 15, 17},
		Columns: []twotower.Column{{
			Name:       "kind",
			Categories: []uint64{1, 2, 1, 2, 1, 2, 2},
		}},
	}
	ctx := context.Background()
	model, err := twotower.TrainInput(ctx, twotower.Input{Interactions: visits(), Items: &items},
		twotower.Config{Dim: 8, Batch: 32, LearningRate: 0.01, Epochs: 30, IDDropout: 0.3})
	if err != nil {
		log.Fatal(err)
	}
	scores := make([]float32, 2)
	q := recsys.NewQuery(&recsys.Request{User: 1}, nil, "example") // takes tea
	if err := model.ScoreItems(ctx, q, []recsys.ItemID{17, 12}, scores); err != nil {
		log.Fatal(err)
	}
	fmt.Println(scores[0] > scores[1])
	// Output: true
}
