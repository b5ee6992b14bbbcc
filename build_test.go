package recsys_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// named is a source of the given columns that knows nothing.
func columns(cols ...recsys.Column) recsys.FeatureSource {
	return recsys.FeatureFunc{Cols: cols, Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for i := range out.Rows {
			out.Miss(i)
		}
		return nil
	}}
}

// modelRanker wants float columns and writes heads.
type modelRanker struct {
	want  []string
	heads []string
	kind  recsys.Kind
}

func (m modelRanker) Heads() []string { return m.heads }

func (m modelRanker) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	var errs []error
	for _, name := range m.want {
		look := map[recsys.Kind]func(string) (recsys.Field, error){recsys.Float: s.Float, recsys.ID: s.ID, recsys.Vector: s.Vector}[m.kind]
		if _, err := look(name); err != nil {
			errs = append(errs, err)
		}
	}
	return m, errors.Join(errs...)
}

func (m modelRanker) Rank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		out.Score[i] = 1
		for j := range m.heads {
			out.Heads[i*out.Stride+j] = float32(j)
		}
	}
	return nil
}

// misbound has a Bind method that is not that of a Binder[Ranker].
type misbound struct{ modelRanker }

func (misbound) Bind(*recsys.Schema) (recsys.ReRanker, error) { return nil, nil }

// sumObjective adds its heads.
type sumObjective []string

func (o sumObjective) Heads() []string { return o }

func (o sumObjective) Score(dst, heads []float32) error {
	for i := range dst {
		dst[i] = 0
		for j := range o {
			dst[i] += heads[i*len(o)+j]
		}
	}
	return nil
}

// invalid fails its own validation.
type invalid struct{ recsys.ReRankerFunc }

func (invalid) Validate() error { return errors.New("Lambda is 2; want 0 to 1") }

// nilBinder binds to nothing.
type nilBinder struct{ recsys.RankerFunc }

func (nilBinder) Bind(*recsys.Schema) (recsys.Ranker, error) { return nil, nil }

// panicBinder panics while it binds.
type panicBinder struct{ recsys.RankerFunc }

func (panicBinder) Bind(*recsys.Schema) (recsys.Ranker, error) { panic("model is not loaded") }

// capOf is a constraint that binds to an ID column.
type capOf struct{ attribute string }

func (c capOf) Restrict(*recsys.Candidates, int, []int32, recsys.Bits) {}

func (c capOf) Bind(s *recsys.Schema) (recsys.Constraint, error) {
	_, err := s.ID(c.attribute)
	return c, err
}

var (
	keepOrder = recsys.ReRankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
		return order, nil
	})
	greedy = recsys.ExplorerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
		for s.Next() {
			s.Pick(s.Best(), 1)
		}
		return nil
	})
	free    = recsys.ConstraintFunc(func(*recsys.Candidates, int, []int32, recsys.Bits) {})
	discard = recsys.ExposureSinkFunc(func(context.Context, *recsys.Exposure) error { return nil })
	keepAll = recsys.FilterFunc(func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Bits) error { return nil })
)

