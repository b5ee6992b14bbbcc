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

// det returns the determinant of the kernel over items, by elimination with pivots.
func det(kernel func(i, j int) float64, items []int32) float64 {
	n := len(items)
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n)
		for j := range a {
			a[i][j] = kernel(int(items[i]), int(items[j]))
		}
	}
	d := 1.0
	for c := range n {
		p := c
		for r := c; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[p][c]) {
				p = r
			}
		}
		if a[p][c] == 0 {
			return 0
		}
		if p != c {
			a[p], a[c], d = a[c], a[p], -d
		}
		d *= a[c][c]
		for r := c + 1; r < n; r++ {
			for k := n - 1; k >= c; k-- {
				a[r][k] -= a[r][c] / a[c][c] * a[c][k]
			}
		}
	}
	return d
}

// naiveDPP is greedy selection by the definition: the ratio of two determinants for each item and step.
func naiveDPP(n int, kernel func(i, j int) float64, k, window int) (order []int32, gains []float64) {
	for len(order) < min(k, n) {
		given := order
		if window > 0 {
			given = order[max(0, len(order)-window+1):]
		}
		at, top := -1, 0.0
		for i := range int32(n) {
			if slices.Contains(order, i) {
				continue
			}
			gain := det(kernel, append(slices.Clone(given), i)) / det(kernel, given)
			if at < 0 || gain > top {
				at, top = int(i), gain
			}
		}
		if top < rerank.Exhausted {
			break
		}
		order, gains = append(order, int32(at)), append(gains, top)
	}
	return order, gains
}

// kernelOf draws a kernel of full rank.
func kernelOf(t *testing.T, r *rand.Rand, n, d int, alpha float64) func(i, j int) float64 {
	vectors, rel := make([]float64, n*d), make([]float64, n)
	for i := range vectors {
		vectors[i] = r.NormFloat64()
	}
	for i := range rel {
		rel[i] = r.Float64()
	}
	cosine, err := rerank.Cosine(vectors, d)
	require.NoError(t, err)
	kernel, err := rerank.QualityKernel(rel, func(i, j int) float64 {
		if i == j {
			return 1
		}
		return 0.8 * (1 + cosine(i, j)) / 2
	}, alpha)
	require.NoError(t, err)
	return kernel
}

// Source: Chen, Zhang and Zhou 2018, equation 6: each step takes the item of the largest ratio of determinants, and
// section 4: with a window, given the last picks alone.
func TestSelectDPPIsTheRatioOfDeterminants(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 7, 16, 17, 33} {
		for _, alpha := range []float64{0, 0.5, 3} {
			kernel := kernelOf(t, r, n, 5, alpha)
			for _, k := range []int{-1, 0, 1, 6, n, n + 3} {
				for _, window := range []int{0, 1, 2, 5, 100} {
					order, gains, err := rerank.SelectDPP(n, kernel, k, window)
					require.NoError(t, err)
					wantOrder, want := naiveDPP(n, kernel, k, window)
					require.Equal(t, wantOrder, order, "n=%d alpha=%v k=%d window=%d", n, alpha, k, window)
					closeTo(t, fmt.Sprint("n=", n), want, gains, 1e-9)
				}
			}
		}
	}
}

// Source: as above, section 3: the gains are the squares of the diagonal of the Cholesky
// factor, so that their product is the determinant. They never grow.
func TestSelectDPPGainsMultiplyToTheDeterminant(t *testing.T) {
	kernel := kernelOf(t, rand.New(rand.NewPCG(2, 1)), 80, 12, 1)
	order, gains, err := rerank.SelectDPP(80, kernel, 30, 0)
	require.NoError(t, err)
	require.Len(t, order, 30)
	product := 1.0
	for i, g := range gains {
		product *= g
		require.InEpsilon(t, det(kernel, order[:i+1]), product, 1e-9)
		if i > 0 {
			require.LessOrEqual(t, g, gains[i-1]*(1+1e-12))
		}
	}
}

