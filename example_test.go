package recsys_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
)

// A catalogue of five films with a price, and two sources that propose some of them.
var (
	fresh = recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		out.Add(5, 3)
		out.Add(4, 2)
		out.Add(1, 1)
		return nil
	})
	liked = recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		out.Add(1, 9)
		out.Add(2, 7)
		return nil
	})
	prices = recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "price"}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				if id == 3 {
					out.Miss(i) // an unknown item is a missing row, not an error
					continue
				}
				out.FloatRow(i)[0] = float32(id) * 10
			}
			return nil
		},
	}
)

// cheapest ranks by price. Bind finds the column once, when the pipeline is built.
type cheapest struct{ price int }

func (cheapest) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	f, err := s.Float("price")
	return cheapest{f.Index}, err
}

func (r cheapest) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		out.Score[i] = -c.Row(i)[r.price]
	}
	return nil
}

func ExampleNewPipeline() {
	p, err := recsys.NewPipeline(
		recsys.Retrieve("fresh", fresh, recsys.Quota(100)),
		recsys.Retrieve("liked", liked, recsys.Quota(100)),
		recsys.Features(prices),
		recsys.Rank(cheapest{}),
	).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{ID: "r1", User: 7, K: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, item := range res.Items {
		fmt.Println(item.ID, item.Score)
	}
	// Output:
	// 1 -10
	// 2 -20
	// 4 -40
}

// Build reports every mistake at once, each with its stage.
func ExampleBuilder_Build() {
	_, err := recsys.NewPipeline(
		recsys.Retrieve("fresh", fresh, recsys.Quota(0)),
		recsys.Rank(cheapest{}, recsys.Name("cheapest")),
	).Build()
	fmt.Println(err)
	// Output:
	// recsys: build: retrieve/fresh: Quota is 0; want 1 to 1000000
	// rank/cheapest: feature "price": no source writes it (float columns: none)
}

func ExampleResult_WhyNot() {
	p, err := recsys.NewPipeline(recsys.Retrieve("fresh", fresh), recsys.Retrieve("liked", liked)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{ID: "r1", K: 2, Explain: true, Exclude: []recsys.ItemID{5}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for id := recsys.ItemID(1); id <= 5; id++ {
		outcome, _, _ := res.WhyNot(id)
		fmt.Println(id, outcome)
	}
	e, _ := res.Explain(1)
	fmt.Println(e)
	// Output:
	// 1 served
	// 2 outranked
	// 3 not proposed
	// 4 served
	// 5 excluded
	// item 1: served at place 0 (propensity 1); proposed by fresh (rank 1, score 1), liked (rank 0, score 9); score 0.03252, positions [0]
}

// A full record can be answered again, from its features as served.
func ExamplePipeline_Replay() {
	var replayed error
	var p *recsys.Pipeline
	check := recsys.ExposureSinkFunc(func(ctx context.Context, x *recsys.Exposure) error {
		res, err := p.Replay(ctx, x)
		if err == nil {
			err = x.Diff(res)
		}
		replayed = err
		return nil
	})
	var err error
	p, err = recsys.NewPipeline(
		recsys.Retrieve("fresh", fresh),
		recsys.Features(prices),
		recsys.Rank(cheapest{}),
		recsys.Log(check, recsys.LogFull),
	).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = p.Recommend(context.Background(), &recsys.Request{ID: "r1", K: 2})
	fmt.Println(err, replayed)
	// Output: <nil> <nil>
}

func ExampleLive() {
	first, _ := recsys.NewPipeline(recsys.Retrieve("fresh", fresh), recsys.Version("1")).Build()
	second, _ := recsys.NewPipeline(recsys.Retrieve("liked", liked), recsys.Version("2")).Build()
	live := recsys.NewLive(first)
	ctx, req := context.Background(), &recsys.Request{ID: "r1", K: 1}
	res, _ := live.Recommend(ctx, req)
	fmt.Println(res.Version, res.Items[0].ID)
	if err := live.Swap(ctx, second); err != nil { // waits for the last request of the first
		fmt.Println(err)
	}
	res, _ = live.Recommend(ctx, req)
	fmt.Println(res.Version, res.Items[0].ID)
	// Output:
	// 1 5
	// 2 1
}
