package content_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/content"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/nearest"
)

// describe makes the description of an item of its title and price.
func describe(title string, price float32) content.Item {
	var words []uint64
	for _, w := range strings.Fields(title) {
		words = append(words, recsys.HashID(w))
	}
	return content.Item{Bags: [][]uint64{words}, Numbers: []float32{price}}
}

func ExampleTrain() {
	ctx := context.Background()
	model, err := content.Train(ctx, []recsys.ItemID{1, 2, 3, 4}, []content.Item{
		describe("green tea", 4),
		describe("black tea", 5),
		describe("garden chair", 60),
		describe("garden table", 150),
	}, content.Config{
		Bags:    []content.Field{{Name: "title"}},
		Numbers: []content.Field{{Name: "price", Weight: 0.3}},
	})
	if err != nil {
		log.Fatal(err)
	}
	index, err := flat.New(flat.Config{}, model.Items(), model.Vectors())
	if err != nil {
		log.Fatal(err)
	}
	// An item that has come in since.
	chair := describe("garden chair in blue", 40)
	vec, err := model.Embed(nil, &chair)
	if err != nil {
		log.Fatal(err)
	}
	if err := index.Insert(5, vec); err != nil {
		log.Fatal(err)
	}
	source, err := nearest.New(index, nearest.Config{History: retrieval.History{Last: 10}})
	if err != nil {
		log.Fatal(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("content", source)).Build()
	if err != nil {
		log.Fatal(err)
	}
	res, err := p.Recommend(ctx, &recsys.Request{
		K:       2,
		History: []recsys.Event{{Item: 3, Kind: recsys.Purchase}},
		Exclude: []recsys.ItemID{3},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Items[0].ID, res.Items[1].ID)
	// Output: 5 4
}
