package grow

import (
	"context"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Memory returns how many bytes a grower takes at most, over a table of so many rows and columns
// in use, which bins.Memory counts.
func (c *Config) Memory(rows, columns int) int64 {
	histograms := int64(max(c.Leaves, 1)+1) * int64(columns) * binsPerColumn * 8
	most := c.HistogramBytes
	if most == 0 {
		most = histogramBytes
	}
	size := int64(columns) * binsPerColumn * 8
	return int64(rows)*(8+8+4+4) + max(min(histograms, most), 3*size) + int64(max(c.Workers, 1))*size
}

// Grower grows trees over one table, one after the other, with memory that it keeps. It is not
// safe for concurrent use.
type Grower struct {
	t    *bins.Table
	cfg  Config
	crew crew
	ctx  context.Context

	grown      int // trees: the seed of the next
	grad, hess []float32
	gradUnit   float64
	hessUnit   float64

	packed      []int64 // by row
	portions    []portion
	ones        []int64 // by row, if rows had to be counted
	rows, spare []int32 // rows of leaf after leaf
	leaves      []leaf
	nodes       []node
	steps       []step // the nodes over bins, for Assign
	assigned    assignment

	columns columns
	pool    pool
	search  searcher
	part    partition
	jobs    jobs
}

// leaf is a leaf of the tree that is being grown.
type leaf struct {
	from, to int   // its rows are Grower.rows[from:to]
	sum      int64 // packed
	hist     []int64
	best     split
	depth    int
	node     int32 // its parent, -1 for the root
	right    bool  // which child it is

	value  float64 // on the sums in integers: what its children are smoothed to
	above  float64 // its parent's
	lo, hi float64 // bounds of its value
	l2     float64
	sets   []uint64 // interactions that are still open; nil: all
	g, h   float64  // sums of the gradients as given
}

func (l *leaf) count() int { return l.to - l.from }

// node is a split that was made.
type node struct {
	split       split
	left, right int32
}

// New returns a grower over t. It panics if cfg does not pass its Check.
func New(t *bins.Table, cfg Config) *Grower {
	features := make([]tree.Feature, len(t.Features))
	for j := range features {
		features[j] = tree.Feature{Name: t.Features[j].Name, Categorical: t.Features[j].Categorical}
	}
	if err := cfg.Check(features); err != nil {
		panic(err)
	}
	cfg.Leaves, cfg.Workers = max(cfg.Leaves, 1), max(cfg.Workers, 1)
	g := &Grower{t: t, cfg: cfg, crew: crew{workers: cfg.Workers}}
	g.columns.init(t, &g.cfg)
	g.pool.init(&g.columns, cfg.HistogramBytes, cfg.Leaves)
	g.search.init(g)
	g.jobs.bind(g)
	return g
}

// StartAt makes the next tree the n-th, from 0: training that goes on where another stopped
// draws the numbers that it would have drawn.
func (g *Grower) StartAt(n int) { g.grown = n }

// Grow returns the tree that fits -grad/hess best, in the order and with the numbers that
// LightGBM's leaf-wise growth gives: node i is the i-th split, the left child of a split keeps the
// number of the leaf, the right one gets the next. Leaves are not shrunk; thresholds are
// cuts of the table.
//
// grad and hess have a value for each row of the table; hessians are >= 0. rows are those
// to learn from, ascending and each once, nil for all; features are those to choose from, nil
// for all. All are only read. Errors: a [*GradientError], lengths and numbers that do not
// fit, ctx.Err() when ctx is done, which is looked up many times in a tree.
//
// It costs O(rows x columns x levels), less by half and more through subtraction; in steady
// state it allocates only the tree.
func (g *Grower) Grow(ctx context.Context, grad, hess []float32, rows, features []int32) (*tree.Tree, error) {
	err := g.begin(ctx, grad, hess, rows, features)
	if err == nil {
		err = g.grow()
	}
	g.grad, g.hess = nil, nil
	if err != nil {
		g.forget()
		return nil, err
	}
	g.grown++
	return g.tree(), nil
}

func (g *Grower) grow() error {
	g.crew.start()
	defer g.crew.stop()
	if err := g.root(); err != nil {
		return err
	}
	for len(g.leaves) < g.cfg.Leaves && g.ctx.Err() == nil {
		at := g.widest()
		if at < 0 {
			break
		}
		g.split(at)
	}
	g.settle()
	return g.ctx.Err()
}

// forget drops the last tree.
func (g *Grower) forget() {
	g.pool.takeBack(g.leaves)
	g.leaves, g.nodes = g.leaves[:0], g.nodes[:0]
}

// LeafRows returns the rows of a leaf of the last tree, ascending if those given to Grow were: a
// view that the next tree overwrites. It panics if the last Grow failed.
func (g *Grower) LeafRows(leaf int) []int32 {
	l := &g.leaves[leaf]
	return g.rows[l.from:l.to:l.to]
}

// LeafBounds returns between which numbers the value of a leaf must stay so that the tree is
// monotone and within MaxValue: infinities where nothing binds. A value that is set anew must be
// clamped to them.
func (g *Grower) LeafBounds(leaf int) (lo, hi float64) {
	return g.leaves[leaf].lo, g.leaves[leaf].hi
}

func (g *Grower) begin(ctx context.Context, grad, hess []float32, rows, features []int32) error {
	n := g.t.Rows
	g.forget()
	if len(grad) != n || len(hess) != n {
		return fmt.Errorf("grow: %d gradients and %d hessians for %d rows", len(grad), len(hess), n)
	}
	g.ctx, g.grad, g.hess = ctx, grad, hess
	if cap(g.packed) < n {
		g.packed = make([]int64, n)
	}
	if err := g.setRows(rows); err != nil {
		return err
	}
	return g.columns.choose(features)
}

func (g *Grower) setRows(rows []int32) error {
	n := g.t.Rows
	if rows == nil {
		g.rows = resize(g.rows, n)
		for i := range g.rows {
			g.rows[i] = int32(i)
		}
	} else {
		for _, r := range rows {
			if r < 0 || int(r) >= n {
				return fmt.Errorf("grow: row %d of %d", r, n)
			}
		}
		g.rows = append(g.rows[:0], rows...)
	}
	g.spare = resize(g.spare, len(g.rows))
	return nil
}

func resize(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}

// root makes the first leaf of all rows.
func (g *Grower) root() error {
	sum, err := g.pack(hash.Combine(g.cfg.Seed, uint64(g.grown)))
	if err != nil {
		return err
	}
	l := leaf{to: len(g.rows), sum: sum, node: -1, lo: math.Inf(-1), hi: math.Inf(1), l2: g.cfg.L2}
	if m := g.cfg.MaxValue; m > 0 {
		l.lo, l.hi = -m, m
	}
	g.leaves = append(g.leaves, l)
	root := &g.leaves[0]
	g.search.setValue(root, 0, false)
	if g.splittable(root) {
		root.hist = g.pool.take(g.leaves, -1)
		g.sum(root.hist, g.rows)
		g.search.find(root, 0)
	}
	g.letGo(root)
	return nil
}

// splittable tells whether it can be worth while to look for a split of the leaf.
func (g *Grower) splittable(l *leaf) bool {
	l.best.gain = 0
	return len(g.leaves) < g.cfg.Leaves && (g.cfg.Depth == 0 || l.depth < g.cfg.Depth) &&
		l.count() >= 2*max(g.cfg.MinRows, 1) && len(g.columns.active) > 0
}

// letGo gives the histogram of a leaf back that will not be split.
func (g *Grower) letGo(l *leaf) {
	if !(l.best.gain > 0) {
		g.pool.give(&l.hist)
	}
}

// widest returns the leaf whose split gains most, the first of equals; -1 if none gains.
func (g *Grower) widest() int {
	at, gain := -1, 0.0
	for i := range g.leaves {
		if g.leaves[i].best.gain > gain {
			at, gain = i, g.leaves[i].best.gain
		}
	}
	return at
}

// split makes two leaves of one. If its best split, found on estimated numbers of rows, would leave
// a child with too few, the leaf's split is looked for again with exact ones instead.
func (g *Grower) split(at int) {
	l := &g.leaves[at]
	middle := g.divide(l)
	if min(middle-l.from, l.to-middle) < max(g.cfg.MinRows, 1) {
		g.rejoin(l, middle)
		g.searchExactly(l, at)
		return
	}
	s := l.best
	id := int32(len(g.nodes))
	a, b := *l, *l
	a.to, b.from = middle, middle
	a.sum, b.sum = s.left, l.sum-s.left
	a.node, b.node, a.right, b.right = id, id, false, true
	a.depth++
	b.depth++
	a.hist, b.hist = nil, nil
	parent := l.hist
	l.hist = nil
	g.columns.close(&a, s.column)
	b.sets = a.sets
	g.search.inherit(&a, &b, l, &s)
	g.nodes = append(g.nodes, node{split: s})
	g.link(l, id)
	g.leaves[at] = a
	g.leaves = append(g.leaves, b)
	g.histograms(at, len(g.leaves)-1, parent)
}

// link makes node id the child that leaf l was of its parent.
func (g *Grower) link(l *leaf, id int32) {
	switch {
	case l.node < 0:
	case l.right:
		g.nodes[l.node].right = id
	default:
		g.nodes[l.node].left = id
	}
}

// histograms sums those of the two leaves, if they may be split, and finds their best splits.
func (g *Grower) histograms(left, right int, parent []int64) {
	a, b := &g.leaves[left], &g.leaves[right]
	small, large := a, b
	smallAt, largeAt := left, right
	if a.count() > b.count() {
		small, large, smallAt, largeAt = b, a, right, left
	}
	trySmall, tryLarge := g.splittable(small), g.splittable(large)
	if !trySmall && !tryLarge {
		g.pool.give(&parent)
		return
	}
	switch {
	case parent != nil:
		small.hist = g.pool.take(g.leaves, left, right)
		g.sum(small.hist, g.leafRows(small))
		large.hist = parent
		if tryLarge {
			g.subtract(large.hist, small.hist)
		}
	default:
		if trySmall {
			small.hist = g.pool.take(g.leaves, left, right)
			g.sum(small.hist, g.leafRows(small))
		}
		if tryLarge {
			large.hist = g.pool.take(g.leaves, left, right)
			g.sum(large.hist, g.leafRows(large))
		}
	}
	if trySmall {
		g.search.find(small, smallAt)
	}
	if tryLarge {
		g.search.find(large, largeAt)
	}
	g.letGo(small)
	g.letGo(large)
}

func (g *Grower) leafRows(l *leaf) []int32 { return g.rows[l.from:l.to] }
