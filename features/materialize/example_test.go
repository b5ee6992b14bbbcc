package materialize_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/window"
)

// Two clicks and a purchase become a row of each item; the event that the producer sent twice counts once.
func ExampleMaterialize() {
	events := `{"time":"2026-03-01T12:00:00Z","user":1,"item":10,"kind":"click","id":"a"}
{"time":"2026-03-01T12:20:00Z","user":2,"item":10,"kind":"click","id":"b"}
{"time":"2026-03-01T12:20:00Z","user":2,"item":10,"kind":"click","id":"b"}
{"time":"2026-03-01T12:30:00Z","user":2,"item":11,"kind":"purchase","value":9.5,"id":"c"}
`
	counts := window.Config{Aggregates: []window.Aggregate{
		{Name: "clicks", Kinds: []recsys.EventKind{recsys.Click}, Windows: []time.Duration{15 * time.Minute, time.Hour}},
		{Name: "sales", Func: window.Sum, Kinds: []recsys.EventKind{recsys.Purchase}, Windows: []time.Duration{time.Hour}},
	}}
	a, err := window.New(counts)
	if err != nil {
		log.Fatal(err)
	}
	items, err := features.NewStore(features.StoreConfig{View: features.View{
		Name: "item.stats", Columns: a.Columns(), Computed: a.Hash(), // aggregates that are redefined make another version
	}})
	if err != nil {
		log.Fatal(err)
	}
	stats, err := materialize.Materialize(context.Background(), materialize.Config{
		Log:     materialize.Log{Reader: strings.NewReader(events)},
		Targets: []materialize.Target{{Store: items, Aggregates: counts}},
	})
	if err != nil {
		log.Fatal(err)
	}
	c := stats.Views[0].Counts
	fmt.Printf("%d lines, %d events, %d doubled\n", c.Lines, c.Events, c.Doubled)
	for _, item := range []uint64{10, 11} {
		row, _ := items.Get(item)
		fmt.Println(item, row.Floats, "as of", row.Time.Format(time.TimeOnly))
	}
	// Output:
	// 4 lines, 3 events, 1 doubled
	// 10 [1 2 0] as of 12:30:00
	// 11 [0 0 9.5] as of 12:30:00
}

// A run can be asked to compare its stores with what they acknowledged.
func ExampleMaterializer_Verify() {
	items, err := features.NewStore(features.StoreConfig{View: features.View{
		Name: "item.stats", Columns: []features.Column{{Name: "clicks.1h"}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	m, err := materialize.New(materialize.Config{
		Log: materialize.Log{Reader: strings.NewReader(`{"time":"2026-03-01T12:00:00Z","user":1,"item":10,"kind":"click"}`)},
		Targets: []materialize.Target{{Store: items, Aggregates: window.Config{
			Aggregates: []window.Aggregate{{Name: "clicks", Windows: []time.Duration{time.Hour}}},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := m.Run(ctx); err != nil {
		log.Fatal(err)
	}
	items.Delete(10) // as if it were lost
	found, err := m.Verify(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, back := items.Get(10)
	fmt.Println(found.Lost, "lost,", "back:", back)
	// Output:
	// 1 lost, back: true
}
