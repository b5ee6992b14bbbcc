package recsys_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
)

// cloneExposure copies a record as a sink must, since it may not keep it.
func cloneExposure(x *recsys.Exposure) *recsys.Exposure {
	y := *x
	y.Items, y.History, y.Exclude = slices.Clone(x.Items), slices.Clone(x.History), slices.Clone(x.Exclude)
	y.Allow, y.Arms = slices.Clone(x.Allow), slices.Clone(x.Arms)
	y.Floats, y.IDs, y.Missing, y.Stale = slices.Clone(x.Floats), slices.Clone(x.IDs), slices.Clone(x.Missing), slices.Clone(x.Stale)
	y.Degraded = slices.Clone(x.Degraded)
	vectors := func(v [][]float32) [][]float32 {
		v = slices.Clone(v)
		for i := range v {
			v[i] = slices.Clone(v[i])
		}
		return v
	}
	y.Vectors = vectors(x.Vectors)
	y.Rows = slices.Clone(x.Rows)
	for i := range y.Rows {
		r := &y.Rows[i]
		r.Heads, r.Floats, r.IDs, r.Ranks, r.Recall = slices.Clone(r.Heads), slices.Clone(r.Floats), slices.Clone(r.IDs), slices.Clone(r.Ranks), slices.Clone(r.Recall)
		r.Vectors = vectors(r.Vectors)
	}
	return &y
}

// memory keeps records.
type memory struct{ records []*recsys.Exposure }

func (m *memory) LogExposure(_ context.Context, x *recsys.Exposure) error {
	m.records = append(m.records, cloneExposure(x))
	return nil
}

// uniform explores by drawing among the admissible rows of the window.
type uniform struct{}

func (uniform) Explore(_ context.Context, q *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	r := q.Rand()
	for s.Next() {
		n := s.Admissible().Count()
		row := s.Admissible().Next(0)
		for range r.Uint64() % uint64(n) {
			row = s.Admissible().Next(row + 1)
		}
		s.Pick(int32(row), 1/float64(n))
	}
	return nil
}

func (uniform) Propensities(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	for i, row := range slate {
		if !s.Next() || !s.Admissible().Has(int(row)) {
			break
		}
		dst[i] = 1 / float64(s.Admissible().Count())
		s.Pick(row, dst[i])
	}
	return nil
}

// flaky fails by the request's seed, as no replay could know.
func flaky(n uint64, q *recsys.Query) error {
	if q.Seed%n == 0 {
		return errors.New("flaky")
	}
	return nil
}

type chaos struct{ t *testing.T }

