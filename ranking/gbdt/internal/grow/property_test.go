package grow_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/grow"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

func (p *problem) grow(t testing.TB, g *grow.Grower, rows, features []int32) *tree.Tree {
	t.Helper()
	tr, err := g.Grow(background, p.grad, p.hess, rows, features)
	require.NoError(t, err)
	return tr
}

func TestRowsLieWhereTheirValuesLead(t *testing.T) {
	for _, d := range []int{1, 5, 8, 9, 63, 64, 65, 150} {
		p := newProblem(uint64(d), 2500, d, false)
		cfg := grow.Default()
		cfg.Leaves = 50
		for _, how := range []bins.Config{{}, {Bins: 9}, {ZeroAsMissing: true, Seed: 3, SampleRows: 700}} {
			tb := p.table(t, how)
			g := grow.New(tb, cfg)
			tr := p.grow(t, g, nil, nil)
			require.Greater(t, len(tr.Nodes), 5)
			p.check(t, g, tr, upTo(2500))
			dst := make([]int32, 2500)
			require.NoError(t, g.Assign(background, dst, tb, nil))
			for r, leaf := range dst {
				require.Equal(t, tr.Leaf(p.row(int32(r))), leaf)
			}
		}
	}
}

func TestAssignFollowsTheTreeOnOtherRows(t *testing.T) {
	p, other := newProblem(3, 3000, 12, true), newProblem(4, 9000, 12, true)
	tb := p.table(t, bins.Config{Bins: 40})
	like, err := tb.Like(background, other.in)
	require.NoError(t, err)
	for _, workers := range []int{1, 3} {
		cfg := grow.Default()
		cfg.Workers = workers
		g := grow.New(tb, cfg)
		require.EqualError(t, g.Assign(background, nil, like, []int32{}), "grow: there is no tree yet")
		tr := p.grow(t, g, nil, nil)
		dst := make([]int32, 9000)
		require.NoError(t, g.Assign(background, dst, like, nil))
		for r, leaf := range dst {
			require.Equal(t, tr.Leaf(other.row(int32(r))), leaf)
		}
		some := []int32{8999, 5, 5, 17}
		require.NoError(t, g.Assign(background, dst[:4], like, some))
		for i, r := range some {
			require.Equal(t, tr.Leaf(other.row(r)), dst[i])
		}
		require.EqualError(t, g.Assign(background, dst[:3], like, some), "grow: 3 places for 4 rows")
		require.EqualError(t, g.Assign(background, dst[:1], like, []int32{9000}), "grow: row 9000 of 9000")
	}
}

func TestAnyNumberOfWorkersGrowsTheSameTree(t *testing.T) {
	p := newProblem(5, 90_000, 20, false)
	rows := slices.DeleteFunc(upTo(90_000), func(r int32) bool { return r%17 == 3 })
	tb := p.table(t, bins.Config{})
	for _, name := range []string{"plain", "all"} {
		cfg := grow.Default()
		options()[name](&cfg)
		if len(cfg.Monotone) > 0 {
			cfg.Monotone = append(cfg.Monotone, make([]int8, 11)...)
		}
		cfg.Leaves, cfg.NodeFeatures = 40, 0.8
		var want []*tree.Tree
		for workers := 1; workers <= 5; workers++ {
			cfg.Workers = workers
			g := grow.New(tb, cfg)
			for i, rows := range [][]int32{nil, rows} {
				tr := p.grow(t, g, rows, nil)
				if workers == 1 {
					want = append(want, tr)
					if rows == nil {
						rows = upTo(90_000)
					}
					p.check(t, g, tr, rows)
					continue
				}
				require.Equal(t, want[i], tr, "%d workers", workers)
			}
		}
	}
}

func TestLittleMemoryGrowsTheSameTree(t *testing.T) {
	p := newProblem(6, 4000, 20, false)
	tb := p.table(t, bins.Config{})
	cfg := grow.Default()
	cfg.Leaves = 60
	want := p.grow(t, grow.New(tb, cfg), nil, nil)
	for _, bytes := range []int64{1, 6 * 20 * 2048} {
		cfg.HistogramBytes = bytes
		require.Equal(t, want, p.grow(t, grow.New(tb, cfg), nil, nil))
	}
}

