package rerank_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/rerank"
	"github.com/recsyskit/recsys/rerank/reranktest"
)

// naiveMMR is the definition: for each place, every item against every chosen one.
func naiveMMR[F float32 | float64](rel []F, sim func(i, j int) F, lambda F, k int) (order []int32, scores []F) {
	for range min(k, len(rel)) {
		best, top := -1, F(0)
		for i := range rel {
			if slices.Contains(order, int32(i)) {
				continue
			}
			worst := F(0)
			for n, j := range order {
				if s := sim(i, int(j)); n == 0 || s > worst {
					worst = s
				}
			}
			if score := F(lambda*rel[i]) - F((1-lambda)*worst); best < 0 || score > top {
				best, top = i, score
			}
		}
		order, scores = append(order, int32(best)), append(scores, top)
	}
	return order, scores
}

var lambdas = []float64{0, 0.1, 0.5, 0.7, 0.95, 1}

func TestSelectMMRIsTheNaiveLoop(t *testing.T) {
	t.Run("float64", func(t *testing.T) { selectIsNaive[float64](t) })
	t.Run("float32", func(t *testing.T) { selectIsNaive[float32](t) })
}

func selectIsNaive[F float32 | float64](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 3, 7, 16, 40} {
		for _, d := range []int{1, 3, 8, 17} {
			for _, lambda := range lambdas {
				rel, vectors := make([]F, n), make([]F, n*d)
				coarse := r.IntN(2) == 0 // many ties
				for i := range rel {
					rel[i] = F(r.Float64())
					if coarse {
						rel[i] = F(r.IntN(3))
					}
				}
				for i := range vectors {
					vectors[i] = F(r.NormFloat64())
					if coarse {
						vectors[i] = F(r.IntN(3) - 1)
					}
				}
				cosine, err := rerank.Cosine(vectors, d)
				require.NoError(t, err)
				unbounded := func(i, j int) F { return 5*cosine(i, j) - 3 }
				for name, sim := range map[string]func(i, j int) F{"cosine": cosine, "beyond [-1, 1]": unbounded} {
					for _, k := range []int{-1, 0, 1, 5, n, n + 3} {
						order, scores, err := rerank.SelectMMR(rel, sim, F(lambda), k)
						require.NoError(t, err)
						wantOrder, wantScores := naiveMMR(rel, sim, F(lambda), k)
						require.Equal(t, wantOrder, order, "%s n=%d d=%d lambda=%v k=%d", name, n, d, lambda, k)
						require.Equal(t, wantScores, scores)
					}
				}
			}
		}
	}
}

// Source: Carbonell and Goldstein, SIGIR 1998, section 2: "when lambda = 1, MMR
// computes incrementally the standard relevance-ranked list".
func TestMMRLambdaOneIsRelevanceOrder(t *testing.T) {
	c, order := table(t, 200, dim, 3)
	got := reRank(t, rerank.MMR{Lambda: 1, Vector: "embedding"}, query(50), c, order)
	require.Equal(t, order, got)

	rel := []float64{0.1, 0.9, 0.5, 0.9}
	picks, scores, err := rerank.SelectMMR(rel, func(i, j int) float64 { return math.Inf(1) }, 1, 4)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 3, 2, 0}, picks)
	require.Equal(t, []float64{0.9, 0.9, 0.5, 0.1}, scores)
}

// Source: as above: "when lambda = 0, it computes a maximal diversity ranking". Every pick
// is a farthest one: its largest similarity to those chosen is the smallest there is.
func TestMMRLambdaZeroIsMaxMinDiversity(t *testing.T) {
	c, order := table(t, 120, dim, 4)
	f := field(t, c.Schema(), "embedding")
	data, d := c.Vectors(f.Index)
	for i := range c.Len() { // all known, since an unknown row is similar to none
		c.Missing(f.Group).Clear(i)
		for j := range d {
			data[i*d+j] += 0.01
		}
	}
	sim, err := rerank.Cosine(data, d)
	require.NoError(t, err)
	got := reRank(t, rerank.MMR{Lambda: 0, Vector: "embedding"}, query(30), c, order)
	require.Equal(t, order[0], got[0], "the first is the best one")
	nearest := func(row int32, chosen []int32) float32 {
		near := float32(-1)
		for _, o := range chosen {
			near = max(near, sim(int(row), int(o)))
		}
		return near
	}
	for i := 1; i < 30; i++ {
		mine := nearest(got[i], got[:i])
		for _, row := range got[i+1:] {
			require.LessOrEqual(t, mine, nearest(row, got[:i]), "place %d", i)
		}
	}
}

