package gbdt_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// items are three products with a price and a brand.
var (
	allItems = recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(1); id <= 3 && out.Add(id, 0); id++ {
		}
		return nil
	})
	itemStore = recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "brand", Kind: recsys.ID}, {Name: "price"}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				out.FloatRow(i)[0] = float32(id) / 4
				out.ID[0][i] = uint64(id - 1)
			}
			return nil
		},
	}
)

// A LightGBM file ranks in a pipeline: its features bind to columns by name, at Build.
func Example() {
	model, err := gbdt.Read(strings.NewReader(lightgbmText), gbdt.Options{
		Heads: []string{"click"}, Features: []string{"price", "brand"}, // the file has Column_0 and Column_1
		IDsAreCategories: true, // brands are the numbers that the trees name
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("all", allItems), recsys.Features(itemStore), recsys.Rank(model)).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{K: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, item := range res.Items {
		fmt.Printf("item %d: %.3f\n", item.ID, item.Score)
	}
	// Output:
	// item 3: 0.818
	// item 2: 0.622
	// item 1: 0.378
}

// A column that the model needs and the pipeline lacks is an error of Build.
func ExampleModel_Bind() {
	model, _ := gbdt.Read(strings.NewReader(lightgbmText), gbdt.Options{Features: []string{"price", "category"}})
	_, err := recsys.NewPipeline(recsys.Retrieve("all", allItems), recsys.Features(itemStore), recsys.Rank(model)).Build()
	fmt.Println(err)
	// Output:
	// recsys: build: rank/gbdt.Model: feature "category": no source writes it (float columns: price); Options.Rename gives features the names of columns
}

// Contributions say why a row got its score.
func ExampleModel_Explain() {
	model, _ := gbdt.Read(strings.NewReader(lightgbmText), gbdt.Options{Features: []string{"price", "brand"}})
	why, _ := model.Explain(nil, "score", []float32{0.75, 2}, nil)
	fmt.Printf("price %+.2f, brand %+.2f, expected %+.2f\n", why[0], why[1], why[2])
	// Output:
	// price +1.00, brand +0.50, expected +0.00
}

func ExampleModel_Importance() {
	model, _ := gbdt.Read(strings.NewReader(lightgbmText), gbdt.Options{})
	importance, _ := model.Importance("score", gbdt.Gain)
	fmt.Println(importance)
	// Output:
	// [{Column_0 3} {Column_1 2}]
}

// Two files become one ranker with two heads.
func ExampleCombine() {
	click, _ := gbdt.Read(strings.NewReader(lightgbmText), gbdt.Options{Heads: []string{"click"}})
	buy, _ := gbdt.Read(strings.NewReader(lightgbmText), gbdt.Options{Heads: []string{"buy"}, Rounds: 1})
	both, err := gbdt.Combine(click, buy)
	fmt.Println(both.Heads(), both.Trees(), err)
	// Output:
	// [click buy] 3 <nil>
}

// The first rounds score all rows, the others the better half; Measure says what that loses.
func ExampleCascade() {
	model, _ := gbdt.Read(strings.NewReader(lightgbmText), gbdt.Options{})
	cascade, err := gbdt.NewCascade(model, gbdt.CascadeConfig{Rounds: 1, Keep: 0.5})
	if err != nil {
		fmt.Println(err)
		return
	}
	data := &ranking.Dataset{Columns: model.Columns(), Floats: []float32{-1, 0, -2, 1, 1, 2, 2, 3}, Groups: []uint64{7, 7, 7, 7}, Heads: []string{"y"}, Labels: make([]float32, 4)}
	loss, err := cascade.Measure(data, 2)
	fmt.Printf("%.0f%% of the top 2 for %.0f%% of the trees, %v\n", 100*loss.Overlap, 100*loss.Cost, err)
	// Output:
	// 100% of the top 2 for 75% of the trees, <nil>
}

func ExampleModel_WriteLightGBM() {
	model, _ := gbdt.Read(strings.NewReader(xgboostJSON), gbdt.Options{})
	err := model.WriteLightGBM(os.Stdout, "score")
	fmt.Println(err)
	// Output:
	// gbdt: LightGBM text: writing a forest that sums in float32 is not supported
}