func TestEachLeafHasEnoughRowsExactly(t *testing.T) {
	counted := false
	for seed := range uint64(6) {
		p := newProblem(seed, 3000, 10, false)
		for i := range p.hess { // counts estimated from hessians are far off
			p.hess[i] = p.hess[i] * p.hess[i] * p.hess[i] * float32(1+i%13)
		}
		tb := p.table(t, bins.Config{})
		cfg := grow.Default()
		cfg.Leaves, cfg.MinRows = 64, 30
		if seed%2 == 1 {
			cfg.HistogramBytes = 1
		}
		g := grow.New(tb, cfg)
		tr := p.grow(t, g, nil, nil)
		p.check(t, g, tr, upTo(3000))
		for l := range tr.Leaves {
			require.GreaterOrEqual(t, len(g.LeafRows(l)), 30)
		}
		counted = counted || g.Counted()
	}
	require.True(t, counted, "no split was refused after the fact: the test shows nothing")
}

func TestLeafValuesComeFromTheGradientsAsGiven(t *testing.T) {
	p := newProblem(7, 2000, 9, false)
	tb := p.table(t, bins.Config{})
	cfg := grow.Default()
	cfg.L1, cfg.L2, cfg.MinRowsPerSide, cfg.CatSmooth = 0.5, 2, 10, 1
	g := grow.New(tb, cfg)
	tr := p.grow(t, g, nil, []int32{0, 2, 3, 7})
	sum := func(rows []int32) (g, h float64) {
		for _, r := range rows {
			g += float64(p.grad[r])
			h += float64(p.hess[r])
		}
		return g, h
	}
	several := 0 // leaves below a split of several categories have CatL2, too
	for l, v := range tr.Leaves {
		a, h := sum(g.LeafRows(l))
		w := -math.Copysign(max(math.Abs(a)-0.5, 0), a)
		if math.Abs(v-w/(h+12)) < 1e-12*math.Abs(v)+1e-15 {
			several++
			continue
		}
		require.InEpsilon(t, w/(h+2), v, 1e-12)
	}
	require.Positive(t, several)
	a, h := sum(upTo(2000))
	require.InEpsilon(t, -(a-math.Copysign(0.5, a))/(h+2), tr.NodeStats[0].Value, 1e-12)
	require.InEpsilon(t, h, tr.NodeStats[0].Weight, 1e-12)
	require.EqualValues(t, 2000, tr.NodeStats[0].Count)
	for i, n := range tr.Nodes {
		weight, count := 0.0, 0.0
		for _, c := range []int32{n.Left, n.Right} {
			if c < 0 {
				weight, count = weight+tr.LeafStats[^c].Weight, count+tr.LeafStats[^c].Count
			} else {
				weight, count = weight+tr.NodeStats[c].Weight, count+tr.NodeStats[c].Count
			}
		}
		require.InEpsilon(t, weight, tr.NodeStats[i].Weight, 1e-12)
		require.Equal(t, count, tr.NodeStats[i].Count)
		require.Positive(t, tr.NodeStats[i].Gain)
	}
}

func TestGainIsWhatTheLossFalls(t *testing.T) {
	p := newProblem(8, 5000, 9, false)
	cfg := grow.Default()
	cfg.CatL2, cfg.Leaves = 0, 31
	g := grow.New(p.table(t, bins.Config{}), cfg)
	tr := p.grow(t, g, nil, nil)
	total := 0.0
	for _, n := range tr.NodeStats {
		total += n.Gain
	}
	loss := func(rows []int32) float64 {
		var a, h float64
		for _, r := range rows {
			a += float64(p.grad[r])
			h += float64(p.hess[r])
		}
		return -a * a / h
	}
	want := loss(upTo(5000))
	for l := range tr.Leaves {
		want -= loss(g.LeafRows(l))
	}
	require.InEpsilon(t, want, total, 1e-3)
}

