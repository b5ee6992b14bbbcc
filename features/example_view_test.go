package features_test

import (
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/encoder"
)

// trained stands for a model: what it scores by, and the views that it was trained on. Those of package ranking keep
// what ranking.Dataset.Views named, in their files too.
type trained struct {
	column string
	views  []recsys.FeatureView
	index  int
}

func (m trained) TrainedOn() []recsys.FeatureView { return m.views }

func (m trained) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	f, err := s.Float(m.column)
	m.index = f.Index
	return m, err
}

func (m trained) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		out.Score[i] = c.Row(i)[m.index]
	}
	return nil
}

// The way of a view: it is defined with its encoders, fed, served, and trained on; a model that was trained before the
// encoders were fitted anew is refused.
func ExampleView() {
	ctx := context.Background()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	columns := []features.Column{{Name: "clicks.7d"}, {Name: "shown.7d"}}
	define := func(clicks, shown []float32) (features.View, *encoder.Set, error) {
		set, err := encoder.NewSet(encoder.Config{
			Inputs: columns,
			Steps:  []encoder.Step{{Name: "ctr.7d", From: []string{"clicks.7d", "shown.7d"}, Encoder: encoder.Rate{}}},
		})
		if err != nil {
			return features.View{}, nil, err
		}
		history := &encoder.Rows{Len: len(clicks), Columns: columns, Values: []encoder.Values{{Floats: clicks}, {Floats: shown}}}
		set, err = set.Fit(ctx, encoder.One(history), encoder.FitConfig{}) // the prior of the rate
		return features.View{Name: "item.stats", TTL: 24 * time.Hour, Columns: columns, Encoders: set}, set, err
	}
	serve := func(view features.View, set *encoder.Set, model recsys.Ranker) (*recsys.Pipeline, error) {
		store, err := features.NewStore(features.StoreConfig{View: view, Clock: func() time.Time { return noon }})
		if err != nil {
			return nil, err
		}
		if _, err := store.PutBatch(ctx, []features.Row{
			{Key: 1, Time: noon.Add(-time.Hour), Floats: []float32{3, 4}},
			{Key: 2, Time: noon.Add(-time.Hour), Floats: []float32{80, 400}},
		}); err != nil {
			return nil, err
		}
		return recsys.NewPipeline(
			recsys.Retrieve("both", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
				_ = out.Add(1, 0) && out.Add(2, 0)
				return nil
			})),
			recsys.Features(store, recsys.Name("stats")),
			recsys.Features(set),
			recsys.Rank(model, recsys.Name("model")),
		).Build()
	}

	view, set, err := define([]float32{0, 1, 3, 2, 9, 0}, []float32{12, 40, 30, 90, 100, 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	model := trained{column: "ctr.7d", views: []recsys.FeatureView{view.FeatureView()}}
	p, err := serve(view, set, model)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(ctx, &recsys.Request{K: 2, Now: noon})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, x := range res.Items {
		fmt.Printf("item %d: %.3f\n", x.ID, x.Score)
	}

	view, set, err = define([]float32{5, 1, 3, 20, 9, 0}, []float32{12, 40, 30, 90, 100, 3}) // a week later
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = serve(view, set, model)
	fmt.Println(err)
	// Output:
	// item 2: 0.171
	// item 1: 0.080
	// recsys: build: rank/model: feature view "item.stats": want version f997b0ffc1c00f63, have 9f1bf05b13a7508a: it was trained on another version than "features/stats" serves, with encoders that were fitted anew, or are others; train it anew, or serve the version that it knows
}

// The versions of a view: of what it means, which models and records carry, and of its stored rows. Other languages compute
// them from the text that the documentation of Hash shows.
func ExampleView_Hash() {
	view := features.View{Name: "item.stats", Columns: []features.Column{{Name: "ctr"}, {Name: "emb", Kind: recsys.Vector, Dim: 64}}}
	fmt.Printf("%016x %016x\n", view.Hash(), view.RowHash())
	view.TTL, view.Columns[0].MaxAge = 24*time.Hour, time.Hour // how long it is served is no part of what it means
	fmt.Printf("%016x %016x\n", view.Hash(), view.RowHash())
	view.Columns[1].Dim = 128
	fmt.Printf("%016x %016x\n", view.Hash(), view.RowHash())
	fmt.Println(&view)
	// Output:
	// 7c434fec2b35ce67 7c434fec2b35ce67
	// 7c434fec2b35ce67 7c434fec2b35ce67
	// c535bd2114272d08 c535bd2114272d08
	// view "item.stats" of item: 2 columns, rows expire after 24h0m0s, version c535bd2114272d08
}

// A feed checks its rows before it sends them to a store, wherever that is.
func ExampleNewRows() {
	view := features.View{Name: "item.stats", TTL: time.Hour, Columns: []features.Column{{Name: "ctr"}, {Name: "creator", Kind: recsys.ID}}}
	rows, err := features.NewRows(&view)
	if err != nil {
		fmt.Println(err)
		return
	}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	row, err := rows.Row(7, noon, map[string]any{"ctr": 0.25, "creator": "ann"})
	fmt.Println(row.Key, row.Floats, row.IDs[0] == recsys.HashID("ann"), err)

	_, err = rows.Row(8, noon, map[string]any{"ctr": 0.25, "craetor": "ann"})
	fmt.Println(err)
	fmt.Println(rows.Check(&features.Row{Key: 9, Floats: []float32{0.25}, IDs: []uint64{1}}))
	// Output:
	// 7 [0.25] true <nil>
	// features: row of key 8: column "craetor": the store has no such column; it has "ctr", "creator"
	// features: row of key 9: it has no event time, but rows of the view expire after 1h0m0s; set Time
}