// A worked case: three near copies of the best item, and two others of less relevance.
func TestMMRPassesOverCopies(t *testing.T) {
	vectors := []float64{1, 0, 1, 0.01, 1, -0.01, 0, 1, -1, 0}
	rel := []float64{1, 0.99, 0.98, 0.6, 0.5}
	sim, err := rerank.Cosine(vectors, 2)
	require.NoError(t, err)
	order, scores, err := rerank.SelectMMR(rel, sim, 0.5, 5)
	require.NoError(t, err)
	// Place 2: 0.5·0.5 - 0.5·(-1) = 0.75 for the opposite item; the orthogonal one has 0.3.
	require.Equal(t, []int32{0, 4, 3, 1, 2}, order)
	require.InDeltaSlice(t, []float64{0.5, 0.75, 0.3}, scores[:3], 1e-12)
}

func TestSelectMMRRefuses(t *testing.T) {
	sim := func(i, j int) float64 { return 0 }
	for _, lambda := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		_, _, err := rerank.SelectMMR([]float64{1}, sim, lambda, 1)
		require.ErrorContains(t, err, "lambda is")
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, _, err := rerank.SelectMMR([]float64{1, x}, sim, 0.5, 1)
		require.ErrorContains(t, err, "rel[1] is")
	}
	for _, d := range []int{0, -1, 2} {
		_, err := rerank.Cosine([]float32{1, 2, 3}, d)
		require.ErrorContains(t, err, "no rows of dimension")
	}
}

func TestSelectMMRTakesNaNSimilarityAsZero(t *testing.T) {
	nan := func(i, j int) float64 { return math.NaN() }
	order, scores, err := rerank.SelectMMR([]float64{0.5, 1, 0.7}, nan, 0.5, 3)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 2, 0}, order)
	require.Equal(t, []float64{0.5, 0.35, 0.25}, scores)
}

func TestCosineOfWhatHasNoDirection(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	sim, err := rerank.Cosine([]float32{1, 1, 0, 0, inf, 1, nan, 1, 1e30, 1e30, 1e-30, 0, 2, 2, -3, -3}, 2)
	require.NoError(t, err)
	for i := 1; i < 6; i++ {
		for j := range 8 {
			require.Zero(t, sim(i, j), "%d, %d", i, j)
			require.Zero(t, sim(j, i), "%d, %d", j, i)
		}
	}
	require.InDelta(t, 1, sim(0, 6), 1e-6)
	require.InDelta(t, -1, sim(0, 7), 1e-6)
	require.LessOrEqual(t, sim(0, 6), float32(1))
}