// pipeline is a funnel with everything in it; each stage fails now and then unless calm.
func (c chaos) pipeline(calm bool, opts ...recsys.Option) *recsys.Pipeline {
	fail := func(n uint64, q *recsys.Query) error {
		if calm {
			return nil
		}
		return flaky(n, q)
	}
	source := func(n uint64) recsys.Retriever {
		return recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
			r := q.Rand()
			for range 30 {
				out.Add(recsys.ItemID(r.Uint64()%80), float32(r.Uint64()%1000))
			}
			return fail(n, q)
		})
	}
	store := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "x"}, {Name: "y"}, {Name: "maker", Kind: recsys.ID}, {Name: "v", Kind: recsys.Vector, Dim: 3}, {Name: "u", Scope: recsys.PerRequest}, {Name: "uv", Kind: recsys.Vector, Dim: 2, Scope: recsys.PerRequest}},
		Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			r := q.Rand()
			for i := range out.Rows {
				switch {
				case r.Uint64()%9 == 0:
					out.Miss(i)
					continue
				case r.Uint64()%9 == 0:
					out.Stale.Set(i)
				}
				for j := range out.FloatRow(i) {
					out.FloatRow(i)[j] = float32(r.Uint64()%1000) / 7
				}
				for j := range out.ID {
					out.ID[j][i] = uint64(items[i] % 7)
				}
				for j := range out.Vector {
					out.VectorAt(j, i)[0] = float32(r.Uint64()%10) / 3
				}
			}
			return fail(11, q)
		},
	}
	filter := recsys.FilterFunc(func(_ context.Context, q *recsys.Query, cand *recsys.Candidates, keep recsys.Bits) error {
		for i, id := range cand.IDs() {
			if id%5 == 0 {
				keep.Clear(i)
			}
		}
		return fail(7, q)
	})
	model := func(n uint64, head string) recsys.Ranker { return &chaosRanker{n, head, fail} }
	byVector := recsys.ReRankerFunc(func(_ context.Context, q *recsys.Query, cand *recsys.Candidates, order []int32) ([]int32, error) {
		slices.SortStableFunc(order, func(a, b int32) int { return int(100 * (cand.Vector(0, int(b))[0] - cand.Vector(0, int(a))[0])) })
		for i, row := range order {
			cand.Utility()[row] = float32(len(order) - i)
		}
		return order, fail(5, q)
	})
	maker := recsys.ConstraintFunc(func(cand *recsys.Candidates, _ int, slate []int32, ok recsys.Bits) {
		if len(slate) == 0 {
			return
		}
		col := cand.IDColumn(0)
		for i := range cand.Len() {
			if col[i] == col[slate[len(slate)-1]] {
				ok.Clear(i)
			}
		}
	})
	explorer := recsys.Explorer(uniform{})
	if !calm {
		explorer = recsys.ExplorerFunc(func(ctx context.Context, q *recsys.Query, cand *recsys.Candidates, s *recsys.Slate) error {
			if err := fail(6, q); err != nil {
				return err
			}
			return uniform{}.Explore(ctx, q, cand, s)
		})
	}
	return build(c.t, append(opts,
		recsys.Retrieve("a", source(8)), recsys.Retrieve("b", source(9)), recsys.Retrieve("spare", source(1<<40), recsys.AsFallback()),
		recsys.Features(store, recsys.Name("store")), recsys.FilterBy(filter, recsys.Name("f"), recsys.Optional()),
		recsys.Rank(model(3, "click"), recsys.Name("click")), recsys.Rank(model(1<<40, "click"), recsys.Name("click2"), recsys.AsFallback()), recsys.Rank(model(4, "buy"), recsys.Name("buy")),
		recsys.Score(sumObjective{"buy", "click"}, recsys.Name("sum")), recsys.ReRank(byVector, recsys.Name("v")),
		recsys.Constrain(hereditary{capMod(50, 1)}, recsys.Name("cap")), recsys.Constrain(maker, recsys.Name("maker"), recsys.Relax()),
		recsys.Explore(explorer, recsys.Name("uniform")), recsys.Depth(12),
	)...)
}

type chaosRanker struct {
	n    uint64
	head string
	fail func(uint64, *recsys.Query) error
}

func (r *chaosRanker) Heads() []string { return []string{r.head} }

func (r *chaosRanker) Rank(_ context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	rng := q.Rand()
	for i := range out.Score {
		x := c.Row(i)[1] + float32(len(r.head))*c.Row(i)[2] + float32(rng.Uint64()%100)
		out.Score[i], out.Heads[i*out.Stride] = x, x/2
	}
	return r.fail(r.n, q)
}

func TestReplayGivesTheSameSlateToTheBit(t *testing.T) {
	log := &memory{}
	p := chaos{t}.pipeline(false, recsys.Log(log, recsys.LogFull))
	r := rand.New(rand.NewPCG(1, 2))
	for range 600 {
		req := &recsys.Request{
			K: 1 + r.IntN(12), User: recsys.UserID(r.Uint64()), Surface: "home", Seed: 1 + r.Uint64N(5000), Now: time.Unix(r.Int64N(1e9), r.Int64N(1e9)),
			History: []recsys.Event{{Item: 3, Kind: recsys.Click, Value: 2, Time: time.Unix(5, 6)}}, Exclude: ids{1, 2}, Arms: []string{"b"},
		}
		recommend(t, p, req)
	}
	require.Len(t, log.records, 600)
	degraded := map[string]int{}
	for _, x := range log.records {
		res, err := p.Replay(t.Context(), x)
		require.NoError(t, err)
		require.NoError(t, x.Diff(res))
		for _, d := range x.Degraded {
			degraded[d.Stage]++
		}
		_, _, err = res.WhyNot(res.Items[0].ID)
		require.NoError(t, err, "a replay explains itself")
	}
	for _, stage := range []string{"retrieve/a", "retrieve/spare", "features/store", "filter/f", "rank/click", "rank/click2", "rank/buy", "score/sum", "rerank/v", "rank", "explore/uniform", "constrain/maker"} {
		if stage != "rank" {
			require.Positive(t, degraded[stage], "no record in which %s degraded: the test proves too little", stage)
		}
	}
	require.Len(t, log.records, 600, "a replay logs nothing")
}

