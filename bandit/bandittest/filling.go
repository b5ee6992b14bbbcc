package bandittest

import (
	"context"
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
)

// sizes are {rows, places}: empty, one, K = 0, K = n, K > n, and around the words of a
// bit set.
var sizes = [][2]int{{0, 3}, {1, 1}, {3, 0}, {5, 3}, {4, 4}, {3, 9}, {63, 10}, {64, 64}, {65, 20}, {130, 140}}

// each calls f for every size, setting and a few seeds, until something was found.
func (p *probe) each(f func(what string, in *instance, o outcome)) {
	for _, size := range sizes {
		for _, in := range p.sized(size[0], size[1]) {
			for seed := range uint64(8) {
				if len(p.details) > 0 {
					return
				}
				what := fmt.Sprintf("%d rows, %d places, %s, seed %d", size[0], size[1], in.name, p.Seed+seed)
				f(what, in, explore(context.Background(), p.e, in, p.Seed+seed))
			}
		}
	}
}

func fillsEveryPlace(p *probe) {
	p.each(func(what string, in *instance, o outcome) {
		if o.open {
			p.failf("%s: stopped after %d places while rows were admissible (Explore returned %v)", what, len(o.rows), o.err)
		}
	})
}

func picksAreRight(p *probe) {
	p.each(func(what string, in *instance, o outcome) {
		if o.slate != nil {
			p.failf("%s: %v", what, o.slate)
		}
	})
}

func shortSlateIsNoError(p *probe) {
	for _, in := range []*instance{
		{name: "capped", utility: utilities(6, p.Spread), k: 4, rules: []recsys.Constraint{atMost(2, 1)}},
		{name: "K > n", utility: utilities(3, p.Spread), k: 4},
		{name: "empty", k: 2},
	} {
		if o := explore(context.Background(), p.e, in, p.Seed+1); o.err != nil {
			p.failf("%s: %d of %d places could be filled, Explore returned %v", in.name, len(o.rows), in.k, o.err)
		}
	}
}

// belowTheWindow runs a pipeline: only it opens a slate whose window is shorter than its
// order.
func belowTheWindow(p *probe) {
	const depth, n = 3, 12
	u := utilities(n, p.Spread)
	place := map[recsys.ItemID]int{} // in the order
	in := &instance{utility: u}
	c, order := in.table()
	for i, row := range order {
		place[c.IDs()[row]] = i
	}
	retrieve := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for _, row := range order {
			out.Add(c.IDs()[row], u[row])
		}
		return nil
	})
	rank := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i, id := range c.IDs() {
			out.Score[i] = u[id-1000]
		}
		return nil
	})
	columns := recsys.FeatureFunc{Cols: schemaColumns(), Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for i, id := range items {
			x := float32(id - 1000)
			out.FloatRow(i)[0], out.ID[0][i] = x, uint64(x)
			copy(out.VectorAt(0, i), []float32{x, -x})
		}
		return nil
	}}
	for name, rule := range map[string]recsys.Constraint{"capped": atMost(3, 2), "readmitting": apart(3)} {
		pipeline, err := recsys.NewPipeline(
			recsys.Retrieve("all", retrieve), recsys.Features(columns), recsys.Rank(rank), recsys.Constrain(rule),
			recsys.Explore(p.explorer(), recsys.Name("explorer"), recsys.Required()), recsys.Depth(depth),
		).Build()
		if err != nil {
			p.failf("a pipeline with the explorer does not build: %v", err)
			return
		}
		below := 0
		for seed := range uint64(20) {
			res, err := pipeline.Recommend(context.Background(), &recsys.Request{K: 6, Seed: p.Seed + seed + 1})
			if err != nil {
				p.failf("%s: seed %d: %v", name, p.Seed+seed+1, err)
				break
			}
			for i, item := range res.Items {
				if place[item.ID] < depth {
					continue
				}
				below++
				if item.Propensity != 1 {
					p.failf("%s: seed %d: place %d came from below the window with propensity %v; want 1",
						name, p.Seed+seed+1, i, item.Propensity)
				}
			}
		}
		if below == 0 && len(p.details) == 0 {
			p.failf("%s: no row came from below the window", name)
		}
	}
}

func extremeUtilities(p *probe) {
	inf := float32(math.Inf(1))
	for _, u := range [][]float32{
		{0, 0, 0, 0, 0},
		{-inf, -inf, -inf, -inf, -inf},
		{inf, inf, inf, inf, inf},
		{-inf, 1, -inf, 0.5, -inf},
		{inf, 1, -inf, inf, 0},
		{math.MaxFloat32, -math.MaxFloat32, 0, 1, -1},
		{math.MaxFloat32, math.MaxFloat32, -inf, inf, -math.MaxFloat32},
		{math.SmallestNonzeroFloat32, 0, -math.SmallestNonzeroFloat32, 1e-38, -1e-38},
		{1000, 800, 600, 400, 200},
		{1e6, 1e6 - 0.25, 1e6 - 1, 1e6 - 4, 1e6 - 16},
	} {
		for _, rules := range [][]recsys.Constraint{nil, {atMost(3, 1)}, {apart(2)}} {
			in := &instance{name: fmt.Sprint(u), utility: u, k: 5, rules: rules}
			first := map[int32]float64{} // propensity at the first place
			for seed := range uint64(50) {
				o := explore(context.Background(), p.e, in, p.Seed+seed)
				if o.err != nil || o.slate != nil || o.open {
					p.failf("utilities %v, %d rules: %d places filled; Explore returned %v, Slate.Err is %v", u, len(rules), len(o.rows), o.err, o.slate)
					break
				}
				first[o.rows[0]] = o.props[0]
			}
			sum := 0.0
			for _, x := range first {
				sum += x
			}
			if sum > 1+tolerance {
				p.failf("utilities %v, %d rules: the propensities of the first place sum to %v", u, len(rules), sum)
			}
		}
	}
}
