package features_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/race"
)

// ranked is a retriever that proposes the items in their order with scores n, n-1, …
func ranked(items ...recsys.ItemID) recsys.Retriever {
	return recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i, id := range items {
			if !out.Add(id, float32(len(items)-i)) {
				break
			}
		}
		return nil
	})
}

// rows returns what a ranker at the end of the pipeline sees, by item.
func rows(t *testing.T, columns []string, options ...recsys.Option) map[recsys.ItemID][]float32 {
	t.Helper()
	seen := map[recsys.ItemID][]float32{}
	ranker := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i, id := range c.IDs() {
			for _, name := range columns {
				f, err := c.Schema().Float(name)
				if err != nil {
					return err
				}
				seen[id] = append(seen[id], c.Row(i)[f.Index])
			}
		}
		clear(out.Score)
		return nil
	})
	p, err := recsys.NewPipeline(append(options, recsys.Rank(ranker, recsys.Required()))...).Build()
	require.NoError(t, err)
	_, err = p.Recommend(t.Context(), &recsys.Request{K: 3})
	require.NoError(t, err)
	return seen
}

func TestRetrievalWritesScoresRanksAndCounts(t *testing.T) {
	seen := rows(t, []string{"als.score", "als.rank", "popular.score", "popular.rank", "sources", "merged"},
		recsys.Retrieve("popular", ranked(3, 4)),
		recsys.Retrieve("search", ranked(1, 9)),
		recsys.Retrieve("als", ranked(1, 2, 3)),
		recsys.Features(features.Retrieval{Sources: []string{"als", "popular"}}),
		recsys.MergeBy(recsys.RRF),
	)
	nan := float32(math.NaN())
	rrf := func(ranks ...int) (sum float32) {
		for _, r := range ranks {
			sum += 1 / float32(60+r+1)
		}
		return sum
	}
	for id, want := range map[recsys.ItemID][]float32{
		1: {3, 0, nan, nan, 2, rrf(0, 0)},
		2: {2, 1, nan, nan, 1, rrf(1)},
		3: {1, 2, 2, 0, 2, rrf(2, 0)},
		4: {nan, nan, 1, 1, 1, rrf(1)},
		9: {nan, nan, nan, nan, 1, rrf(1)},
	} {
		got := seen[id]
		require.Len(t, got, len(want), "item %d", id)
		for j := range want {
			require.True(t, got[j] == want[j] || got[j] != got[j] && want[j] != want[j] || j == 5 && math.Abs(float64(got[j]-want[j])) < 1e-6,
				"item %d: %v, want %v", id, got, want)
		}
	}
}

func TestRetrievalDefaultsAndPrefix(t *testing.T) {
	seen := rows(t, []string{"r.als.score", "r.als.rank", "r.sources"},
		recsys.Retrieve("als", ranked(1)),
		recsys.Retrieve("popular", ranked(2)),
		recsys.Features(features.Retrieval{Sources: []string{"als"}, Prefix: "r.", NoScore: new(float32(-1)), NoRank: new(float32(100))}),
	)
	require.Equal(t, []float32{1, 0, 1}, seen[1])
	require.Equal(t, []float32{-1, 100, 1}, seen[2])
}

func TestRetrievalMistakesAreBuildErrors(t *testing.T) {
	for name, c := range map[string]struct {
		source features.Retrieval
		want   []string
	}{
		"unknown": {features.Retrieval{Sources: []string{"alz", "als", "pop"}}, []string{`source "alz": no retriever has this name (have als)`, `source "pop"`}},
		"empty":   {features.Retrieval{Sources: []string{"als", ""}}, []string{"features: Retrieval.Sources[1] is empty"}},
		"doubled": {features.Retrieval{Sources: []string{"als", "als"}}, []string{`features: Retrieval.Sources[1] is "als", which is listed before`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := recsys.NewPipeline(recsys.Retrieve("als", ranked(1)), recsys.Features(c.source)).Build()
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestRetrievalAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Sources: []string{"als", "popular"}})
	require.NoError(t, err)
	bound, err := recsys.Bind[recsys.FeatureSource](features.Retrieval{Sources: []string{"als", "popular"}}, schema)
	require.NoError(t, err)
	items := make([]recsys.ItemID, 100)
	c := recsys.NewCandidates(schema, items)
	b := recsys.NewBlock(bound.Columns(), recsys.PerItem, len(items))
	q := recsys.NewQuery(&recsys.Request{K: 1}, schema, "test")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := bound.(recsys.CandidateHydrator).HydrateCandidates(t.Context(), q, c, b); err != nil {
			panic(err)
		}
	}))
	require.ErrorContains(t, bound.Hydrate(t.Context(), q, items, b), "without Remote")
	require.Equal(t, []string{"als.score", "als.rank", "popular.score", "popular.rank", "sources", "merged"}, columnNames(bound))
}

