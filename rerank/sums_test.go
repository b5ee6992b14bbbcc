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
	"github.com/recsyskit/recsys/rerank"
	"github.com/recsyskit/recsys/rerank/reranktest"
)

// isGreedy checks that each of min(k, n) steps took an item of the highest score by the definition, and the first of
// those of the same score to the bit.
func isGreedy(t *testing.T, order []int32, scores []float64, n, k int, score func(chosen []int32, i int32) float64) {
	t.Helper()
	require.Len(t, order, max(0, min(k, n)))
	require.Len(t, scores, len(order))
	for s, at := range order {
		mine := score(order[:s], at)
		require.InDelta(t, mine, scores[s], 1e-10)
		for i := range int32(n) {
			if slices.Contains(order[:s+1], i) {
				continue
			}
			other := score(order[:s], i)
			require.LessOrEqual(t, other, mine+1e-10, "step %d: item %d would have been better than %d", s, i, at)
			if other == mine && i < at {
				t.Errorf("step %d: item %d has the score of item %d and comes first", s, i, at)
			}
		}
	}
}

// simplex draws a distribution over z aspects; every third number is 0.
func simplex(r *rand.Rand, z int) []float64 {
	p, sum := make([]float64, z), 0.0
	for i := range p {
		if r.IntN(3) > 0 {
			p[i] = r.ExpFloat64()
		}
		sum += p[i]
	}
	if sum == 0 {
		p[0], sum = 1, 1
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// worlds calls do with random items of all sizes: some equal to others, some without aspects.
func worlds(do func(rel, aspects, items []float64, z int)) {
	r := rand.New(rand.NewPCG(11, 1))
	for _, n := range []int{0, 1, 2, 7, 33, 90} {
		for _, z := range []int{1, 2, 5, 17} {
			rel, items := make([]float64, n), make([]float64, 0, n*z)
			for i := range rel {
				rel[i] = float64(r.IntN(20)) / 20
				row := simplex(r, z)
				switch {
				case i > 0 && i%5 == 0:
					rel[i], row = rel[i-1], slices.Clone(items[(i-1)*z:])
				case i%7 == 3:
					row = make([]float64, z)
				}
				items = append(items, row...)
			}
			do(rel, simplex(r, z), items, z)
		}
	}
}

// Source: Santos et al. 2010, equations 1 to 6.
func TestSelectXQuADIsTheNaiveLoop(t *testing.T) {
	worlds(func(rel, aspects, coverage []float64, z int) {
		for _, lambda := range []float64{0, 0.3, 0.8, 1} {
			for _, k := range []int{-1, 0, 1, 10, len(rel) + 2} {
				score := func(chosen []int32, i int32) float64 {
					sum := 0.0
					for a, p := range aspects {
						for _, j := range chosen {
							p *= 1 - coverage[int(j)*z+a]
						}
						sum += p * coverage[int(i)*z+a]
					}
					return (1-lambda)*rel[i] + lambda*sum
				}
				order, scores, err := rerank.SelectXQuAD(rel, aspects, coverage, lambda, k)
				require.NoError(t, err)
				isGreedy(t, order, scores, len(rel), k, score)
			}
		}
	})
}

// Source: Steck 2018, equations 6 and 7 with the greedy step of section 4.2.
func TestSelectCalibratedIsTheNaiveLoop(t *testing.T) {
	worlds(func(rel, target, shares []float64, z int) {
		for _, lambda := range []float64{0, 0.3, 0.9, 1} {
			for _, alpha := range []float64{0.01, 0.5} {
				for _, k := range []int{-1, 0, 1, 10, len(rel) + 2} {
					value := func(chosen []int32, i int32) float64 {
						sum, kl := 0.0, 0.0
						list := append(slices.Clone(chosen), i)
						for _, j := range list {
							sum += rel[j]
						}
						for a, p := range target {
							q := 0.0
							for _, j := range list {
								q += shares[int(j)*z+a] / float64(len(list))
							}
							if p > 0 {
								kl += p * math.Log(p/((1-alpha)*q+alpha*p))
							}
						}
						return (1-lambda)*sum - lambda*kl
					}
					order, scores, err := rerank.SelectCalibrated(rel, target, shares, lambda, alpha, k)
					require.NoError(t, err)
					isGreedy(t, order, scores, len(rel), k, value)
				}
			}
		}
	})
}

// Of items that are the same the first one comes first.
func TestTiesGoToTheFirstItem(t *testing.T) {
	rel, p, items := []float64{.5, .5, .5, .5}, []float64{.5, .5}, []float64{1, 0, 0, 1, 1, 0, 0, 1}
	order, _, err := rerank.SelectXQuAD(rel, p, items, 0.5, 4)
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1, 2, 3}, order)
	order, _, err = rerank.SelectCalibrated(rel, p, items, 0.5, 0.01, 4)
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1, 2, 3}, order)
}

