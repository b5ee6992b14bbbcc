package rerank_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/rerank"
	"github.com/recsyskit/recsys/rerank/reranktest"
)

// binomialCDF is the distribution function by its definition, in 200 bits.
func binomialCDF(m, n int, p float64) *big.Float {
	x := func(v float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(v) }
	q := new(big.Float).Sub(x(1), x(p))
	sum := x(0)
	for j := 0; j <= m; j++ {
		term := new(big.Float).SetPrec(200).SetInt(new(big.Int).Binomial(int64(n), int64(j)))
		for i := range n {
			if i < j {
				term.Mul(term, x(p))
			} else {
				term.Mul(term, q)
			}
		}
		sum.Add(sum, term)
	}
	return sum
}

// Source: Zehlike et al. 2017, definition 2: a prefix of i places with m protected items passes when F(m; i, p) > alpha.
func TestFairTableIsTheDefinition(t *testing.T) {
	for _, p := range []float64{0.05, 0.3, 0.5, 0.77, 0.95} {
		for _, alpha := range []float64{0.001, 0.05, 0.1, 0.37, 0.9} {
			table, err := rerank.FairTable(60, p, alpha)
			require.NoError(t, err)
			for i, m := range table {
				require.Positive(t, binomialCDF(m, i+1, p).Cmp(big.NewFloat(alpha)), "p=%v alpha=%v place %d", p, alpha, i)
				if m > 0 {
					require.LessOrEqual(t, binomialCDF(m-1, i+1, p).Cmp(big.NewFloat(alpha)), 0, "p=%v alpha=%v place %d", p, alpha, i)
				}
			}
		}
	}
}

