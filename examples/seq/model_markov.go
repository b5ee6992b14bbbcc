package main

import (
	"context"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/session"
)

var markovModels = []model{
	{
		name: "markov",
		params: hyper.Params{
			{Name: "gap", Doc: "events over which a transition reaches", Default: "1", Integer: true, Min: 1, Lo: 1, Hi: 50, Log: true},
			{Name: "gap-weight", Doc: "of a transition by its gap", Default: "reciprocal", Choices: []string{"reciprocal", "exponential", "constant"}},
			{Name: "gap-scale", Doc: "events after which an exponential weight has fallen to 1/e", Default: "5", Min: 1e-6, Lo: 0.5, Hi: 20, Log: true},
			{Name: "reverse", Doc: "share of transitions against time", Default: "0", Lo: 0, Hi: 1},
			{Name: "shrinkage", Doc: "added to the count of an item", Default: "0", Lo: 0, Hi: 20},
			{Name: "last", Doc: "events of the input that count", Default: "5", Integer: true, Min: 1, Lo: 1, Hi: 50, Log: true},
			{Name: "decay", Doc: "factor per event from the newest back", Default: "0.5", Min: 1e-6, Max: 1, Lo: 0.1, Hi: 1},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			return trainMarkov(ctx, in, s, e)
		},
		load: func(path string) (trained, error) { return itemsim.Load(path) },
	},
}

func trainMarkov(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (*itemsim.Model, error) {
	t := session.Transitions{
		Gap:       s.Int("gap"),
		Reverse:   s.Float("reverse"),
		Shrinkage: s.Float("shrinkage"),
		History:   retrieval.History{Last: s.Int("last"), Decay: s.Float("decay")},
		Workers:   e.workers,
		Progress:  e.progress("train"),
	}
	if err := t.Weight.Form.UnmarshalText([]byte(s["gap-weight"])); err != nil {
		return nil, err
	}
	if t.Weight.Form == session.Exponential {
		t.Weight.Scale = s.Float("gap-scale")
	}
	return session.TrainTransitions(ctx, in, t)
}
