package asof_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
)

// servedLog is an exposure log as a FileSink writes it: two slates, and a click.
func servedLog() string {
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "price"}}})
	if err != nil {
		panic(err)
	}
	var log []byte
	log = recsys.AppendSchema(log, schema)
	for i, x := range []*recsys.Exposure{
		{ID: "r1", User: 9, Rows: []recsys.ExposureRow{{Item: 1, Propensity: 0.5, Floats: []float32{10}}, {Item: 2, Row: 1, Position: 1, Propensity: 0.25, Floats: []float32{20}}}},
		{ID: "r2", User: 8, Rows: []recsys.ExposureRow{{Item: 2, Propensity: 0.75, Floats: []float32{18}}}},
	} {
		x.Now, x.Schema, x.Shown = time.Unix(int64(1000*(i+1)), 0), schema, len(x.Rows)
		log = recsys.AppendExposure(log, x)
	}
	return string(recsys.AppendFeedback(log, &recsys.Feedback{Request: "r1", User: 9, Item: 2, Kind: recsys.Click, Time: time.Unix(1010, 0)}))
}

// An exposure log becomes a training set: labels of the feedback, the price as it was served, and a feature that was not
// served then, as of the moment of each slate.
func ExampleExposures() {
	joiner, err := recsys.NewJoiner(recsys.JoinerConfig{Window: 10 * time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	log := recsys.NewLogReader("log.jsonl", strings.NewReader(servedLog()))
	labels, err := asof.Exposures(asof.ExposureConfig{
		Heads:   []string{"click"},
		Columns: []string{"price"},
		Label: func(dst []float32, feedback []recsys.Feedback) error {
			dst[0] = float32(len(feedback))
			return nil
		},
	}, joiner.Join(log.All()))
	if err != nil {
		fmt.Println(err)
		return
	}
	views := asof.Table{
		Name: "item.views", Key: "item", Columns: []recsys.Column{{Name: "views"}}, Strict: true,
		Rows: asof.Rows([]asof.Row{
			{Key: 2, Time: time.Unix(500, 0).UnixNano(), Floats: []float32{3}},
			{Key: 2, Time: time.Unix(2000, 0).UnixNano(), Floats: []float32{4}}, // counts the second slate itself
		}),
	}
	j, err := asof.New(asof.Config{Labels: labels, Tables: []asof.Table{views}})
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := j.Collect(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	// A trainer takes it as it is: data := ranking.Dataset(*t).
	fmt.Println(t.Columns, t.Floats)
	fmt.Println(t.Heads, t.Labels)
	fmt.Println(t.Positions, t.Propensities)
	fmt.Println(t.Groups[0] == t.Groups[1], t.Groups[1] == t.Groups[2])
	// Output:
	// [price views] [10 NaN 20 3 18 3]
	// [click] [0 1 0]
	// [0 1 0] [0.5 0.25 0.75]
	// true false
}
