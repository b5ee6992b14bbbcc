package gbdt_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/calibrate"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/treetest"
)

func TestGoldenModelsSayWhatTheirHeadsAre(t *testing.T) {
	seen := map[string]int{}
	goldenModels(t, "", func(t *testing.T, c *treetest.Case, m *gbdt.Model) {
		kinds := m.HeadKinds()
		if len(kinds) != len(m.Heads()) {
			t.Fatalf("%d kinds for the heads %q", len(kinds), m.Heads())
		}
		want := map[string]recsys.HeadKind{
			"binary": recsys.HeadProbability, "multiclass": recsys.HeadProbability, "softprob": recsys.HeadProbability,
			"rank": recsys.HeadScore, "lambdarank": recsys.HeadScore, "xendcg": recsys.HeadScore,
			"poisson": recsys.HeadValue, "tweedie": recsys.HeadValue, "quantile": recsys.HeadValue, "gamma": recsys.HeadValue,
		}
		for part, kind := range want {
			if strings.Contains(c.Name, part) && !strings.Contains(c.Name, "logitraw") && kinds[0] != kind {
				t.Errorf("%s is a %q; want %q", c.Name, kinds[0], kind)
			}
		}
		seen[kinds[0]]++
	})
	if len(seen) < 3 {
		t.Errorf("kinds %v; want all three among the files", seen)
	}
}

// needsProbability is an objective for one head that is to be a probability.
type needsProbability struct{}

func (needsProbability) Heads() []string { return []string{"click"} }
func (needsProbability) HeadKinds() []recsys.HeadKind {
	return []recsys.HeadKind{recsys.HeadProbability}
}
func (needsProbability) Score(dst, heads []float32) error { copy(dst, heads); return nil }

func TestPipelineRefusesRankingLossesUntilTheyAreCalibrated(t *testing.T) {
	d := &ranking.Dataset{Columns: []string{"x"}, Heads: []string{"click"}}
	for i := range 400 {
		x, y := float32(i%20), float32(0)
		if i%20+i%7 > 14 {
			y = 1
		}
		d.Floats, d.Labels, d.Groups = append(d.Floats, x), append(d.Labels, y), append(d.Groups, uint64(i/20))
	}
	all := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(1); id <= 19 && out.Add(id, 0); id++ {
		}
		return nil
	})
	x := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "x"}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				out.FloatRow(i)[0] = float32(id)
			}
			return nil
		},
	}
	build := func(r recsys.Ranker) (*recsys.Pipeline, error) {
		return recsys.NewPipeline(recsys.Retrieve("all", all), recsys.Features(x), recsys.Rank(r, recsys.Name("trees")), recsys.Score(needsProbability{})).Build()
	}
	for _, loss := range []gbdt.Loss{gbdt.LambdaMART, gbdt.Pairwise, gbdt.XENDCG, gbdt.L2, gbdt.Poisson} {
		m, err := gbdt.Train(t.Context(), gbdt.Config{Objective: gbdt.Objective{Loss: loss}, Rounds: 5}, d)
		if err != nil {
			t.Fatal(err)
		}
		var kind *recsys.HeadKindError
		if _, err := build(m); !errors.As(err, &kind) || kind.Head != "click" || kind.Ranker != "rank/trees" {
			t.Errorf("%v: error %v; want a HeadKindError", loss, err)
		}
		heads, err := calibrate.FitHeads(calibrate.Config{}, m, d)
		if err != nil {
			t.Fatal(err)
		}
		r, err := calibrate.Wrap(m, calibrate.WrapConfig{Heads: heads})
		if err != nil {
			t.Fatal(err)
		}
		p, err := build(r)
		if err != nil {
			t.Fatalf("%v, calibrated: %v", loss, err)
		}
		res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 19})
		if err != nil || len(res.Degraded) > 0 || len(res.Items) != 19 {
			t.Fatalf("%v, calibrated: %v, %v", loss, res, err)
		}
		scores := make([]float32, len(res.Items))
		for i, item := range res.Items {
			if scores[i] = -item.Score; !(item.Score > 0 && item.Score < 1) {
				t.Errorf("%v, calibrated: score %v", loss, item.Score)
			}
		}
		if !slices.IsSorted(scores) || scores[0] == scores[18] {
			t.Errorf("%v, calibrated: scores %v", loss, scores)
		}
	}
	m, err := gbdt.Train(t.Context(), gbdt.Config{Objective: gbdt.Objective{Loss: gbdt.LogLoss}, Rounds: 5}, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build(m); err != nil {
		t.Errorf("log loss: %v", err)
	}
}
