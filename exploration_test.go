package recsys_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
)

// kindExplorer takes the first admissible row and says what it is told to.
type kindExplorer struct {
	kind    recsys.Exploration
	p, se   float64
	panics  bool
	replays *[]bool
}

func (e kindExplorer) Exploration() recsys.Exploration {
	if e.panics {
		panic("no answer")
	}
	return e.kind
}

func (e kindExplorer) Explore(_ context.Context, q *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	if e.replays != nil {
		*e.replays = append(*e.replays, q.Replayed())
	}
	for s.Next() {
		s.PickEstimated(s.Best(), e.p, e.se)
	}
	return s.Err()
}

// plainExplorer declares nothing.
type plainExplorer struct{ e kindExplorer }

func (e plainExplorer) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	return e.e.Explore(ctx, q, c, s)
}

func explorationPipeline(t *testing.T, opts ...recsys.Option) (*recsys.Pipeline, *[]*recsys.Exposure) {
	t.Helper()
	var records []*recsys.Exposure
	p, err := recsys.NewPipeline(append(opts,
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for i := range 5 {
				out.Add(recsys.ItemID(i), float32(-i))
			}
			return nil
		})),
		recsys.Log(recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error {
			records = append(records, x.Clone())
			return nil
		}), recsys.LogFull))...).Build()
	require.NoError(t, err)
	return p, &records
}

func TestExplorationStandsInTheRecord(t *testing.T) {
	for name, c := range map[string]struct {
		e    recsys.Explorer
		want recsys.Exploration
		se   float64
	}{
		"nothing declared":               {plainExplorer{kindExplorer{p: 0.5}}, recsys.ExplorationExact, 0},
		"nothing declared, but an error": {plainExplorer{kindExplorer{p: 0.5, se: 0.01}}, recsys.ExplorationEstimated, 0.01},
		"estimated":                      {kindExplorer{kind: recsys.ExplorationEstimated, p: 0.5, se: 0.25}, recsys.ExplorationEstimated, 0.25},
		"deterministic":                  {kindExplorer{kind: recsys.ExplorationDeterministic, p: 1}, recsys.ExplorationDeterministic, 0},
		"no explorer":                    {nil, recsys.ExplorationDeterministic, 0},
		"explorer failed":                {kindExplorer{kind: recsys.ExplorationEstimated, p: 2}, recsys.ExplorationDeterministic, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var opts []recsys.Option
			if c.e != nil {
				opts = append(opts, recsys.Explore(c.e))
			}
			p, records := explorationPipeline(t, opts...)
			res, err := p.Recommend(context.Background(), &recsys.Request{K: 3, Seed: 1})
			require.NoError(t, err)
			require.Len(t, *records, 1)
			x := (*records)[0]
			require.Equal(t, c.want, x.Exploration)
			for i, row := range x.Rows {
				if i < x.Shown {
					require.Equal(t, c.se, row.PropensityError)
					require.Equal(t, c.se, res.Items[i].PropensityError)
				} else {
					require.Zero(t, row.PropensityError)
				}
			}
			log := recsys.AppendExposure(recsys.AppendSchema(nil, x.Schema), x)
			require.Equal(t, c.want != recsys.ExplorationExact, strings.Contains(string(log), `"exploration":"`+c.want.String()+`"`))
			require.Empty(t, firstDifference(x, readLog(t, log)[0].Exposure))
			again, err := p.Replay(context.Background(), x)
			require.NoError(t, err)
			require.NoError(t, x.Diff(again))
			if x.Shown > 0 {
				x.Rows[0].PropensityError += 1e-9
				require.ErrorContains(t, x.Diff(again), "standard error")
			}
		})
	}
}

// wrapped passes everything on.
type wrapped struct{ recsys.Explorer }

func (w wrapped) Unwrap() recsys.Explorer { return w.Explorer }

func TestExplorationOfAWrapperIsThatWithin(t *testing.T) {
	p, records := explorationPipeline(t, recsys.Explore(wrapped{kindExplorer{kind: recsys.ExplorationDeterministic, p: 1}}))
	_, err := p.Recommend(context.Background(), &recsys.Request{K: 1, Seed: 1})
	require.NoError(t, err)
	require.Equal(t, recsys.ExplorationDeterministic, (*records)[0].Exploration)
}

