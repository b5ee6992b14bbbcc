package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
)

// variant is a way to run the recommender.
type variant struct {
	name, what string
	damped     bool
	explored   bool
	weighted   bool // trained with weights by propensity and examination
	oracle     bool // knows the truth
}

var variants = []variant{
	{name: "greedy", what: "the best of the model, trained on its own clicks"},
	{name: "popularity-damped", what: "greedy, less a penalty for popularity", damped: true},
	{name: "explored", what: "greedy's training, slates drawn by Plackett–Luce", explored: true},
	{name: "explored-ips", what: "explored, trained with weights 1/(propensity × examination)", explored: true, weighted: true},
	{name: "oracle", what: "knows what each user likes; a bound, not a recommender", oracle: true},
}

// epoch is when round 0 begins; rounds are a day apart.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func timeOf(round int) time.Time { return epoch.AddDate(0, 0, round) }

// serve builds the pipeline of round n from what was learned. All variants have the same sources: what is
// like the history, what is popular, what is new, and a sample of everything.
func (r *run) serve(n int, m *models) (*recsys.Pipeline, error) {
	sources, err := r.sources(n, m)
	if err != nil {
		return nil, err
	}
	opts := append(sources,
		recsys.Features(&signals{w: r.w, now: n, rate: m.rate, count: m.count}, recsys.Name("items")),
		recsys.Log(recsys.ExposureSinkFunc(r.log), recsys.Sample(0)),
		recsys.Version(fmt.Sprintf("%s, round %d", r.v.name, n)),
	)
	if m.similar != nil {
		opts = append(opts, recsys.Features(features.ItemScore{Name: "similar", Scorer: m.similar}, recsys.Name("similarity")))
	} else {
		opts = append(opts, recsys.Features(noSimilarity, recsys.Name("similarity")))
	}
	if m.ranker != nil {
		damp := 0.0
		if r.v.damped {
			damp = r.w.Damp
		}
		opts = append(opts, recsys.Rank(logOdds{model: m.ranker, damp: damp}, recsys.Name("click")))
	}
	switch {
	case n < r.w.Warmup:
		opts = append(opts, recsys.Explore(bandit.Uniform{}), recsys.Depth(len(r.w.items)))
	case r.v.explored:
		opts = append(opts, recsys.Explore(bandit.PlackettLuce(r.w.Temperature)), recsys.Depth(r.w.Depth))
	}
	return recsys.NewPipeline(opts...).Build()
}

func (r *run) sources(n int, m *models) ([]recsys.Option, error) {
	count := r.w.rounds[n].items
	ids, published := make([]recsys.ItemID, count), make([]time.Time, count)
	for i := range ids {
		ids[i], published[i] = recsys.ItemID(i), timeOf(r.w.items[i].arrived)
	}
	newest, err := retrieval.NewNewest(ids, published, retrieval.NewestConfig{})
	if err != nil {
		return nil, err
	}
	sample := recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		source := q.Rand()
		for _, i := range rand.New(&source).Perm(count) {
			if !out.Add(recsys.ItemID(i), 0) {
				break
			}
		}
		return nil
	})
	opts := []recsys.Option{
		recsys.Retrieve("newest", newest, recsys.Quota(30)),
		recsys.Retrieve("sample", sample, recsys.Quota(100)),
	}
	if m.similar != nil {
		opts = append(opts, recsys.Retrieve("similar", m.similar, recsys.Quota(80)))
	}
	if m.popular != nil {
		opts = append(opts, recsys.Retrieve("popular", m.popular, recsys.Quota(50)))
	}
	return opts, nil
}

// noSimilarity stands for the similarity until there are clicks.
var noSimilarity = recsys.FeatureFunc{
	Cols: []recsys.Column{{Name: "similar"}},
	Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for i := range items {
			out.FloatRow(i)[0] = 0
		}
		return nil
	},
}

// similarity is the configuration of the model of items that go together.
var similarity = itemknn.Config{Neighbors: 50, Shrinkage: 10, Workers: 1}