func TestMonotoneFeaturesNeverTurn(t *testing.T) {
	for seed := range uint64(8) {
		p := newProblem(seed, 1500, 9, seed%2 == 0)
		cfg := grow.Default()
		cfg.Monotone = []int8{-1, 1, 1, 0, 1, -1, 0, 0, 1} // against what the data says, too
		cfg.Leaves, cfg.MinRows = 60, 2
		if seed > 4 {
			cfg.PathSmooth = 5
		}
		g := grow.New(p.table(t, bins.Config{}), cfg)
		tr := p.grow(t, g, nil, nil)
		require.Greater(t, len(tr.Nodes), 5)
		r := rand.New(rand.NewPCG(seed, 1))
		moved := 0
		for range 3000 {
			x := p.row(int32(r.IntN(1500)))
			j := []int{0, 1, 2, 4, 5, 8}[r.IntN(6)]
			a, b := r.NormFloat64()*3, r.NormFloat64()*3
			if a > b {
				a, b = b, a
			}
			x[j] = a
			low := tr.Leaves[tr.Leaf(x)]
			x[j] = b
			high := tr.Leaves[tr.Leaf(x)]
			if low != high {
				moved++
			}
			require.LessOrEqual(t, float64(cfg.Monotone[j])*low, float64(cfg.Monotone[j])*high, "feature %d from %v to %v", j, a, b)
		}
		require.Positive(t, moved)
		for l, v := range tr.Leaves {
			lo, hi := g.LeafBounds(l)
			require.True(t, lo <= v && v <= hi)
		}
	}
}

func TestPathsKeepToOneInteraction(t *testing.T) {
	p := newProblem(9, 4000, 12, true)
	cfg := grow.Default()
	cfg.Leaves, cfg.MinRows = 80, 3
	cfg.Interactions = [][]int32{{0, 2}, {2, 3, 5}, {6, 7, 8}, {0, 5, 7}}
	tr := p.grow(t, grow.New(p.table(t, bins.Config{}), cfg), nil, nil)
	longest := 0
	var walk func(at int32, used []int32)
	walk = func(at int32, used []int32) {
		longest = max(longest, len(used))
		require.True(t, slices.ContainsFunc(cfg.Interactions, func(set []int32) bool {
			return !slices.ContainsFunc(used, func(j int32) bool { return !slices.Contains(set, j) })
		}), "%v", used)
		if at >= 0 {
			n := &tr.Nodes[at]
			used = append(slices.Clone(used), n.Feature)
			walk(n.Left, used)
			walk(n.Right, used)
		}
	}
	walk(0, nil)
	require.Greater(t, longest, 3)
}

func TestNodesDrawTheirFeatures(t *testing.T) {
	p := newProblem(10, 3000, 12, true)
	tb := p.table(t, bins.Config{})
	cfg := grow.Default()
	cfg.Leaves, cfg.NodeFeatures, cfg.Seed = 30, 0.2, 4
	roots := map[int32]bool{}
	g := grow.New(tb, cfg)
	var trees []*tree.Tree
	for range 12 {
		tr := p.grow(t, g, nil, nil)
		trees = append(trees, tr)
		roots[tr.Nodes[0].Feature] = true
	}
	require.Greater(t, len(roots), 3)
	g.StartAt(7)
	require.Equal(t, trees[7], p.grow(t, g, nil, nil))
	cfg.Seed = 5
	require.NotEqual(t, trees[0], p.grow(t, grow.New(tb, cfg), nil, nil))
}

func TestOnlyTheFeaturesGivenAreUsed(t *testing.T) {
	p := newProblem(11, 2000, 80, true)
	tb := p.table(t, bins.Config{})
	g := grow.New(tb, grow.Default())
	for _, features := range [][]int32{{3}, {70, 2, 9}, {}, {79, 64, 63, 0}} {
		tr := p.grow(t, g, nil, features)
		p.check(t, g, tr, upTo(2000))
		for _, n := range tr.Nodes {
			require.Contains(t, features, n.Feature)
		}
		require.Equal(t, len(features) > 0, len(tr.Nodes) > 0)
	}
	require.Equal(t, p.grow(t, grow.New(tb, grow.Default()), nil, nil), func() *tree.Tree {
		g.StartAt(0)
		return p.grow(t, g, nil, upTo(80))
	}())
	_, err := g.Grow(background, p.grad, p.hess, nil, []int32{80})
	require.EqualError(t, err, "grow: feature 80 of 80")
}

