package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/metrics"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/debias"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

const (
	catalogue = 300 // items
	proposed  = 30  // items that a request chooses from
)

// world is what the simulation knows and training does not.
type world struct {
	seed     uint64
	appeal   [catalogue]float64 // feature that users care about
	pushed   [catalogue]float64 // feature that the old ranker ordered by
	liked    [catalogue]float64 // probability that a user who sees the item clicks it
	examined debias.Examination
}

func newWorld(seed uint64, slate int) *world {
	w := &world{seed: seed}
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range w.appeal {
		w.appeal[i], w.pushed[i] = r.NormFloat64(), r.NormFloat64()
		w.liked[i] = 1 / (1 + math.Exp(1.5-1.2*w.appeal[i]))
	}
	for k := range slate {
		w.examined = append(w.examined, math.Pow(1/float64(k+1), 0.9))
	}
	return w
}

// Retrieve proposes items by chance.
func (w *world) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	source := q.Rand()
	for _, i := range rand.New(&source).Perm(catalogue)[:proposed] {
		if !out.Add(recsys.ItemID(i), 0) {
			break
		}
	}
	return nil
}

// features are those of the items.
func (w *world) features() recsys.FeatureSource {
	return recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "appeal"}, {Name: "pushed"}, {Name: "item", Kind: recsys.ID}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				row := out.FloatRow(i)
				row[0], row[1] = float32(w.appeal[id]), float32(w.pushed[id])
				out.ID[0][i] = uint64(id) + 1
			}
			return nil
		},
	}
}

// oldRanker orders by what is pushed.
func oldRanker(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		out.Score[i] = c.Row(i)[1]
	}
	return nil
}

// click draws whether the user of a request clicks the item at a place. With all, he looks at all places.
func (w *world) click(request string, item recsys.ItemID, place int, all bool) float32 {
	r := rand.New(rand.NewPCG(w.seed^recsys.HashID(request), uint64(item)+1))
	looks, likes := r.Float64() < w.examined[place], r.Float64() < w.liked[item]
	if likes && (looks || all) {
		return 1
	}
	return 0
}

// log serves requests by the old ranker with an explorer and returns the rows that were shown, with
// clicks, and with what would have been clicked had all been seen.
func (w *world) log(ctx context.Context, o *options) (clicked, ideal *ranking.Dataset, err error) {
	cfg := ranking.CollectorConfig{Columns: []string{"appeal", "pushed"}, IDColumns: []string{"item"}, Heads: []string{"click"}}
	seen, err := ranking.NewCollector(cfg)
	if err != nil {
		return nil, nil, err
	}
	all, err := ranking.NewCollector(cfg)
	if err != nil {
		return nil, nil, err
	}
	var x *recsys.Exposure
	sink := recsys.ExposureSinkFunc(func(_ context.Context, e *recsys.Exposure) error {
		x = e.Clone()
		return nil
	})
	p, err := recsys.NewPipeline(
		recsys.Retrieve("any", recsys.RetrieverFunc(w.Retrieve)), recsys.Features(w.features()),
		recsys.Rank(recsys.RankerFunc(oldRanker), recsys.Name("old")),
		recsys.Explore(bandit.PlackettLuce(0.5)), recsys.Depth(proposed), recsys.Log(sink),
	).Build()
	if err != nil {
		return nil, nil, err
	}
	for n := range o.requests {
		if _, err := p.Recommend(ctx, w.request("log", n, o.slate)); err != nil {
			return nil, nil, err
		}
		for _, c := range []struct {
			to  *ranking.Collector
			all bool
		}{{seen, false}, {all, true}} {
			labels := make([]float32, x.Shown)
			for k := range labels {
				labels[k] = w.click(x.ID, x.Rows[k].Item, k, c.all)
			}
			if err := c.to.Add(x, labels); err != nil {
				return nil, nil, err
			}
		}
	}
	if clicked, err = seen.Dataset(); err != nil {
		return nil, nil, err
	}
	ideal, err = all.Dataset()
	return clicked, ideal, err
}

func (w *world) request(kind string, n, slate int) *recsys.Request {
	id := fmt.Sprintf("%s-%d", kind, n)
	return &recsys.Request{ID: id, K: slate, Seed: recsys.HashID(fmt.Sprint(w.seed, id)), Now: time.Unix(int64(n), 0)}
}

