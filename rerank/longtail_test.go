package rerank_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/rerank"
	"github.com/recsyskit/recsys/rerank/reranktest"
)

// plays is a table of items of the given popularity (NaN: unknown), in the order of their relevance, which falls from 1 to 0.
func plays(t *testing.T, popularity ...float64) (*recsys.Query, *recsys.Candidates, []int32) {
	t.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{
		{Name: "plays", Kind: recsys.Float},
		{Name: "count", Kind: recsys.ID},
		{Name: "taste", Kind: recsys.Float, Scope: recsys.PerRequest},
	}})
	require.NoError(t, err)
	items := make([]recsys.ItemID, len(popularity))
	for i := range items {
		items[i] = recsys.ItemID(i)
	}
	c := recsys.NewCandidates(s, items)
	f, g := field(t, s, "plays"), field(t, s, "count")
	for i, p := range popularity {
		c.Scores()[i] = 1 - float32(i)/float32(len(popularity)-1)
		if p == p {
			c.Missing(f.Group).Clear(i)
			c.Missing(g.Group).Clear(i)
			c.Row(i)[f.Index], c.IDColumn(g.Index)[i] = float32(p), uint64(p)
		}
	}
	return recsys.NewQuery(&recsys.Request{K: len(popularity), Now: now, Seed: 1}, s, "test"), c, sorted(c)
}

