// Customranker shows a ranker of one's own at work. The ranker is all of ranker.go; the test
// beside it runs the conformance suite on it; this file puts a pipeline around it.
//
//	go run ./examples/customranker
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math"
	"os"

	"github.com/recsyskit/recsys"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run serves one request and prints the slate.
func run(ctx context.Context, w io.Writer) error {
	p, err := recsys.NewPipeline(
		recsys.Retrieve("newest", recsys.RetrieverFunc(newest)),
		recsys.Features(recsys.FeatureFunc{Cols: columns, Func: features}),
		recsys.Rank(TasteRanker{HalfLife: 12}),
	).Build()
	if err != nil {
		return err
	}
	res, err := p.Recommend(ctx, &recsys.Request{ID: "demo", User: 1, K: 3})
	if err != nil {
		return err
	}
	for place, item := range res.Items {
		fmt.Fprintf(w, "%d. %-20s %.3f\n", place+1, articles[item.ID].title, item.Score)
	}
	return nil
}

// articles is the catalogue, newest first. An article's id is its place in it.
var articles = []struct {
	title               string
	age, minutes, taste float32 // taste of user 1 for the topic, in log odds
}{
	{"Rain until Sunday", 0.5, 1, -1},
	{"The city's new tram", 2, 4, 0.8},
	{"Election, long read", 5, 25, 1.5},
	{"Cup final report", 9, 3, float32(math.NaN())}, // no one has a taste for it yet
	{"Bread without yeast", 20, 6, 1.2},
	{"A walk in the hills", 50, 8, 2},
}

var columns = []recsys.Column{{Name: "age_hours"}, {Name: "minutes"}, {Name: "topic_taste"}}

func newest(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
	for id, a := range articles {
		if !out.Add(recsys.ItemID(id), -a.age) {
			break
		}
	}
	return nil
}

func features(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	for i, id := range items {
		a := articles[id]
		copy(out.FloatRow(i), []float32{a.age, a.minutes, a.taste})
	}
	return nil
}