// A kernel of rank r has r items at most; copies of an item are never taken twice.
func TestSelectDPPStopsAtTheRank(t *testing.T) {
	vectors := []float64{1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, -1, 0, 0, 0, 0, 0}
	cosine, err := rerank.Cosine(vectors, 3)
	require.NoError(t, err)
	order, gains, err := rerank.SelectDPP(6, func(i, j int) float64 {
		if i == 5 && j == 5 {
			return 0 // an item without a direction
		}
		return cosine(i, j)
	}, 6, 0)
	require.NoError(t, err)
	require.Equal(t, []int32{0, 2}, order)
	require.Equal(t, []float64{1, 1}, gains)

	order, _, err = rerank.SelectDPP(3, func(int, int) float32 { return 1 }, 3, 2)
	require.NoError(t, err)
	require.Equal(t, []int32{0}, order, "in a window too")
	order, _, err = rerank.SelectDPP(3, func(int, int) float64 { return 0 }, 3, 0)
	require.NoError(t, err)
	require.Empty(t, order)
}

// Renaming the items renames the result.
func TestSelectDPPDoesNotDependOnTheNumbering(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	kernel := kernelOf(t, r, 40, 6, 1)
	perm := r.Perm(40)
	for _, window := range []int{0, 4} {
		want, _, err := rerank.SelectDPP(40, kernel, 20, window)
		require.NoError(t, err)
		got, _, err := rerank.SelectDPP(40, func(i, j int) float64 { return kernel(perm[i], perm[j]) }, 20, window)
		require.NoError(t, err)
		for i := range got {
			got[i] = int32(perm[got[i]])
		}
		require.Equal(t, want, got)
	}
}

func TestSelectDPPRefuses(t *testing.T) {
	one := func(i, j int) float64 { return 1 }
	_, _, err := rerank.SelectDPP(3, one, 2, -1)
	require.EqualError(t, err, "rerank: SelectDPP: window is -1; want >= 0 (0 looks at all that is chosen)")
	for _, bad := range []float64{math.NaN(), math.Inf(1), -1} {
		_, _, err := rerank.SelectDPP(3, func(i, j int) float64 { return bad }, 2, 0)
		require.ErrorContains(t, err, fmt.Sprintf("kernel(0, 0) is %v", bad))
	}
	for _, window := range []int{0, 2} {
		_, _, err = rerank.SelectDPP(4, func(i, j int) float64 {
			if i != j {
				return math.NaN()
			}
			return 1
		}, 3, window)
		require.ErrorContains(t, err, "is NaN; want a finite number")
	}
	_, err = rerank.QualityKernel([]float64{1}, one, -1)
	require.EqualError(t, err, "rerank: QualityKernel: alpha is -1; want a number >= 0")
	for _, rel := range []float64{math.NaN(), math.Inf(1), 1e6} {
		_, err = rerank.QualityKernel([]float64{0, rel}, one, 1)
		require.ErrorContains(t, err, "exp(alpha·rel[1])")
	}
	_, err = rerank.QualityKernel([]float32{100}, func(int, int) float32 { return 1 }, 1)
	require.ErrorContains(t, err, "want a finite number", "in float32 too")
}

// naiveStage returns the top k of a table by the definition of the stage.
func naiveStage(t *testing.T, d rerank.DPP, c *recsys.Candidates, order []int32, k int) []int32 {
	f := field(t, c.Schema(), "embedding")
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range order {
		lo, hi = min(lo, float64(c.Utility()[row])), max(hi, float64(c.Utility()[row]))
	}
	var flat []float64
	for i := range c.Len() {
		for _, x := range c.Vector(f.Index, i) {
			if c.Missing(f.Group).Has(i) {
				x = 0
			}
			flat = append(flat, float64(x))
		}
	}
	cosine, err := rerank.Cosine(flat, len(c.Vector(f.Index, 0)))
	require.NoError(t, err)
	kernel := func(i, j int) float64 {
		if i == j {
			return 1
		}
		return (1 - d.Own) * (1 + cosine(i, j)) / 2
	}
	var out []int32
	for len(out) < k {
		given := out
		if d.Window > 0 {
			given = out[max(0, len(out)-d.Window+1):]
		}
		at, top := int32(-1), math.Inf(-1)
		base := det(kernel, given)
		for _, row := range order {
			if slices.Contains(out, row) {
				continue
			}
			rel := (float64(c.Utility()[row]) - lo) / (hi - lo)
			left := det(kernel, append(slices.Clone(given), row)) / base
			if s := d.Theta*rel + (1-d.Theta)*math.Log(left); left > 1e-5 && s > top {
				at, top = row, s
			}
		}
		if at < 0 {
			break
		}
		out = append(out, at)
	}
	return out
}

