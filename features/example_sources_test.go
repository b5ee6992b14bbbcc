package features_test

import (
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// propose is a retriever with a fixed list.
func propose(items ...recsys.ItemID) recsys.Retriever {
	return recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i, id := range items {
			if !out.Add(id, 1/float32(i+1)) {
				break
			}
		}
		return nil
	})
}

// printRows is a ranker that prints what it sees.
var printRows = recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for _, f := range c.Schema().Fields() {
		fmt.Printf("%-15s", f.Name)
		for i := range c.Len() {
			fmt.Printf(" %7.3f", c.Row(i)[f.Index])
		}
		fmt.Println()
	}
	copy(out.Score, c.MergeScores())
	return nil
})

func ExampleRetrieval() {
	p, err := recsys.NewPipeline(
		recsys.Retrieve("als", propose(1, 2)),
		recsys.Retrieve("popular", propose(2, 3)),
		recsys.Features(features.Retrieval{Sources: []string{"als", "popular"}, NoRank: new(float32(100))}),
		recsys.Rank(printRows),
	).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := p.Recommend(context.Background(), &recsys.Request{K: 3}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// als.score         1.000   0.500     NaN
	// als.rank          0.000   1.000 100.000
	// popular.score       NaN   1.000   0.500
	// popular.rank    100.000   0.000   1.000
	// sources           1.000   2.000   1.000
	// merged            0.016   0.033   0.016
}

// squares is a model that knows the items below 10.
type squares struct{}

func (squares) ScoreItems(_ context.Context, _ *recsys.Query, items []recsys.ItemID, dst []float32) error {
	for i, id := range items {
		if dst[i] = 0; id < 10 {
			dst[i] = float32(id * id)
		}
	}
	return nil
}

func ExampleItemScore() {
	p, err := recsys.NewPipeline(
		recsys.Retrieve("popular", propose(2, 3, 44)),
		recsys.Features(features.ItemScore{Name: "squares", Scorer: squares{}}),
		recsys.Rank(printRows),
	).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := p.Recommend(context.Background(), &recsys.Request{K: 3}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// squares           4.000   9.000   0.000
}

func ExampleRequestTime() {
	p, err := recsys.NewPipeline(
		recsys.Retrieve("popular", propose(1)),
		recsys.Features(features.RequestTime{Offset: time.Hour}),
		recsys.Features(features.RequestHistory{}),
		recsys.Rank(printRows),
	).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC) // a Monday, 6 o'clock one hour east
	_, err = p.Recommend(context.Background(), &recsys.Request{
		K: 1, Now: now, History: []recsys.Event{{Item: 7, Time: now.Add(-90 * time.Second)}},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// hour.sin          1.000
	// hour.cos          0.000
	// weekday.sin       0.000
	// weekday.cos       1.000
	// history.length    1.000
	// history.recency  90.000
}

func ExampleRequestHistory() {
	source := features.RequestHistory{}
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: now, History: []recsys.Event{
		{Item: 3, Kind: recsys.Click, Time: now.Add(-time.Hour)},
		{Item: 4, Kind: recsys.Click, Time: now.Add(-time.Minute)},
	}}, nil, "features")
	out := recsys.NewBlock(source.Columns(), recsys.PerRequest, 1)
	if err := source.Hydrate(context.Background(), q, nil, out); err != nil {
		fmt.Println(err)
	}
	fmt.Println(out.FloatRow(0))
	// Output: [2 60]
}