// judge serves fresh requests by a ranker and returns the mean NDCG of the slates, the gain of an item being
// the probability that users like it, and the likes per slate.
func (w *world) judge(ctx context.Context, o *options, r recsys.Ranker, more ...recsys.Option) (ndcg, likes float64, err error) {
	opts := append([]recsys.Option{
		recsys.Retrieve("any", recsys.RetrieverFunc(w.Retrieve)), recsys.Features(w.features()), recsys.Rank(r),
	}, more...)
	p, err := recsys.NewPipeline(opts...).Build()
	if err != nil {
		return 0, 0, err
	}
	every, err := recsys.NewPipeline(opts...).Build() // all that the request chose from
	if err != nil {
		return 0, 0, err
	}
	gains := func(p *recsys.Pipeline, req *recsys.Request) ([]float64, error) {
		res, err := p.Recommend(ctx, req)
		if err != nil {
			return nil, err
		}
		var g []float64
		for _, item := range res.Items {
			g = append(g, w.liked[item.ID])
		}
		return g, nil
	}
	for n := range o.tests {
		slate, err := gains(p, w.request("test", n, o.slate))
		if err != nil {
			return 0, 0, err
		}
		choice, err := gains(every, w.request("test", n, proposed))
		if err != nil {
			return 0, 0, err
		}
		ndcg += metrics.NDCG(slate, choice, o.slate) / float64(o.tests)
		for _, g := range slate {
			likes += g / float64(o.tests)
		}
	}
	return ndcg, likes, nil
}

// trained is a model of the simulation with its figures.
type trained struct {
	name           string
	appeal, pushed float64 // slopes of the log odds
	ndcg, likes    float64
}

// slopes prints the slopes, if there are any.
func (m *trained) slopes() string {
	if math.IsNaN(m.appeal) {
		return ""
	}
	return fmt.Sprintf("; slopes: appeal %+.2f, pushed %+.2f", m.appeal, m.pushed)
}

// simulate shows what position bias does and what corrects it.
func simulate(ctx context.Context, o *options, p printer) error {
	w := newWorld(o.common.Seed, o.slate)
	clicked, ideal, err := w.log(ctx, o)
	if err != nil {
		return err
	}
	estimates, err := w.estimate(clicked)
	if err != nil {
		return err
	}
	for _, e := range estimates {
		if err := p.line(fmt.Sprintf("examined, %-14s %.3f", e.name, e.seen), cli.F("examination", e.name), cli.F("by_place", []float64(e.seen))); err != nil {
			return err
		}
	}
	models, err := w.models(ctx, o, clicked, ideal, estimates[1].seen)
	if err != nil {
		return err
	}
	for _, m := range models {
		if err := p.line(
			fmt.Sprintf("%-34s NDCG@%d %.4f, likes per slate %.3f%s", m.name, o.slate, m.ndcg, m.likes, m.slopes()),
			cli.F("model", m.name), cli.F("appeal", m.appeal), cli.F("pushed", m.pushed), cli.F("ndcg", m.ndcg), cli.F("likes", m.likes),
		); err != nil {
			return err
		}
	}
	if o.report == "" {
		return nil
	}
	return clickPage(o, estimates, models).Save(o.report)
}

// estimated is an examination with its origin.
type estimated struct {
	name string
	seen debias.Examination
}

// estimate returns the true examination, then estimates from the log. The relevance of an item is the same in every
// request here, so the item is the pair; elsewhere it is query and item, or user and item.
func (w *world) estimate(d *ranking.Dataset) ([]estimated, error) {
	counts, err := debias.CountsOf(d, "click", func(row int) debias.Pair { return debias.Pair{Item: d.IDRow(row)[0]} })
	if err != nil {
		return nil, err
	}
	all := []estimated{{"truth", w.examined}}
	for _, e := range []struct {
		name string
		by   func([]debias.Count) (debias.Examination, error)
	}{
		{"adjacent chain", debias.AdjacentChain},
		{"EM", func(c []debias.Count) (debias.Examination, error) { return debias.EM(c, debias.EMConfig{}) }},
		{"pivot", debias.Pivot},
		{"click rate", debias.Random},
	} {
		seen, err := e.by(counts)
		if err != nil {
			return nil, err
		}
		all = append(all, estimated{e.name, seen})
	}
	return all, nil
}

