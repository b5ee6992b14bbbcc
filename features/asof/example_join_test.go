package asof_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/features/frame"
)

const statsCSV = `item,at,created,ctr
1,2024-05-01T10:00:00Z,2024-05-01T10:00:00Z,0.10
1,2024-05-01T11:00:00Z,2024-05-01T12:30:00Z,0.20
2,2024-05-01T08:00:00Z,2024-05-01T08:00:00Z,0.30
`

const labelsCSV = `user,item,at,click
9,1,2024-05-01T12:00:00Z,1
9,2,2024-05-01T12:00:00Z,0
8,1,2024-05-01T13:00:00Z,0
8,3,2024-05-01T13:00:00Z,1
`

// Labels and rows come of CSV files. At noon the row of eleven had not arrived yet; at one it had. Item 2's row is
// older than three hours.
func ExampleJoin() {
	read := func(text string, fields ...frame.Field) frame.Reader {
		r, err := frame.NewCSVReader(strings.NewReader(text), frame.CSVConfig{Fields: fields})
		if err != nil {
			panic(err)
		}
		return r
	}
	at := frame.Field{Name: "at", Kind: frame.Time}
	item := frame.Field{Name: "item", Kind: frame.Uint64}

	labels, err := asof.Labels{Keys: []string{"user", "item"}, Heads: []string{"click"}}.FromFrame(
		read(labelsCSV, frame.Field{Name: "user", Kind: frame.Uint64}, item, at, frame.Field{Name: "click", Kind: frame.Float32}),
		asof.LabelColumns{Time: "at"})
	if err != nil {
		fmt.Println(err)
		return
	}
	stats := asof.Table{Name: "item.stats", Key: "item", TTL: 3 * time.Hour, Columns: []recsys.Column{{Name: "ctr"}}}
	stats, err = stats.FromFrame(
		read(statsCSV, item, at, frame.Field{Name: "created", Kind: frame.Time}, frame.Field{Name: "ctr", Kind: frame.Float32}),
		asof.RowColumns{Key: "item", Time: "at", Created: "created"})
	if err != nil {
		fmt.Println(err)
		return
	}

	j, err := asof.New(asof.Config{Labels: labels, Tables: []asof.Table{stats}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range j.All(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("user", row.Keys[0], "item", row.Keys[1], "click", row.Values[0], "ctr", row.Floats[0], "age", row.Ages[0])
	}
	fmt.Print(j.Report())
	// Output:
	// user 9 item 1 click 1 ctr 0.1 age 7200
	// user 9 item 2 click 0 ctr NaN age NaN
	// user 8 item 1 click 0 ctr 0.2 age 7200
	// user 8 item 3 click 1 ctr NaN age NaN
	// 4 labels
	// item.stats: 3 rows of 2 entities
	//   labels: 2 matched, 1 missing, 1 expired, 0 with stale values
	//   rows: 1 late, by at most 1h30m0s, 0 superseded, 0 ahead of their arrival, 0 of them refused, 0 in the future of all labels
}
