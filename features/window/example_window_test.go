package window_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/window"
)

// exampleConfig declares clicks and click rate of items over an hour and a day.
func exampleConfig() window.Config {
	clicks := []recsys.EventKind{recsys.Click}
	return window.Config{
		Granularity: 5 * time.Minute,
		Lateness:    10 * time.Minute,
		Changes:     true,
		Aggregates: []window.Aggregate{
			{Name: "clicks", Kinds: clicks, Windows: []time.Duration{time.Hour, 24 * time.Hour}},
			{Name: "ctr", Func: window.Rate, Kinds: clicks, Of: []recsys.EventKind{recsys.Impression}, Windows: []time.Duration{24 * time.Hour}},
			{Name: "clickers", Func: window.LastK, K: 2, Kinds: clicks, Windows: []time.Duration{24 * time.Hour}},
		},
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// exampleEvents are four impressions of item 7, two of which user 1 and 2 clicked.
func exampleEvents() []window.Event {
	var events []window.Event
	for i := range 4 {
		at := noon.Add(time.Duration(i) * 30 * time.Minute).UnixNano()
		events = append(events, window.Event{Key: 7, Time: at, ID: uint64(i), Kind: recsys.Impression})
		if i == 1 || i == 2 {
			events = append(events, window.Event{Key: 7, Time: at, ID: uint64(i), Kind: recsys.Click})
		}
	}
	return events
}

func ExampleAggregator() {
	items, err := window.New(exampleConfig())
	if err != nil {
		panic(err)
	}
	for _, e := range exampleEvents() {
		items.Add(e)
	}
	late := items.Add(window.Event{Key: 7, Time: noon.UnixNano(), Kind: recsys.Click})
	fmt.Println("an event of an hour and a half ago is", late)

	var row window.Row
	items.Read(7, noon.Add(100*time.Minute).UnixNano(), &row)
	for i, c := range items.Columns()[:3] {
		fmt.Println(c.Name, row.Floats[i])
	}
	fmt.Println("last clickers:", row.IDs)
	// Output:
	// an event of an hour and a half ago is late
	// clicks.1h 1
	// clicks.24h 2
	// ctr.24h 0.5
	// last clickers: [2 1]
}

func ExampleBatch() {
	log, err := window.NewBatch(exampleConfig(), slices.Values(exampleEvents()))
	if err != nil {
		panic(err)
	}
	var row window.Row
	for _, minutes := range []time.Duration{0, 30, 60, 95} {
		log.Read(7, noon.Add(minutes*time.Minute).UnixNano(), &row)
		fmt.Println("after", minutes*time.Minute, "clicks.1h", row.Floats[0], "ctr.24h", row.Floats[2])
	}
	// Output:
	// after 0s clicks.1h 0 ctr.24h 0
	// after 30m0s clicks.1h 1 ctr.24h 0.5
	// after 1h0m0s clicks.1h 2 ctr.24h 0.6666666666666666
	// after 1h35m0s clicks.1h 1 ctr.24h 0.5
}

func ExampleNewSource() {
	items, err := window.New(exampleConfig())
	if err != nil {
		panic(err)
	}
	source, err := window.NewSource(items, window.SourceConfig{Prefix: "item."})
	if err != nil {
		panic(err)
	}
	for _, e := range exampleEvents() {
		items.Add(e) // while requests are served
	}
	out := recsys.NewBlock(source.Columns(), recsys.PerItem, 2)
	q := recsys.NewQuery(&recsys.Request{Now: noon.Add(90 * time.Minute)}, nil, "features")
	if err := source.Hydrate(context.Background(), q, []recsys.ItemID{7, 8}, out); err != nil {
		panic(err)
	}
	fmt.Println(out.FloatRow(0), out.FloatRow(1), "item 8 is missing:", out.Missing.Has(1))
	// Output:
	// [1 2 0.5] [0 0 NaN] item 8 is missing: true
}

func ExampleAggregator_Rows() {
	items, err := window.New(exampleConfig())
	if err != nil {
		panic(err)
	}
	for _, e := range exampleEvents() {
		items.Add(e)
	}
	// What changes without an event comes too: at 14:00 the click of 13:00 leaves the hour.
	for _, minutes := range []time.Duration{91, 92, 120} {
		for row := range items.Rows(noon.Add(minutes * time.Minute).UnixNano()) {
			fmt.Println("at", minutes*time.Minute, "item", row.Key, "has", row.Floats)
		}
	}
	// Output:
	// at 1h31m0s item 7 has [1 2 0.5]
	// at 2h0m0s item 7 has [0 2 0.5]
}

func ExampleAggregator_WriteTo() {
	items, err := window.New(exampleConfig())
	if err != nil {
		panic(err)
	}
	events := exampleEvents()
	for _, e := range events[:3] {
		items.Add(e)
	}
	var checkpoint bytes.Buffer
	if _, err := items.WriteTo(&checkpoint); err != nil {
		panic(err)
	}

	resumed, err := window.New(exampleConfig())
	if err != nil {
		panic(err)
	}
	if _, err := resumed.ReadFrom(&checkpoint); err != nil {
		panic(err)
	}
	for _, e := range events[3:] {
		resumed.Add(e)
	}
	var row window.Row
	resumed.Read(7, noon.Add(90*time.Minute).UnixNano(), &row)
	fmt.Println(row.Floats)
	// Output:
	// [1 2 0.5]
}
