package bandit_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// A third of the places are left to chance, among the first five rows of the order.
func ExampleEpsilonGreedy() {
	p, err := recsys.NewPipeline(stories()...).With(
		recsys.Explore(bandit.EpsilonGreedy(0.3)), recsys.Depth(5)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{User: 7, K: 3, Seed: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(res)
	// Output:
	// place 0: item 1, propensity 0.760
	// place 1: item 4, propensity 0.075
	// place 2: item 2, propensity 0.800
}

func ExampleUniform() {
	p, err := recsys.NewPipeline(stories()...).With(recsys.Explore(bandit.Uniform{})).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{User: 7, K: 3, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(res)
	// Output:
	// place 0: item 1, propensity 0.167
	// place 1: item 5, propensity 0.200
	// place 2: item 3, propensity 0.250
}