func TestReplayTellsStages(t *testing.T) {
	var seen []bool
	p, records := explorationPipeline(t, recsys.Explore(kindExplorer{p: 1, replays: &seen}))
	for range 2 {
		_, err := p.Recommend(context.Background(), &recsys.Request{K: 1, Seed: 1})
		require.NoError(t, err)
		_, err = p.Replay(context.Background(), (*records)[0])
		require.NoError(t, err)
	}
	require.Equal(t, []bool{false, true, false, true}, seen)
}

func TestBuildRefusesExplorationsItDoesNotKnow(t *testing.T) {
	for _, e := range []kindExplorer{{kind: 3}, {panics: true}} {
		_, err := recsys.NewPipeline(recsys.Retrieve("r", &staticSource{}), recsys.Explore(e)).Build()
		require.ErrorContains(t, err, "explore/recsys_test.kindExplorer")
	}
}

func TestPickRefusesWrongStandardErrors(t *testing.T) {
	for _, se := range []float64{-1, math.NaN(), math.Inf(1)} {
		c := recsys.NewCandidates(nil, []recsys.ItemID{1, 2})
		s := c.Slate(1, []int32{0, 1})
		require.True(t, s.Next())
		s.PickEstimated(0, 0.5, se)
		require.ErrorContains(t, s.Err(), "standard error")
		require.Empty(t, s.Rows())
	}
}

// judged is an explorer that judges; wrappers of it need not.
type judged struct{ kindExplorer }

func (judged) Propensities(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, _ *recsys.Slate, _ []int32, dst []float64) error {
	for i := range dst {
		dst[i] = 0.25
	}
	return nil
}

// forgetful panics when it is asked for what it wraps, after Build.
type forgetful struct {
	recsys.Explorer
	asked *int
}

func (w forgetful) Unwrap() recsys.Explorer {
	if *w.asked++; *w.asked > 50 {
		panic("no longer")
	}
	return w.Explorer
}

func TestJudgeOfAWrapperIsTheOneWithin(t *testing.T) {
	p, records := explorationPipeline(t, recsys.Explore(wrapped{wrapped{judged{kindExplorer{p: 0.5}}}}))
	_, err := p.Recommend(context.Background(), &recsys.Request{K: 2, Seed: 1})
	require.NoError(t, err)
	dst := make([]float64, 2)
	require.NoError(t, p.Propensities(context.Background(), (*records)[0], dst))
	require.Equal(t, []float64{0.25, 0.25}, dst)

	p, records = explorationPipeline(t, recsys.Explore(wrapped{kindExplorer{p: 0.5}}))
	_, err = p.Recommend(context.Background(), &recsys.Request{K: 2, Seed: 1})
	require.NoError(t, err)
	require.ErrorContains(t, p.Propensities(context.Background(), (*records)[0], dst), "cannot judge a slate")

	asked := 0
	p, records = explorationPipeline(t, recsys.Explore(forgetful{kindExplorer{p: 0.5}, &asked}))
	_, err = p.Recommend(context.Background(), &recsys.Request{K: 2, Seed: 1})
	require.NoError(t, err)
	asked = 50
	require.ErrorContains(t, p.Propensities(context.Background(), (*records)[0], dst), "no longer")
}

func TestAbilityOfLooksWithin(t *testing.T) {
	inner := judged{kindExplorer{p: 0.5}}
	j, ok := recsys.AbilityOf[recsys.Judge](recsys.Explorer(wrapped{inner}))
	require.True(t, ok)
	require.Equal(t, inner, j)
	_, ok = recsys.AbilityOf[recsys.Learner](recsys.Explorer(wrapped{inner}))
	require.False(t, ok)
	_, ok = recsys.AbilityOf[recsys.Judge](recsys.Explorer(nil))
	require.False(t, ok)
	var loop circular
	_, ok = recsys.AbilityOf[recsys.Judge](recsys.Explorer(&loop))
	require.False(t, ok, "a stage that wraps itself")
}

type circular struct{ recsys.Explorer }

func (w *circular) Unwrap() recsys.Explorer { return w }