func TestReplayOfADifferentRecordIsNoticed(t *testing.T) {
	log := &memory{}
	p := chaos{t}.pipeline(true, recsys.Log(log, recsys.LogFull))
	recommend(t, p, &recsys.Request{K: 5, Seed: 77})
	x := log.records[0]
	for name, spoil := range map[string]func(x *recsys.Exposure){
		"feature":    func(x *recsys.Exposure) { x.Rows[0].Floats[1] -= 5000 },
		"seed":       func(x *recsys.Exposure) { x.Seed++ },
		"propensity": func(x *recsys.Exposure) { x.Rows[1].Propensity = math.Nextafter(x.Rows[1].Propensity, 1) },
		"score":      func(x *recsys.Exposure) { x.Rows[0].Score = math.Nextafter32(x.Rows[0].Score, 0) },
		"degraded": func(x *recsys.Exposure) {
			x.Degraded = append(x.Degraded, recsys.Degradation{Stage: "rank/click", Reason: recsys.ReasonError, Err: errors.New("x")})
		},
	} {
		y := cloneExposure(x)
		spoil(y)
		res, err := p.Replay(t.Context(), y)
		require.NoError(t, err, name)
		require.Error(t, y.Diff(res), name)
	}
}

func TestReplayRefusesPartialAndForeignRecords(t *testing.T) {
	log, slates := &memory{}, &memory{}
	p := chaos{t}.pipeline(true, recsys.Log(log, recsys.Name("full"), recsys.LogFull), recsys.Log(slates, recsys.Name("slate"), recsys.Sample(4)))
	recommend(t, p, &recsys.Request{K: 5, Seed: 77})
	for name, c := range map[string]struct {
		want  error
		spoil func(x *recsys.Exposure) *recsys.Exposure
	}{
		"slate record":   {recsys.ErrPartialRecord, func(*recsys.Exposure) *recsys.Exposure { return slates.records[0] }},
		"row lost":       {recsys.ErrPartialRecord, func(x *recsys.Exposure) *recsys.Exposure { x.Rows = x.Rows[:len(x.Rows)-1]; return x }},
		"row doubled":    {recsys.ErrPartialRecord, func(x *recsys.Exposure) *recsys.Exposure { x.Rows[0].Row = x.Rows[1].Row; return x }},
		"row out":        {recsys.ErrPartialRecord, func(x *recsys.Exposure) *recsys.Exposure { x.Rows[0].Row = -1; return x }},
		"floats cut":     {recsys.ErrPartialRecord, func(x *recsys.Exposure) *recsys.Exposure { x.Rows[2].Floats = x.Rows[2].Floats[:1]; return x }},
		"vector cut":     {recsys.ErrPartialRecord, func(x *recsys.Exposure) *recsys.Exposure { x.Rows[2].Vectors[0] = nil; return x }},
		"ranks cut":      {recsys.ErrPartialRecord, func(x *recsys.Exposure) *recsys.Exposure { x.Rows[2].Ranks = nil; return x }},
		"request cut":    {recsys.ErrPartialRecord, func(x *recsys.Exposure) *recsys.Exposure { x.Vectors = nil; return x }},
		"shown too many": {recsys.ErrPartialRecord, func(x *recsys.Exposure) *recsys.Exposure { x.Shown = 1000; return x }},
		"no schema":      {recsys.ErrVersionMismatch, func(x *recsys.Exposure) *recsys.Exposure { x.Schema = nil; return x }},
		"other version":  {recsys.ErrVersionMismatch, func(x *recsys.Exposure) *recsys.Exposure { x.Pipeline = "v2"; return x }},
		"other model": {recsys.ErrVersionMismatch, func(x *recsys.Exposure) *recsys.Exposure {
			x.Versions = []recsys.StageVersion{{Stage: "rank/click", Version: "2"}}
			return x
		}},
	} {
		_, err := p.Replay(t.Context(), c.spoil(cloneExposure(log.records[0])))
		require.ErrorIs(t, err, c.want, name)
	}
	other := build(t, recsys.Retrieve("a", ranked(1)))
	_, err := other.Replay(t.Context(), log.records[0])
	require.ErrorIs(t, err, recsys.ErrVersionMismatch)
}