// wantMMR is what the stage must give, by SelectMMR on the rows considered.
func wantMMR(t *testing.T, m rerank.MMR, c *recsys.Candidates, order []int32, k int) []int32 {
	t.Helper()
	considered := order[:min(len(order), max(m.Depth, 1))]
	if m.Depth == 0 {
		considered = order[:min(len(order), 1000)]
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range considered {
		lo, hi = min(lo, float64(c.Utility()[row])), max(hi, float64(c.Utility()[row]))
	}
	var rel []float32
	for _, row := range considered {
		x := float32(0)
		if hi > lo {
			x = float32((float64(c.Utility()[row]) - lo) / (hi - lo))
		}
		if m.Relevance == rerank.AsIs {
			x = c.Utility()[row]
		}
		rel = append(rel, x)
	}
	picks, _ := naiveMMR(rel, similarity(t, m, c, considered), float32(m.Lambda), k)
	var want []int32
	for _, i := range picks {
		want = append(want, considered[i])
	}
	for _, row := range order {
		if !slices.Contains(want, row) {
			want = append(want, row)
		}
	}
	return want
}

func similarity(t *testing.T, m rerank.MMR, c *recsys.Candidates, rows []int32) func(i, j int) float32 {
	t.Helper()
	s := c.Schema()
	if len(m.Attributes) > 0 {
		return func(i, j int) float32 {
			a, b, n := int(rows[i]), int(rows[j]), 0
			for _, name := range m.Attributes {
				f := field(t, s, name)
				ids, missing := c.IDColumn(f.Index), c.Missing(f.Group)
				if ids[a] == ids[b] && !missing.Has(a) && !missing.Has(b) {
					n++
				}
			}
			return float32(n) / float32(len(m.Attributes))
		}
	}
	f := field(t, s, "embedding")
	var vectors []float32
	for _, row := range rows {
		v := slices.Clone(c.Vector(f.Index, int(row)))
		if c.Missing(f.Group).Has(int(row)) {
			clear(v)
		}
		vectors = append(vectors, v...)
	}
	sim, err := rerank.Cosine(vectors, f.Dim)
	require.NoError(t, err)
	return sim
}

func TestMMRIsTheNaiveLoopOverTheTable(t *testing.T) {
	for _, n := range []int{1, 2, 5, 64, 65, 150} {
		for _, m := range []rerank.MMR{
			{Vector: "embedding"},
			{Attributes: []string{"creator", "category"}},
			{Attributes: []string{"category"}, Relevance: rerank.AsIs},
			{Depth: 20, Relevance: rerank.AsIs},
		} {
			for _, lambda := range lambdas {
				m.Lambda = lambda
				c, order := table(t, n, dim, uint64(n))
				if n > 3 {
					c.Scores()[2] = c.Scores()[3]
					order = sorted(c)
				}
				want := wantMMR(t, m, c, order, 10)
				got := reRank(t, bound[recsys.ReRanker](t, m, c.Schema()), query(10), c, order)
				require.Equal(t, want, got, "n=%d %+v", n, m)
			}
		}
	}
}

func TestMMRDealsTheUtilitiesOutAgain(t *testing.T) {
	c, order := table(t, 100, dim, 5)
	before := slices.Clone(c.Utility())
	got := reRank(t, rerank.MMR{Lambda: 0.3}, query(20), c, order)
	require.NotEqual(t, order, got)
	for i, row := range got {
		require.Equal(t, before[order[i]], c.Utility()[row], "place %d", i)
	}
}

func TestMMRLevelsUtilitiesThatWereNotSorted(t *testing.T) {
	c, order := table(t, 30, dim, 5)
	c.Utility()[order[20]] = 5
	c.Utility()[order[25]] = float32(math.NaN())
	got := reRank(t, rerank.MMR{Lambda: 0.3}, query(10), c, order)
	for i := 1; i < len(got); i++ {
		require.GreaterOrEqual(t, c.Utility()[got[i-1]], c.Utility()[got[i]])
	}
	require.True(t, math.IsInf(float64(c.Utility()[got[29]]), -1))
}

func TestMMRLeavesUnscoredRowsLast(t *testing.T) {
	c, _ := table(t, 20, dim, 6)
	for _, i := range []int{3, 4, 9} {
		c.Scores()[i] = float32(math.NaN())
	}
	order := sorted(c)
	got := reRank(t, rerank.MMR{Lambda: 0}, query(20), c, order)
	require.Equal(t, order[17:], got[17:])
	require.ElementsMatch(t, []int32{3, 4, 9}, got[17:])

	for i := range c.Len() { // all of them
		c.Scores()[i] = float32(math.NaN())
	}
	order = sorted(c)
	got = reRank(t, rerank.MMR{Lambda: 0.5, Relevance: rerank.AsIs}, query(5), c, order)
	require.ElementsMatch(t, order, got)
}

func TestMMROfInfiniteUtilities(t *testing.T) {
	for _, r := range []rerank.Relevance{rerank.MinMax, rerank.AsIs} {
		c, _ := table(t, 20, dim, 6)
		c.Scores()[7] = float32(math.Inf(1))
		order := sorted(c)
		got := reRank(t, rerank.MMR{Lambda: 0.9, Relevance: r}, query(5), c, order)
		require.Equal(t, int32(7), got[0])
		for i := range c.Len() {
			c.Scores()[i] = float32(math.Inf(1))
		}
		order = sorted(c)
		got = reRank(t, rerank.MMR{Lambda: 0.5, Relevance: r}, query(5), c, order)
		require.ElementsMatch(t, order, got)
	}
}

func TestMMRTopAndDepth(t *testing.T) {
	c, order := table(t, 60, dim, 7)
	full := reRank(t, rerank.MMR{Lambda: 0.2, Top: 60}, query(5), c, order)
	c, order = table(t, 60, dim, 7)
	short := reRank(t, rerank.MMR{Lambda: 0.2}, query(5), c, order)
	require.Equal(t, full[:5], short[:5], "places do not depend on how many follow")
	require.Equal(t, rest(order, short[:5]), short[5:], "the others keep their order")
	c, order = table(t, 60, dim, 7)
	require.Equal(t, full, reRank(t, rerank.MMR{Lambda: 0.2, Top: 100}, query(60), c, order))
	c, order = table(t, 60, dim, 7)
	three := reRank(t, rerank.MMR{Lambda: 0.2, Top: 3}, query(5), c, order)
	require.Equal(t, full[:3], three[:3])
	require.Equal(t, rest(order, three[:3]), three[3:])
	c, order = table(t, 60, dim, 7)
	deep := reRank(t, rerank.MMR{Lambda: 0, Depth: 8}, query(8), c, order)
	require.ElementsMatch(t, order[:8], deep[:8], "only rows within Depth are considered")
	require.Equal(t, order[8:], deep[8:])
	for _, k := range []int{0, -1} {
		c, order = table(t, 10, dim, 7)
		require.Equal(t, order, reRank(t, rerank.MMR{}, query(k), c, order))
	}
}

func rest(order, without []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(order), func(r int32) bool { return slices.Contains(without, r) })
}