// Source: Santos et al. 2010, section 3: lambda = 0 is the order of relevance; with lambda = 1 an aspect that is covered for
// certain brings nothing more, so that every aspect is covered before one is covered again.
func TestXQuADCoversEveryAspectFirst(t *testing.T) {
	rel := []float64{0.9, 0.8, 0.7, 0.2, 0.1}
	aspects := []float64{0.5, 0.3, 0.2}
	coverage := []float64{1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}
	order, scores, err := rerank.SelectXQuAD(rel, aspects, coverage, 1, 5)
	require.NoError(t, err)
	require.Equal(t, []int32{0, 3, 4, 1, 2}, order)
	require.Equal(t, []float64{0.5, 0.3, 0.2, 0, 0}, scores)
	order, _, err = rerank.SelectXQuAD(rel, aspects, coverage, 0, 5)
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1, 2, 3, 4}, order)
}

// Source: Steck 2018, section 1: with 70 romance and 30 action movies watched, a list that goes by relevance alone is all romance;
// a calibrated one has them 7 to 3.
func TestCalibrationIsSeventyToThirty(t *testing.T) {
	var rel, shares []float64
	for i := range 40 {
		if i < 20 {
			rel, shares = append(rel, 1-float64(i)/100), append(shares, 1, 0)
		} else {
			rel, shares = append(rel, 0.5-float64(i)/100), append(shares, 0, 1)
		}
	}
	order, _, err := rerank.SelectCalibrated(rel, []float64{0.7, 0.3}, shares, 0.99, 0.01, 10)
	require.NoError(t, err)
	action := 0
	for _, i := range order {
		if i >= 20 {
			action++
		}
	}
	require.Equal(t, 3, action)
}

func TestSelectOverAspectsRefuses(t *testing.T) {
	nan := math.NaN()
	for _, bad := range []struct {
		rel, aspects, items []float64
		lambda, alpha       float64
		want                string // of both
		calibrated          string // of SelectCalibrated alone
	}{
		{rel: []float64{nan}, aspects: []float64{1}, items: []float64{1}, alpha: .1, want: "rel[0] is NaN; want a finite number"},
		{rel: []float64{1}, aspects: []float64{.5, .4}, items: []float64{1, 0}, alpha: .1, want: "sum to 0.9; want 1"},
		{rel: []float64{1}, aspects: []float64{1.5, -.5}, items: []float64{1, 0}, alpha: .1, want: "[1] is -0.5; want a probability"},
		{rel: []float64{1}, aspects: []float64{nan}, items: []float64{1}, alpha: .1, want: "[0] is NaN; want a probability"},
		{rel: []float64{1}, aspects: []float64{0}, items: []float64{1}, alpha: .1, want: "sum to 0; want 1"},
		{rel: []float64{1}, aspects: []float64{1}, items: []float64{1, 1}, alpha: .1, want: "has 2 numbers; want 1 for 1 items and 1 aspects"},
		{rel: []float64{1, 2}, aspects: []float64{1}, items: []float64{1, 2}, alpha: .1, want: "[1] is 2 (item 1, aspect 0); want a number in [0, 1]"},
		{rel: []float64{1}, aspects: []float64{1}, items: []float64{1}, lambda: 1.1, alpha: .1, want: "lambda is 1.1"},
		{rel: []float64{1}, aspects: []float64{1}, items: []float64{1}, lambda: nan, alpha: .1, want: "lambda is NaN"},
		{rel: []float64{1}, aspects: []float64{1}, items: []float64{1}, alpha: 0, calibrated: "alpha is 0; want a number in (0, 1)"},
		{rel: []float64{1}, aspects: []float64{1}, items: []float64{1}, alpha: 1, calibrated: "alpha is 1; want a number in (0, 1)"},
		{rel: []float64{1}, aspects: []float64{.5, .5}, items: []float64{.5, .3}, alpha: .1, calibrated: "the shares of item 0 sum to 0.8; want 1"},
	} {
		_, _, err := rerank.SelectXQuAD(bad.rel, bad.aspects, bad.items, bad.lambda, 1)
		if bad.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, bad.want)
			require.ErrorContains(t, err, "rerank: SelectXQuAD: ")
		}
		_, _, err = rerank.SelectCalibrated(bad.rel, bad.aspects, bad.items, bad.lambda, bad.alpha, 1)
		require.ErrorContains(t, err, bad.want+bad.calibrated)
	}
	order, scores, err := rerank.SelectXQuAD([]float32{.2, .7}, nil, nil, .5, 3)
	require.NoError(t, err, "no aspects: relevance alone")
	require.Equal(t, []int32{1, 0}, order)
	require.Equal(t, []float32{.35, .1}, scores)
}

