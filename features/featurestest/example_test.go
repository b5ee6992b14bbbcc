package featurestest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/featurestest"
)

// A pipeline goes on without a source that fails: its columns have their defaults.
func ExampleFailing() {
	prices := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "price", Default: new(float32(10))}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				out.FloatRow(i)[0] = float32(id)
			}
			return nil
		},
	}
	p, err := recsys.NewPipeline(
		recsys.Retrieve("popular", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			out.Add(7, 1)
			return nil
		})),
		recsys.Features(featurestest.Failing{FeatureSource: prices, Err: errors.New("connection refused")}, recsys.Name("prices")),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			fmt.Println("price", c.Row(0)[0])
			out.Score[0] = 1
			return nil
		})),
	).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{K: 1})
	fmt.Println(res.Items[0].ID, res.Degraded, err)
	// Output:
	// price 10
	// 7 [features/prices: error: connection refused] <nil>
}

// Check without a testing.T, on a source that writes into its neighbour's columns.
func ExampleCheck() {
	newSource := func() recsys.FeatureSource {
		return featurestest.Spilling{FeatureSource: recsys.FeatureFunc{
			Cols: []recsys.Column{{Name: "score"}},
			Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
				for i := range out.Rows {
					out.FloatRow(i)[0] = 1
				}
				return nil
			},
		}}
	}
	for _, v := range featurestest.Check(newSource, featurestest.Config{Items: []recsys.ItemID{1}}) {
		if v.Case == "own-block" {
			fmt.Println(v)
		}
	}
	// Output:
	// own-block: items [1 1 1 1 1]: write to Float[1]: row 0 of 5, column 1 of 1
	//	the contract: Block is a view of its columns only, straight into the candidate table.
}