func columnNames(s recsys.FeatureSource) (names []string) {
	for _, c := range s.Columns() {
		names = append(names, c.Name)
	}
	return names
}

// model is a retriever that scores items once it has been bound.
type model struct {
	tenfold
	bound bool
}

func (m model) Retrieve(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
	out.Add(7, 70)
	return nil
}

func (m model) Bind(s *recsys.Schema) (recsys.Retriever, error) {
	if _, err := s.Float("age"); err != nil {
		return nil, err
	}
	m.bound = true
	return m, nil
}

func (m model) Version() string { return "m1" }

func (m model) ScoreItems(ctx context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	if !m.bound {
		panic("not bound")
	}
	return m.tenfold.ScoreItems(ctx, q, items, dst)
}

func TestItemScoreScoresEveryCandidate(t *testing.T) {
	age := recsys.Context(features.Column{Name: "age"})
	seen := rows(t, []string{"model.score", "plain"},
		age,
		recsys.Retrieve("model", model{}),
		recsys.Retrieve("popular", ranked(3, 400)),
		recsys.Features(features.ItemScore{Name: "model.score", Scorer: model{}}),
		recsys.Features(features.ItemScore{Name: "plain", Scorer: tenfold{}}),
	)
	require.Equal(t, map[recsys.ItemID][]float32{7: {70, 70}, 3: {30, 30}, 400: {0, 0}}, seen)
	require.Equal(t, "m1", features.ItemScore{Scorer: model{}}.Version())
	require.Equal(t, "", features.ItemScore{Scorer: tenfold{}}.Version())
}

func TestItemScoreMistakesAreBuildErrors(t *testing.T) {
	for name, c := range map[string]struct {
		source features.ItemScore
		want   string
	}{
		"no name":      {features.ItemScore{Scorer: tenfold{}}, "features: ItemScore.Name is empty"},
		"no scorer":    {features.ItemScore{Name: "x"}, `features: ItemScore.Scorer of "x" is nil`},
		"model's Bind": {features.ItemScore{Name: "x", Scorer: model{}}, `feature "age": no source writes it`},
		"odd Bind":     {features.ItemScore{Name: "x", Scorer: oddBinder{}}, "method Bind of features_test.oddBinder"},
		"lost":         {features.ItemScore{Name: "x", Scorer: losesScores{}}, "as bound to the schema, has no ScoreItems"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := recsys.NewPipeline(recsys.Retrieve("als", ranked(1)), recsys.Features(c.source)).Build()
			require.ErrorContains(t, err, c.want)
		})
	}
}

type oddBinder struct{ tenfold }

func (oddBinder) Bind() {}

type losesScores struct{ tenfold }

func (losesScores) Retrieve(context.Context, *recsys.Query, *recsys.Sink) error { return nil }
func (losesScores) Bind(*recsys.Schema) (recsys.Retriever, error)               { return ranked(1), nil }

func TestItemScoreAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	bound, err := recsys.Bind[recsys.FeatureSource](features.ItemScore{Name: "x", Scorer: tenfold{}}, nil)
	require.NoError(t, err)
	items := slices.Repeat([]recsys.ItemID{1, 2}, 50)
	b := recsys.NewBlock(bound.Columns(), recsys.PerItem, len(items))
	q := recsys.NewQuery(&recsys.Request{K: 1}, nil, "test")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := bound.Hydrate(t.Context(), q, items, b); err != nil {
			panic(err)
		}
	}))
	require.Equal(t, float32(20), b.FloatRow(1)[0])
}