// Each mistake of wiring is found by Build and named by stage and field.
func TestBuildNamesEveryWiringMistake(t *testing.T) {
	a := recsys.Retrieve("a", ranked(1, 2))
	price := recsys.Column{Name: "price"}
	model := modelRanker{want: []string{"price"}, heads: []string{"click"}}
	o := func(opts ...recsys.Option) []recsys.Option { return opts }
	cases := []struct {
		name string
		opts []recsys.Option
		want []string // parts of the message
	}{
		{"no retriever", o(), []string{"retrieve: no retriever"}},
		{"nil option", o(a, nil), []string{"pipeline: option is nil"}},
		{"nil retriever", o(recsys.Retrieve("a", nil)), []string{"retrieve/a: retriever is nil"}},
		{"nil func", o(recsys.Retrieve("a", recsys.RetrieverFunc(nil))), []string{"retrieve/a: retriever is nil"}},
		{"retriever without name", o(recsys.Retrieve("", ranked(1))), []string{"retrieve: a stage has the empty name"}},
		{"two retrievers of one name", o(a, a), []string{"retrieve/a: two stages have this name"}},
		{"quota 0", o(recsys.Retrieve("a", ranked(1), recsys.Quota(0))), []string{"retrieve/a: Quota is 0; want 1 to 1000000"}},
		{"quota too large", o(recsys.Retrieve("a", ranked(1), recsys.Quota(2_000_000))), []string{"retrieve/a: Quota is 2000000"}},
		{"weight negative", o(recsys.Retrieve("a", ranked(1), recsys.Weight(-1))), []string{"retrieve/a: Weight is -1"}},
		{"weight NaN", o(recsys.Retrieve("a", ranked(1), recsys.Weight(math.NaN()))), []string{"retrieve/a: Weight is NaN"}},
		{"weight with round robin", o(recsys.Retrieve("a", ranked(1), recsys.Weight(2)), recsys.MergeBy(recsys.RoundRobin)), []string{"retrieve/a: Weight has no meaning with RoundRobin"}},
		{"remote without budget", o(recsys.Retrieve("a", ranked(1), recsys.Remote(0))), []string{"retrieve/a: Remote budget is 0s"}},
		{"in flight in process", o(recsys.Retrieve("a", ranked(1), recsys.InFlight(3))), []string{"retrieve/a: InFlight without Remote"}},
		{"in flight 0", o(recsys.Retrieve("a", ranked(1), recsys.Remote(time.Second), recsys.InFlight(0))), []string{"retrieve/a: InFlight is 0"}},
		{"all fallbacks", o(recsys.Retrieve("a", ranked(1), recsys.AsFallback())), []string{"retrieve: all retrievers are fallbacks"}},
		{"required and optional", o(recsys.Retrieve("a", ranked(1), recsys.Required(), recsys.Optional())), []string{"retrieve/a: both Required and Optional"}},
		{"log level on a retriever", o(recsys.Retrieve("a", ranked(1), recsys.LogFull)), []string{"retrieve/a: a log level has no meaning here"}},
		{"relax on a retriever", o(recsys.Retrieve("a", ranked(1), recsys.Relax())), []string{"retrieve/a: Relax has no meaning here"}},
		{"unknown merge", o(a, recsys.MergeBy(99)), []string{"merge: unknown method 99"}},
		{"cap 0", o(a, recsys.MaxCandidates(0)), []string{"merge: MaxCandidates is 0"}},
		{"nil source", o(a, recsys.Features(nil)), []string{"featuresource is nil"}},
		{"source without columns", o(a, recsys.Features(columns(), recsys.Name("store"))), []string{"features/store: declares no columns"}},
		{"column without name", o(a, recsys.Features(columns(recsys.Column{}), recsys.Name("store"))), []string{"features/store: column has no name"}},
		{"column twice in a source", o(a, recsys.Features(columns(price, price), recsys.Name("store"))), []string{`features/store: feature "price": written twice`}},
		{"column of two sources", o(a, recsys.Features(columns(price), recsys.Name("x")), recsys.Features(columns(price), recsys.Name("y"))), []string{`features/y: feature "price": written twice, by "features/x" and by "features/y"`}},
		{"column of context and source", o(a, recsys.Context(price), recsys.Features(columns(price), recsys.Name("y"))), []string{`features/y: feature "price": written twice, by "context"`}},
		{"unknown kind", o(a, recsys.Features(columns(recsys.Column{Name: "x", Kind: 9}), recsys.Name("s"))), []string{`features/s: column "x": unknown kind 9`}},
		{"unknown scope", o(a, recsys.Features(columns(recsys.Column{Name: "x", Scope: 9}), recsys.Name("s"))), []string{`features/s: column "x": unknown scope 9`}},
		{"vector without dimension", o(a, recsys.Features(columns(recsys.Column{Name: "x", Kind: recsys.Vector}), recsys.Name("s"))), []string{`features/s: column "x": vector of dimension 0`}},
		{"float with dimension", o(a, recsys.Features(columns(recsys.Column{Name: "x", Dim: 3}), recsys.Name("s"))), []string{`features/s: column "x": Dim is 3`}},
		{"negative age", o(a, recsys.Features(columns(recsys.Column{Name: "x", MaxAge: -1}), recsys.Name("s"))), []string{`features/s: column "x": MaxAge is -1ns`}},
		{"default of an ID", o(a, recsys.Features(columns(recsys.Column{Name: "x", Kind: recsys.ID, Default: new(float32)}), recsys.Name("s"))), []string{`features/s: column "x": Default on a column of kind id`}},
		{"fallback features", o(a, recsys.Features(columns(price), recsys.Name("s"), recsys.AsFallback())), []string{"features/s: AsFallback has no meaning here"}},
		{"invalid context column", o(a, recsys.Context(recsys.Column{Name: "v", Kind: recsys.Vector})), []string{`context: column "v": vector of dimension 0`}},
		{"nil filter", o(a, recsys.FilterBy(nil)), []string{"filter is nil"}},
		{"remote filter", o(a, recsys.FilterBy(keepAll, recsys.Name("f"), recsys.Remote(time.Second))), []string{"filter/f: Remote has no meaning here"}},
		{"nil ranker", o(a, recsys.Rank(nil)), []string{"ranker is nil"}},
		{"feature that nobody writes", o(a, recsys.Features(columns(recsys.Column{Name: "prize"})), recsys.Rank(model, recsys.Name("m"))), []string{`rank/m: feature "price": no source writes it (float columns: prize)`}},
		{"feature of another kind", o(a, recsys.Features(columns(price), recsys.Name("s")), recsys.Rank(modelRanker{want: []string{"price"}, kind: recsys.ID}, recsys.Name("m"))), []string{`rank/m: feature "price": source "features/s" writes it as float, want id`}},
		{"bind of another type", o(a, recsys.Rank(misbound{}, recsys.Name("m"))), []string{"rank/m: method Bind of recsys_test.misbound", "want func(*recsys.Schema) (recsys.Ranker, error)"}},
		{"bind to nil", o(a, recsys.Rank(nilBinder{}, recsys.Name("m"))), []string{"rank/m: recsys_test.nilBinder.Bind returned nil"}},
		{"bind panics", o(a, recsys.Rank(panicBinder{}, recsys.Name("m"))), []string{"rank/m: panic: model is not loaded"}},
		{"head of two rankers", o(a, recsys.Rank(modelRanker{heads: []string{"click"}}, recsys.Name("x")), recsys.Rank(modelRanker{heads: []string{"click"}}, recsys.Name("y"))), []string{`rank/y: head "click": written twice, by "rank/x" and by "rank/y"`}},
		{"head without name", o(a, recsys.Rank(modelRanker{heads: []string{""}}, recsys.Name("x"))), []string{"rank/x: head has no name"}},
		{"fallback ranker first", o(a, recsys.Rank(modelRanker{}, recsys.Name("x"), recsys.AsFallback())), []string{"rank/x: AsFallback: there is no ranker before it"}},
		{"fallback ranker of other heads", o(a, recsys.Rank(modelRanker{heads: []string{"click"}}), recsys.Rank(modelRanker{heads: []string{"buy"}}, recsys.Name("y"), recsys.AsFallback())), []string{"rank/y: AsFallback: writes the heads buy; the ranker before it writes click"}},
		{"objective without ranker", o(a, recsys.Score(sumObjective{"click"}, recsys.Name("o"))), []string{"score/o: an objective needs a ranker"}},
		{"objective of an unknown head", o(a, recsys.Rank(modelRanker{heads: []string{"click"}}), recsys.Score(sumObjective{"clik"}, recsys.Name("o"))), []string{`score/o: head "clik": no ranker writes it (have click)`}},
		{"objective names a head twice", o(a, recsys.Rank(modelRanker{heads: []string{"click"}}), recsys.Score(sumObjective{"click", "click"}, recsys.Name("o"))), []string{`score/o: head "click": named twice`}},
		{"objective without heads", o(a, recsys.Rank(modelRanker{heads: []string{"click"}}), recsys.Score(sumObjective{}, recsys.Name("o"))), []string{"score/o: names no heads"}},
		{"two objectives", o(a, recsys.Rank(modelRanker{heads: []string{"click"}}), recsys.Score(sumObjective{"click"}), recsys.Score(sumObjective{"click"}, recsys.Name("o"))), []string{"score/o: a pipeline has one objective"}},
		{"invalid re-ranker", o(a, recsys.ReRank(invalid{keepOrder}, recsys.Name("mmr"))), []string{"rerank/mmr: Lambda is 2; want 0 to 1"}},
		{"remote re-ranker", o(a, recsys.ReRank(keepOrder, recsys.Name("mmr"), recsys.Remote(time.Second))), []string{"rerank/mmr: Remote has no meaning here"}},
		{"constraint on an unknown attribute", o(a, recsys.Constrain(capOf{"creator"}, recsys.Name("cap"))), []string{`constrain/cap: feature "creator": no source writes it`}},
		{"nil constraint", o(a, recsys.Constrain(nil)), []string{"constraint is nil"}},
		{"required constraint", o(a, recsys.Constrain(free, recsys.Name("c"), recsys.Required())), []string{"constrain/c: Required has no meaning here"}},
		{"two explorers", o(a, recsys.Explore(greedy), recsys.Explore(greedy, recsys.Name("e"))), []string{"explore/e: a pipeline has one explorer"}},
		{"depth 0", o(a, recsys.Explore(greedy), recsys.Depth(0)), []string{"explore: Depth is 0"}},
		{"depth without explorer", o(a, recsys.Depth(10)), []string{"explore: Depth is set, but there is no explorer"}},
		{"nil sink", o(a, recsys.Log(nil)), []string{"exposuresink is nil"}},
		{"negative sample", o(a, recsys.Log(discard, recsys.Name("l"), recsys.Sample(-1))), []string{"log/l: Sample is -1"}},
		{"sample of a full record", o(a, recsys.Log(discard, recsys.Name("l"), recsys.LogFull, recsys.Sample(3))), []string{"log/l: Sample with LogFull"}},
		{"nil observer", o(a, recsys.Observe(nil)), []string{"observe/1: observer is nil"}},
		{"nil clock", o(a, recsys.Clock(nil)), []string{"clock: function is nil"}},
		{"budget 0", o(a, recsys.Budget(0)), []string{"pipeline: Budget is 0s"}},
		{
			"budgets that do not fit",
			o(recsys.Budget(40*time.Millisecond),
				recsys.Retrieve("a", ranked(1), recsys.Remote(20*time.Millisecond)), recsys.Retrieve("b", ranked(1), recsys.Remote(30*time.Millisecond)),
				recsys.Features(columns(price), recsys.Remote(5*time.Millisecond)), recsys.Rank(modelRanker{}, recsys.Remote(6*time.Millisecond))),
			[]string{"pipeline: remote stages may take 41ms", "retrieval 30ms", "Budget is 40ms"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := recsys.NewPipeline(c.opts...).Build()
			if err == nil {
				t.Fatal("Build found nothing wrong")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("Build: %v\nwant a part %q", err, part)
				}
			}
			var stage *recsys.StageError
			if !errors.As(err, &stage) || stage.Stage == "" {
				t.Errorf("Build: %v holds no StageError with a stage", err)
			}
		})
	}
	if len(cases) < 30 {
		t.Errorf("only %d mistakes", len(cases))
	}
}