// tasteTable is a table of random rows whose "embedding" is taken for aspects, with its query, whose "user" is the taste.
func tasteTable(t testing.TB, n int, taste ...float32) (*recsys.Query, *recsys.Candidates, []int32) {
	c, order := table(t, n, len(taste), 5)
	f := field(t, c.Schema(), "embedding")
	for i := range n {
		for j, x := range c.Vector(f.Index, i) {
			c.Vector(f.Index, i)[j] = x * x / 4
		}
	}
	q := recsys.NewQuery(&recsys.Request{K: 10, Now: now, Seed: 1}, c.Schema(), "test")
	copy(q.Vector(field(t, c.Schema(), "user").Index), taste)
	return q, c, order
}

// aspectsAsServed returns what a stage makes of the aspects of the rows of order.
func aspectsAsServed(t *testing.T, c *recsys.Candidates, order []int32, whole bool) (rel, items []float64) {
	f := field(t, c.Schema(), "embedding")
	lo, hi := c.Utility()[order[len(order)-1]], c.Utility()[order[0]]
	for _, row := range order {
		rel = append(rel, (float64(c.Utility()[row])-float64(lo))/(float64(hi)-float64(lo)))
		v, sum := make([]float64, f.Dim), 0.0
		if !c.Missing(f.Group).Has(int(row)) {
			for j, x := range c.Vector(f.Index, int(row)) {
				if v[j] = float64(x); !whole {
					v[j] = min(v[j], 1)
				}
				sum += v[j]
			}
		}
		for j := range v {
			if whole && sum > 0 {
				v[j] /= sum
			}
		}
		items = append(items, v...)
	}
	return rel, items
}

func TestXQuADAndCalibrationAreTheirCoresOverTheTable(t *testing.T) {
	for _, lambda := range []float64{0, 0.4, 1} {
		q, c, order := tasteTable(t, 80, 3, 0, 1)
		taste := []float64{0.75, 0, 0.25}
		rel, items := aspectsAsServed(t, c, order, false)
		want, _, err := rerank.SelectXQuAD(rel, taste, items, lambda, 10)
		require.NoError(t, err)
		got := reRank(t, rerank.XQuAD{Lambda: lambda, Aspects: "embedding", Wanted: "user"}, q, c, order)
		for i, place := range want {
			require.Equal(t, order[place], got[i], "xQuAD, place %d", i)
		}
		want, _, err = rerank.SelectXQuAD(rel, []float64{1. / 3, 1. / 3, 1. / 3}, items, lambda, 10)
		require.NoError(t, err)
		_, c, order = tasteTable(t, 80, 3, 0, 1)
		got = reRank(t, rerank.XQuAD{Lambda: lambda, Aspects: "embedding"}, q, c, order)
		for i, place := range want {
			require.Equal(t, order[place], got[i], "xQuAD, all aspects alike, place %d", i)
		}

		_, c, order = tasteTable(t, 80, 3, 0, 1)
		rel, items = aspectsAsServed(t, c, order, true)
		want, _, err = rerank.SelectCalibrated(rel, taste, items, lambda, 0.01, 10)
		require.NoError(t, err)
		got = reRank(t, rerank.Calibration{Lambda: lambda, Shares: "embedding", Wanted: "user"}, q, c, order)
		for i, place := range want {
			require.Equal(t, order[place], got[i], "calibration, place %d", i)
		}
	}
}