func TestATreeOfSomeRowsIsThatOfTheirTable(t *testing.T) {
	p := newProblem(12, 3000, 9, true)
	rows := slices.DeleteFunc(upTo(3000), func(r int32) bool { return r%3 == 1 })
	g := grow.New(p.table(t, bins.Config{}), grow.Default())
	tr := p.grow(t, g, rows, nil)
	p.check(t, g, tr, rows)
	for i := range p.grad { // the others do not matter
		if i%3 == 1 {
			p.grad[i], p.hess[i] = float32(math.NaN()), -1
		}
	}
	g.StartAt(0)
	require.Equal(t, tr, p.grow(t, g, rows, nil))
}

func TestNothingToLearnIsOneLeaf(t *testing.T) {
	p := newProblem(13, 500, 9, true)
	tb := p.table(t, bins.Config{})
	g := grow.New(tb, grow.Default())
	for _, c := range []struct {
		name string
		g, h float32
		want float64
	}{{"zeros", 0, 1, 0}, {"no hessians", 1, 0, 0}, {"all alike", 0.3, 0.7, -float64(float32(0.3)) / float64(float32(0.7))}, {"tiny", 1e-38, 1, -1e-38}} {
		for i := range p.grad {
			p.grad[i], p.hess[i] = c.g, c.h
		}
		tr := p.grow(t, g, nil, nil)
		require.Len(t, tr.Leaves, 1, c.name)
		require.InDelta(t, c.want, tr.Leaves[0], 1e-5*math.Abs(c.want)+1e-30, c.name)
		require.Equal(t, c.want < 0, math.Signbit(tr.Leaves[0]), "%s: no -0", c.name)
		require.Len(t, g.LeafRows(0), 500)
	}
	tr := p.grow(t, g, []int32{}, nil)
	require.Equal(t, []float64{0}, tr.Leaves, "no rows")

	one := newProblem(1, 1, 3, true)
	tr = one.grow(t, grow.New(one.table(t, bins.Config{}), grow.Default()), nil, nil)
	require.Equal(t, []float64{-float64(one.grad[0])}, tr.Leaves)
}

func TestAMissingColumnCanBeSplitByWhetherItIsThere(t *testing.T) {
	nan := float32(math.NaN())
	p := &problem{in: bins.Input{Rows: 8, Features: []tree.Feature{{Name: "x"}}, Values: []float32{5, nan, 5, nan, 5, 5, 5, nan}}}
	for _, x := range p.in.Values {
		g := float32(-1)
		if x != x {
			g = 1
		}
		p.grad, p.hess = append(p.grad, g), append(p.hess, 1)
	}
	cfg := grow.Default()
	cfg.MinRows = 1
	g := grow.New(p.table(t, bins.Config{}), cfg)
	tr := p.grow(t, g, nil, nil)
	p.check(t, g, tr, upTo(8))
	require.Equal(t, []float64{1, -1}, tr.Leaves)
	for _, x := range []float64{5, math.Inf(1), math.Inf(-1), 1e300} {
		require.EqualValues(t, 0, tr.Leaf([]float64{x}), "every value is there")
	}
	require.EqualValues(t, 1, tr.Leaf([]float64{math.NaN()}))
}

func TestBadGradientsAreNamed(t *testing.T) {
	p := newProblem(14, 100, 3, true)
	g := grow.New(p.table(t, bins.Config{}), grow.Default())
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for want, c := range map[string][2]float32{
		"grow: row 42 has gradient NaN and hessian 1; want finite numbers, the hessian >= 0":  {nan, 1},
		"grow: row 42 has gradient -Inf and hessian 1; want finite numbers, the hessian >= 0": {-inf, 1},
		"grow: row 42 has gradient 1 and hessian NaN; want finite numbers, the hessian >= 0":  {1, nan},
		"grow: row 42 has gradient 1 and hessian +Inf; want finite numbers, the hessian >= 0": {1, inf},
		"grow: row 42 has gradient 1 and hessian -1; want finite numbers, the hessian >= 0":   {1, -1},
	} {
		grad, hess := slices.Clone(p.grad), slices.Clone(p.hess)
		grad[42], hess[42] = c[0], c[1]
		_, err := g.Grow(background, grad, hess, nil, nil)
		require.EqualError(t, err, want)
		require.Error(t, g.Assign(background, make([]int32, 100), p.table(t, bins.Config{}), nil))
	}
	_, err := g.Grow(background, p.grad[1:], p.hess, nil, nil)
	require.EqualError(t, err, "grow: 99 gradients and 100 hessians for 100 rows")
	_, err = g.Grow(background, p.grad, p.hess, []int32{1, -1}, nil)
	require.EqualError(t, err, "grow: row -1 of 100")
	p.grow(t, g, nil, nil)
}

