package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/features/encoder"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/skew"
	"github.com/recsyskit/recsys/features/window"
	"github.com/recsyskit/recsys/ranking"
)

// The whole path of a feature: one view, a store that an event log keeps up to date, training rows that know no more than the
// store did, a model of the view's version, a pipeline that serves both, and what it served beside a join made afterwards.
func Example() {
	if err := wholePath(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// materialized: 6466 events, 40 rows of item.stats
	// trained: 5400 rows of [ctr.1h shown.log], 1066 clicks
	// served: 50 requests, the best items [39 36 34 38 37], their rows 49 s old
	// recorded: item.stats item.rates
	// skew: ok, 250 rows
	//   clicks.1h: 0% differ
	//   shown.1h: 0% differ
	//   item.stats.age: 0% differ
}

func wholePath(ctx context.Context) error {
	log, labels := simulatedLog()
	now := dayOne
	clock := func() time.Time { return now } // the log's, as the time of serving

	// A view: the columns are what the windows count, and its version is that of their definition.
	hour := []time.Duration{time.Hour}
	counts := window.Config{Aggregates: []window.Aggregate{
		{Name: "clicks", Kinds: []recsys.EventKind{recsys.Click}, Windows: hour},
		{Name: "shown", Kinds: []recsys.EventKind{recsys.Impression}, Windows: hour},
	}}
	windows, err := window.New(counts)
	if err != nil {
		return err
	}
	view := features.View{Name: "item.stats", Columns: windows.Columns(), Computed: windows.Hash(), TTL: 24 * time.Hour, Age: "item.stats.age"}

	// A store, the rows that it has had, for training, and the log in both.
	store, err := features.NewStore(features.StoreConfig{View: view, Clock: clock})
	if err != nil {
		return err
	}
	past, err := materialize.NewHistory(materialize.HistoryConfig{Store: store, Now: clock})
	if err != nil {
		return err
	}
	stats, err := materialize.Materialize(ctx, materialize.Config{
		Log:     materialize.Log{Reader: bytes.NewReader(log)},
		Targets: []materialize.Target{{Store: past, Aggregates: counts}},

		FlushTime: 10 * time.Second, Now: clock,
		Each: func(e *materialize.Event) { now = time.Unix(0, e.Time).UTC() },
	})
	if err != nil {
		return err
	}
	fmt.Printf("materialized: %d events, %d rows of %s\n", stats.Views[0].Counts.Events, store.Len(), view.Name)

	// Training rows: for each label the row as it stood before. Then what the model reads, by the encoders that serve, too.
	table := asof.TableOf(&view)
	table.Rows, table.Arrival, table.Strict = past.Rows(), true, true // a row of the label's own moment counts its impression
	join, err := asof.New(asof.Config{
		Labels: asof.Labels{Rows: asof.LabelRows(labels), Keys: []string{"user", "item"}, Heads: []string{"click"}},
		Tables: []asof.Table{table},
	})
	if err != nil {
		return err
	}
	joined, err := join.Collect(ctx)
	if err != nil {
		return err
	}
	rates, err := encoder.NewSet(encoder.Config{Name: "item.rates", Inputs: view.Stored(), Steps: []encoder.Step{
		{Name: "ctr.1h", From: []string{"clicks.1h", "shown.1h"}, Encoder: encoder.Rate{Alpha: 1, Beta: 9}},
		{Name: "shown.log", From: []string{"shown.1h"}, Encoder: encoder.Log1p{}},
	}})
	if err != nil {
		return err
	}
	data, err := encoded(ctx, rates, joined)
	if err != nil {
		return err
	}
	model, err := ranking.TrainLinear(ctx, ranking.LinearConfig{}, data)
	if err != nil {
		return err
	}
	clicks := float32(0)
	for _, v := range data.Labels {
		clicks += v
	}
	fmt.Printf("trained: %d rows of %v, %v clicks\n", data.Len(), data.Columns, clicks)

	// A pipeline of store, encoders and model. It would not build with another version of either view.
	var served []*recsys.Exposure
	p, err := recsys.NewPipeline(
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for item := range recsys.ItemID(pathItems) {
				out.Add(item, 0)
			}
			return nil
		})),
		recsys.Features(store, recsys.Name("stats")), recsys.Features(rates, recsys.Name("rates")), recsys.Rank(model),
		recsys.Log(recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error {
			served = append(served, x.Clone())
			return nil
		})),
	).Build()
	if err != nil {
		return err
	}
	var best []recsys.ItemID
	for i := range 50 {
		req := recsys.Request{ID: fmt.Sprint("r", i), User: recsys.UserID(i), K: 5, Now: now.Add(time.Duration(i) * time.Second)}
		res, err := p.Recommend(ctx, &req)
		if err != nil {
			return err
		}
		if best == nil {
			for _, item := range res.Items {
				best = append(best, item.ID)
			}
		}
	}
	last := served[len(served)-1]
	age, _ := last.Schema.Field(view.Age)
	fmt.Printf("served: %d requests, the best items %v, their rows %v s old\n", len(served), best, last.Rows[0].Floats[age.Index])
	fmt.Print("recorded:")
	for _, v := range last.Views {
		fmt.Print(" ", v.Name)
	}
	fmt.Println()

	// Each value that was served, beside what a join finds for it. A request reads the row of its own moment.
	table.Strict = false
	report, err := compareServed(ctx, table, view.Served(), served)
	if err != nil {
		return err
	}
	fmt.Printf("skew: %v, %d rows\n", report.Verdict, report.Rows)
	for _, c := range report.Columns {
		fmt.Printf("  %s: %.0f%% differ\n", c.Name, 100*c.Mismatch)
	}
	return nil
}

