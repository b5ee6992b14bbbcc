package bandittest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
)

// Draws compares the picks of an explorer with the propensities that it logs, on a table of the caller's: with
// features, constraints and a state that the [Suite] does not know of. After each prefix of a slate the picks are
// counted. Exact propensities are tested by Pearson's chi-square (p > 1e-4, shared among the prefixes by Bonferroni's rule, and for all
// prefixes of a place together); estimated ones by
//
//	|frequency - p| <= 4·√(p(1-p)/n + se²)      n: draws after the prefix, se: the standard error that was logged
//
// shared among rows and prefixes likewise: 4 is the least factor. The propensities of a prefix must not vary between draws: what is learned
// must not change meanwhile.
type Draws struct {
	// Table returns candidates and their order, with constraints if there are any. It is called once.
	Table func() (c *recsys.Candidates, order []int32)

	// Query returns the query of the draws; its seed is set for each of them. Nil means one without columns.
	Query func() *recsys.Query

	Places int    // of a slate. 0 means 1.
	N      int    // slates. 0 means 1,000,000, and 30,000 under -short and under the race detector.
	Seed   uint64 // of the first slate; the others count up
}

// Run draws from e, which is bound, and reports violations to t.
func (d Draws) Run(t *testing.T, e recsys.Explorer) {
	t.Helper()
	for _, v := range d.Check(e) {
		t.Errorf("%s\nrule: %s", v.Detail, v.Rule)
	}
}

// Check is Run without a testing.T: it returns what it finds.
func (d Draws) Check(e recsys.Explorer) []Violation {
	d.N = Suite{Draws: d.N}.defaults().Draws
	if d.Places < 1 {
		d.Places = 1
	}
	p := &probe{e: e}
	p.guarded(func() { d.check(p) })
	found := make([]Violation, len(p.details))
	for i, x := range p.details {
		found[i] = Violation{Case: "draws", Rule: frequencyRule, Detail: x}
	}
	return found
}

func (d Draws) check(p *probe) {
	c, order := d.Table()
	q := recsys.NewQuery(&recsys.Request{ID: "request", K: d.Places, Seed: 1}, nil, "explore/draws")
	if d.Query != nil {
		q = d.Query()
	}
	t := newTree(&instance{utility: make([]float32, c.Len()), k: d.Places})
	for i := range d.N {
		q.Seed = d.Seed + uint64(i)
		s := c.Slate(d.Places, order)
		if err := p.e.Explore(context.Background(), q, c, s); err != nil || s.Err() != nil {
			p.failf("seed %d: Explore returned %v, Slate.Err is %v", q.Seed, err, s.Err())
			return
		}
		t.count(s.Rows(), s.Propensities())
		t.countErrors(s.Rows(), s.StandardErrors())
	}
	t.judge(p, "draws")
}

// countErrors notes the standard errors of a slate that count has counted.
func (t *tree) countErrors(rows []int32, ses []float64) {
	at := 0
	for i, row := range rows {
		b := &t.nodes[at].row[row]
		b.se = max(b.se, ses[i])
		at = b.child
	}
}

// judge tests the picks after each prefix, and of all prefixes of a place together.
func (t *tree) judge(p *probe, name string) {
	x, df := make([]float64, t.in.k), make([]int, t.in.k)
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.draws == 0 {
			continue
		}
		if n.varies() {
			p.failf("%s: the propensities after %v vary: %s", name, n.prefix, n.table())
			return
		}
		if n.estimated() {
			n.near(p, name, len(t.nodes)*len(n.row))
			continue
		}
		nx, ndf := chiSquare(n.cells(), n.draws)
		x[len(n.prefix)] += nx
		df[len(n.prefix)] += ndf
		if pv := chiSquareP(nx, ndf); pv < minP/float64(len(t.nodes)) {
			p.failf("%s: after %v: %s; chi-square %.1f, %d degrees of freedom, p = %.1g", name, n.prefix, n.table(), nx, ndf, pv)
		}
	}
	for place := range x {
		if pv := chiSquareP(x[place], df[place]); pv < minP {
			p.failf("%s: place %d: chi-square %.1f over all prefixes, %d degrees of freedom, p = %.1g", name, place, x[place], df[place], pv)
		}
	}
}

func (n *node) estimated() bool {
	return slices.ContainsFunc(n.row, func(b branch) bool { return b.se > 0 })
}

func (n *node) varies() bool {
	return slices.ContainsFunc(n.row, func(b branch) bool { return b.hi-b.lo > tolerance })
}

// near tests frequencies against estimates, of which there are comparisons in all.
func (n *node) near(p *probe, name string, comparisons int) {
	factor := 4.0
	for math.Erfc(factor/math.Sqrt2)*float64(comparisons) > minP && factor < 10 {
		factor += 0.1
	}
	for row, b := range n.row {
		if b.seen == 0 {
			continue
		}
		f := float64(b.seen) / float64(n.draws)
		bound := factor * math.Sqrt(b.claim*(1-b.claim)/float64(n.draws)+b.se*b.se)
		if math.Abs(f-b.claim) > bound+1/float64(n.draws) {
			p.failf("%s: after %v: row %d has frequency %s of %d and propensity %.6g, standard error %.2g", name, n.prefix, row,
				fmt.Sprintf("%.6g", f), n.draws, b.claim, b.se)
		}
	}
}