// models trains and judges each way of training.
func (w *world) models(ctx context.Context, o *options, clicked, ideal *ranking.Dataset, estimate debias.Examination) ([]trained, error) {
	clicked, err := clicked.Select("appeal", "pushed") // the item was for the estimates
	if err != nil {
		return nil, err
	}
	if ideal, err = ideal.Select("appeal", "pushed"); err != nil {
		return nil, err
	}
	place := debias.Position{Column: "position", Kind: recsys.ID}
	told, err := place.Dataset(clicked)
	if err != nil {
		return nil, err
	}
	// Slates are short, so no probability is below the default floor.
	known, _, err := debias.ClickWeights(clicked, "click", w.examined, debias.WeightConfig{Raw: true})
	if err != nil {
		return nil, err
	}
	learned, _, err := debias.ClickWeights(clicked, "click", estimate, debias.WeightConfig{Raw: true})
	if err != nil {
		return nil, err
	}
	var all []trained
	old := trained{name: "old ranker", appeal: math.NaN(), pushed: math.NaN()}
	if old.ndcg, old.likes, err = w.judge(ctx, o, recsys.RankerFunc(oldRanker)); err != nil {
		return nil, err
	}
	all = append(all, old)
	linear := func(d *ranking.Dataset) (recsys.Ranker, error) {
		return ranking.TrainLinear(ctx, ranking.LinearConfig{Seed: o.common.Seed, Workers: o.common.Workers}, d)
	}
	trees := func(seen debias.Examination) func(d *ranking.Dataset) (recsys.Ranker, error) {
		return func(d *ranking.Dataset) (recsys.Ranker, error) {
			return gbdt.Train(ctx, gbdt.Config{
				Objective: gbdt.Objective{Loss: gbdt.LambdaMART, Unnormalised: true, Examination: seen},
				Rounds:    60, Leaves: 8, MinRows: 100, Seed: o.common.Seed, Workers: o.common.Workers,
			}, d)
		}
	}
	for _, c := range []struct {
		name  string
		d     *ranking.Dataset
		train func(d *ranking.Dataset) (recsys.Ranker, error)
		more  []recsys.Option
	}{
		{"clicks as they come", clicked, linear, nil},
		{"1/P(examined), known", known, linear, nil},
		{"1/P(examined), adjacent chain", learned, linear, nil},
		{"position as a feature", told, linear, []recsys.Option{recsys.Features(place)}},
		{"all places examined (not in a log)", ideal, linear, nil},
		{"LambdaMART, clicks as they come", clicked, trees(nil), nil},
		{"LambdaMART, adjacent chain", clicked, trees(estimate.Clipped(0.01)), nil},
		{"LambdaMART, all places examined", ideal, trees(nil), nil},
	} {
		r, err := c.train(c.d)
		if err != nil {
			return nil, err
		}
		t := trained{name: c.name, appeal: math.NaN(), pushed: math.NaN()}
		if m, ok := r.(*ranking.Linear); ok {
			slopes, err := m.Coefficients("click")
			if err != nil {
				return nil, err
			}
			t.appeal, t.pushed = slopes[0].Weight/slopes[0].Scale, slopes[1].Weight/slopes[1].Scale
		}
		if t.ndcg, t.likes, err = w.judge(ctx, o, r, c.more...); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// clickPage returns the report.
func clickPage(o *options, estimates []estimated, models []trained) *page.Page {
	p := &page.Page{Title: "Clicks and places", Subtitle: fmt.Sprintf("%d logged slates of %d, simulated", o.requests, o.slate)}
	table := page.Table{Columns: []page.Column{{Name: "Model"}, {Name: "appeal"}, {Name: "pushed"}, {Name: "NDCG", Best: page.Highest}, {Name: "likes per slate", Best: page.Highest}}}
	for _, m := range models {
		table.Rows = append(table.Rows, []any{m.name, m.appeal, m.pushed, m.ndcg, m.likes})
	}
	p.Add("Slates", table, page.Note("Users care about appeal alone; the old ranker, whose slates were logged, orders by pushed."))
	chart := page.LineChart{Title: "Examination by place", X: page.Axis{Title: "Place"}, Y: page.Axis{Title: "P(examined)"}}
	for _, e := range slices.SortedStableFunc(slices.Values(estimates), func(a, b estimated) int { return cmp.Compare(a.name, b.name) }) {
		chart.Series = append(chart.Series, page.Series{Name: e.name, Y: e.seen})
	}
	p.Add("Examination", chart)
	return p
}