const pathItems = 40

// simulatedLog returns an hour and a half of impressions and clicks as JSON lines, and a label for each impression. The larger the number
// of an item, the more it is liked.
func simulatedLog() (log []byte, labels []asof.Label) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 5400 {
		at := dayOne.Add(time.Duration(i) * time.Second)
		user, item, clicked := rng.Uint64N(200), rng.Uint64N(pathItems), float32(0)
		line := func(kind recsys.EventKind) {
			log = fmt.Appendf(log, `{"time":%d,"user":%d,"item":%d,"kind":%q}`+"\n", at.UnixNano(), user, item, kind)
		}
		line(recsys.Impression)
		if rng.Uint64N(100) < item {
			line(recsys.Click)
			clicked = 1
		}
		labels = append(labels, asof.Label{Time: at.UnixNano(), Keys: []uint64{user, item}, Values: []float32{clicked}})
	}
	return log, labels
}

// encoded returns the training rows with the columns of the encoders in place of those that they read.
func encoded(ctx context.Context, set *encoder.Set, t *asof.Training) (*ranking.Dataset, error) {
	d := ranking.Dataset(*t)
	n := d.Len()
	from := &encoder.Rows{Len: n}
	for j, name := range d.Columns {
		from.Columns = append(from.Columns, recsys.Column{Name: name})
		from.Values = append(from.Values, encoder.Values{Floats: d.Floats[j:], Stride: len(d.Columns)})
	}
	to := &encoder.Rows{Len: n, Columns: set.Columns()}
	d.Columns, d.Floats = nil, make([]float32, n*len(to.Columns))
	for j, c := range to.Columns {
		d.Columns = append(d.Columns, c.Name)
		to.Values = append(to.Values, encoder.Values{Floats: d.Floats[j:], Stride: len(to.Columns)})
	}
	d.Views = append(d.Views, set.FeatureViews()...) // beside those of the tables
	return &d, set.Apply(ctx, to, from)
}

// compareServed joins the table to what was served, and compares the columns.
func compareServed(ctx context.Context, table asof.Table, columns []recsys.Column, served []*recsys.Exposure) (*skew.Report, error) {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	labels, err := asof.Exposures(asof.ExposureConfig{
		Heads: []string{"click"}, Columns: names, Prefix: "served.",
		Label: func(dst []float32, feedback []recsys.Feedback) error {
			dst[0] = float32(len(feedback))
			return nil
		},
	}, func(yield func(recsys.Joined, error) bool) {
		for _, x := range served {
			if !yield(recsys.Joined{Exposure: x}, nil) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	join, err := asof.New(asof.Config{Labels: labels, Tables: []asof.Table{table}})
	if err != nil {
		return nil, err
	}
	return skew.CompareServed(ctx, join, "served.", skew.Config{})
}
