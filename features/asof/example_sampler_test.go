package asof_test

import (
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
)

// A purchase becomes a label with negatives: items that the user had not seen by then, weighted so that they stand for
// all of these.
func ExampleNegatives() {
	sampler, err := asof.NewSampler(asof.SamplerConfig{
		Items:  []recsys.ItemID{1, 2, 3, 4, 5},
		Counts: []int64{90, 40, 10, 5, 1},
		Alpha:  0.75,
		Draws:  3,
		Seed:   7,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var seen asof.Seen
	seen.Add(9, 2, 50) // user 9 was shown item 2 at time 50

	purchases := asof.Labels{
		Keys: []string{"user", "item"}, Heads: []string{"buy"},
		Rows: asof.LabelRows([]asof.Label{{Time: 100, Keys: []uint64{9, 1}, Values: []float32{1}, Weight: 1}}),
	}
	labels, err := asof.Negatives{
		Sampler: sampler,
		Item:    "item",
		Exclude: func(dst []recsys.ItemID, positive *asof.Label) []recsys.ItemID {
			return seen.Items(dst, recsys.UserID(positive.Keys[0]), positive.Time)
		},
	}.Labels(purchases)
	if err != nil {
		fmt.Println(err)
		return
	}
	for l := range labels.Rows { // or asof.Config{Labels: labels, …}
		fmt.Printf("item %d, buy %v, weight %.2f\n", l.Keys[1], l.Values[0], l.Weight)
	}
	// Output:
	// item 1, buy 1, weight 1.00
	// item 4, buy 0, weight 0.99
	// item 5, buy 0, weight 6.64
}

func ExampleSampler() {
	sampler, err := asof.NewSampler(asof.SamplerConfig{Items: []recsys.ItemID{1, 2, 3, 4}, Draws: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range sampler.Draw(nil, 0, []recsys.ItemID{3}) { // of three, all alike: 1 in 3
		fmt.Printf("item %d, drawn %d times, probability %.3f, weight %.2f\n", n.Item, n.Draws, n.Probability, n.Weight)
	}
	// Output:
	// item 4, drawn 2 times, probability 0.333, weight 3.00
}
