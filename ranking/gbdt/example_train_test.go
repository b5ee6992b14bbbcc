package gbdt_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// Clicks are probabilities, seconds of dwell are means: a head each, over the same columns.
func ExampleTrain() {
	d := &ranking.Dataset{
		Columns: []string{"price"}, IDColumns: []string{"category"},
		Heads: []string{"click", "dwell"},
	}
	for i := range 1200 {
		price, category := i%40, i%3
		click := 0
		if price < 10 || category == 2 && i%5 > 0 {
			click = 1
		}
		d.Floats = append(d.Floats, float32(price))
		d.IDs = append(d.IDs, uint64(100+category))
		d.Labels = append(d.Labels, float32(click), float32(5*category))
	}
	m, err := gbdt.Train(context.Background(), gbdt.Config{
		Rounds: 50,
		Heads:  map[string]gbdt.Objective{"click": {Loss: gbdt.LogLoss}},
	}, d)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := m.Predict(nil, d.Rows([]int32{0, 20, 32}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Heads(), m.Columns(), m.IDColumns())
	for ; len(p) > 0; p = p[2:] {
		fmt.Printf("%.2f %.1f\n", p[0], p[1])
	}
	// Output:
	// [click dwell] [price] [category]
	// 1.00 0.0
	// 0.20 10.0
	// 0.98 10.0
}