// Source: Abdollahpouri et al. 2019, "Proposed Approach": with the binary form the second group is brought in once and has no effect
// thereafter; with the smooth one it goes on to act; the user's taste weighs the groups.
func TestLongTailWorkedExample(t *testing.T) {
	popularity := []float64{90, 80, 70, 60, 50, 3, 2, 1, math.NaN()}
	for _, tc := range []struct {
		name string
		x    rerank.LongTail
		want []int32
	}{
		{"lambda 0 is the order of relevance", rerank.LongTail{Tail: 1}, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		// Place 2: .25·.875 + 0 = .219 of the head, .25·.375 + .75·.5 = .469 of the tail. Then both are covered.
		{"binary", rerank.LongTail{Lambda: 0.75, Tail: 0.5}, []int32{0, 5, 1, 2, 3, 4, 6, 7, 8}},
		{"nobody wants the tail", rerank.LongTail{Lambda: 0.75, Tail: 0}, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{"nothing but the tail, smoothly", rerank.LongTail{Lambda: 0.99, Tail: 1, Smooth: true}, []int32{5, 0, 6, 1, 7, 2, 8, 3, 4}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, column := range []string{"plays", "count"} {
				q, c, order := plays(t, popularity...)
				tc.x.Popularity, tc.x.Head = column, 50
				got := reRank(t, tc.x, q, c, order)
				if tc.x.Smooth {
					tail := 0
					for i, row := range got[:6] {
						if row >= 5 {
							tail++
						}
						require.Positive(t, tail, "place %d", i)
					}
					require.GreaterOrEqual(t, tail, 3)
					return
				}
				require.Equal(t, tc.want, got)
			}
		})
	}
}

// smoothly is the definition with the smooth form.
func smoothly(lambda, tail, head float64, popularity []float64) []int32 {
	order, _ := func() (order []int32, _ []float64) {
		above := [2]float64{}
		for len(order) < len(popularity) {
			at, top, group := int32(-1), 0.0, 0
			for i, p := range popularity {
				g := 1
				if p >= head {
					g = 0
				}
				taken := false
				for _, o := range order {
					taken = taken || int(o) == i
				}
				if taken {
					continue
				}
				covered := 0.0
				if n := above[0] + above[1]; n > 0 {
					covered = above[g] / n
				}
				rel := 1 - float64(float32(i)/float32(len(popularity)-1))
				score := (1-lambda)*rel + lambda*[]float64{1 - tail, tail}[g]*(1-covered)
				if at < 0 || score > top+1e-9 {
					at, top, group = int32(i), score, g
				}
			}
			order = append(order, at)
			above[group]++
		}
		return order, nil
	}()
	return order
}

func TestLongTailSmoothIsTheDefinition(t *testing.T) {
	popularity := []float64{90, 80, 70, 60, 5, 50, 3, 99, 2, 1, math.NaN(), 70, 4}
	for _, lambda := range []float64{0.1, 0.5, 0.83, 1} {
		for _, taste := range []float64{0, 0.21, 0.7, 1} {
			q, c, order := plays(t, popularity...)
			q.Floats()[field(t, c.Schema(), "taste").Index] = float32(taste)
			got := reRank(t, rerank.LongTail{Lambda: lambda, Popularity: "plays", Head: 50, Taste: "taste", Smooth: true}, q, c, order)
			require.Equal(t, smoothly(lambda, float64(float32(taste)), 50, popularity), got, "lambda %v taste %v", lambda, taste)
		}
	}
}

// A taste outside [0, 1] counts as the nearest, one that is no number not at all.
func TestLongTailOfBadTastes(t *testing.T) {
	popularity := []float64{90, 80, 70, 60, 50, 3, 2, 1}
	x := rerank.LongTail{Lambda: 0.8, Popularity: "plays", Head: 50, Tail: 0.6, Smooth: true}
	result := func(x rerank.LongTail, taste float64) []int32 {
		q, c, order := plays(t, popularity...)
		q.Floats()[field(t, c.Schema(), "taste").Index] = float32(taste)
		return reRank(t, x, q, c, order)
	}
	with := x
	with.Taste = "taste"
	require.Equal(t, result(x, 0), result(with, math.NaN()))
	require.Equal(t, result(with, 1), result(with, 7))
	require.Equal(t, result(with, 0), result(with, -7))
	require.NotEqual(t, result(with, 0), result(with, 1))
}

func TestLongTailConformance(t *testing.T) {
	for _, x := range []rerank.LongTail{
		{Lambda: 0.5, Popularity: "age", Head: 50, Tail: 0.5},
		{Lambda: 1, Popularity: "published", Head: 1.7e9 - 50*3600, Tail: 0.3, Smooth: true, Depth: 7, Top: 300, Relevance: rerank.AsIs},
	} {
		t.Run(x.Version(), func(t *testing.T) {
			reranktest.Run(t, func(*testing.T) recsys.ReRanker { return x }, reranktest.Greedy())
		})
	}
}

func TestLongTailValidateAndBind(t *testing.T) {
	err := rerank.LongTail{Lambda: -1, Tail: 2, Depth: -1, Top: -1}.Validate()
	for _, want := range []string{
		"rerank: LongTail.Lambda is -1; want a number in [0, 1]",
		"rerank: LongTail.Popularity is empty; name a float or ID column of items",
		"rerank: LongTail.Head is 0; want a finite number > 0",
		"rerank: LongTail.Tail is 2; want a share in [0, 1]",
		"rerank: LongTail.Depth is -1",
		"rerank: LongTail.Top is -1",
	} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, rerank.LongTail{Popularity: "a", Head: math.NaN(), Tail: math.NaN()}.Validate(), "Head is NaN")
	for _, bad := range []struct{ popularity, taste, want string }{
		{"embedding", "", `LongTail.Popularity: feature "embedding" is a vector; want a float or an ID`},
		{"country", "", `LongTail.Popularity: feature "country" describes the request; want one of items`},
		{"age", "age", `LongTail.Taste: feature "age" describes items; want one of the request`},
		{"nothing", "none", `LongTail.Taste: feature "none"`},
	} {
		_, err := rerank.LongTail{Popularity: bad.popularity, Taste: bad.taste, Head: 1}.Bind(schema(t, dim))
		require.ErrorContains(t, err, bad.want)
	}
	_, err = rerank.LongTail{Popularity: "x", Head: 1}.ReRank(context.Background(), query(1), recsys.NewCandidates(nil, nil), nil)
	require.ErrorContains(t, err, "LongTail.Popularity")
}

func TestLongTailDoesNotAllocate(t *testing.T) {
	allocations(t, rerank.LongTail{Lambda: 0.5, Popularity: "age", Head: 50, Tail: 0.5, Smooth: true}, 300)
}
