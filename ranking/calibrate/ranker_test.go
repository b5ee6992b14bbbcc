package calibrate_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/calibrate"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

// model is a linear model with the heads click and buy over the columns x and creator.
func model(t testing.TB) (*ranking.Linear, *ranking.Dataset) {
	t.Helper()
	scores, labels := sample(600, 21, func(p float64) float64 { return p })
	d := &ranking.Dataset{Columns: []string{"x"}, IDColumns: []string{"creator"}, Heads: []string{"click", "buy"}}
	for i, s := range scores {
		d.Floats = append(d.Floats, s)
		d.IDs = append(d.IDs, uint64(i%7))
		d.Labels = append(d.Labels, labels[i], labels[(i+i%2)%len(labels)])
	}
	m, err := ranking.TrainLinear(context.Background(), ranking.LinearConfig{Epochs: 3}, d)
	if err != nil {
		t.Fatal(err)
	}
	return m, d
}

var modelColumns = []recsys.Column{{Name: "other"}, {Name: "x"}, {Name: "creator", Kind: recsys.ID}}

func wrap(t testing.TB, r recsys.Ranker, cfg calibrate.WrapConfig) *calibrate.Ranker {
	t.Helper()
	w, err := calibrate.Wrap(r, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// curved is a calibrator that changes every value.
func curved(t testing.TB) *calibrate.Calibrator {
	t.Helper()
	scores, labels := sample(2000, 22, func(p float64) float64 { return p * p })
	return fit(t, calibrate.Config{Method: calibrate.Beta}, scores, labels, nil)
}

// byItem writes a score only: the item's number.
var byItem = recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i, id := range c.IDs() {
		out.Score[i] = float32(id)
	}
	return nil
})

func TestRankerConforms(t *testing.T) {
	m, d := model(t)
	all, err := calibrate.FitHeads(calibrate.Config{LogOdds: true}, m, d)
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]calibrate.WrapConfig{
		"all heads":         {Heads: all, Score: "buy"},
		"the second head":   {Heads: calibrate.Heads{"buy": all["buy"]}},
		"twice":             {},
		"a bare score":      {},
		"isotonic, by head": {Heads: calibrate.Heads{"click": fit(t, calibrate.Config{Method: calibrate.Isotonic}, []float32{0.2, 0.5, 0.6}, []float32{0, 1, 1}, nil)}, Score: "click"},
	} {
		t.Run(name, func(t *testing.T) {
			switch name {
			case "twice":
				rankingtest.Run(t, func(t *testing.T) recsys.Ranker {
					return wrap(t, wrap(t, m, calibrate.WrapConfig{Heads: all}), calibrate.WrapConfig{Heads: all})
				}, modelColumns...)
			case "a bare score":
				rankingtest.Run(t, func(t *testing.T) recsys.Ranker {
					return wrap(t, byItem, calibrate.WrapConfig{Heads: calibrate.Heads{"relevance": fit(t, calibrate.Config{}, []float32{1, 50, 100}, []float32{0, 1, 1}, nil)}})
				})
			default:
				rankingtest.Run(t, func(t *testing.T) recsys.Ranker { return wrap(t, m, cfg) }, modelColumns...)
			}
		})
	}
}

// table has the rows of d, and bind the ranker to it.
func table(t testing.TB, d *ranking.Dataset) *recsys.Candidates {
	t.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: modelColumns})
	if err != nil {
		t.Fatal(err)
	}
	items := make([]recsys.ItemID, d.Len())
	c := recsys.NewCandidates(s, items)
	for i := range items {
		c.Row(i)[1] = d.FloatRow(i)[0]
		c.IDColumn(0)[i] = d.IDRow(i)[0]
	}
	return c
}