// Without a wish only relevance counts; numbers that are no shares count as 0.
func TestCalibrationOfBadWishesAndShares(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, taste := range [][]float32{{0, 0, 0}, {-1, nan, inf}} {
		q, c, order := tasteTable(t, 50, taste...)
		require.Equal(t, order, reRank(t, rerank.Calibration{Lambda: 1, Shares: "embedding", Wanted: "user"}, q, c, order))
	}
	for _, x := range []recsys.ReRanker{
		rerank.Calibration{Lambda: 0.5, Shares: "embedding", Wanted: "user"},
		rerank.XQuAD{Lambda: 0.5, Aspects: "embedding", Wanted: "user"},
	} {
		q, c, order := tasteTable(t, 50, 1, 1, 2)
		_, d, sameOrder := tasteTable(t, 50, 1, 1, 2)
		f := field(t, c.Schema(), "embedding")
		for i := 0; i < 50; i += 4 {
			c.Missing(f.Group).Clear(i)
			copy(c.Vector(f.Index, i), []float32{nan, -inf, -3})
			d.Missing(f.Group).Set(i)
		}
		require.Equal(t, reRank(t, x, q, d, sameOrder), reRank(t, x, q, c, order))
	}
}

func TestXQuADAndCalibrationConformance(t *testing.T) {
	columns := append(reranktest.Columns(),
		recsys.Column{Name: "taste", Kind: recsys.Vector, Dim: 8, Scope: recsys.PerRequest})
	for _, x := range []interface {
		recsys.ReRanker
		recsys.Versioned
	}{
		rerank.XQuAD{Lambda: 0.5, Aspects: "embedding"},
		rerank.XQuAD{Lambda: 1, Aspects: "embedding", Wanted: "taste", Depth: 7, Top: 300, Relevance: rerank.AsIs},
		rerank.Calibration{Lambda: 0.5, Shares: "embedding", Wanted: "taste"},
		rerank.Calibration{Lambda: 1, Alpha: 0.3, Shares: "embedding", Wanted: "taste", Depth: 7, Top: 300},
	} {
		t.Run(fmt.Sprintf("%T/%s", x, x.Version()), func(t *testing.T) {
			reranktest.Run(t, func(*testing.T) recsys.ReRanker { return withTaste{x} },
				reranktest.Greedy(), reranktest.WithColumns(columns, nil))
		})
	}
}

// withTaste gives the request a taste before its stage is called.
type withTaste struct{ recsys.ReRanker }

func (x withTaste) ReRank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	own := recsys.NewQuery(&q.Request, c.Schema(), "suite")
	f, _ := c.Schema().Field("taste")
	for i := range own.Vector(f.Index) {
		own.Vector(f.Index)[i] = float32(i % 3)
	}
	return x.ReRanker.ReRank(ctx, own, c, order)
}

func TestXQuADAndCalibrationValidateAndBind(t *testing.T) {
	err := rerank.XQuAD{Lambda: -1, Depth: -1}.Validate()
	require.ErrorContains(t, err, "rerank: XQuAD.Lambda is -1; want a number in [0, 1]")
	require.ErrorContains(t, err, "rerank: XQuAD.Aspects is empty; name a vector or ID column of items")
	require.ErrorContains(t, err, "rerank: XQuAD.Depth is -1")
	err = rerank.Calibration{Lambda: math.NaN(), Alpha: 1}.Validate()
	require.ErrorContains(t, err, "rerank: Calibration.Lambda is NaN; want a number in [0, 1]")
	require.ErrorContains(t, err, "rerank: Calibration.Alpha is 1; want a number in (0, 1) (0 means 0.01)")
	require.ErrorContains(t, err, "rerank: Calibration.Shares is empty")
	require.ErrorContains(t, err, "rerank: Calibration.Wanted is empty")
	for _, bad := range []struct{ items, request, want string }{
		{"user", "", `XQuAD.Aspects: feature "user" describes the request; want one of items`},
		{"embedding", "embedding", `XQuAD.Wanted: feature "embedding" describes items; want one of the request`},
		{"nothing", "none", `XQuAD.Aspects: feature "nothing"`},
		{"nothing", "none", `XQuAD.Wanted: feature "none"`},
	} {
		_, err := rerank.XQuAD{Aspects: bad.items, Wanted: bad.request}.Bind(schema(t, dim))
		require.ErrorContains(t, err, bad.want)
	}
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{
		{Name: "genres", Kind: recsys.Vector, Dim: 3},
		{Name: "taste", Kind: recsys.Vector, Dim: 4, Scope: recsys.PerRequest},
	}})
	require.NoError(t, err)
	_, err = rerank.Calibration{Shares: "genres", Wanted: "taste"}.Bind(s)
	require.EqualError(t, err, `rerank: Calibration.Wanted: feature "taste" has 4 numbers; want 3, as "genres" has`)
}

func TestXQuADAndCalibrationDoNotAllocate(t *testing.T) {
	allocations(t, rerank.XQuAD{Lambda: 0.5, Aspects: "embedding", Wanted: "user"}, 300)
	allocations(t, rerank.Calibration{Lambda: 0.5, Shares: "embedding", Wanted: "user"}, 300)
}

