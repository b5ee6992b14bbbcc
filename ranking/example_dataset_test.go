package ranking_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

const clicks = `price,topic,click
1,news,1
2,news,1
9,news,0
8,sport,0
2,sport,1
9,sport,0
1,news,0
8,news,1
`

func ExampleReadCSV() {
	d, err := ranking.ReadCSV(strings.NewReader(clicks), ranking.CSVConfig{
		Name: "clicks.csv", Labels: []string{"click"}, IDs: []string{"topic"},
	})
	fmt.Println(d, err)
	_, err = ranking.ReadCSV(strings.NewReader("price,click\n1,0\ncheap,1\n"), ranking.CSVConfig{
		Name: "clicks.csv", Labels: []string{"click"},
	})
	fmt.Println(err)
	// Output:
	// 8 rows, 1 float and 1 id columns, 1 heads <nil>
	// clicks.csv:3: field "price": "cheap": want a number
}

func ExampleReadLibSVM() {
	d, err := ranking.ReadLibSVM(strings.NewReader("2 qid:1 1:0.5 3:1\n0 qid:1 2:0.25\n"), ranking.LibSVMConfig{OneBased: true})
	fmt.Println(d.Columns, d.Floats, d.Labels, d.Groups, err)
	// Output: [f1 f2 f3] [0.5 0 1 0 0.25 0] [2 0] [1 1] <nil>
}

func ExampleDataset_Split() {
	d := &ranking.Dataset{Columns: []string{"x"}, Heads: []string{"click"}}
	for i := range 1000 {
		d.Floats, d.Labels = append(d.Floats, float32(i)), append(d.Labels, float32(i%2))
		d.Groups = append(d.Groups, uint64(i/10)) // ten rows of each request
	}
	train, held, err := d.Split(0.2, 1)
	fmt.Println(train.Len(), held.Len(), err)
	// Output: 800 200 <nil>
}

func ExampleCollector() {
	schema, _ := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "price"}}})
	record := &recsys.Exposure{
		ID: "req-1", Now: time.Unix(1700000000, 0), Schema: schema, Shown: 2,
		Rows: []recsys.ExposureRow{
			{Item: 7, Position: 0, Propensity: 0.5, Floats: []float32{4.5}},
			{Item: 9, Position: 1, Propensity: 0.25, Floats: []float32{3}},
		},
	}
	joined := recsys.Joined{ // as a recsys.Joiner gives it
		Exposure: record,
		Feedback: [][]recsys.Feedback{nil, {{Request: "req-1", Item: 9, Kind: recsys.Click}}},
	}
	c, err := ranking.NewCollector(ranking.CollectorConfig{Heads: []string{"click"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A labeler of package objective does this for many heads.
	err = c.AddJoined(joined, func(dst []float32, feedback []recsys.Feedback) error {
		dst[0] = 0
		for _, f := range feedback {
			if f.Kind == recsys.Click {
				dst[0] = 1
			}
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := c.Dataset()
	fmt.Println(d.Columns, d.Floats, d.Labels, d.Positions, d.Propensities, err)
	// Output: [price] [4.5 3] [0 1] [0 1] [0.5 0.25] <nil>
}

func ExampleFromEvents() {
	price := map[recsys.ItemID]float32{1: 10, 2: 20, 3: 30}
	bought := func(yield func(recsys.UserID, recsys.Event) bool) {
		yield(7, recsys.Event{Item: 2, Kind: recsys.Purchase})
	}
	d, err := ranking.FromEvents(ranking.EventsConfig{
		Columns: []string{"price"}, Heads: []string{"buy"},
		Features: func(floats []float32, _ []uint64, _ recsys.UserID, item recsys.ItemID, _ time.Time) error {
			floats[0] = price[item]
			return nil
		},
		Negatives: func(dst []recsys.ItemID, _ recsys.UserID, _ recsys.Event) []recsys.ItemID {
			return append(dst, 1, 3)
		},
	}, bought)
	fmt.Println(d.Floats, d.Labels, err)
	// Output: [20 10 30] [1 0 0] <nil>
}
