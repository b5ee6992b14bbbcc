package rerank_test

import (
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/rerank"
)

// shop is a small catalogue: 1 to 4 are by creator 7 and much alike, 5 and 6 by others.
// Item 6 is new and item 2 is not for children (rating 18).
var shop = recsys.FeatureFunc{
	Cols: []recsys.Column{
		{Name: "embedding", Kind: recsys.Vector, Dim: 2},
		{Name: "creator", Kind: recsys.ID},
		{Name: "rating", Kind: recsys.ID},
		{Name: "is-new", Kind: recsys.ID},
		{Name: "published", Kind: recsys.ID},
	},
	Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for i, id := range items {
			copy(out.VectorAt(0, i), [][]float32{{1, 0}, {1, 0.1}, {1, 0.2}, {1, 0.3}, {0.2, 1}, {-1, 0.1}}[id-1])
			out.ID[0][i] = []uint64{7, 7, 7, 7, 8, 9}[id-1]
			out.ID[1][i] = []uint64{0, 18, 0, 0, 0, 0}[id-1]
			out.ID[2][i] = []uint64{0, 0, 0, 0, 0, 1}[id-1]
			out.ID[3][i] = uint64(q.Now.Unix()) - 86400*uint64([]int{9, 9, 9, 9, 9, 0}[id-1])
		}
		return nil
	},
}

// slate serves four of the six items, which the only source ranks by their ID.
func slate(opts ...recsys.Option) []recsys.ItemID {
	byID := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(1); id <= 6; id++ {
			out.Add(id, 1/float32(id))
		}
		return nil
	})
	p, err := recsys.NewPipeline(recsys.Retrieve("by-id", byID), recsys.Features(shop)).With(opts...).Build()
	if err != nil {
		fmt.Println(err)
		return nil
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{ID: "r", K: 4, Now: time.Unix(1_700_000_000, 0)})
	if err != nil {
		fmt.Println(err)
	}
	for _, d := range res.Degraded {
		fmt.Println(d)
	}
	var ids []recsys.ItemID
	for _, item := range res.Items {
		ids = append(ids, item.ID)
	}
	return ids
}

func ExampleMMR() {
	fmt.Println(slate())
	fmt.Println(slate(recsys.ReRank(rerank.MMR{Lambda: 0.5, Vector: "embedding"})))
	fmt.Println(slate(recsys.ReRank(rerank.MMR{Lambda: 0.5, Attributes: []string{"creator", "rating"}})))
	// Output:
	// [1 2 3 4]
	// [1 6 5 2]
	// [1 2 5 3]
}

func ExampleFreshness() {
	fmt.Println(slate(recsys.ReRank(rerank.Freshness{Column: "published", HalfLife: 24 * time.Hour})))
	// Output: [6 1 2 3]
}

func ExampleMaxPer() {
	fmt.Println(slate(recsys.Constrain(rerank.MaxPer("creator", 2))))
	// Output: [1 2 5 6]
}

func ExampleDeny() {
	fmt.Println(slate(recsys.Constrain(rerank.Deny{Attribute: "rating", Values: []uint64{18}})))
	// Output: [1 3 4 5]
}

func ExampleRequire() {
	fmt.Println(slate(recsys.Constrain(rerank.Require("is-new", 1, 1))))
	// Two new items cannot be had: the slate is shorter, and says why.
	fmt.Println(slate(recsys.Constrain(rerank.Require("is-new", 2, 1))))
	// With Relax it is filled all the same.
	fmt.Println(slate(recsys.Constrain(rerank.Require("is-new", 2, 1), recsys.Relax())))
	// Output:
	// [1 2 3 6]
	// constrain/rerank.Floor: dead end
	// [1 2 6]
	// constrain/rerank.Floor: relaxed
	// [1 2 6 3]
}

func ExampleExposureFloor() {
	others := rerank.ExposureFloor{Attribute: "creator", Values: []uint64{8, 9}, Share: 0.4}
	fmt.Println(slate(recsys.Constrain(others)))
	others.ByPosition = true
	fmt.Println(slate(recsys.Constrain(others)))
	// Output:
	// [1 2 5 6]
	// [1 5 2 6]
}

func ExampleSpread() {
	fmt.Println(slate(recsys.Constrain(rerank.Spread("creator", 1))))
	// Output: [1 5 2 6]
}

