package bandit_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// stories proposes items 1 to 6, each a fifth of a point worse than the one before.
func stories() []recsys.Option {
	return []recsys.Option{
		recsys.Retrieve("stories", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for id := recsys.ItemID(1); id <= 6; id++ {
				out.Add(id, 0)
			}
			return nil
		})),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			for i, id := range c.IDs() {
				out.Score[i] = 1 - 0.2*float32(id)
			}
			return nil
		})),
	}
}

func show(res *recsys.Result) {
	for place, item := range res.Items {
		fmt.Printf("place %d: item %d, propensity %.3f\n", place, item.ID, item.Propensity)
	}
}

// A temperature of one step of the scores: each story is drawn e times as often as the
// next.
func ExamplePlackettLuce() {
	p, err := recsys.NewPipeline(stories()...).With(recsys.Explore(bandit.PlackettLuce(0.2))).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{User: 7, K: 3, Seed: 9})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(res)
	// Output:
	// place 0: item 1, propensity 0.634
	// place 1: item 4, propensity 0.086
	// place 2: item 3, propensity 0.256
}

// The probability of a slate is the product of the propensities of its places.
func ExamplePlackettLucePropensities() {
	utility := []float64{1.2, 0.4, 0.9}
	p, err := bandit.PlackettLucePropensities(nil, utility, 0.5, []int32{2, 0, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f\n", p)
	fmt.Printf("slate: %.4f\n", p[0]*p[1]*p[2])
	// Output:
	// [0.3135 0.8320 1.0000]
	// slate: 0.2608
}

// What would another policy have shown? A slate logged by one explorer is judged by the
// pipeline of another: the ratio is the weight of the slate in an off-policy estimate.
func ExamplePlackettLuce_Propensities() {
	target, err := recsys.NewPipeline(stories()...).With(recsys.Explore(bandit.PlackettLuce(0.2))).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	judge := recsys.ExposureSinkFunc(func(ctx context.Context, x *recsys.Exposure) error {
		wanted := make([]float64, x.Shown)
		if err := target.Propensities(ctx, x, wanted); err != nil {
			return err
		}
		weight := 1.0
		for i, row := range x.Rows[:x.Shown] {
			fmt.Printf("item %d: logged %.3f, wanted %.3f\n", row.Item, row.Propensity, wanted[i])
			weight *= wanted[i] / row.Propensity
		}
		fmt.Printf("weight %.3f\n", weight)
		return nil
	})
	logging, err := recsys.NewPipeline(stories()...).With(
		recsys.Explore(bandit.Uniform{}), recsys.Log(judge, recsys.LogFull)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := logging.Recommend(context.Background(), &recsys.Request{User: 7, K: 3, Seed: 1}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// item 1: logged 0.167, wanted 0.634
	// item 5: logged 0.200, wanted 0.032
	// item 3: logged 0.250, wanted 0.242
	// weight 0.583
}
