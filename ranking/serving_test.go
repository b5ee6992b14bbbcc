package ranking_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

// What the log holds of a served slate must give, offline, the probabilities that were served: else
// training and serving see different features.
func TestLoggedRowsPredictWhatWasServed(t *testing.T) {
	data := problem(400, 4, 0.1, 71)
	m := train(t, ranking.LinearConfig{MissingIndicators: true}, data)
	store := recsys.FeatureFunc{
		Cols: []recsys.Column{
			{Name: "f2"},
			{Name: "topic", Kind: recsys.ID},
			{Name: "unused"},
			{Name: "f0"},
			{Name: "creator", Kind: recsys.ID},
			{Name: "f1"},
		},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				if id%11 == 0 {
					out.Miss(i)
					continue
				}
				x, ids := data.FloatRow(int(id)), data.IDRow(int(id))
				copy(out.FloatRow(i), []float32{x[2], 0, x[0], x[1]})
				out.ID[0][i], out.ID[1][i] = ids[1], ids[0]
			}
			return nil
		},
	}
	all := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(0); id < 200 && out.Add(id, 0); id++ {
		}
		return nil
	})
	var log []*recsys.Exposure
	p, err := recsys.NewPipeline(
		recsys.Retrieve("all", all, recsys.Quota(200)),
		recsys.Context(recsys.Column{Name: "f3"}),
		recsys.Features(store), recsys.Rank(m),
		recsys.Log(recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error {
			log = append(log, x.Clone())
			return nil
		}), recsys.LogSlate),
	).Build()
	if err != nil {
		t.Fatal(err)
	}
	for i, f3 := range []float64{-2, 0.5, math.NaN()} {
		given := map[string]any{"f3": f3}
		if math.IsNaN(f3) {
			given = nil
		}
		values, err := p.Context(given)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Recommend(t.Context(), &recsys.Request{ID: fmt.Sprint("r", i), K: 30, Context: values}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ranking.NewCollector(ranking.CollectorConfig{Columns: m.Columns(), IDColumns: m.IDColumns(), Heads: []string{"click"}})
	if err != nil {
		t.Fatal(err)
	}
	var served []float32
	for _, x := range log {
		err := c.AddJoined(recsys.Joined{Exposure: x}, func(dst []float32, _ []recsys.Feedback) error {
			dst[0] = 0
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(x.Versions) != 2 || x.Versions[1].Version != m.Version() {
			t.Errorf("versions %v; want the model's, %s", x.Versions, m.Version())
		}
		for _, row := range x.Rows[:x.Shown] {
			served = append(served, row.Heads...)
		}
	}
	d, err := c.Dataset()
	if err != nil || d.Len() != 90 {
		t.Fatalf("%v, error %v; want 90 rows", d, err)
	}
	// The sums run in the order of the columns, which differs: within rounding.
	if diff := largestDifference(predict(t, m, d), served); diff > 1e-6 {
		t.Errorf("offline and served probabilities differ by %v", diff)
	}
}