func ExampleSelectMMR() {
	relevance := []float64{1, 0.9, 0.7}
	similarity, err := rerank.Cosine([]float64{1, 0, 1, 0.1, 0, 1}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	order, scores, err := rerank.SelectMMR(relevance, similarity, 0.5, 3)
	fmt.Printf("%v %.3f %v\n", order, scores, err)
	// Output: [0 2 1] [0.500 0.350 -0.048] <nil>
}

func ExampleDPP() {
	fmt.Println(slate(recsys.ReRank(rerank.DPP{Theta: 0.5, Vector: "embedding"})))
	fmt.Println(slate(recsys.ReRank(rerank.DPP{Theta: 0.5, Vector: "embedding", Window: 2})))
	// Output:
	// [1 6 5 2]
	// [1 6 2 5]
}

func ExampleSelectDPP() {
	relevance := []float64{1, 0.9, 0.7}
	cosine, err := rerank.Cosine([]float64{1, 0, 1, 0.1, 0, 1}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	kernel, err := rerank.QualityKernel(relevance, cosine, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	order, gains, err := rerank.SelectDPP(3, kernel, 3, 0)
	fmt.Printf("%v %.3f %v\n", order, gains, err) // two dimensions span no more
	// Output: [0 2] [7.389 4.055] <nil>
}

// genres are the genres of the items of the shop: books, films and games. The user of the request reads, and watches a little.
var genres = recsys.Features(recsys.FeatureFunc{
	Cols: []recsys.Column{
		{Name: "genres", Kind: recsys.Vector, Dim: 3},
		{Name: "plays", Kind: recsys.Float},
		{Name: "taste", Kind: recsys.Vector, Dim: 3, Scope: recsys.PerRequest},
	},
	Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		if items == nil {
			copy(out.VectorAt(0, 0), []float32{0.75, 0.25, 0})
		}
		for i, id := range items {
			out.VectorAt(0, i)[[]int{1, 1, 1, 0, 0, 2}[id-1]] = 1
			out.FloatRow(i)[0] = []float32{900, 700, 500, 20, 10, 2}[id-1]
		}
		return nil
	},
})

func ExampleXQuAD() {
	fmt.Println(slate(genres, recsys.ReRank(rerank.XQuAD{Lambda: 0.7, Aspects: "genres"})))
	fmt.Println(slate(genres, recsys.ReRank(rerank.XQuAD{Lambda: 0.7, Aspects: "genres", Wanted: "taste"})))
	// Output:
	// [1 4 2 6]
	// [4 1 2 3]
}

func ExampleCalibration() {
	fmt.Println(slate(genres, recsys.ReRank(rerank.Calibration{Lambda: 0.9, Shares: "genres", Wanted: "taste"})))
	// Output: [4 1 5 2]
}

func ExampleLongTail() {
	fmt.Println(slate(genres, recsys.ReRank(rerank.LongTail{Lambda: 0.6, Popularity: "plays", Head: 100, Tail: 0.5})))
	fmt.Println(slate(genres, recsys.ReRank(rerank.LongTail{Lambda: 0.9, Popularity: "plays", Head: 100, Tail: 0.5, Smooth: true})))
	// Output:
	// [1 4 2 3]
	// [1 4 2 5]
}

func ExampleFair() {
	others := rerank.Fair{Attribute: "creator", Values: []uint64{8, 9}, Share: 0.7}
	fmt.Println(slate(recsys.ReRank(others)))
	others.Uncorrected = true
	fmt.Println(slate(recsys.ReRank(others)))
	// Output:
	// [1 2 5 6]
	// [1 5 2 6]
}

func ExampleFairTable() {
	const k, p, alpha = 12, 0.5, 0.1
	table, err := rerank.FairTable(k, p, alpha)
	if err != nil {
		fmt.Println(err)
		return
	}
	fails, err := rerank.FairFailure(table, p)
	fmt.Printf("%v fails %.3f of fair draws, %v\n", table, fails, err)

	corrected, fails, err := rerank.AdjustFairAlpha(k, p, alpha)
	if err != nil {
		fmt.Println(err)
		return
	}
	table, err = rerank.FairTable(k, p, corrected)
	fmt.Printf("%v fails %.3f, level %.4f, %v\n", table, fails, corrected, err)
	// Output:
	// [0 0 0 1 1 1 2 2 3 3 3 4] fails 0.146 of fair draws, <nil>
	// [0 0 0 0 1 1 1 2 2 3 3 3] fails 0.075, level 0.0547, <nil>
}

func ExampleInterleave() {
	fmt.Println(slate(recsys.ReRank(rerank.Interleave{
		Attribute: "creator", Slots: []rerank.Slot{{Value: 7, Share: 2}, {Value: 8, Share: 1}, {Value: 9, Share: 1}},
	})))
	// Output: [1 5 6 2]
}

func ExampleApportion() {
	votes := []float64{100_000, 80_000, 30_000, 20_000}
	fmt.Println(rerank.Apportion(votes, 8, rerank.LargestRemainder))
	fmt.Println(rerank.Apportion(votes, 8, rerank.DHondt))
	// Output:
	// [3 3 1 1] <nil>
	// [4 3 1 0] <nil>
}

func ExampleExposureParity() {
	ledger, err := rerank.NewExposureLedger("creator", map[uint64]float64{7: 2, 8: 1, 9: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	parity := recsys.ReRank(rerank.ExposureParity{Ledger: ledger, Lambda: 0.4})
	for range 3 {
		fmt.Println(slate(parity, recsys.Log(ledger)))
	}
	for _, a := range ledger.Accounts() {
		fmt.Printf("creator %d got %.1f of %.1f\n", a.Group, a.Received, a.Due)
	}
	// Output:
	// [1 2 5 6]
	// [1 5 2 6]
	// [1 5 6 2]
	// creator 7 got 4.6 of 3.8
	// creator 8 got 1.8 of 1.9
	// creator 9 got 1.4 of 1.9
}