// Probabilities and smoothing next to nothing make large gains, not infinite ones.
func TestSelectCalibratedNextToNothing(t *testing.T) {
	order, scores, err := rerank.SelectCalibrated([]float64{1, 2}, []float64{1, 1e-318}, []float64{1, 0, 0, 1}, 0.5, 0.01, 2)
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1}, order)
	require.InDelta(t, 0.5, scores[0], 1e-12)
	require.InDelta(t, 1.5-0.5*math.Log(1/(0.99/2+0.01)), scores[1], 1e-12)
	order, scores, err = rerank.SelectCalibrated([]float64{1, 2}, []float64{0.5, 0.5}, []float64{1, 0, 0, 1}, 0.5, 1e-320, 2)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 0}, order)
	require.InDelta(t, 1.5, scores[1], 1e-12)
}

// An ID column is a vector column with a 1 at the place of its value.
func TestAspectsByValueAreVectorsOfOneAndZero(t *testing.T) {
	values := []uint64{3, 0, 7, 1} // 2 is of no aspect, and no row is of 7
	for seed := range uint64(4) {
		c, _ := table(t, 80, len(values), seed)
		vector, category := field(t, c.Schema(), "embedding"), field(t, c.Schema(), "category")
		for row := range c.Len() {
			unknown := c.Missing(category.Group).Has(row)
			c.Missing(vector.Group).Clear(row)
			clear(c.Vector(vector.Index, row))
			if unknown {
				c.IDColumn(category.Index)[row] = 3
			} else if z := slices.Index(values, c.IDColumn(category.Index)[row]); z >= 0 {
				c.Vector(vector.Index, row)[z] = 1
			}
			if unknown {
				c.Missing(category.Group).Set(row)
			}
		}
		q := recsys.NewQuery(&recsys.Request{K: 30, Now: now, Seed: 1}, c.Schema(), "test")
		copy(q.Vector(field(t, c.Schema(), "user").Index), []float32{5, 1, 2, 1})
		for _, pair := range [][2]recsys.ReRanker{
			{rerank.XQuAD{Lambda: 0.6, Aspects: "embedding", Wanted: "user"}, rerank.XQuAD{Lambda: 0.6, Aspects: "category", Values: values, Wanted: "user"}},
			{rerank.XQuAD{Lambda: 0.6, Aspects: "embedding"}, rerank.XQuAD{Lambda: 0.6, Aspects: "category", Values: values}},
			{rerank.Calibration{Lambda: 0.6, Shares: "embedding", Wanted: "user"}, rerank.Calibration{Lambda: 0.6, Shares: "category", Values: values, Wanted: "user"}},
		} {
			byVector := reRank(t, bound(t, pair[0], c.Schema()), q, c, sorted(c))
			order := sorted(c)
			byValue := reRank(t, bound(t, pair[1], c.Schema()), q, c, order)
			require.Equal(t, byVector, byValue, "%v", pair[1])
			require.NotEqual(t, order, byValue)
		}
	}
}

func TestAspectsByValueRefuse(t *testing.T) {
	s := schema(t, dim)
	for want, x := range map[string]rerank.XQuAD{
		`rerank: XQuAD.Aspects: feature "category" is an ID; list the values that are aspects in Values`:   {Aspects: "category"},
		`rerank: XQuAD.Values has 1 elements; want none, since feature "embedding" is a vector`:            {Aspects: "embedding", Values: []uint64{1}},
		`rerank: XQuAD.Aspects: feature "country" describes the request; want one of items`:                {Aspects: "country", Values: []uint64{1}},
		fmt.Sprintf(`rerank: XQuAD.Wanted: feature "user" has %d numbers; want 2, as "category" has`, dim): {Aspects: "category", Values: []uint64{1, 2}, Wanted: "user"},
	} {
		_, err := x.Bind(s)
		require.EqualError(t, err, want)
	}
	require.ErrorContains(t, rerank.XQuAD{Aspects: "category", Values: []uint64{1, 2, 1}}.Validate(), "rerank: XQuAD.Values[2] is 1, as Values[0] is; want different ones")
	require.ErrorContains(t, rerank.Calibration{Values: []uint64{2, 2}}.Validate(), "rerank: Calibration.Values[1] is 2, as Values[0] is")
	allocations(t, rerank.XQuAD{Lambda: 0.5, Aspects: "category", Values: []uint64{1, 2}}, 300)
}
