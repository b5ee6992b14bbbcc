package encoder_test

import (
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/encoder"
)

// What a store knows of items, what the request says, and what a model reads.
func ExampleSet() {
	inputs := []recsys.Column{
		{Name: "price"},
		{Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest},
	}
	set, err := encoder.NewSet(encoder.Config{
		Inputs: inputs,
		Steps: []encoder.Step{
			{Name: "price.log", From: []string{"price"}, Encoder: encoder.Log1p{}},
			{Name: "level", From: []string{"price"}, Encoder: encoder.Buckets{Boundaries: []float32{10, 100}}},
			{Name: "country×level", From: []string{"country", "level"}, Encoder: encoder.Cross{Buckets: 1000}},
			{Name: "hour", Encoder: encoder.Cyclic{Offset: time.Hour}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	prices := recsys.FeatureFunc{Cols: inputs[:1], Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for i, item := range items {
			out.FloatRow(i)[0] = float32(item) * 7.5
		}
		return nil
	}}
	p, err := recsys.NewPipeline(
		recsys.Context(inputs[1]),
		recsys.Retrieve("two", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			out.Add(1, 0)
			out.Add(2, 0)
			return nil
		})),
		recsys.Features(prices),
		recsys.Features(set),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			clear(out.Score)
			for _, name := range []string{"price.log", "hour.sin", "hour.cos"} {
				f, _ := c.Schema().Field(name)
				fmt.Printf("%-14s%7.3f %7.3f\n", name, c.Row(0)[f.Index], c.Row(1)[f.Index])
			}
			for _, name := range []string{"level", "country×level"} {
				f, _ := c.Schema().Field(name)
				fmt.Printf("%-14s%7d %7d\n", name, c.IDColumn(f.Index)[0], c.IDColumn(f.Index)[1])
			}
			return nil
		})),
	).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	country, err := p.Context(map[string]any{"country": "NO"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = p.Recommend(context.Background(), &recsys.Request{K: 2, Now: time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC), Context: country})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// price.log       2.140   2.773
	// hour.sin        1.000   1.000
	// hour.cos        0.000   0.000
	// level               1       2
	// country×level     457     356
}

// The same set, fitted and applied to rows of a training table.
func ExampleSet_Fit() {
	ctx := context.Background()
	inputs := []recsys.Column{{Name: "price"}, {Name: "clicks"}, {Name: "shown"}}
	set, err := encoder.NewSet(encoder.Config{
		Inputs: inputs,
		Steps: []encoder.Step{
			{Name: "level", From: []string{"price"}, Encoder: encoder.Buckets{Count: 2}},
			{Name: "ctr", From: []string{"clicks", "shown"}, Encoder: encoder.Rate{}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := &encoder.Rows{Len: 4, Columns: inputs, Values: []encoder.Values{
		{Floats: []float32{3, 5, 8, 100}},
		{Floats: []float32{1, 30, 2, 0}},
		{Floats: []float32{1, 100, 40, 0}},
	}}
	if set, err = set.Fit(ctx, encoder.One(rows), encoder.FitConfig{}); err != nil {
		fmt.Println(err)
		return
	}
	out := encoder.NewRows(set.Columns(), rows.Len)
	if err := set.Apply(ctx, out, rows); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("boundaries:", set.Steps()[0].Encoder.(encoder.Buckets).Boundaries)
	fmt.Println("levels:    ", out.Values[0].IDs)
	fmt.Printf("rates:      %.2f\n", out.Values[1].Floats)
	// Output:
	// boundaries: [6.5]
	// levels:     [1 1 2 2]
	// rates:      [0.33 0.30 0.08 0.23]
}

// A store keeps the tags of an item in three places; a model reads the mean of their vectors.
func ExamplePooling() {
	tags := encoder.List("tags", 3)
	table, err := encoder.NewTable([]uint64{7, 8}, []float32{1, 0, 0, 1}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := encoder.NewSet(encoder.Config{Inputs: tags, Steps: []encoder.Step{
		{Name: "mean", From: encoder.Names(tags), Encoder: encoder.Pooling{Table: table}},
		{Name: "has", From: encoder.Names(tags), Encoder: encoder.MultiHot{Categories: []uint64{7, 8, 9}}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := &encoder.Rows{Len: 2, Columns: tags, Values: []encoder.Values{
		{IDs: []uint64{7, 9}}, {IDs: []uint64{8, 0}}, {IDs: []uint64{0, 0}},
	}}
	out := encoder.NewRows(set.Columns(), rows.Len)
	if err := set.Apply(context.Background(), out, rows); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.Values[0].Floats[:2], out.Values[1].Floats[:3])
	fmt.Println(out.Values[0].Floats[2:], out.Values[1].Floats[3:])
	fmt.Println("unknown to the table:", set.Stats()["mean"].Unknown)
	// Output:
	// [0.5 0.5] [1 1 0]
	// [0 0] [0 0 1]
	// unknown to the table: 1
}

// Python's xxhash gives the same numbers.
func ExampleHashIDs() {
	h := encoder.HashIDs(42, 17, 3)                      // xxhash.xxh64(struct.pack("<2Q", 17, 3), seed=42).intdigest()
	fmt.Printf("%016x %d\n", h, encoder.Bucket(h, 1000)) // (h * 1000) >> 64
	// Output:
	// 53535159cb367bbc 325
}

func ExampleFitBeta() {
	clicks := []float64{0, 1, 3, 2, 9, 0}
	shown := []float64{12, 40, 30, 90, 100, 3}
	alpha, beta, err := encoder.FitBeta(clicks, shown)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("a new item has a rate of %.3f, as if %.0f showings were known\n", alpha/(alpha+beta), alpha+beta)
	// Output:
	// a new item has a rate of 0.053, as if 99 showings were known
}
