package ranking_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

func ExampleTrainLinear() {
	d, err := ranking.ReadCSV(strings.NewReader(clicks), ranking.CSVConfig{Labels: []string{"click"}, IDs: []string{"topic"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	model, err := ranking.TrainLinear(context.Background(), ranking.LinearConfig{Epochs: 200, L2: 0.01}, d)
	if err != nil {
		fmt.Println(err)
		return
	}
	// What moves the score, and why one row got its own.
	important, _ := model.Importance("click")
	fmt.Printf("%s %.2f, %s %.2f\n", important[0].Column, important[0].Value, important[1].Column, important[1].Value)
	why, _ := model.Contributions(nil, "click", []float32{2}, []uint64{recsys.HashID("news")})
	fmt.Printf("price adds %.2f, topic %.2f\n", why[0], why[1])
	// Output:
	// price 0.97, topic 0.30
	// price adds 0.83, topic 0.31
}

func ExampleLinear() {
	d := &ranking.Dataset{
		Columns: []string{"freshness"}, Floats: []float32{0.1, 0.9, 0.2, 0.8, 0.6, 0.4},
		Heads: []string{"click"}, Labels: []float32{0, 1, 0, 1, 0, 1},
	}
	model, err := ranking.TrainLinear(context.Background(), ranking.LinearConfig{}, d)
	if err != nil {
		fmt.Println(err)
		return
	}
	freshness := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "freshness"}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				out.FloatRow(i)[0] = float32(id) / 10
			}
			return nil
		},
	}
	all := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(1); id <= 9 && out.Add(id, 0); id++ {
		}
		return nil
	})
	p, err := recsys.NewPipeline(recsys.Retrieve("all", all), recsys.Features(freshness), recsys.Rank(model)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{ID: "r", K: 3})
	for _, item := range res.Items {
		fmt.Printf("item %d, probability %.2f\n", item.ID, item.Score)
	}
	fmt.Println(res.Degraded, err)
	// Output:
	// item 9, probability 0.71
	// item 8, probability 0.66
	// item 7, probability 0.61
	// [] <nil>
}
