package features_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// A store of item features in a pipeline, and what a ranker sees of a fresh, a stale and an
// unknown item.
func ExampleStore() {
	items, err := features.NewStore(features.StoreConfig{View: features.View{Name: "item.stats", Columns: []features.Column{
		{Name: "ctr", MaxAge: time.Hour},
		{Name: "price", Default: new(float32(10))},
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, r := range []features.Row{
		{Key: 1, Time: now.Add(-time.Minute), Floats: []float32{0.07, 25}},
		{Key: 2, Time: now.Add(-2 * time.Hour), Floats: []float32{0.05, 30}},
	} {
		if _, err := items.Put(r); err != nil {
			fmt.Println(err)
		}
	}

	proposal := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(1); id <= 3 && out.Add(id, 1); id++ {
		}
		return nil
	})
	ranker := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		ctr, _ := c.Schema().Float("ctr")
		for i, id := range c.IDs() {
			fmt.Println("item", id, c.Row(i), "missing:", c.Missing(ctr.Group).Has(i), "stale:", c.Stale(ctr.Group).Has(i))
			out.Score[i] = c.Row(i)[ctr.Index]
		}
		return nil
	})
	p, err := recsys.NewPipeline(recsys.Retrieve("all", proposal), recsys.Features(items), recsys.Rank(ranker)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := p.Recommend(context.Background(), &recsys.Request{K: 3, Now: now}); err != nil {
		fmt.Println(err)
	}
	st := items.Stats()
	fmt.Println("fresh:", st.Fresh, "stale:", st.Stale, "missing:", st.Missing)
	// Output:
	// item 1 [0.07 25] missing: false stale: false
	// item 2 [0.05 30] missing: false stale: true
	// item 3 [NaN 10] missing: true stale: false
	// fresh: 1 stale: 1 missing: 1
}

// Values by column name; events that come late do not undo later ones.
func ExampleStore_Row() {
	users, err := features.NewStore(features.StoreConfig{View: features.View{Name: "item.stats", Entity: features.User, Columns: []features.Column{
		{Name: "age"},
		{Name: "country", Kind: recsys.ID},
		{Name: "taste", Kind: recsys.Vector, Dim: 2},
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	put := func(at time.Time, values map[string]any) {
		row, err := users.Row(42, at, values)
		if err != nil {
			fmt.Println(err)
			return
		}
		stored, _ := users.Put(row)
		fmt.Println(at.Weekday(), stored)
	}
	put(monday.AddDate(0, 0, 1), map[string]any{"age": 31, "country": "fr", "taste": []float32{0.6, 0.8}})
	put(monday, map[string]any{"age": 30, "country": "de"})
	put(monday.AddDate(0, 0, 2), map[string]any{"age": 31, "city": "Lyon"})
	row, _ := users.Get(42)
	fmt.Println(row.Floats, row.IDs[0] == recsys.HashID("fr"), row.Vectors)
	// Output:
	// Tuesday true
	// Monday false
	// features: row of key 42: column "city": the store has no such column; it has "age", "country", "taste"
	// [31] true [0.6 0.8]
}

// A snapshot restores a store; one with other columns says so.
func ExampleStore_ReadFrom() {
	columns := []features.Column{{Name: "ctr"}, {Name: "creator", Kind: recsys.ID}}
	items, _ := features.NewStore(features.StoreConfig{View: features.View{Name: "item.stats", Columns: columns}})
	if _, err := items.Put(features.Row{Key: 1, Floats: []float32{0.07}, IDs: []uint64{5}}); err != nil {
		fmt.Println(err)
	}
	var file bytes.Buffer
	if _, err := items.WriteTo(&file); err != nil {
		fmt.Println(err)
	}
	snapshot := file.Bytes()

	restored, _ := features.NewStore(features.StoreConfig{View: features.View{Name: "item.stats", Columns: columns}})
	_, err := restored.ReadFrom(bytes.NewReader(snapshot))
	fmt.Println(restored.Len(), err)

	other, _ := features.NewStore(features.StoreConfig{View: features.View{Name: "item.stats", Columns: columns[:1]}})
	_, err = other.ReadFrom(bytes.NewReader(snapshot))
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// features: snapshot has view "item.stats" with the columns "ctr" float, "creator" id of item; the store has view "item.stats" with the columns "ctr" float of item
}
