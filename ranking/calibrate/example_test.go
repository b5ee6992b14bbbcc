package calibrate_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/calibrate"
)

func ExampleFit() {
	// Scores of a model that orders, and what happened.
	scores := []float32{-3, -2, -2, -1, 0, 0, 1, 2, 3, 4}
	clicks := []float32{0, 0, 0, 1, 0, 0, 1, 0, 1, 1}
	for _, method := range []calibrate.Method{calibrate.Platt, calibrate.Isotonic} {
		c, err := calibrate.Fit(calibrate.Config{Method: method}, scores, clicks, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v: %.2f %.2f %.2f\n", method, c.Probability(-2), c.Probability(0), c.Probability(3))
	}
	// Output:
	// platt: 0.20 0.37 0.68
	// isotonic: 0.08 0.33 0.92
}

func ExampleWrap() {
	data := &ranking.Dataset{
		Columns: []string{"freshness"}, Floats: []float32{0.1, 0.9, 0.2, 0.8, 0.6, 0.4},
		Heads: []string{"click"}, Labels: []float32{0, 1, 0, 1, 0, 1},
	}
	held := &ranking.Dataset{
		Columns: []string{"freshness"}, Floats: []float32{0.1, 0.3, 0.5, 0.7, 0.9},
		Heads: []string{"click"}, Labels: []float32{0, 0, 0, 0, 1},
	}
	model, err := ranking.TrainLinear(context.Background(), ranking.LinearConfig{}, data)
	if err != nil {
		fmt.Println(err)
		return
	}
	heads, err := calibrate.FitHeads(calibrate.Config{LogOdds: true}, model, held)
	if err != nil {
		fmt.Println(err)
		return
	}
	ranker, err := calibrate.Wrap(model, calibrate.WrapConfig{Heads: heads})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A pipeline does what follows.
	schema, _ := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "freshness"}}})
	bound, err := recsys.Bind[recsys.Ranker](ranker, schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := recsys.NewCandidates(schema, []recsys.ItemID{1, 2})
	c.Row(0)[0], c.Row(1)[0] = 0.2, 0.8
	out := recsys.NewScores(2, 1)
	err = bound.Rank(context.Background(), nil, c, out)
	fmt.Printf("%.2f %v\n", out.Heads, err)
	// Output:
	// [0.12 0.42] <nil>
}

func ExampleJudge() {
	probs := []float32{0.1, 0.1, 0.1, 0.1, 0.6, 0.6, 0.6, 0.6}
	clicks := []float32{0, 0, 0, 1, 1, 0, 0, 0}
	r, err := calibrate.Judge(probs, clicks, nil, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("ECE %.3f\nBrier %v\n", r.ECEMass, r.Brier)
	// Output:
	// ECE 0.250
	// Brier 0.2600 = 0.0725 miscalibration - 0.0000 discrimination + 0.1875 uncertainty
}

func ExampleCheckSegments() {
	var probs, clicks []float32
	var device []string
	for i := range 400 {
		probs, clicks, device = append(probs, 0.2), append(clicks, 0), append(device, []string{"phone", "tablet"}[i%2])
		if i%10 == 0 || i%10 == 1 || i%10 == 3 { // one phone in five, but two tablets in five
			clicks[i] = 1
		}
	}
	segments, err := calibrate.CheckSegments(probs, clicks, nil, device, calibrate.SegmentConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range segments {
		fmt.Printf("%s: predicted %.2f, observed %.2f, off: %v\n", s.Key, s.Predicted, s.Observed, s.Off)
	}
	// Output:
	// tablet: predicted 0.20, observed 0.40, off: true
	// phone: predicted 0.20, observed 0.20, off: false
}