// Source: Zehlike et al. 2017, table 2: alpha = 0.1, k = 12.
func TestFairTableOfThePaper(t *testing.T) {
	for p, want := range map[float64][]int{
		0.1: {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		0.2: {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1},
		0.3: {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2},
		0.4: {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3},
		0.5: {0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4},
		0.6: {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5},
		0.7: {0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6},
	} {
		got, err := rerank.FairTable(12, p, 0.1)
		require.NoError(t, err)
		require.Equal(t, want, got, "p=%v", p)
	}
}

// failsByEnumeration adds up the probability of all 2^k sequences that fail.
func failsByEnumeration(table []int, p float64) float64 {
	sum := 0.0
	for bits := range 1 << len(table) {
		prob, held, ok := 1.0, 0, true
		for i, m := range table {
			if bits>>i&1 == 1 {
				prob, held = prob*p, held+1
			} else {
				prob *= 1 - p
			}
			ok = ok && held >= m
		}
		if !ok {
			sum += prob
		}
	}
	return sum
}

func TestFairFailureIsTheSumOverAllSequences(t *testing.T) {
	for _, table := range [][]int{nil, {0}, {1}, {0, 1, 1, 2}, {0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4}, {0, 3}, {-1, 0, 5, 2}} {
		for _, p := range []float64{0.1, 0.5, 0.8} {
			got, err := rerank.FairFailure(table, p)
			require.NoError(t, err)
			require.InDelta(t, failsByEnumeration(table, p), got, 1e-13, "%v, p=%v", table, p)
		}
	}
}

// Source: Zehlike et al. 2017, section 4.2: without correction fair rankings fail far more often than alpha; the corrected table is the strictest
// whose probability of failing is at most alpha. Here all tables there are are tried.
func TestAdjustFairAlphaIsTheStrictestThatHolds(t *testing.T) {
	for _, k := range []int{1, 2, 7, 14} {
		for _, p := range []float64{0.1, 0.3, 0.5, 0.8} {
			for _, alpha := range []float64{0.01, 0.1, 0.2, 0.6} {
				corrected, fails, err := rerank.AdjustFairAlpha(k, p, alpha)
				require.NoError(t, err)
				require.Greater(t, corrected, 0.0)
				require.LessOrEqual(t, corrected, alpha)
				require.LessOrEqual(t, fails, alpha)
				table, err := rerank.FairTable(k, p, corrected)
				require.NoError(t, err)
				require.InDelta(t, failsByEnumeration(table, p), fails, 1e-13)
				for level := corrected; level < alpha; level += alpha / 500 {
					next, err := rerank.FairTable(k, p, level)
					require.NoError(t, err)
					if !slices.Equal(next, table) {
						require.Greater(t, failsByEnumeration(next, p), alpha, "k=%d p=%v alpha=%v: level %v holds too", k, p, alpha, level)
						break
					}
				}
			}
		}
	}
}

// The probability that is corrected for is the one that simulated fair rankings fail with.
func TestFairFailureIsWhatDrawsFail(t *testing.T) {
	const k, p, draws = 40, 0.4, 20000
	r := rand.New(rand.NewPCG(3, 1))
	table, err := rerank.FairTable(k, p, 0.1)
	require.NoError(t, err)
	want, err := rerank.FairFailure(table, p)
	require.NoError(t, err)
	require.Greater(t, want, 0.25, "uncorrected, a fair ranking of 40 places fails far more often than 0.1")
	failed := 0
	for range draws {
		held := 0
		for _, m := range table {
			if r.Float64() < p {
				held++
			}
			if held < m {
				failed++
				break
			}
		}
	}
	require.InDelta(t, want, float64(failed)/draws, 4*math.Sqrt(want*(1-want)/draws))
}

func TestFairTableRefuses(t *testing.T) {
	for _, bad := range []float64{0, 1, -1, 2, math.NaN()} {
		_, err := rerank.FairTable(3, bad, 0.1)
		require.EqualError(t, err, fmt.Sprintf("rerank: FairTable: p is %v; want a probability in (0, 1)", bad))
		_, err = rerank.FairTable(3, 0.5, bad)
		require.EqualError(t, err, fmt.Sprintf("rerank: FairTable: alpha is %v; want a level in (0, 1)", bad))
		_, _, err = rerank.AdjustFairAlpha(3, bad, 0.1)
		require.ErrorContains(t, err, "AdjustFairAlpha: p is")
		_, _, err = rerank.AdjustFairAlpha(3, 0.1, bad)
		require.ErrorContains(t, err, "AdjustFairAlpha: alpha is")
		_, err = rerank.FairFailure([]int{1}, bad)
		require.ErrorContains(t, err, "FairFailure: p is")
	}
	for _, k := range []int{-1, 0} {
		table, err := rerank.FairTable(k, 0.5, 0.1)
		require.NoError(t, err)
		require.Empty(t, table)
		_, fails, err := rerank.AdjustFairAlpha(k, 0.5, 0.1)
		require.NoError(t, err)
		require.Zero(t, fails)
	}
	_, err := rerank.SelectFair([]float64{1, 2}, []bool{true}, []int{0}, 1)
	require.ErrorContains(t, err, "rel has 2 items and protected 1")
	_, err = rerank.SelectFair([]float64{math.NaN()}, []bool{true}, []int{0}, 1)
	require.ErrorContains(t, err, "rel[0] is NaN")
	_, err = rerank.SelectFair([]float64{1}, []bool{true}, nil, 1)
	require.ErrorContains(t, err, "table is empty")
	order, err := rerank.SelectFair([]float64{1}, []bool{true}, nil, 0)
	require.NoError(t, err)
	require.Empty(t, order)
}

// Source: Zehlike et al. 2017, section 3.2: the ranking passes the test in every prefix if there are protected items
// enough; within each group the order is that of relevance; and no other ranking that passes has a better item sooner.
func TestSelectFairPassesAndKeepsTheOrderOfGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	for range 200 {
		n := 1 + r.IntN(60)
		k := r.IntN(n + 3)
		rel, protected := make([]float64, n), make([]bool, n)
		all := 0
		for i := range rel {
			rel[i], protected[i] = float64(r.IntN(30)), r.IntN(4) == 0
			if protected[i] {
				all++
			}
		}
		table, err := rerank.FairTable(k, 0.5, 0.1)
		require.NoError(t, err)
		order, err := rerank.SelectFair(rel, protected, table, k)
		require.NoError(t, err)
		require.Len(t, order, min(k, n))
		held, last := 0, map[bool]float64{false: math.Inf(1), true: math.Inf(1)}
		for i, item := range order {
			best := math.Inf(-1)
			for j := range rel {
				if !slices.Contains(order[:i], int32(j)) {
					best = max(best, rel[j])
				}
			}
			if rel[item] < best {
				require.True(t, protected[item], "only a protected item is moved up")
				require.Less(t, held, table[i], "and only where the prefix would fail")
			}
			require.LessOrEqual(t, rel[item], last[protected[item]])
			last[protected[item]] = rel[item]
			if protected[item] {
				held++
			}
			require.GreaterOrEqual(t, held, min(table[i], all))
		}
	}
}