func TestBuildReportsAllMistakesAtOnce(t *testing.T) {
	_, err := recsys.NewPipeline(
		recsys.Retrieve("a", ranked(1), recsys.Quota(0), recsys.Weight(-1)),
		recsys.Rank(modelRanker{want: []string{"x", "y"}}, recsys.Name("m")),
	).Build()
	for _, part := range []string{"Quota is 0", "Weight is -1", `rank/m: feature "x"`, `rank/m: feature "y"`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Build: %v\nwant a part %q", err, part)
		}
	}
}

// manyErrors wraps the given errors, which need not be what it says.
type manyErrors []error

func (m manyErrors) Error() string   { return "many" }
func (m manyErrors) Unwrap() []error { return m }

// brokenRanker fails to bind with an error of its own kind.
type brokenRanker struct {
	modelRanker
	err error
}

func (b brokenRanker) Bind(*recsys.Schema) (recsys.Ranker, error) { return nil, b.err }

// An error that wraps none, or nil ones, is an error like any other.
func TestBuildTakesErrorsThatWrapNothing(t *testing.T) {
	for _, wrong := range []manyErrors{{}, {nil}, {nil, errors.New("many")}} {
		_, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Rank(brokenRanker{err: wrong}, recsys.Name("m"))).Build()
		if err == nil || !strings.Contains(err.Error(), "rank/m: many") {
			t.Errorf("%d errors: Build: %v", len(wrong), err)
		}
	}
}

