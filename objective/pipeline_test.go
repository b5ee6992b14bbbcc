package objective_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/objective"
)

// heads writes click and hide, in this order, for items 1 to 3.
type heads struct{}

func (heads) Heads() []string { return []string{"hide", "click"} }

func (heads) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i, id := range c.IDs() {
		out.Score[i] = float32(id)
		out.Heads[i*out.Stride], out.Heads[i*out.Stride+1] = []float32{0.01, 0.2, 0}[id-1], []float32{0.3, 0.9, 0.2}[id-1]
	}
	return nil
}

func TestObjectiveInAPipeline(t *testing.T) {
	o := build(t, objective.Config{
		Name: "x", Version: "7",
		Terms: []objective.Term{{Head: "click", Weight: 1}, {Head: "hide", Weight: -4}},
	})
	source := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := range recsys.ItemID(3) {
			out.Add(id+1, 1)
		}
		return nil
	})
	p, err := recsys.NewPipeline(recsys.Retrieve("s", source), recsys.Rank(heads{}), recsys.Score(o)).Build()
	require.NoError(t, err)
	require.Equal(t, []recsys.StageVersion{{Stage: "score/objective.Objective", Version: o.Version()}}, p.Versions()[1:]) // behind that of the wiring
	res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 3})
	require.NoError(t, err)
	require.Empty(t, res.Degraded)
	want := map[recsys.ItemID]float64{1: 0.26, 3: 0.2, 2: 0.1}
	for i, id := range []recsys.ItemID{1, 3, 2} {
		require.Equal(t, id, res.Items[i].ID)
		require.InDelta(t, want[id], float64(res.Items[i].Score), 1e-6)
	}

	missing := build(t, objective.Config{Name: "x", Version: "7", Terms: []objective.Term{{Head: "dwell", Weight: 1}}})
	_, err = recsys.NewPipeline(recsys.Retrieve("s", source), recsys.Rank(heads{}), recsys.Score(missing)).Build()
	require.ErrorContains(t, err, `head "dwell": no ranker writes it`)
}
