package objective_test

import (
	"context"
	"fmt"
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

var _ recsys.HeadKinder = (*objective.Objective)(nil)

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

// relevance writes a head that only orders, as a model does that was trained on lists.
type relevance struct{ heads }

func (relevance) HeadKinds() []recsys.HeadKind { return []recsys.HeadKind{"probability", "score"} } // hide, click

func TestPipelineRefusesScoresForProbabilities(t *testing.T) {
	click, hide := objective.Term{Head: "click", Weight: 1}, objective.Term{Head: "hide", Weight: -4}
	logit, log1p, declared, allowed, ignored := click, click, click, click, click
	logit.Transform, log1p.Transform = objective.Logit, objective.Log1p
	declared.Kind, allowed.Kind = objective.Probability, objective.Score
	ignored.Weight = 0
	for name, c := range map[string]struct {
		form  objective.Form
		terms []objective.Term
		want  string // what the head is taken for; empty: Build goes through
	}{
		"alone":                {"", []objective.Term{click}, ""},
		"beside another":       {"", []objective.Term{click, hide}, "value"},
		"beside an ignored":    {"", []objective.Term{click, {Head: "hide"}}, ""},
		"ignored":              {"", []objective.Term{ignored, hide}, ""},
		"log odds":             {"", []objective.Term{logit}, "probability"},
		"log of an amount":     {"", []objective.Term{log1p}, "value"},
		"product":              {objective.Product, []objective.Term{click}, "value"},
		"declared probability": {"", []objective.Term{declared}, "probability"},
		"declared score":       {"", []objective.Term{allowed, hide}, ""},
	} {
		o := build(t, objective.Config{Name: "x", Version: "7", Form: c.form, Terms: c.terms})
		source := recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return nil })
		_, err := recsys.NewPipeline(recsys.Retrieve("s", source), recsys.Rank(relevance{}, recsys.Name("lambda")), recsys.Score(o)).Build()
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		var k *recsys.HeadKindError
		require.ErrorAs(t, err, &k, name)
		require.Equal(t, recsys.HeadKindError{Head: "click", Ranker: "rank/lambda", Have: "score", Want: c.want}, *k, name)
	}
}

func TestKindIsReadCheckedAndPartOfTheVersion(t *testing.T) {
	text := `{"name": "x", "version": "1", "terms": [{"head": "click", "weight": 1%s}]}`
	plain, err := objective.Parse("f", []byte(fmt.Sprintf(text, "")))
	require.NoError(t, err)
	named, err := objective.Parse("f", []byte(fmt.Sprintf(text, `, "kind": "probability"`)))
	require.NoError(t, err)
	require.Equal(t, []string{"score"}, plain.HeadKinds())
	require.Equal(t, []string{"probability"}, named.HeadKinds())
	require.NotEqual(t, plain.Version(), named.Version())
	_, err = objective.Parse("f", []byte(fmt.Sprintf(text, `, "kind": "odds"`)))
	require.ErrorContains(t, err, `terms[0] (head "click"): kind is "odds"; want "score", "value" or "probability"`)
}