func rank(t testing.TB, r recsys.Ranker, c *recsys.Candidates) recsys.Scores {
	t.Helper()
	bound, err := recsys.Bind(r, c.Schema())
	if err != nil {
		t.Fatal(err)
	}
	heads := 0
	if h, ok := r.(recsys.HeadWriter); ok {
		heads = len(h.Heads())
	}
	out := recsys.NewScores(c.Len(), heads)
	if err := bound.Rank(context.Background(), nil, c, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRankerCalibratesTheChosenHeads(t *testing.T) {
	m, d := model(t)
	c := table(t, d)
	raw, cal := rank(t, m, c), curved(t)
	for _, score := range []string{"", "click", "buy"} {
		got := rank(t, wrap(t, m, calibrate.WrapConfig{Heads: calibrate.Heads{"buy": cal}, Score: score}), c)
		for i := range d.Len() {
			click, buy := raw.Heads[2*i], float32(cal.Probability(float64(raw.Heads[2*i+1])))
			want := map[string]float32{"": raw.Score[i], "click": click, "buy": buy}[score]
			if got.Heads[2*i] != click || got.Heads[2*i+1] != buy || got.Score[i] != want {
				t.Fatalf("score by %q, row %d: heads %v, score %v; want %v, %v and %v", score, i, got.Heads[2*i:2*i+2], got.Score[i], click, buy, want)
			}
		}
	}
	items := recsys.NewCandidates(nil, []recsys.ItemID{3, 1})
	scores, labels := []float32{0, 1, 2, 3}, []float32{0, 0, 1, 1}
	platt := fit(t, calibrate.Config{}, scores, labels, nil)
	got := rank(t, wrap(t, byItem, calibrate.WrapConfig{Heads: calibrate.Heads{"relevance": platt}}), items)
	if want := float32(platt.Probability(3)); got.Heads[0] != want || got.Score[0] != want {
		t.Errorf("head %v and score %v of a bare ranker; want %v for both", got.Heads[0], got.Score[0], want)
	}
}

func TestRankerAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	m, d := model(t)
	c := table(t, d)
	scores, labels := sample(1000, 23, func(p float64) float64 { return p * p })
	for _, cfg := range every {
		bound, err := wrap(t, m, calibrate.WrapConfig{Heads: calibrate.Heads{"click": fit(t, cfg, scores, labels, nil)}, Score: "click"}).Bind(c.Schema())
		if err != nil {
			t.Fatal(err)
		}
		out := recsys.NewScores(c.Len(), 2)
		ctx := context.Background()
		if n := testing.AllocsPerRun(20, func() {
			if err := bound.Rank(ctx, nil, c, out); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations", cfg, n)
		}
	}
}

func TestWrapErrors(t *testing.T) {
	m, _ := model(t)
	cal := curved(t)
	for _, c := range []struct {
		ranker recsys.Ranker
		cfg    calibrate.WrapConfig
		want   []string
	}{
		{nil, calibrate.WrapConfig{}, []string{"the ranker is nil"}},
		{m, calibrate.WrapConfig{}, []string{"WrapConfig.Heads is empty"}},
		{m, calibrate.WrapConfig{Heads: calibrate.Heads{"dwell": cal, "buy": nil}, Score: "like"}, []string{
			`does not write the head "dwell" (heads: ["click" "buy"])`, `WrapConfig.Heads["buy"] is nil`, `WrapConfig.Score is "like"; want one of the heads ["click" "buy"]`,
		}},
		{byItem, calibrate.WrapConfig{Heads: calibrate.Heads{"a": cal, "b": cal}}, []string{`does not write the head "a"`, `"b"`}},
	} {
		_, err := calibrate.Wrap(c.ranker, c.cfg)
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("error %v; want %q", err, part)
			}
		}
	}
	w := wrap(t, m, calibrate.WrapConfig{Heads: calibrate.Heads{"buy": cal}})
	if err := w.Rank(t.Context(), nil, recsys.NewCandidates(nil, make([]recsys.ItemID, 3)), recsys.NewScores(3, 1)); err == nil || !strings.Contains(err.Error(), "no room for 3 rows of 2 heads") {
		t.Errorf("error %v", err)
	}
	if err := w.Rank(t.Context(), nil, recsys.NewCandidates(nil, make([]recsys.ItemID, 3)), recsys.NewScores(3, 2)); !errors.Is(err, ranking.ErrUnbound) {
		t.Errorf("error %v; want that of the inner ranker", err)
	}
}

func TestVersionTellsModelCalibratorAndScore(t *testing.T) {
	m, _ := model(t)
	a := curved(t)
	b := fit(t, calibrate.Config{}, []float32{0, 1}, []float32{0, 1}, nil)
	seen := map[string]bool{}
	for _, cfg := range []calibrate.WrapConfig{
		{Heads: calibrate.Heads{"click": a}},
		{Heads: calibrate.Heads{"click": b}},
		{Heads: calibrate.Heads{"buy": a}},
		{Heads: calibrate.Heads{"buy": a}, Score: "buy"},
		{Heads: calibrate.Heads{"buy": a, "click": a}},
	} {
		v := wrap(t, m, cfg).Version()
		if seen[v] || !strings.HasPrefix(v, m.Version()+"+calibrators-") {
			t.Errorf("version %q comes twice, or does not begin with the model's", v)
		}
		seen[v] = true
		if inner, outer := wrap(t, m, cfg), wrap(t, wrap(t, m, cfg), cfg); !strings.HasPrefix(outer.Version(), inner.Version()+"+") {
			t.Errorf("version %q of a wrapped wrapper", outer.Version())
		}
	}
	if v := wrap(t, byItem, calibrate.WrapConfig{Heads: calibrate.Heads{"click": a}}).Version(); !strings.HasPrefix(v, "calibrators-") {
		t.Errorf("version %q around a ranker without one", v)
	}
}

