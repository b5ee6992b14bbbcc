package rankingtest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

var columns = []recsys.Column{
	{Name: "age", Scope: recsys.PerRequest},
	{Name: "price"},
	{Name: "fresh", Default: new(float32)},
	{Name: "creator", Kind: recsys.ID},
	{Name: "embedding", Kind: recsys.Vector, Dim: 3},
}

// good is a correct ranker that reads columns of every kind and writes two heads.
type good struct {
	age, price, fresh, creator, embedding recsys.Field
	bound                                 bool
}

func (g good) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	var errs [5]error
	g.age, errs[0] = s.Float("age")
	g.price, errs[1] = s.Float("price")
	g.fresh, errs[2] = s.Float("fresh")
	g.creator, errs[3] = s.ID("creator")
	g.embedding, errs[4] = s.Vector("embedding")
	g.bound = true
	return g, errors.Join(errs[:]...)
}

func (good) Heads() []string { return []string{"click", "buy"} }

func (g good) score(c *recsys.Candidates, i int) (click, buy float32) {
	known := func(v float32) float32 {
		if v != v {
			return 0
		}
		return v
	}
	row := c.Row(i)
	click = known(row[g.age.Index])*known(row[g.price.Index]) + row[g.fresh.Index]
	buy = float32(c.IDColumn(g.creator.Index)[i])/50 + c.Vector(g.embedding.Index, i)[1]
	return click, buy
}

func (g good) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	if !g.bound {
		return errors.New("not bound")
	}
	for i := range c.Len() {
		a, b := g.score(c, i)
		out.Score[i] = a + b
		out.Heads[i*out.Stride], out.Heads[i*out.Stride+1] = a, b
	}
	return nil
}

// broken is good with one method replaced.
type broken struct {
	good
	bind  func(broken, *recsys.Schema) (recsys.Ranker, error)
	heads func() []string
	rank  func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error
}

func (b broken) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	if b.bind != nil {
		return b.bind(b, s)
	}
	g, err := b.good.Bind(s)
	b.good = g.(good)
	return b, err
}

func (b broken) Heads() []string {
	if b.heads != nil {
		return b.heads()
	}
	return b.good.Heads()
}

func (b broken) Rank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	if b.rank != nil {
		return b.rank(b.good, ctx, q, c, out)
	}
	return b.good.Rank(ctx, q, c, out)
}

// kinds is good with kinds of its heads: those of bound, if any, once it is bound.
type kinds struct {
	broken
	kinds, bound []string
}

func (k kinds) HeadKinds() []string { return k.kinds }

func (k kinds) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	b, err := k.broken.Bind(s)
	k.broken = b.(broken)
	if k.bound != nil {
		k.kinds = k.bound
	}
	return k, err
}

var suite = rankingtest.Suite{Columns: columns, Patience: 5 * time.Second}

func TestCorrectRankersPass(t *testing.T) {
	rankingtest.Run(t, func(*testing.T) recsys.Ranker { return good{} }, columns...)
	t.Run("with kinds of heads", func(t *testing.T) {
		rankingtest.Run(t, func(*testing.T) recsys.Ranker { return kinds{kinds: []string{recsys.HeadScore, recsys.HeadValue}} }, columns...)
	})
	t.Run("without columns and heads", func(t *testing.T) {
		rankingtest.Run(t, func(*testing.T) recsys.Ranker {
			return recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
				copy(out.Score, c.MergeScores())
				return nil
			})
		})
	})
	t.Run("slow", func(t *testing.T) {
		rankingtest.Run(t, func(*testing.T) recsys.Ranker {
			return rankingtest.Slow{Ranker: good{}, Delay: time.Microsecond}
		}, columns...)
	})
	t.Run("reads sources and heads", func(t *testing.T) {
		s := rankingtest.Suite{Sources: []string{"als"}, Heads: []string{"click"}}
		s.Run(t, func(*testing.T) recsys.Ranker {
			return recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
				for i := range out.Score {
					out.Score[i] = c.HeadRow(i)[0] / float32(1+c.SourceRank(i, 0))
				}
				return nil
			})
		})
	})
}

// wrong makes a ranker whose Rank is replaced.
func wrong(rank func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error) func() recsys.Ranker {
	return func() recsys.Ranker { return broken{rank: rank} }
}