func TestMMRReachesBelowDepthWhenNoneAboveMayCome(t *testing.T) {
	c, order := table(t, 40, dim, 8)
	allowed := []int32{order[3], order[20], order[30]}
	c.Constrain(recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, _ []int32, b recsys.Bits) {
		for i := range c.Len() {
			if !slices.Contains(allowed, int32(i)) {
				b.Clear(i)
			}
		}
	}))
	got := reRank(t, rerank.MMR{Lambda: 0.5, Depth: 5, Top: 6}, query(4), c, order)
	require.Equal(t, allowed, got[:3])
	require.Equal(t, rest(order, allowed), got[3:], "after a dead end the others keep their order")
}

func TestMMRHoldsConstraintsOnTheWay(t *testing.T) {
	for seed := range uint64(20) {
		c, order := table(t, 80, dim, seed)
		c.Constrain(
			bound[recsys.Constraint](t, rerank.MaxPer("creator", 2), c.Schema()),
			bound[recsys.Constraint](t, rerank.Spread("creator", 2), c.Schema()),
			bound[recsys.Constraint](t, rerank.Require("category", 4, 2), c.Schema()),
		)
		got := reRank(t, rerank.MMR{Lambda: 0.4}, query(10), c, order)
		s := c.Slate(10, got)
		for s.Next() {
			require.Equal(t, got[len(s.Rows())], s.Best(), "the slate takes the places as they are")
			s.Pick(s.Best(), 1)
		}
		require.Len(t, s.Rows(), 10)
	}
}

