package asof_test

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
)

// The view that is served defines the table as well: its key, TTL, defaults and age.
func ExampleTableOf() {
	view := features.View{
		Name: "item.stats", TTL: 2 * time.Hour, Age: "item.stats.age",
		Columns: []recsys.Column{{Name: "ctr", Default: new(float32(0.01))}},
	}
	noon := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	table := asof.TableOf(&view)
	table.Rows = asof.Rows([]asof.Row{
		{Key: 7, Time: noon.UnixNano(), Floats: []float32{0.25}},
		{Key: 8, Time: noon.UnixNano(), Floats: []float32{float32(math.NaN())}},
	})
	label := func(item uint64, after time.Duration) asof.Label {
		return asof.Label{Time: noon.Add(after).UnixNano(), Keys: []uint64{item}, Weight: 1}
	}
	j, err := asof.New(asof.Config{
		Labels: asof.Labels{
			Keys: []string{"item"},
			Rows: asof.LabelRows([]asof.Label{label(7, time.Hour), label(8, 90*time.Minute), label(7, 2*time.Hour), label(7, 2*time.Hour+1)}),
		},
		Tables: []asof.Table{table},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(j.Columns())
	for row, err := range j.All(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("item", row.Keys[0], row.Floats)
	}
	// Output:
	// [ctr item.stats.age]
	// item 7 [0.25 3600]
	// item 8 [0.01 5400]
	// item 7 [0.25 7200]
	// item 7 [0.01 NaN]
}
