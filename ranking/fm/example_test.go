package fm_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

// tastes are clicks of two users who like opposite genres.
func tastes() *ranking.Dataset {
	d := &ranking.Dataset{IDColumns: []string{"user", "genre"}, Heads: []string{"click"}}
	for i := range 400 {
		user, genre := uint64(i%2), uint64(i/2%2)
		d.IDs = append(d.IDs, user, genre)
		d.Labels = append(d.Labels, float32((user+genre+1)%2))
	}
	return d
}

func ExampleTrain() {
	model, err := fm.Train(context.Background(), fm.Config{Factors: 8, Epochs: 5}, tastes())
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := model.Predict(nil, &ranking.Dataset{
		IDColumns: []string{"user", "genre"},
		IDs:       []uint64{0, 0, 0, 1, 1, 0, 1, 1},
	})
	fmt.Printf("%.1f %v\n", p, err)
	// Output: [1.0 0.0 0.0 1.0] <nil>
}

func ExampleNewOnline() {
	// Users change their minds; the ranker hears of it.
	model, err := fm.Train(context.Background(), fm.Config{Factors: 8, Epochs: 1, HashBits: 10, Resumable: true}, tastes())
	if err != nil {
		fmt.Println(err)
		return
	}
	online, err := fm.NewOnline(model, fm.OnlineConfig{
		Label: func(dst []float32, feedback []recsys.Feedback) error {
			dst[0] = min(1, float32(len(feedback)))
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A pipeline with recsys.Rank(online) and recsys.Log(online.Sink()) learns when its
	// method Learn is called with feedback. Rows with labels are learned directly:
	changed := tastes()
	for i, y := range changed.Labels {
		changed.Labels[i] = 1 - y
	}
	for range 10 {
		if err := online.Update(changed); err != nil {
			fmt.Println(err)
		}
	}
	before, _ := model.Predict(nil, changed)
	after, _ := online.Model().Predict(nil, changed)
	fmt.Printf("user 0 clicks genre 0: %.1f before, %.1f after\n", before[0], after[0])
	// Output: user 0 clicks genre 0: 1.0 before, 0.0 after
}