func TestDPPIsTheDefinitionOverTheTable(t *testing.T) {
	for seed := range uint64(3) {
		for _, d := range []rerank.DPP{{}, {Theta: 0.5}, {Theta: 0.9, Own: 0.3}, {Theta: 0.7, Window: 4}, {Theta: 1, Window: 1}} {
			c, order := table(t, 40, dim, seed)
			want := naiveStage(t, d, c, order, 9)
			d.Vector = "embedding"
			got := reRank(t, d, query(9), c, order)
			require.Equal(t, want, got[:9], "%v", d)
		}
	}
}

// Source: Chen, Zhang and Zhou 2018, section 5: theta = 1 is the order of relevance.
func TestDPPThetaOneIsRelevanceOrder(t *testing.T) {
	c, order := table(t, 200, 64, 3)
	require.Equal(t, order, reRank(t, rerank.DPP{Theta: 1, Vector: "embedding"}, query(50), c, order))
}

// With nothing new to be had, places keep the order that they had, and are filled all the same.
func TestDPPGoesOnWhenNothingIsLeft(t *testing.T) {
	c, order := table(t, 50, dim, 3)
	f := field(t, c.Schema(), "embedding")
	for i := range c.Len() { // two directions
		c.Missing(f.Group).Clear(i)
		clear(c.Vector(f.Index, i))
		c.Vector(f.Index, i)[0] = []float32{1, -1}[i%2]
	}
	got := reRank(t, rerank.DPP{Theta: 0.5, Vector: "embedding"}, query(20), c, order)
	other := slices.IndexFunc(order, func(row int32) bool { return row%2 != order[0]%2 })
	want := append([]int32{order[0], order[other]}, slices.Delete(slices.Clone(order[1:]), other-1, other)...)
	require.Equal(t, want, got)
}

// Vectors that are no direction (zeros, NaN, infinite, too long) are like none.
func TestDPPOfVectorsWithoutDirection(t *testing.T) {
	for _, bad := range []float32{0, float32(math.NaN()), float32(math.Inf(1)), 3e38} {
		for _, window := range []int{0, 3} {
			c, order := table(t, 60, dim, 3)
			f := field(t, c.Schema(), "embedding")
			d, sameOrder := table(t, 60, dim, 3)
			for i := 0; i < c.Len(); i += 5 {
				c.Missing(f.Group).Clear(i)
				d.Missing(f.Group).Set(i)
				for j := range c.Vector(f.Index, i) {
					c.Vector(f.Index, i)[j] = bad
				}
			}
			stage := rerank.DPP{Theta: 0.4, Vector: "embedding", Window: window}
			require.Equal(t, reRank(t, stage, query(20), d, sameOrder), reRank(t, stage, query(20), c, order), "%v, window %d", bad, window)
		}
	}
}

func TestDPPReachesBelowDepthWhenNoneAboveMayCome(t *testing.T) {
	for _, window := range []int{0, 2} {
		c, order := table(t, 30, dim, 2)
		deep := order[20:]
		c.Constrain(recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
			for _, row := range order[:20] {
				if len(slate) >= 2 {
					admissible.Clear(int(row))
				}
			}
		}))
		got := reRank(t, rerank.DPP{Theta: 0.5, Vector: "embedding", Depth: 10, Window: window}, query(5), c, order)
		for i, row := range got[:5] {
			require.Equal(t, i >= 2, slices.Contains(deep, row), "place %d", i)
		}
	}
}

func TestDPPConformance(t *testing.T) {
	for _, d := range []rerank.DPP{
		{Theta: 0.5, Vector: "embedding"},
		{Own: 0.5},
		{Theta: 1, Depth: 7, Top: 300},
		{Theta: 0.7, Window: 3, Relevance: rerank.AsIs, Depth: 40},
	} {
		t.Run(d.Version(), func(t *testing.T) {
			reranktest.Run(t, func(*testing.T) recsys.ReRanker { return d }, reranktest.Greedy())
		})
	}
}

