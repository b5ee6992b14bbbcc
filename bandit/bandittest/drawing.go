package bandittest

import (
	"context"
	"fmt"
	"slices"
)

const (
	tolerance = 1e-9 // of sums and of claims that should be equal
	minP      = 1e-4 // of a chi-square test
)

// tree counts slates by prefix: node 0 is the empty one.
type tree struct {
	in    *instance
	nodes []node
}

// node is what came after one prefix.
type node struct {
	prefix []int32
	draws  int // places that were filled after the prefix
	ends   int // slates that ended here
	row    []branch
}

// branch is one row after a prefix.
type branch struct {
	seen     int
	claim    float64 // the propensity that the first pick logged
	lo, hi   float64 // of all picks
	se       float64 // the largest standard error of the claims
	child    int     // 0: none yet
	possible bool
}

func newTree(in *instance) *tree {
	t := &tree{in: in}
	t.add(nil)
	return t
}

func (t *tree) add(prefix []int32) int {
	t.nodes = append(t.nodes, node{prefix: prefix, row: make([]branch, len(t.in.utility))})
	return len(t.nodes) - 1
}

// draw explores n times and counts. It stops at the first call that fails.
func (p *probe) draw(in *instance, n int) *tree {
	t := newTree(in)
	c, order := in.table()
	q := in.query(p.Seed)
	ctx := context.Background()
	for i := range n {
		q.Seed = p.Seed + uint64(i)
		s := c.Slate(in.k, order)
		if err := p.e.Explore(ctx, q, c, s); err != nil || s.Err() != nil {
			p.failf("%s: seed %d: Explore returned %v, Slate.Err is %v", in.name, q.Seed, err, s.Err())
			break
		}
		t.count(s.Rows(), s.Propensities())
		t.countErrors(s.Rows(), s.StandardErrors())
	}
	for i := range t.nodes {
		for _, row := range in.admissible(c, order, t.nodes[i].prefix) {
			t.nodes[i].row[row].possible = true
		}
	}
	return t
}

func (t *tree) count(rows []int32, props []float64) {
	at := 0
	for i, row := range rows {
		t.nodes[at].draws++
		b := &t.nodes[at].row[row]
		if b.seen++; b.seen == 1 {
			b.claim, b.lo, b.hi = props[i], props[i], props[i]
			b.child = t.add(slices.Clone(rows[:i+1]))
		}
		b.lo, b.hi = min(b.lo, props[i]), max(b.hi, props[i])
		at = b.child
	}
	t.nodes[at].ends++
}

// fewDraws is enough for rules that hold for each draw.
const fewDraws = 20_000

func propensityDependsOnPicks(p *probe) {
	for _, in := range p.settings() {
		for _, n := range p.draw(in, min(p.Draws, fewDraws)).nodes {
			for row, b := range n.row {
				if b.hi-b.lo > tolerance {
					p.failf("%s: row %d after %v has propensities from %v to %v", in.name, row, n.prefix, b.lo, b.hi)
				}
			}
		}
	}
}

func propensitiesSumToOne(p *probe) {
	for _, in := range p.settings() {
		for _, n := range p.draw(in, min(p.Draws, fewDraws)).nodes {
			sum, all := 0.0, true
			for _, b := range n.row {
				sum += b.claim
				all = all && (!b.possible || b.seen > 0)
			}
			if n.draws > 0 && (sum > 1+tolerance || all && sum < 1-tolerance) {
				p.failf("%s: the propensities after %v sum to %v", in.name, n.prefix, sum)
			}
		}
	}
}

// frequencies tests the picks after each prefix against the propensities that
// were logged there: each prefix alone, with the level shared among them
// (Bonferroni), and all prefixes of a place together.
func frequencies(p *probe, in *instance) {
	p.draw(in, p.Draws).judge(p, in.name)
}

// cells returns one cell per row that was picked, and one for what the logged propensities
// leave to rows that never were.
func (n *node) cells() []cell {
	var cells []cell
	rest := 1.0
	for _, b := range n.row {
		if b.seen > 0 {
			cells = append(cells, cell{b.seen, b.claim})
			rest -= b.claim
		}
	}
	if rest > tolerance {
		cells = append(cells, cell{0, rest})
	}
	return cells
}

// table prints logged propensities beside frequencies.
func (n *node) table() string {
	s := ""
	for row, b := range n.row {
		if b.seen > 0 {
			s += fmt.Sprintf("row %d logged %.4f seen %.4f, ", row, b.claim, float64(b.seen)/float64(n.draws))
		}
	}
	return s + fmt.Sprintf("%d draws", n.draws)
}

// jointDistribution tests whole slates against the products of their propensities,
// over all slates that can come.
func jointDistribution(p *probe) {
	for _, in := range p.tiny() {
		t := p.draw(in, max(p.Draws/4, 1))
		if slices.ContainsFunc(t.nodes, func(n node) bool { return n.estimated() }) {
			continue // products of estimates have no simple law
		}
		var cells []cell
		total, drawn := 0.0, 0
		in.walk(func(slate, next []int32) {
			if len(next) > 0 {
				return
			}
			seen, product := t.find(slate)
			cells = append(cells, cell{seen, product})
			total += product
			drawn += seen
		})
		if total > 1+tolerance {
			p.failf("%s: the probabilities of all slates sum to %v", in.name, total)
		}
		if drawn != t.nodes[0].draws {
			p.failf("%s: %d of %d slates are complete", in.name, drawn, t.nodes[0].draws)
		}
		if total < 1-tolerance {
			cells = append(cells, cell{0, 1 - total})
		}
		x, df := chiSquare(cells, drawn)
		if pv := chiSquareP(x, df); pv < minP {
			p.failf("%s: slates: chi-square %.1f, %d degrees of freedom, p = %.1g", in.name, x, df, pv)
		}
	}
}

// find returns how often slate came and the product of what was logged for it, 0 if it
// never came.
func (t *tree) find(slate []int32) (seen int, product float64) {
	at, product := 0, 1.0
	for _, row := range slate {
		b := &t.nodes[at].row[row]
		if b.seen == 0 {
			return 0, 0
		}
		product *= b.claim
		at = b.child
	}
	return t.nodes[at].ends, product
}
