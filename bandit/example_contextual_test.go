package bandit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// readers are two kinds of them, told apart by a feature of the request: those in a hurry and the others.
func readers() []recsys.Option {
	return append(stories(), recsys.Features(recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "hurry", Scope: recsys.PerRequest}},
		Func: func(_ context.Context, q *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
			out.FloatRow(0)[0] = float32(q.User % 2)
			return nil
		},
	}))
}

// serve lets a policy learn from readers who click on item 5 when they are in a hurry, and on item 2 else, and
// shows what it then does.
func serve(alg bandit.Algorithm) error {
	policy, err := bandit.New(alg, bandit.Config{})
	if err != nil {
		return err
	}
	p, err := recsys.NewPipeline(readers()...).With(recsys.Explore(policy), recsys.Depth(6)).Build()
	if err != nil {
		return err
	}
	now, rng := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), rand.New(rand.NewPCG(1, 1))
	for i := range 600 {
		res, err := p.Recommend(context.Background(), &recsys.Request{ID: fmt.Sprint(i), User: recsys.UserID(i), K: 1, Now: now, Seed: uint64(i) + 1})
		if err != nil {
			return err
		}
		item, kind := res.Items[0].ID, recsys.Skip
		if wanted := recsys.ItemID(2 + 3*(i%2)); item == wanted && rng.Float64() < 0.8 {
			kind = recsys.Click
		}
		if err := p.Learn(context.Background(), []recsys.Feedback{{Request: res.ID, Item: item, Kind: kind, Time: now}}); err != nil {
			return err
		}
	}
	for user := range recsys.UserID(2) {
		res, err := p.Recommend(context.Background(), &recsys.Request{ID: fmt.Sprint("new", user), User: user, K: 1, Now: now, Seed: 77})
		if err != nil {
			return err
		}
		fmt.Printf("hurry %d: item %d, propensity %.2f\n", user, res.Items[0].ID, res.Items[0].Propensity)
	}
	return nil
}