// faults has for each case rankers that break its rule. A ranker may break others too.
var faults = []struct {
	what   string
	broken string // the case that must report it
	make   func() recsys.Ranker
}{
	{"Bind binds the receiver", "binds", func() recsys.Ranker { return &bindsItself{} }},
	{"Bind works once", "binds", func() recsys.Ranker {
		once := new(bool)
		return broken{bind: func(b broken, s *recsys.Schema) (recsys.Ranker, error) {
			if *once {
				return nil, errors.New("bound already")
			}
			*once = true
			b.bind = nil
			return b.Bind(s)
		}}
	}},
	{"Bind of another type", "binds", func() recsys.Ranker { return bindsOtherwise{} }},
	{"Bind names one column", "bind-lists-missing-columns", func() recsys.Ranker {
		return broken{bind: func(b broken, s *recsys.Schema) (recsys.Ranker, error) {
			for _, c := range columns {
				if _, ok := s.Field(c.Name); !ok {
					return nil, fmt.Errorf("no column %s", c.Name)
				}
			}
			b.bind = nil
			return b.Bind(s)
		}}
	}},
	{"Bind does not say what is missing", "bind-lists-missing-columns", func() recsys.Ranker {
		return broken{bind: func(b broken, s *recsys.Schema) (recsys.Ranker, error) {
			if len(s.Fields()) < len(columns) {
				return nil, errors.New("wrong schema")
			}
			b.bind = nil
			return b.Bind(s)
		}}
	}},
	{"doubled heads", "names-heads", func() recsys.Ranker {
		return broken{heads: func() []string { return []string{"click", "click"} }}
	}},
	{"other heads at each call", "names-heads", func() recsys.Ranker {
		var calls int
		var mu sync.Mutex
		return broken{heads: func() []string {
			mu.Lock()
			defer mu.Unlock()
			calls++
			return []string{"click", fmt.Sprint("head", calls)}
		}}
	}},
	{"one kind for two heads", "says-kinds", func() recsys.Ranker { return kinds{kinds: []string{recsys.HeadScore}} }},
	{"unknown kind", "says-kinds", func() recsys.Ranker { return kinds{kinds: []string{"", "likelihood"}} }},
	{"another kind after Bind", "says-kinds", func() recsys.Ranker {
		return kinds{kinds: []string{"", ""}, bound: []string{"", recsys.HeadValue}}
	}},
	{"a probability above 1", "says-kinds", func() recsys.Ranker { return kinds{kinds: []string{"", recsys.HeadProbability}} }},
	{"half of the rows", "scores-every-row", func() recsys.Ranker { return rankingtest.Half{Ranker: good{}} }},
	{"half of the rows, no heads", "scores-every-row", func() recsys.Ranker { return rankingtest.Half{} }},
	{"no tail of an unrolled loop", "scores-every-row", wrong(func(g good, _ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i := range c.Len() / 4 * 4 {
			a, b := g.score(c, i)
			out.Score[i], out.Heads[i*out.Stride], out.Heads[i*out.Stride+1] = a+b, a, b
		}
		return nil
	})},
	{"one head of two", "scores-every-row", wrong(func(g good, _ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i := range c.Len() {
			a, b := g.score(c, i)
			out.Score[i], out.Heads[i*out.Stride] = a+b, a
		}
		return nil
	})},
	{"takes its heads for the stride", "writes-only-its-heads", wrong(func(g good, _ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i := range c.Len() {
			a, b := g.score(c, i)
			out.Score[i], out.Heads[i*2], out.Heads[i*2+1] = a+b, a, b
		}
		return nil
	})},
	{"error on an empty table", "empty-table", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		if c.Len() == 0 {
			return errors.New("nothing to rank")
		}
		return g.Rank(ctx, q, c, out)
	})},
	{"panic on an empty table", "empty-table", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		_ = c.IDs()[0]
		return g.Rank(ctx, q, c, out)
	})},
	{"NaN for a third of the items", "complete-features", func() recsys.Ranker { return rankingtest.NaN{Ranker: good{}, Every: 3} }},
	{"NaN for all", "complete-features", func() recsys.Ranker { return rankingtest.NaN{} }},
	{"NaN in, NaN out", "missing-features", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		if err := g.Rank(ctx, q, c, out); err != nil {
			return err
		}
		for i := range c.Len() {
			out.Score[i] += 0 * c.Row(i)[g.price.Index]
		}
		return nil
	})},
	{"error for a missing value", "missing-features", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i := range c.Len() {
			if v := c.Row(i)[g.age.Index]; v != v {
				return errors.New("age is missing")
			}
		}
		return g.Rank(ctx, q, c, out)
	})},
	{"adds its place", "place-does-not-matter", func() recsys.Ranker { return rankingtest.RowOrder{Ranker: good{}} }},
	{"scales by the best of the table", "place-does-not-matter", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		if err := g.Rank(ctx, q, c, out); err != nil || c.Len() == 0 {
			return err
		}
		best := slices.Max(out.Score)
		for i := range out.Score {
			out.Score[i] /= best
		}
		return nil
	})},
	{"draws at random", "same-call-same-scores", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		err := g.Rank(ctx, q, c, out)
		for i := range out.Score {
			out.Score[i] += rand.Float32()
		}
		return err
	})},
	{"clears the table", "read-only", func() recsys.Ranker { return rankingtest.Mutating{Ranker: good{}} }},
	{"imputes in place", "read-only", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i, v := range c.Floats() {
			if v != v {
				c.Floats()[i] = 0
			}
		}
		return g.Rank(ctx, q, c, out)
	})},
	{"writes the table's scores", "read-only", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		err := g.Rank(ctx, q, c, out)
		copy(c.Scores(), out.Score)
		return err
	})},
	{"sorts the history", "read-only", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		slices.Reverse(q.History)
		return g.Rank(ctx, q, c, out)
	})},
	{"caches by table", "keeps-nothing", func() recsys.Ranker {
		var mu sync.Mutex
		cache := map[*recsys.Candidates][]float32{}
		return broken{rank: func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			mu.Lock()
			defer mu.Unlock()
			if old, ok := cache[c]; ok {
				copy(out.Score, old)
				return nil
			}
			err := g.Rank(ctx, q, c, out)
			cache[c] = slices.Clone(out.Score)
			return err
		}}
	}},
	{"writes into old scores", "keeps-nothing", func() recsys.Ranker {
		var old []float32
		var mu sync.Mutex
		return broken{rank: func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			mu.Lock()
			defer mu.Unlock()
			if len(old) > 0 {
				old[0]++
			}
			old = out.Heads
			return g.Rank(ctx, q, c, out)
		}}
	}},
	{"one call at a time", "concurrent-calls", func() recsys.Ranker {
		var mu sync.Mutex
		return broken{rank: func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			if !mu.TryLock() {
				return errors.New("busy")
			}
			defer mu.Unlock()
			letOthersRun()
			return g.Rank(ctx, q, c, out)
		}}
	}},
	{"hides the cancellation", "cancelled-context", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		if ctx.Err() != nil {
			return errors.New("gave up")
		}
		return g.Rank(ctx, q, c, out)
	})},
	{"half an answer when cancelled", "cancelled-context", wrong(func(g good, ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		if ctx.Err() != nil {
			return nil
		}
		return g.Rank(ctx, q, c, out)
	})},
	{"panics", "scores-every-row", func() recsys.Ranker { return rankingtest.Panicking{} }},
	{"fails", "scores-every-row", func() recsys.Ranker { return rankingtest.Erroring{} }},
	{"nil", "scores-every-row", func() recsys.Ranker { return nil }},
}

