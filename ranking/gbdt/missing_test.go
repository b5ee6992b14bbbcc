package gbdt_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// zeroCategories are vocabularies of a file's feature that have the ID 0. Categories 0 and 2 of lightgbmText go one
// way, others and what is missing the other.
func zeroCategories(t *testing.T) map[string]*gbdt.Model {
	file := lightgbmText + "\npandas_categorical:[[0, 7, 9]]\n"
	models := map[string]*gbdt.Model{
		"pandas":     read(t, file, gbdt.Options{Pandas: true}),
		"categories": read(t, lightgbmText, gbdt.Options{Categories: map[string][]uint64{"Column_1": {0, 7, 9}}}),
	}
	models["our file"] = reread(t, models["pandas"], gbdt.Options{})
	combined, err := gbdt.Combine(models["categories"], reread(t, models["pandas"], gbdt.Options{Heads: []string{"buy"}}))
	require.NoError(t, err)
	models["combined"] = combined
	return models
}

func TestAMissingRowIsNotTheCategoryWithTheIDZero(t *testing.T) {
	schema := schemaOf(t, recsys.Column{Name: "Column_0"}, recsys.Column{Name: "Column_1", Kind: recsys.ID})
	nan := math.NaN()
	for name, m := range zeroCategories(t) {
		c := recsys.NewCandidates(schema, []recsys.ItemID{1, 2, 3, 4})
		copy(c.IDColumn(0), []uint64{0, 0, 9, 7})
		c.Missing(0).Reset()
		c.Missing(0).Set(1)
		want, err := m.PredictRows(nil, []float64{nan, 0, nan, nan, nan, 2, nan, 1})
		require.NoError(t, err)
		heads := len(m.Heads())
		require.NotEqual(t, want[0], want[heads], "the file tells the two apart")
		require.Equal(t, want[0], want[2*heads])
		out := rank(t, bind(t, m, schema), c)
		for i, v := range want {
			require.Equal(t, float32(v), out.Heads[i], "%s: value %d", name, i)
		}
		// A dataset marks nothing: there the ID is all that counts.
		require.Zero(t, m.Category(1, 0))
	}
}

// In a pipeline it is the source that says so.
func TestAMissingRowOfASourceIsMissing(t *testing.T) {
	m := zeroCategories(t)["pandas"]
	items := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i := range 3 {
			out.Add(recsys.ItemID(i), 0)
		}
		return nil
	})
	source := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "Column_0"}, {Name: "Column_1", Kind: recsys.ID}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, item := range items {
				out.FloatRow(i)[0] = float32(math.NaN())
				switch item {
				case 0:
					out.ID[0][i] = 0 // known, and of this category
				case 1:
					out.Miss(i)
				case 2:
					out.ID[0][i] = 7
				}
			}
			return nil
		},
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("all", items, recsys.Quota(3)), recsys.Features(source), recsys.Rank(m)).Build()
	require.NoError(t, err)
	res, err := p.Recommend(t.Context(), &recsys.Request{ID: "1", K: 3})
	require.NoError(t, err)
	require.Empty(t, res.Degraded)
	nan := math.NaN()
	want, err := m.PredictRows(nil, []float64{nan, 0, nan, nan, nan, 1})
	require.NoError(t, err)
	require.Len(t, res.Items, 3)
	for _, item := range res.Items {
		require.Equal(t, float32(want[item.ID]), float32(item.Score), "item %d", item.ID)
	}
}

// What is trained here has seen the ID 0 for both, so that serving must not tell them apart.
func TestATrainedModelServesMissingRowsAsItLearnedThem(t *testing.T) {
	d := &ranking.Dataset{IDColumns: []string{"shop"}, Heads: []string{"watch"}}
	for i := range 400 {
		shop := uint64(i % 4)
		d.IDs, d.Labels = append(d.IDs, shop), append(d.Labels, []float32{5, 1, 2, 3}[shop])
	}
	m := train(t, gbdt.Config{Rounds: 20, MinRows: 1, MinRowsPerCategories: 1}, d)
	require.Contains(t, m.Features()[0].IDs, uint64(0))
	want, err := m.Predict(nil, &ranking.Dataset{IDColumns: d.IDColumns, IDs: []uint64{0, 1}})
	require.NoError(t, err)
	require.Greater(t, want[0], want[1]+1)
	schema := schemaOf(t, recsys.Column{Name: "shop", Kind: recsys.ID})
	c := recsys.NewCandidates(schema, []recsys.ItemID{1, 2}) // all missing
	c.IDColumn(0)[1] = 1
	c.Missing(0).Clear(1)
	require.Equal(t, want, rank(t, bind(t, m, schema), c).Heads)
}

func TestCombineTellsModelsApartThatTakeMissingRowsDifferently(t *testing.T) {
	d := &ranking.Dataset{Columns: []string{"Column_0"}, IDColumns: []string{"Column_1"}, Heads: []string{"watch"}}
	for i := range 300 {
		id := []uint64{0, 7, 9, 0, 7, 0}[i%6]
		d.Floats, d.IDs, d.Labels = append(d.Floats, float32(i%7)), append(d.IDs, id), append(d.Labels, float32(id))
	}
	trained := train(t, gbdt.Config{Rounds: 30, MinRows: 1, MinRowsPerCategories: 1, OneHotCategories: 8}, d)
	ids := trained.Features()[1].IDs
	require.Contains(t, ids, uint64(0))
	apart := read(t, lightgbmText, gbdt.Options{Categories: map[string][]uint64{"Column_1": ids}})
	_, err := gbdt.Combine(apart, trained)
	require.ErrorContains(t, err, `feature "Column_1": a missing row is the category with the ID 0 in one model, and missing in another`)
}