func ExampleLinUCB() {
	if err := serve(bandit.LinUCB{Model: bandit.LinearModel{Features: []string{"hurry"}}, Alpha: 0.5}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hurry 0: item 2, propensity 1.00
	// hurry 1: item 5, propensity 1.00
}

func ExampleLinTS() {
	if err := serve(bandit.LinTS{Model: bandit.LinearModel{Features: []string{"hurry"}}, V: 0.3}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hurry 0: item 2, propensity 1.00
	// hurry 1: item 5, propensity 1.00
}

func ExampleLogisticTS() {
	if err := serve(bandit.LogisticTS{Model: bandit.LinearModel{Features: []string{"hurry"}}}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hurry 0: item 2, propensity 1.00
	// hurry 1: item 5, propensity 1.00
}

func ExampleSquareCB() {
	if err := serve(bandit.SquareCB{Model: bandit.LinearModel{Features: []string{"hurry"}}, Gamma: 20}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hurry 0: item 2, propensity 0.99
	// hurry 1: item 5, propensity 0.99
}

func ExampleLinGreedy() {
	if err := serve(bandit.LinGreedy{Model: bandit.LinearModel{Features: []string{"hurry"}}, Epsilon: 0.1}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hurry 0: item 2, propensity 0.92
	// hurry 1: item 5, propensity 0.92
}

// Two loggers behind one pipeline: what is logged is the probability that either of them gives the slate.
func ExampleMixture() {
	p, err := recsys.NewPipeline(stories()...).With(recsys.Explore(bandit.Mixture{Members: []bandit.Member{
		{Explorer: bandit.PlackettLuce(0.1), Weight: 0.9},
		{Explorer: bandit.Uniform{}, Weight: 0.1},
	}})).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{User: 7, K: 3, Seed: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(res)
	// Output:
	// place 0: item 1, propensity 0.795
	// place 1: item 2, propensity 0.851
	// place 2: item 4, propensity 0.118
}

// Five models that were trained on bootstrap samples of the log disagree about the best story.
func ExampleBag() {
	var members []recsys.Ranker
	for m := range 5 {
		members = append(members, recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			for i, id := range c.IDs() {
				out.Score[i] = float32((int(id)*3 + m) % 7)
			}
			return nil
		}))
	}
	p, err := recsys.NewPipeline(stories()...).With(recsys.Explore(bandit.Bag{Members: members})).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{User: 7, K: 3, Seed: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(res)
	for m := range members { // how often each of them should learn from the answer
		fmt.Print(bandit.DoubleOrNothing.Weight(0, "request 8", m), " ")
	}
	// Output:
	// place 0: item 4, propensity 0.200
	// place 1: item 2, propensity 0.200
	// place 2: item 6, propensity 0.600
	// 0 0 0 0 2
}

func ExampleInverseGapWeighting() {
	p, err := recsys.NewPipeline(stories()...).With(recsys.Explore(bandit.InverseGapWeighting(20))).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{User: 7, K: 3, Seed: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	show(res)
	// Output:
	// place 0: item 1, propensity 0.689
	// place 1: item 4, propensity 0.077
	// place 2: item 2, propensity 0.763
}

func ExampleInverseGap() {
	fmt.Printf("%.3f\n", bandit.InverseGap(nil, []float64{0.5, 0.9, 0.4}, 10))
	// Output:
	// [0.143 0.732 0.125]
}

// A reward at the second place says nothing of the third: it was not seen.
func ExampleCascade() {
	policy, err := bandit.New(bandit.Cascade{Of: bandit.Thompson{}}, bandit.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := recsys.NewPipeline(stories()...).With(recsys.Explore(policy)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	res, err := p.Recommend(context.Background(), &recsys.Request{ID: "r", User: 7, K: 3, Seed: 2, Now: now})
	if err == nil {
		err = p.Learn(context.Background(), []recsys.Feedback{{Request: "r", Item: res.Items[1].ID, Kind: recsys.Click, Time: now}})
	}
	st := policy.Stats()
	fmt.Println(st.Settled, "observations,", st.Unseen, "not seen,", err)
	// Output:
	// 2 observations, 1 not seen, <nil>
}

func ExampleCascadeSampler() {
	m, err := bandit.NewCascadeSampler(5, 1, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var list []int
	for range 300 { // users click on item 3, and on nothing else
		list = m.List(list, 2, rng)
		click := -1
		for place, item := range list {
			if item == 3 {
				click = place
			}
		}
		if err := m.Update(list, click); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(m.List(list, 1, rng))
	// Output:
	// [3]
}

// A disjoint linear model over plain slices: the arm whose weights fit the context.
func ExampleLinearArms() {
	m, err := bandit.NewLinearArms(2, 2, bandit.RidgeConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	morning, evening := []float64{1, 0}, []float64{0, 1}
	for range 20 {
		err = errors.Join(err, m.Update(0, morning, 1), m.Update(0, evening, 0), m.Update(1, morning, 0), m.Update(1, evening, 1))
	}
	fmt.Println(m.UCB(morning, 0.1), m.UCB(evening, 0.1), err)
	// Output:
	// 0 1 <nil>
}

func ExampleRidge() {
	m, err := bandit.NewRidge(1, bandit.RidgeConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		if err := m.Update([]float64{2}, 8, 1); err != nil {
			fmt.Println(err)
		}
	}
	mean, variance := m.Moments([]float64{2}) // A = 1 + 3·4, b = 3·16
	fmt.Printf("%.3f ± √%.3f\n", mean, variance)
	// Output:
	// 7.385 ± √0.308
}

func ExampleLogistic() {
	m, err := bandit.NewLogistic(1, bandit.RidgeConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.Update([]float64{1}, 1, 1); err != nil {
		fmt.Println(err)
	}
	mean, variance := m.Moments([]float64{1}) // the mode of exp(-θ²/2)·σ(θ)
	fmt.Printf("%.3f ± √%.3f\n", mean, variance)
	// Output:
	// 0.401 ± √0.806
}

func ExampleSampler() {
	m, err := bandit.NewRidge(2, bandit.RidgeConfig{Lambda: 1e8})
	if err != nil {
		fmt.Println(err)
		return
	}
	var s bandit.Sampler
	theta := make([]float64, 2)
	if s.Ready(m) {
		s.Draw(theta, 1, rand.New(rand.NewPCG(1, 1)))
	}
	fmt.Printf("%.2f\n", theta) // a strong prior: all but certain
	// Output:
	// [0.00 0.00]
}