// lambda is a ranker whose head only orders, with all that a wrapper must pass on.
type lambda struct {
	recsys.RankerFunc
	invalid error
	closed  *int
}

func (lambda) Heads() []string                                { return []string{"relevance"} }
func (lambda) HeadKinds() []recsys.HeadKind                   { return []recsys.HeadKind{recsys.HeadScore} }
func (l lambda) Validate() error                              { return l.invalid }
func (l lambda) Close() error                                 { *l.closed++; return nil }
func (lambda) Learn(context.Context, []recsys.Feedback) error { return errors.New("learned") }

// logitGoal needs its head to be a probability.
type logitGoal struct{}

func (logitGoal) Heads() []string              { return []string{"relevance"} }
func (logitGoal) HeadKinds() []recsys.HeadKind { return []recsys.HeadKind{recsys.HeadProbability} }
func (logitGoal) Score(dst, h []float32) error { copy(dst, h); return nil }

func TestPipelineTakesAScoreOnceItIsCalibrated(t *testing.T) {
	closed := 0
	inner := lambda{closed: &closed, RankerFunc: func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i, id := range c.IDs() {
			out.Score[i], out.Heads[i*out.Stride] = float32(id), float32(id)
		}
		return nil
	}}
	source := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(1); id <= 4 && out.Add(id, 0); id++ {
		}
		return nil
	})
	build := func(r recsys.Ranker) (*recsys.Pipeline, error) {
		return recsys.NewPipeline(recsys.Retrieve("all", source), recsys.Rank(r, recsys.Name("main")), recsys.Score(logitGoal{})).Build()
	}
	var kind *recsys.HeadKindError
	if _, err := build(inner); !errors.As(err, &kind) || kind.Head != "relevance" {
		t.Fatalf("error %v; want a HeadKindError", err)
	}
	platt := fit(t, calibrate.Config{}, []float32{1, 2, 3, 4}, []float32{0, 0, 1, 1}, nil)
	cfg := calibrate.WrapConfig{Heads: calibrate.Heads{"relevance": platt}}
	p, err := build(wrap(t, inner, cfg))
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 2})
	if err != nil || res.Items[0].ID != 4 || math.Abs(float64(res.Items[0].Score)-platt.Probability(4)) > 1e-7 {
		t.Errorf("slate %v, error %v; want item 4 with %v first", res.Items, err, platt.Probability(4))
	}
	if err := p.Learn(t.Context(), []recsys.Feedback{{}}); err == nil || !strings.Contains(err.Error(), "learned") {
		t.Errorf("error %v; want that of the inner ranker's Learn", err)
	}
	if err := p.Close(t.Context()); err != nil || closed != 1 {
		t.Errorf("error %v, closed %d times", err, closed)
	}
	inner.invalid = errors.New("rate is -1")
	if _, err := build(wrap(t, inner, cfg)); err == nil || !strings.Contains(err.Error(), "rank/main: rate is -1") {
		t.Errorf("error %v; want that of the inner ranker's Validate", err)
	}
}

func TestFitHeadsErrors(t *testing.T) {
	m, d := model(t)
	short := *d
	short.Heads, short.Labels = []string{"click"}, make([]float32, d.Len())
	none := *d
	none.Labels = make([]float32, len(d.Labels))
	for i := range none.Labels {
		none.Labels[i] = float32(math.NaN())
	}
	broken := *d
	broken.Weights = []float32{1}
	for _, c := range []struct {
		d     *ranking.Dataset
		heads []string
		want  string
	}{
		{d, []string{"dwell"}, `the model has no head "dwell" (heads: ["click" "buy"])`},
		{&short, nil, `Dataset has no head "buy"`},
		{&none, nil, `head "click": calibrate: no row with a known label`},
		{&broken, nil, "Weights"},
	} {
		if _, err := calibrate.FitHeads(calibrate.Config{}, m, c.d, c.heads...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
}