func TestFairIsItsCoreOverTheTable(t *testing.T) {
	for _, uncorrected := range []bool{false, true} {
		c, order := table(t, 150, dim, 3)
		x := rerank.Fair{Attribute: "category", Values: []uint64{1}, Share: 0.5, Uncorrected: uncorrected}
		f := field(t, c.Schema(), "category")
		var rel []float64
		var protected []bool
		for _, row := range order {
			rel = append(rel, float64(c.Utility()[row]))
			// A row of unknown value is not protected, whatever stands there.
			protected = append(protected, c.IDColumn(f.Index)[row] == 1 && !c.Missing(f.Group).Has(int(row)))
		}
		alpha := 0.1
		if !uncorrected {
			var err error
			alpha, _, err = rerank.AdjustFairAlpha(40, 0.5, 0.1)
			require.NoError(t, err)
		}
		fairTable, err := rerank.FairTable(40, 0.5, alpha)
		require.NoError(t, err)
		want, err := rerank.SelectFair(rel, protected, fairTable, 40)
		require.NoError(t, err)
		got := reRank(t, x, query(40), c, order)
		for i, place := range want {
			require.Equal(t, order[place], got[i], "place %d", i)
		}
	}
}

func TestFairTakesUnknownForUnprotected(t *testing.T) {
	c, order := table(t, 60, dim, 3)
	f := field(t, c.Schema(), "category")
	for i := range c.Len() {
		c.IDColumn(f.Index)[i] = 1
		c.Missing(f.Group).Set(i)
	}
	require.Equal(t, order, reRank(t, rerank.Fair{Attribute: "category", Values: []uint64{1}, Share: 0.9}, query(20), c, order))
}

func TestFairConformance(t *testing.T) {
	for _, x := range []rerank.Fair{
		{Attribute: "category", Values: []uint64{1, 2}, Share: 0.7},
		{Attribute: "creator", Values: []uint64{0}, Share: 0.9, Alpha: 0.5, Uncorrected: true},
	} {
		t.Run(x.Version(), func(t *testing.T) {
			reranktest.Run(t, func(*testing.T) recsys.ReRanker { return x }, reranktest.Greedy())
		})
	}
}

func TestFairValidateAndBind(t *testing.T) {
	err := rerank.Fair{Alpha: 1}.Validate()
	for _, want := range []string{
		"rerank: Fair.Attribute is empty; name an ID column of items",
		"rerank: Fair.Values is empty; list the values of the protected group",
		"rerank: Fair.Share is 0; want a probability in (0, 1)",
		"rerank: Fair.Alpha is 1; want a level in (0, 1) (0 means 0.1)",
	} {
		require.ErrorContains(t, err, want)
	}
	for _, share := range []float64{1, -0.1, math.NaN()} {
		require.ErrorContains(t, rerank.Fair{Attribute: "a", Values: []uint64{1}, Share: share}.Validate(), "Fair.Share is")
	}
	_, err = rerank.Fair{Attribute: "country", Values: []uint64{1}, Share: 0.5}.Bind(schema(t, dim))
	require.ErrorContains(t, err, `rerank: Fair.Attribute: feature "country" describes the request`)
}

func TestFairDoesNotAllocate(t *testing.T) {
	allocations(t, rerank.Fair{Attribute: "category", Values: []uint64{1}, Share: 0.6}, 300)
}

// Lists whose table would take the machine's memory are refused, and requests that miss the same table wait for one.
func TestFairOfLongLists(t *testing.T) {
	c, order := table(t, rerank.MaxFairPlaces+1, 1, 1)
	x := bound[recsys.ReRanker](t, rerank.Fair{Attribute: "category", Values: []uint64{2}, Share: 0.3}, c.Schema())
	_, err := x.ReRank(t.Context(), query(rerank.MaxFairPlaces+1), c, order)
	require.EqualError(t, err, "rerank: Fair: the list has 5001 places; want at most 5000")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c, order := table(t, 300, 1, 1)
			_, err := x.ReRank(t.Context(), query(200), c, order)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestAdjustFairAlphaTakesTheMemoryItSays(t *testing.T) {
	const k = 1000
	for _, p := range []float64{0.1, 0.5, 0.97} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := rerank.AdjustFairAlpha(k, p, 0.1)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(9*k*k), "p %v", p)
	}
}
