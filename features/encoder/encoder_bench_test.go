package encoder_test

import (
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/encoder"
)

// BenchmarkServe encodes 500 candidates.
func BenchmarkServe(b *testing.B) {
	table := table(b, nil, 10000, 16)
	tags := encoder.Names(encoder.List("tags", 3))
	numbers := []encoder.Step{
		{Name: "s0", From: []string{"price"}, Encoder: encoder.Log1p{}},
		{Name: "s1", From: []string{"s0"}, Encoder: encoder.Standard{Mean: []float64{1}, Deviation: []float64{2}}},
		{Name: "s2", From: []string{"clicks"}, Encoder: encoder.Log1p{}},
		{Name: "s3", From: []string{"shown"}, Encoder: encoder.Log1p{}},
		{Name: "s4", From: []string{"clicks", "shown"}, Encoder: encoder.Rate{Alpha: 1, Beta: 20}},
		{Name: "s5", From: []string{"price"}, Encoder: encoder.MinMax{Min: []float64{0}, Max: []float64{100}}},
		{Name: "s6", From: []string{"price"}, Encoder: encoder.Robust{Median: []float64{0}, Range: []float64{10}}},
		{Name: "s7", From: []string{"price"}, Encoder: encoder.Buckets{Boundaries: []float32{-10, -5, -1, 0, 1, 2, 5, 10, 20, 50}}},
		{Name: "s8", From: []string{"clicks"}, Encoder: encoder.Buckets{Boundaries: []float32{1, 2, 5, 10}}},
		{Name: "s9", From: []string{"creator"}, Encoder: encoder.Hash{Buckets: 10000}},
		{Name: "s10", From: []string{"creator", "s7"}, Encoder: encoder.Cross{Buckets: 10000}},
		{Name: "s11", From: []string{"creator", "country"}, Encoder: encoder.Cross{Buckets: 10000}},
		{Name: "s12", From: []string{"country", "s7", "s8"}, Encoder: encoder.Cross{Buckets: 10000}},
		{Name: "s13", From: []string{"age"}, Encoder: encoder.Log1p{}},
		{Name: "s14", From: []string{"age"}, Encoder: encoder.Buckets{Boundaries: []float32{18, 30, 50}}},
		{Name: "s15", From: []string{"s14", "creator"}, Encoder: encoder.Cross{Buckets: 10000}},
		{Name: "s16", Encoder: encoder.Cyclic{}},
		{Name: "s17", Encoder: encoder.Cyclic{Period: encoder.Week}},
		{Name: "s18", From: []string{"s2"}, Encoder: encoder.Standard{Mean: []float64{1}, Deviation: []float64{2}}},
		{Name: "s19", From: []string{"s3"}, Encoder: encoder.Standard{Mean: []float64{1}, Deviation: []float64{2}}},
	}
	vectors := []encoder.Step{
		{Name: "v0", From: []string{"creator"}, Encoder: encoder.Embedding{Table: table}},
		{Name: "v1", From: tags, Encoder: encoder.Pooling{Table: table}},
		{Name: "v2", From: tags, Encoder: encoder.MultiHot{Buckets: 16}},
		{Name: "v3", From: []string{"creator"}, Encoder: encoder.OneHot{Categories: []uint64{1, 2, 3, 4, 5, 6, 7, 8}}},
	}
	for _, c := range []struct {
		name  string
		steps []encoder.Step
	}{{"numbers", numbers}, {"vectors", vectors}} {
		b.Run("steps="+c.name, func(b *testing.B) {
			set, err := encoder.NewSet(encoder.Config{Inputs: inputs, Steps: c.steps})
			if err != nil {
				b.Fatal(err)
			}
			schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: inputs})
			if err != nil {
				b.Fatal(err)
			}
			source, err := set.Bind(schema)
			if err != nil {
				b.Fatal(err)
			}
			items := make([]recsys.ItemID, 500)
			table := recsys.NewCandidates(schema, items)
			rows := random(len(items), 1)
			for i, column := range inputs {
				f, _ := schema.Field(column.Name)
				for r := range items {
					switch column.Kind {
					case recsys.Float:
						table.Row(r)[f.Index] = rows.Values[i].Floats[r]
					case recsys.ID:
						table.IDColumn(f.Index)[r] = rows.Values[i].IDs[r]
					}
				}
			}
			q := recsys.NewQuery(&recsys.Request{K: 1, Now: time.Unix(1e9, 0)}, schema, "bench")
			perItem := recsys.NewBlock(set.Columns(), recsys.PerItem, len(items))
			perRequest := recsys.NewBlock(set.Columns(), recsys.PerRequest, 1)
			b.ReportAllocs()
			for b.Loop() {
				if err := source.Hydrate(b.Context(), q, nil, perRequest); err != nil {
					b.Fatal(err)
				}
				if err := source.(recsys.CandidateHydrator).HydrateCandidates(b.Context(), q, table, perItem); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(items)*len(c.steps)), "ns/cell")
		})
	}
}