func TestDPPValidateAndBind(t *testing.T) {
	require.NoError(t, rerank.DPP{}.Validate())
	err := rerank.DPP{Theta: 2, Window: -1, Own: 1, Depth: -1, Top: -2, Relevance: 9}.Validate()
	for _, want := range []string{
		"rerank: DPP.Theta is 2; want a number in [0, 1]",
		"rerank: DPP.Window is -1; want >= 0 (0 means all rows above)",
		"rerank: DPP.Own is 1; want a share in [0, 1)",
		"rerank: DPP.Depth is -1; want >= 0 (0 means 1000)",
		"rerank: DPP.Top is -2; want >= 0 (0 means the K of the request)",
		"rerank: DPP.Relevance is 9; want MinMax or AsIs",
	} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, rerank.DPP{Theta: math.NaN(), Own: math.NaN()}.Validate(), "Own is NaN")
	_, err = rerank.DPP{Vector: "user"}.Bind(schema(t, dim))
	require.ErrorContains(t, err, `rerank: DPP.Vector: feature "user" describes the request`)
	_, err = rerank.DPP{}.ReRank(t.Context(), query(3), recsys.NewCandidates(nil, []recsys.ItemID{1}), []int32{0})
	require.ErrorContains(t, err, "DPP.Vector is empty and items have 0 vector columns")
}

// allocations serves a stage again and again and wants no allocation.
func allocations(t *testing.T, x recsys.ReRanker, n int) {
	t.Helper()
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	c, order := table(t, n, dim, 1)
	stage := bound(t, x, c.Schema())
	q := recsys.NewQuery(&recsys.Request{K: 20, Now: now, Seed: 1}, c.Schema(), "test")
	work, utility := make([]int32, len(order)), slices.Clone(c.Utility())
	require.Zero(t, testing.AllocsPerRun(50, func() {
		copy(work, order)
		copy(c.Utility(), utility)
		if _, err := stage.ReRank(context.Background(), q, c, work); err != nil {
			t.Fatal(err)
		}
	}))
}

func TestDPPDoesNotAllocate(t *testing.T) {
	allocations(t, rerank.DPP{Theta: 0.5, Vector: "embedding"}, 300)
	allocations(t, rerank.DPP{Theta: 0.5, Vector: "embedding", Window: 5}, 300)
}

// alike gives the rows of a table, in their order, one of some directions at right angles: ten rows of the first, ten of the next.
func alike(t *testing.T, directions int) (c *recsys.Candidates, order []int32) {
	c, order = table(t, 10*directions, dim, 1)
	f := field(t, c.Schema(), "embedding")
	for i, row := range order {
		c.Missing(f.Group).Clear(int(row))
		clear(c.Vector(f.Index, int(row)))
		c.Vector(f.Index, int(row))[i/10] = 1
	}
	return c, order
}

// At theta = 1 nothing else counts: not even that a row is a copy of one above.
func TestDPPThetaOneKeepsCopies(t *testing.T) {
	for _, window := range []int{0, 3} {
		c, order := alike(t, 2)
		require.Equal(t, order, reRank(t, rerank.DPP{Theta: 1, Vector: "embedding", Window: window}, query(12), c, order))
		// Hard rules hold all the same.
		c.Constrain(rerank.MaxPer("category", 1))
		category := c.IDColumn(field(t, c.Schema(), "category").Index)
		got := reRank(t, rerank.DPP{Theta: 1, Vector: "embedding", Window: window}, query(2), c, order)
		require.NotEqual(t, category[got[0]], category[got[1]])
	}
}

// A row of which the window leaves nothing moves it on, so that no direction has the list for itself.
func TestDPPWindowMovesOnBesideCopies(t *testing.T) {
	c, order := alike(t, 2)
	got := reRank(t, rerank.DPP{Theta: 0.5, Vector: "embedding", Window: 3}, query(15), c, order)
	for at := range 12 {
		sides := 0
		for _, row := range got[at : at+4] {
			sides += slices.Index(order, row) / 10
		}
		require.Contains(t, []int{1, 2, 3}, sides, "places %d to %d", at, at+3)
	}
}