func TestMMRConformance(t *testing.T) {
	for _, m := range []rerank.MMR{
		{Lambda: 0.5, Vector: "embedding"},
		{Lambda: 0},
		{Lambda: 1, Depth: 7, Top: 300},
		{Lambda: 0.7, Attributes: []string{"creator", "category"}, Relevance: rerank.AsIs, Depth: 40},
	} {
		t.Run(m.Version(), func(t *testing.T) {
			reranktest.Run(t, func(*testing.T) recsys.ReRanker { return m }, reranktest.Greedy())
		})
	}
}

func TestMMRUnboundIsTheSame(t *testing.T) {
	c, order := table(t, 50, dim, 9)
	d, _ := table(t, 50, dim, 9)
	m := rerank.MMR{Lambda: 0.5}
	require.Equal(t, reRank(t, bound[recsys.ReRanker](t, m, c.Schema()), query(9), c, order), reRank(t, m, query(9), d, order))
	require.Equal(t, c.Utility(), d.Utility())
	_, err := m.ReRank(t.Context(), query(3), recsys.NewCandidates(nil, []recsys.ItemID{1}), []int32{0})
	require.ErrorContains(t, err, "items have 0 vector columns")
}

func TestMMRValidate(t *testing.T) {
	require.NoError(t, rerank.MMR{}.Validate())
	err := rerank.MMR{
		Lambda: math.NaN(), Vector: "v", Attributes: []string{"a", ""}, Depth: -1, Top: -2, Relevance: 7,
	}.Validate()
	for _, want := range []string{
		"rerank: MMR.Lambda is NaN; want a number in [0, 1]",
		`rerank: MMR.Vector is "v" and Attributes are ["a" ""]; want one of the two`,
		"rerank: MMR.Attributes[1] is empty; name an ID column of items",
		"rerank: MMR.Depth is -1; want >= 0 (0 means 1000)",
		"rerank: MMR.Top is -2; want >= 0 (0 means the K of the request)",
		"rerank: MMR.Relevance is 7; want MinMax or AsIs",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, "min-max as-is Relevance(9)", fmt.Sprint(rerank.MinMax, " ", rerank.AsIs, " ", rerank.Relevance(9)))
}

func TestMMRBindNamesEveryMissingColumn(t *testing.T) {
	s := schema(t, dim)
	for _, tc := range []struct {
		m    rerank.MMR
		want []string
	}{
		{rerank.MMR{Vector: "creator"}, []string{`rerank: MMR.Vector: feature "creator": source "test" writes it as id, want vector`}},
		{rerank.MMR{Vector: "user"}, []string{`rerank: MMR.Vector: feature "user" describes the request; want one of items`}},
		{rerank.MMR{Attributes: []string{"maker", "country"}}, []string{
			`rerank: MMR.Attributes: feature "maker": no source writes it`,
			`rerank: MMR.Attributes: feature "country" describes the request; want one of items`,
		}},
	} {
		_, err := tc.m.Bind(s)
		for _, want := range tc.want {
			require.ErrorContains(t, err, want)
		}
	}
	two, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{
		{Name: "a", Kind: recsys.Vector, Dim: 2},
		{Name: "b", Kind: recsys.Vector, Dim: 3},
	}})
	require.NoError(t, err)
	_, err = rerank.MMR{}.Bind(two)
	require.ErrorContains(t, err, "items have 2 vector columns (a, b); name what similarity is measured in")
	_, err = rerank.MMR{Vector: "b"}.Bind(two)
	require.NoError(t, err)
}

func TestMMRDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	for _, m := range []rerank.MMR{{Lambda: 0.5}, {Lambda: 0.5, Attributes: []string{"creator", "category"}, Top: 30}} {
		c, order := table(t, 300, dim, 1)
		c.Constrain(bound[recsys.Constraint](t, rerank.MaxPer("creator", 2), c.Schema()))
		stage, q, work := bound[recsys.ReRanker](t, m, c.Schema()), query(20), make([]int32, len(order))
		utility := slices.Clone(c.Utility())
		require.Zero(t, testing.AllocsPerRun(50, func() {
			copy(work, order)
			copy(c.Utility(), utility)
			if _, err := stage.ReRank(context.Background(), q, c, work); err != nil {
				t.Fatal(err)
			}
		}))
	}
}
