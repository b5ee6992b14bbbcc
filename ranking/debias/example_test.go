package debias_test

import (
	"fmt"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/debias"
)

func ExampleClickWeights() {
	// One row for each item that was shown, with its place.
	d := &ranking.Dataset{
		Columns: []string{"freshness"}, Floats: []float32{0.9, 0.5, 0.4, 0.8, 0.1, 0.7},
		Heads: []string{"click"}, Labels: []float32{1, 0, 1, 0, 1, 0},
		Positions: []int32{0, 1, 2, 0, 1, 2},
	}
	examined := debias.Examination{1, 0.5, 0.25}
	weighted, summary, err := debias.ClickWeights(d, "click", examined, debias.WeightConfig{Raw: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(weighted.Weights)
	fmt.Println(summary)
	_, _, err = debias.RatingWeights(weighted, make([]float64, 6), debias.WeightConfig{})
	fmt.Println(err != nil)
	// Output:
	// [1 1 4 1 2 1]
	// 3 rows weighed, worth 2 of equal weight; largest weight 4; 0 clipped
	// true
}

func ExampleAdjacentChain() {
	counts := []debias.Count{
		{Item: 1, Position: 0, Impressions: 100, Clicks: 40},
		{Item: 1, Position: 1, Impressions: 100, Clicks: 20},
		{Item: 2, Position: 1, Impressions: 50, Clicks: 5},
		{Item: 2, Position: 2, Impressions: 80, Clicks: 4},
	}
	examined, err := debias.AdjacentChain(counts)
	fmt.Println(examined, err)
	// Output:
	// [1 0.5 0.25] <nil>
}

func ExamplePosition() {
	d := &ranking.Dataset{
		Columns: []string{"freshness"}, Floats: []float32{0.9, 0.5, 0.4},
		Heads: []string{"click"}, Labels: []float32{1, 0, 1},
		Positions: []int32{0, 1, 2},
	}
	place := debias.Position{Column: "position"}
	told, err := place.Dataset(d)
	if err != nil {
		fmt.Println(err)
		return
	}
	// recsys.Features(place) holds the column at 0 when the model serves.
	fmt.Println(told.Columns, told.Floats, place.Version())
	// Output:
	// [freshness position] [0.9 0 0.5 1 0.4 2] position=0
}