// cancelAfter is done after so many looks at it.
type cancelAfter struct {
	context.Context
	left *int
}

func (c cancelAfter) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestCancelledGrowthLeavesNoTrace(t *testing.T) {
	p := newProblem(15, 3000, 9, true)
	tb := p.table(t, bins.Config{})
	g := grow.New(tb, grow.Default())
	want := p.grow(t, grow.New(tb, grow.Default()), nil, nil)
	looks := 0
	for ; ; looks += 7 {
		left := looks
		tr, err := g.Grow(cancelAfter{background, &left}, p.grad, p.hess, nil, nil)
		if err == nil {
			require.Equal(t, want, tr)
			break
		}
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Greater(t, looks, 60, "a tree of 31 leaves looks often")
}

func TestGrowingAllocatesTheTreeOnly(t *testing.T) {
	race.SkipSequential(t)
	p := newProblem(16, 4000, 30, false)
	tb := p.table(t, bins.Config{})
	for _, leaves := range []int{4, 60} {
		cfg := grow.Default()
		cfg.Leaves = leaves
		g := grow.New(tb, cfg)
		for range 3 {
			p.grow(t, g, nil, nil)
		}
		allocs := testing.AllocsPerRun(5, func() { p.grow(t, g, nil, nil) })
		require.LessOrEqual(t, allocs, 14.0, "%d leaves", leaves)
	}
}

func TestMemoryIsAnUpperBound(t *testing.T) {
	p := newProblem(17, 30_000, 20, false)
	for i := range p.hess {
		p.hess[i] = p.hess[i] * p.hess[i] * p.hess[i]
	}
	tb := p.table(t, bins.Config{})
	for _, bytes := range []int64{0, 10 * 20 * 2048} {
		cfg := grow.Default()
		cfg.Leaves, cfg.Workers, cfg.HistogramBytes, cfg.MinRows = 200, 3, bytes, 80
		g := grow.New(tb, cfg)
		p.grow(t, g, nil, nil)
		require.True(t, g.Counted())
		require.LessOrEqual(t, g.Held(), cfg.Memory(30_000, len(tb.Used)))
		require.Greater(t, 4*g.Held(), cfg.Memory(30_000, len(tb.Used)))
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	features := []tree.Feature{{Name: "a"}, {Name: "b", Categorical: true}}
	for want, c := range map[string]grow.Config{
		"grow: Depth is -1; want >= 0":                                       {Depth: -1},
		"grow: MinHessian is NaN; want a number >= 0":                        {MinHessian: math.NaN()},
		"grow: L2 is +Inf; want a number >= 0":                               {L2: math.Inf(1)},
		"grow: NodeFeatures is 1.5; want a share of 1":                       {NodeFeatures: 1.5},
		"grow: Monotone has 1 directions for 2 features":                     {Monotone: []int8{1}},
		"grow: Monotone[0] is 2; want -1, 0 or 1":                            {Monotone: []int8{2, 0}},
		`grow: Monotone[1] is 1; want 0 for "b", which is categorical`:       {Monotone: []int8{0, 1}},
		"grow: Interactions[0] has feature 2 of 2":                           {Interactions: [][]int32{{2}}},
		"grow: MinRows is -3; want >= 0\ngrow: L1 is -1; want a number >= 0": {MinRows: -3, L1: -1},
	} {
		require.EqualError(t, c.Check(features), want)
	}
	c := grow.Default()
	require.NoError(t, c.Check(features))
}
