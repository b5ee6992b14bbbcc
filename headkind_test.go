package recsys_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
)

// kindRanker is a ranker that says of what kinds its heads are.
type kindRanker struct {
	modelRanker
	kinds []recsys.HeadKind
}

func (r kindRanker) HeadKinds() []recsys.HeadKind { return r.kinds }

func (r kindRanker) Bind(*recsys.Schema) (recsys.Ranker, error) { return r, nil }

// kindObjective is an objective that needs kinds of heads.
type kindObjective struct {
	sumObjective
	kinds []recsys.HeadKind
}

func (o kindObjective) HeadKinds() []recsys.HeadKind { return o.kinds }

func ranksKind(kind ...recsys.HeadKind) kindRanker {
	names := []string{"click", "buy"}
	return kindRanker{modelRanker{heads: names[:len(kind)]}, kind}
}

func needsKind(kind ...recsys.HeadKind) kindObjective {
	names := []string{"click", "buy"}
	return kindObjective{names[:len(kind)], kind}
}

func TestBuildRefusesHeadsThatAreLessThanTheObjectiveNeeds(t *testing.T) {
	kinds := []recsys.HeadKind{"", recsys.HeadScore, recsys.HeadValue, recsys.HeadProbability}
	for have, h := range kinds {
		for want, n := range kinds {
			_, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Rank(ranksKind(h), recsys.Name("m")), recsys.Score(needsKind(n))).Build()
			if refused := err != nil; refused != (have > 0 && have < want) {
				t.Errorf("a head of kind %q for an objective that needs %q: error %v", h, n, err)
			}
			if err == nil {
				continue
			}
			var k *recsys.HeadKindError
			if !errors.As(err, &k) || *k != (recsys.HeadKindError{Head: "click", Ranker: "rank/m", Have: h, Want: n}) {
				t.Errorf("error %#v; want a HeadKindError", err)
			}
			for _, part := range []string{`head "click" of rank/m is a ` + h, "takes it for a", "calibrate it"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		}
	}
}

func TestBuildChecksTheKindsOfEveryRanker(t *testing.T) {
	fallback := ranksKind(recsys.HeadScore, recsys.HeadScore)
	_, err := recsys.NewPipeline(
		recsys.Retrieve("a", ranked(1)),
		recsys.Rank(ranksKind(recsys.HeadProbability, recsys.HeadScore), recsys.Name("m")),
		recsys.Rank(fallback, recsys.Name("f"), recsys.AsFallback()),
		recsys.Score(needsKind(recsys.HeadProbability, recsys.HeadValue)),
	).Build()
	for _, part := range []string{`head "buy" of rank/m`, `head "click" of rank/f`, `head "buy" of rank/f`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), `head "click" of rank/m`) {
		t.Errorf("error %v names a head that fits", err)
	}
}

func TestBuildTakesStagesThatSayNoKinds(t *testing.T) {
	for _, o := range [][]recsys.Option{
		{recsys.Rank(modelRanker{heads: []string{"click"}}), recsys.Score(needsKind(recsys.HeadProbability))},
		{recsys.Rank(ranksKind(recsys.HeadScore)), recsys.Score(sumObjective{"click"})},
		{recsys.Rank(ranksKind(recsys.HeadScore))},
	} {
		if _, err := recsys.NewPipeline(append(o, recsys.Retrieve("a", ranked(1)))...).Build(); err != nil {
			t.Error(err)
		}
	}
}

func TestBuildNamesKindsThatAreNone(t *testing.T) {
	for _, c := range []struct {
		want string
		rank kindRanker
		goal kindObjective
	}{
		{"rank/m: HeadKinds names 1 kinds for 2 heads", kindRanker{modelRanker{heads: []string{"click", "buy"}}, []string{"score"}}, needsKind("score")},
		{`rank/m: head "click": unknown kind "odds"`, ranksKind("odds"), needsKind("score")},
		{"HeadKinds names 0 kinds for 1 heads", ranksKind("score"), kindObjective{sumObjective{"click"}, nil}},
		{`score/recsys_test.kindObjective: head "click": unknown kind "odds"`, ranksKind("score"), needsKind("odds")},
	} {
		_, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Rank(c.rank, recsys.Name("m")), recsys.Score(c.goal)).Build()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
}

// owner is a ranker with all that a wrapper leaves to it.
type owner struct {
	modelRanker
	closed, learned int
}

func (o *owner) Bind(*recsys.Schema) (recsys.Ranker, error)     { return o, nil }
func (o *owner) Close() error                                   { o.closed++; return nil }
func (o *owner) Version() string                                { return "owner-1" }
func (o *owner) Learn(context.Context, []recsys.Feedback) error { o.learned++; return nil }

// wrapper passes on to a ranker; it is a pointer, so that two of them are never equal.
type wrapper struct{ recsys.Ranker }

func (w *wrapper) Unwrap() recsys.Ranker { return w.Ranker }

// endless unwraps to itself.
type endless struct{ recsys.RankerFunc }

func (e *endless) Unwrap() recsys.Ranker { return e }

func TestWrappedStageIsClosedOnceAndLearns(t *testing.T) {
	o := &owner{}
	build := func() *recsys.Pipeline {
		p, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Rank(&wrapper{&wrapper{o}}, recsys.Name("m"))).Build()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := build()
	if v := p.Versions(); v[len(v)-1] != (recsys.StageVersion{Stage: "rank/m", Version: "owner-1"}) {
		t.Errorf("versions %v; want the wrapped stage's", v)
	}
	if err := p.Learn(t.Context(), []recsys.Feedback{{}}); err != nil || o.learned != 1 {
		t.Errorf("learned %d times, error %v; want once", o.learned, err)
	}
	live := recsys.NewLive(p)
	for range 3 {
		if err := live.Swap(t.Context(), build()); err != nil {
			t.Fatal(err)
		}
	}
	if o.closed != 0 {
		t.Errorf("closed %d times while a pipeline uses it", o.closed)
	}
	if err := live.Pipeline().Close(t.Context()); err != nil || o.closed != 1 {
		t.Errorf("closed %d times, error %v; want once", o.closed, err)
	}
}

func TestStageThatUnwrapsToItselfBuilds(t *testing.T) {
	e := &endless{func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error { return nil }}
	if _, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Rank(e)).Build(); err != nil {
		t.Error(err)
	}
}

// refusing panics when it is asked what it wraps.
type refusing struct{ recsys.RankerFunc }

func (*refusing) Unwrap() recsys.Ranker { panic("nothing inside") }

func TestBuildReportsAPanicOfUnwrap(t *testing.T) {
	r := &refusing{func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error { return nil }}
	_, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Rank(r, recsys.Name("m"))).Build()
	if err == nil || !strings.Contains(err.Error(), "rank/m: panic: nothing inside") {
		t.Errorf("error %v", err)
	}
}