func TestBudgetsOfConcurrentStagesCountOnce(t *testing.T) {
	_, err := recsys.NewPipeline(
		recsys.Budget(30*time.Millisecond),
		recsys.Retrieve("a", ranked(1), recsys.Remote(20*time.Millisecond)),
		recsys.Retrieve("b", ranked(1), recsys.Remote(30*time.Millisecond)),
	).Build()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBuilderBuildsAgain(t *testing.T) {
	b := recsys.NewPipeline(recsys.Retrieve("a", ranked(1, 2)))
	for range 2 {
		if _, err := b.Build(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.With(recsys.ReRank(keepOrder)).Build(); err != nil {
		t.Fatal(err)
	}
}

// calling asks another machine, or says so.
type calling struct {
	recsys.FeatureSource
	calls bool
}

func (c calling) CallsRemote() bool { return c.calls }

// wrapping is a source that works through another.
type wrapping struct{ recsys.FeatureSource }

func (w wrapping) Unwrap() recsys.FeatureSource { return w.FeatureSource }

func TestBuildWantsABudgetForStagesThatAskOtherMachines(t *testing.T) {
	price := columns(recsys.Column{Name: "price"})
	far := calling{price, true}
	for name, c := range map[string]struct {
		option recsys.Option
		want   string
	}{
		"unmarked":                {recsys.Features(far, recsys.Name("store")), "features/store: asks another machine; mark it Remote(budget)"},
		"in a wrapper":            {recsys.Features(wrapping{far}, recsys.Name("store")), "features/store: asks another machine; mark it Remote(budget)"},
		"marked":                  {recsys.Features(far, recsys.Remote(time.Second)), ""},
		"in a wrapper, marked":    {recsys.Features(wrapping{far}, recsys.Remote(time.Second)), ""},
		"says that it calls none": {recsys.Features(calling{price, false}), ""},
		"in one that never waits": {recsys.Features(calling{wrapping{far}, false}), ""},
		"a retriever":             {recsys.Retrieve("b", callingRetriever{ranked(2)}), "retrieve/b: asks another machine"},
		"a ranker that panics":    {recsys.Rank(panicCaller{}, recsys.Name("m")), "rank/m: "},
	} {
		_, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), c.option).Build()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: Build: %v\nwant %q", name, err, c.want)
		}
	}
}

type callingRetriever struct{ recsys.Retriever }

func (callingRetriever) CallsRemote() bool { return true }

type panicCaller struct{ recsys.RankerFunc }

func (panicCaller) CallsRemote() bool { panic("not connected") }
