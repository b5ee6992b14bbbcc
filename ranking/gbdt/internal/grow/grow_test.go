package grow_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/grow"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

var background = context.Background()

// problem is a table with gradients that its columns have something to do with: numbers, numbers
// with holes, few values, categories (every fourth column), infinities.
type problem struct {
	in         bins.Input
	grad, hess []float32
}

func newProblem(seed uint64, n, d int, constantHess bool) *problem {
	r := rand.New(rand.NewPCG(seed, 17))
	p := &problem{
		in:   bins.Input{Rows: n, Features: make([]tree.Feature, d), Values: make([]float32, n*d)},
		grad: make([]float32, n), hess: make([]float32, n),
	}
	for j := range d {
		p.in.Features[j] = tree.Feature{Name: fmt.Sprint("f", j), Categorical: j%4 == 3}
	}
	for i := range n {
		row := p.in.Values[i*d : (i+1)*d]
		for j := range row {
			row[j] = p.cell(r, j)
		}
		g := r.NormFloat64()
		for j, x := range row[:min(d, 8)] {
			switch {
			case x != x:
				g += 0.7
			case p.in.Features[j].Categorical:
				g += float64(int(x)*7%5) / 3
			case math.Abs(float64(x)) < 10:
				g += float64(x) * float64(j%3-1)
			}
		}
		p.grad[i], p.hess[i] = float32(g), 1
		if !constantHess {
			p.hess[i] = float32(0.05 + r.Float64())
		}
	}
	return p
}

func (p *problem) cell(r *rand.Rand, j int) float32 {
	switch {
	case p.in.Features[j].Categorical:
		return float32(r.IntN(3 + j*3%40))
	case j%4 == 1 && r.IntN(4) == 0:
		return float32(math.NaN())
	case j%4 == 2:
		return float32(r.IntN(6))
	case j%8 == 4 && r.IntN(50) == 0:
		return float32(math.Inf(1 - 2*r.IntN(2)))
	}
	return float32(r.NormFloat64())
}

func (p *problem) table(t testing.TB, cfg bins.Config) *bins.Table {
	t.Helper()
	tb, err := bins.New(background, p.in, cfg)
	require.NoError(t, err)
	return tb
}

func (p *problem) row(r int32) []float64 {
	d := len(p.in.Features)
	x := make([]float64, d)
	for j, v := range p.in.Values[int(r)*d:][:d] {
		x[j] = float64(v)
	}
	return x
}

// check tells whether the tree is one, and its rows where its thresholds send their values.
func (p *problem) check(t testing.TB, g *grow.Grower, tr *tree.Tree, rows []int32) {
	t.Helper()
	f := tree.Forest{Features: p.in.Features, Outputs: 1, Trees: []tree.Tree{*tr}}
	require.NoError(t, f.Check())
	var all []int32
	for l := range tr.Leaves {
		for _, r := range g.LeafRows(l) {
			require.EqualValues(t, l, tr.Leaf(p.row(r)), "row %d", r)
		}
		require.True(t, slices.IsSorted(g.LeafRows(l)))
		require.EqualValues(t, len(g.LeafRows(l)), tr.LeafStats[l].Count)
		all = append(all, g.LeafRows(l)...)
	}
	slices.Sort(all)
	require.Equal(t, rows, all, "each row is in one leaf")
}

func upTo(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// options are ways to grow, each with the hessians that make the oracle's count of rows
// that of the grower, which estimates it.
func options() map[string]func(*grow.Config) {
	return map[string]func(*grow.Config){
		"plain":        func(*grow.Config) {},
		"L2":           func(c *grow.Config) { c.L2 = 3 },
		"L1":           func(c *grow.Config) { c.L1 = 2 },
		"depth":        func(c *grow.Config) { c.Depth = 3 },
		"min hessian":  func(c *grow.Config) { c.MinHessian = 37 },
		"min gain":     func(c *grow.Config) { c.MinGain = 9 },
		"smooth":       func(c *grow.Config) { c.PathSmooth = 6 },
		"bounded":      func(c *grow.Config) { c.MaxValue = 0.4 },
		"one hot":      func(c *grow.Config) { c.OneHot = 100 },
		"few on left":  func(c *grow.Config) { c.MaxCategories = 2; c.CatL2 = 1 },
		"monotone":     func(c *grow.Config) { c.Monotone = []int8{-1, 0, 1, 0, 1, -1, 0, 0, 0} },
		"interactions": func(c *grow.Config) { c.Interactions = [][]int32{{0, 1, 3}, {2, 3, 4, 5}, {5, 6, 7}} },
		"all": func(c *grow.Config) {
			c.L1, c.L2, c.PathSmooth, c.MaxValue, c.MinHessian = 0.5, 1, 3, 1, 20
			c.Monotone = []int8{-1, 0, 1, 0, 0, 1, 0, 0, 0}
			c.Interactions = [][]int32{{0, 1, 2, 3}, {2, 3, 4, 5}, {5, 6, 7, 0}}
		},
	}
}

func TestTreeIsThatOfTheOracle(t *testing.T) {
	for name, set := range options() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(4) {
				p := newProblem(seed, 300, 9, seed%2 == 0)
				cfg := grow.Default()
				cfg.Leaves, cfg.CatSmooth, cfg.MinRowsPerSide, cfg.MinRows = 12, 4, 12, 7
				set(&cfg)
				if seed%2 == 1 { // counts of rows are estimated: let them not matter
					cfg.MinRows, cfg.MinRowsPerSide, cfg.CatSmooth, cfg.PathSmooth = 0, 0, 0, 0
				}
				p.compare(t, cfg, bins.Config{Bins: 24, MinRowsPerBin: 1, ZeroAsMissing: seed == 3})
			}
		})
	}
}

func (p *problem) compare(t *testing.T, cfg grow.Config, how bins.Config) {
	t.Helper()
	tb := p.table(t, how)
	o := oracle{in: p.in, t: tb, cfg: cfg}
	for i := range p.grad {
		o.grad, o.hess = append(o.grad, float64(p.grad[i])), append(o.hess, float64(p.hess[i]))
	}
	o.grow()
	g := grow.New(tb, cfg)
	tr, err := g.Grow(background, p.grad, p.hess, nil, nil)
	require.NoError(t, err)
	p.check(t, g, tr, upTo(p.in.Rows))
	require.Equal(t, o.nodes, tr.Nodes)
	require.Equal(t, o.sets, tr.Sets)
	for i := range o.leaves {
		l := &o.leaves[i]
		require.Equal(t, l.rows, g.LeafRows(i), "rows of leaf %d", i)
		want := o.value(l.rows, l.above, l.l2, l.lo, l.hi)
		require.InDelta(t, want, tr.Leaves[i], 1e-5, "value of leaf %d", i)
		_, h := o.sums(l.rows)
		require.InDelta(t, h, tr.LeafStats[i].Weight, 1e-9)
	}
}