func letOthersRun() {
	for range 200 {
		runtime.Gosched()
	}
}

// bindsItself changes the receiver.
type bindsItself struct{ good }

func (b *bindsItself) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	g, err := b.good.Bind(s)
	b.good = g.(good)
	return b, err
}

// bindsOtherwise has a Bind that no pipeline calls.
type bindsOtherwise struct{ recsys.RankerFunc }

func (bindsOtherwise) Bind(*recsys.Schema) error { return nil }

func TestEachCaseFindsItsFaults(t *testing.T) {
	tested := map[string]bool{}
	for _, f := range faults {
		tested[f.broken] = true
		t.Run(f.what, func(t *testing.T) {
			found := suite.CheckCase(f.broken, f.make)
			if len(found) == 0 {
				t.Errorf("%s does not report it", f.broken)
			}
			for _, v := range found {
				if v.Case != f.broken || v.Rule == "" || v.Detail == "" {
					t.Errorf("violation without case, rule or detail: %v", v)
				}
			}
		})
	}
	for _, name := range rankingtest.Names() {
		if !tested[name] {
			t.Errorf("no fault shows that case %s can fail", name)
		}
	}
}

// A shared scratch is what -race is for; without it the suite finds wrong scores now and then.
func TestSharedScratchIsFound(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector reports it before the suite does")
	}
	shares := func() recsys.Ranker {
		scratch := make([]float32, 200)
		return broken{rank: func(g good, _ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			for i := range c.Len() {
				a, b := g.score(c, i)
				scratch[i] = a + b
				out.Heads[i*out.Stride], out.Heads[i*out.Stride+1] = a, b
			}
			letOthersRun()
			copy(out.Score, scratch)
			return nil
		}}
	}
	if len(suite.CheckCase("concurrent-calls", shares)) == 0 {
		t.Error("not found")
	}
}

func TestHangingRankerEndsTheSuite(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := suite
	s.Patience = 10 * time.Millisecond
	found := s.Check(func() recsys.Ranker { return rankingtest.Hanging{Release: release} })
	if len(found) != 1 || !strings.Contains(found[0].Detail, "has not returned") {
		t.Errorf("found %v; want one call that has not returned", found)
	}
}

func TestSlowRankerRunsIntoTheDeadline(t *testing.T) {
	s := suite
	s.Patience = 10 * time.Millisecond
	found := s.Check(func() recsys.Ranker { return rankingtest.Slow{Delay: time.Hour} })
	for _, v := range found {
		if !strings.Contains(v.Detail, context.DeadlineExceeded.Error()) {
			t.Errorf("%v; want the context's error", v)
		}
		if v.Case == "cancelled-context" && strings.Contains(v.Detail, "does not wrap") {
			t.Errorf("%v, though a Slow ranker wraps ctx.Err()", v)
		}
	}
	if len(found) == 0 {
		t.Error("found nothing")
	}
}

func TestSameSeedSameViolations(t *testing.T) {
	spoils := func() recsys.Ranker { return rankingtest.NaN{Ranker: good{}, Every: 3} }
	a, b := suite.Check(spoils), suite.Check(spoils)
	if !slices.Equal(a, b) {
		t.Errorf("two runs differ:\n%v\n%v", a, b)
	}
}