func TestPropensitiesOfOwnLogAreTheLoggedOnes(t *testing.T) {
	log := &memory{}
	p := chaos{t}.pipeline(true, recsys.Log(log, recsys.LogFull))
	for seed := range uint64(200) {
		recommend(t, p, &recsys.Request{K: 6, Seed: seed + 1})
	}
	dst := make([]float64, 6)
	for _, x := range log.records {
		dst = dst[:x.Shown]
		require.NoError(t, p.Propensities(t.Context(), x, dst))
		for i := range dst {
			require.Equal(t, x.Rows[i].Propensity, dst[i])
		}
	}
	x := log.records[0]
	greedyTwin := build(t, recsys.Retrieve("a", ranked(1)), recsys.Retrieve("b", ranked(1)), recsys.Retrieve("spare", ranked(1), recsys.AsFallback()))
	require.ErrorIs(t, greedyTwin.Propensities(t.Context(), x, dst[:x.Shown]), recsys.ErrVersionMismatch, "it has other columns")
	require.ErrorContains(t, p.Propensities(t.Context(), x, make([]float64, 1)), "dst has 1 places")
}

func TestGreedyPipelineJudgesASlate(t *testing.T) {
	log := &memory{}
	p := build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4)), recsys.Explore(uniform{}), recsys.Log(log, recsys.LogFull))
	target := build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4)))
	dst := make([]float64, 2)
	seen := map[string]bool{}
	for seed := range uint64(60) {
		res := recommend(t, p, &recsys.Request{K: 2, Seed: seed + 1})
		require.NoError(t, target.Propensities(t.Context(), log.records[len(log.records)-1], dst))
		want := []float64{0, 0}
		if res.Items[0].ID == 1 {
			want[0] = 1
			if res.Items[1].ID == 2 {
				want[1] = 1
			}
		}
		require.Equal(t, want, dst)
		seen[strings.Trim(strings.Join([]string{res.Version}, ""), " ")] = true
	}
}

func TestSlateRecordsHoldASampleWithItsInclusionProbability(t *testing.T) {
	log := &memory{}
	p := build(t, recsys.Retrieve("a", ranked(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)), recsys.Log(log, recsys.Sample(2)))
	drawn := map[recsys.ItemID]int{}
	const n = 4000
	for seed := range uint64(n) {
		recommend(t, p, &recsys.Request{K: 2, Seed: seed + 1})
	}
	for _, x := range log.records {
		require.Len(t, x.Rows, 4)
		require.Equal(t, 2, x.Shown)
		require.NotEqual(t, x.Rows[2].Item, x.Rows[3].Item)
		for i, row := range x.Rows {
			if i < 2 {
				require.Equal(t, [3]float64{float64(i), 1, 1}, [3]float64{float64(row.Position), row.Propensity, row.Inclusion})
				continue
			}
			require.Equal(t, [3]float64{-1, 0, 0.25}, [3]float64{float64(row.Position), row.Propensity, row.Inclusion})
			drawn[row.Item]++
		}
	}
	for id := recsys.ItemID(2); id < 10; id++ {
		require.InDelta(t, n/4, drawn[id], 4*math.Sqrt(n*0.25*0.75), "item %d", id)
	}
}
