package grow_test

import (
	"cmp"
	"math"
	"slices"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/grow"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// oracle grows a tree as doc.go says, from the values themselves, in floating point, with
// every candidate divided and added up anew.
type oracle struct {
	in         bins.Input
	t          *bins.Table
	cfg        grow.Config
	grad, hess []float64

	leaves []oracleLeaf
	nodes  []tree.Node
	sets   []uint32
}

type oracleLeaf struct {
	rows          []int32
	depth, parent int
	right         bool
	value, above  float64
	l2            float64
	lo, hi        float64
	used          []int32
	best          candidate
}

// candidate is a split: which rows go left, and the node that says so.
type candidate struct {
	gain    float64
	feature int32
	left    func(x float32) bool
	node    tree.Node
	several bool
	set     []int32
}

func (o *oracle) sums(rows []int32) (g, h float64) {
	for _, r := range rows {
		g += o.grad[r]
		h += o.hess[r]
	}
	return g, h
}

func (o *oracle) value(rows []int32, above, l2, lo, hi float64) float64 {
	g, h := o.sums(rows)
	w := -math.Copysign(math.Max(math.Abs(g)-o.cfg.L1, 0), g) / (h + l2)
	if s := o.cfg.PathSmooth; s > 0 {
		n := float64(len(rows))
		w = w*n/(n+s) + above*s/(n+s)
	}
	return math.Min(math.Max(w, lo), hi)
}

// lowers returns by how much a leaf of the value w lowers the loss, twice.
func (o *oracle) lowers(rows []int32, w, l2 float64) float64 {
	g, h := o.sums(rows)
	return -2*math.Copysign(math.Max(math.Abs(g)-o.cfg.L1, 0), g)*w - (h+l2)*w*w
}

func (o *oracle) x(row, feature int32) float32 {
	return o.in.Values[int(row)*len(o.in.Features)+int(feature)]
}

func (o *oracle) divide(rows []int32, c *candidate) (left, right []int32) {
	for _, r := range rows {
		if c.left(o.x(r, c.feature)) {
			left = append(left, r)
		} else {
			right = append(right, r)
		}
	}
	return left, right
}

// enough tells whether both sides have enough rows and hessians.
func (o *oracle) enough(a, b []int32) bool {
	_, ha := o.sums(a)
	_, hb := o.sums(b)
	return min(len(a), len(b)) >= max(o.cfg.MinRows, 1) && min(ha, hb) >= o.cfg.MinHessian
}

// gain returns what c is worth in the leaf; 0 if it may not be made.
func (o *oracle) gain(l *oracleLeaf, c *candidate) float64 {
	a, b := o.divide(l.rows, c)
	if !o.enough(a, b) {
		return 0
	}
	l2 := o.cfg.L2
	if c.several {
		l2 += o.cfg.CatL2
	}
	wa, wb := o.value(a, l.value, l2, l.lo, l.hi), o.value(b, l.value, l2, l.lo, l.hi)
	if m := o.cfg.Monotone; len(m) > 0 && (m[c.feature] > 0 && wa > wb || m[c.feature] < 0 && wa < wb) {
		return 0
	}
	base := o.lowers(l.rows, o.value(l.rows, l.above, o.cfg.L2, l.lo, l.hi), o.cfg.L2)
	gain := o.lowers(a, wa, l2) + o.lowers(b, wb, l2) - base
	if gain <= o.cfg.MinGain || gain <= 1e-9*base { // the latter is rounding alone, between bounds
		return 0
	}
	return gain
}

func (o *oracle) search(l *oracleLeaf) {
	l.best = candidate{}
	if o.cfg.Depth > 0 && l.depth >= o.cfg.Depth {
		return
	}
	for _, j := range o.t.Used {
		if !o.may(l, j) {
			continue
		}
		all := o.numeric(l, j)
		if o.in.Features[j].Categorical {
			all = o.categories(l, j)
		}
		for i := range all {
			c := &all[i]
			c.feature, c.node.Feature, c.node.Missing = j, j, o.t.Features[j].Missing
			// Equal but for rounding: the first counts.
			if c.gain = o.gain(l, c); c.gain > l.best.gain*(1+1e-9) {
				l.best = *c
			}
		}
	}
}

func (o *oracle) may(l *oracleLeaf, j int32) bool {
	if len(o.cfg.Interactions) == 0 {
		return true
	}
	return slices.ContainsFunc(o.cfg.Interactions, func(set []int32) bool {
		for _, k := range append(slices.Clone(l.used), j) {
			if !slices.Contains(set, k) {
				return false
			}
		}
		return true
	})
}

func (o *oracle) numeric(l *oracleLeaf, j int32) []candidate {
	f := &o.t.Features[j]
	isMissing := func(x float32) bool {
		return f.Missing == tree.MissingNaN && x != x ||
			f.Missing == tree.MissingZero && (x != x || math.Abs(float64(x)) <= tree.ZeroThreshold)
	}
	some := slices.ContainsFunc(l.rows, func(r int32) bool { return isMissing(o.x(r, j)) })
	cuts := append(slices.Clone(f.Cuts), math.Inf(1))
	var all []candidate
	for _, missingLeft := range []bool{false, true} {
		for _, cut := range cuts {
			c := candidate{
				left: func(x float32) bool {
					if isMissing(x) {
						return missingLeft
					}
					return float64(x) <= cut
				},
				node: tree.Node{Threshold: cut, DefaultLeft: missingLeft},
			}
			if !some { // the heavier side gets what is missing
				a, b := o.divide(l.rows, &candidate{feature: j, left: c.left})
				_, ha := o.sums(a)
				_, hb := o.sums(b)
				c.node.DefaultLeft = f.Missing != tree.MissingNone && ha > hb
			}
			all = append(all, c)
		}
		if !some {
			break
		}
	}
	return all
}

func (o *oracle) categories(l *oracleLeaf, j int32) []candidate {
	f := &o.t.Features[j]
	in := func(set []int32) candidate {
		return candidate{
			left: func(x float32) bool { return slices.Contains(set, tree.CategoryOf(float64(x))) },
			node: tree.Node{Categorical: true}, set: set,
		}
	}
	var all []candidate
	if len(f.Categories) <= o.cfg.OneHot {
		for _, c := range f.Categories {
			all = append(all, in([]int32{c}))
		}
		return all
	}
	type stat struct {
		category int32
		rows     []int32
		mean     float64
	}
	var stats []stat
	for _, c := range f.Categories {
		one := in([]int32{c})
		one.feature = j
		rows, _ := o.divide(l.rows, &one)
		g, h := o.sums(rows)
		if float64(len(rows)) >= max(o.cfg.CatSmooth, 1) {
			stats = append(stats, stat{c, rows, g / (h + o.cfg.CatSmooth)})
		}
	}
	slices.SortStableFunc(stats, func(a, b stat) int { return cmp.Compare(a.mean, b.mean) })
	for range 2 {
		var set []int32
		n, group := 0, 0
		for _, s := range stats[:min(o.cfg.MaxCategories, (len(stats)+1)/2)] {
			set = append(set, s.category)
			n += len(s.rows)
			group += len(s.rows)
			if len(l.rows)-n < o.cfg.MinRowsPerSide {
				break
			}
			if group < o.cfg.MinRowsPerSide {
				continue
			}
			c := in(slices.Clone(set))
			c.several = true
			c.feature = j
			if !o.enough(o.divide(l.rows, &c)) {
				continue
			}
			group = 0
			all = append(all, c)
		}
		slices.Reverse(stats)
	}
	return all
}

// grow grows the tree.
func (o *oracle) grow() {
	var rows []int32
	for r := range o.in.Rows {
		rows = append(rows, int32(r))
	}
	root := oracleLeaf{rows: rows, parent: -1, lo: math.Inf(-1), hi: math.Inf(1)}
	if m := o.cfg.MaxValue; m > 0 {
		root.lo, root.hi = -m, m
	}
	smooth := o.cfg.PathSmooth
	o.cfg.PathSmooth = 0
	root.above = o.value(rows, 0, o.cfg.L2, math.Inf(-1), math.Inf(1))
	root.value = o.value(rows, 0, o.cfg.L2, root.lo, root.hi)
	o.cfg.PathSmooth = smooth
	root.l2 = o.cfg.L2
	o.search(&root)
	o.leaves = []oracleLeaf{root}
	for len(o.leaves) < o.cfg.Leaves {
		at := 0
		for i := range o.leaves {
			if o.leaves[i].best.gain > o.leaves[at].best.gain*(1+1e-9) {
				at = i
			}
		}
		if o.leaves[at].best.gain == 0 {
			break
		}
		o.split(at)
	}
	for i, l := range o.leaves {
		if l.parent >= 0 {
			*o.child(&l) = int32(^i)
		}
	}
}

func (o *oracle) child(l *oracleLeaf) *int32 {
	if l.right {
		return &o.nodes[l.parent].Right
	}
	return &o.nodes[l.parent].Left
}

func (o *oracle) split(at int) {
	l := o.leaves[at]
	c := l.best
	id := len(o.nodes)
	if l.parent >= 0 {
		*o.child(&l) = int32(id)
	}
	if c.node.Categorical {
		c.node.Set = int32(len(o.sets))
		c.node.Words = slices.Max(c.set)/32 + 1
		o.sets = append(o.sets, make([]uint32, c.node.Words)...)
		for _, k := range c.set {
			o.sets[c.node.Set+k/32] |= 1 << (k % 32)
		}
	}
	o.nodes = append(o.nodes, c.node)
	a, b := l, l
	a.rows, b.rows = o.divide(l.rows, &c)
	used := append(slices.Clone(l.used), c.feature)
	for _, k := range []*oracleLeaf{&a, &b} {
		k.depth, k.parent, k.right, k.used = l.depth+1, id, k == &b, used
		k.l2 = o.cfg.L2
		if c.several {
			k.l2 += o.cfg.CatL2
		}
		k.above = l.value
		k.value = o.value(k.rows, k.above, k.l2, l.lo, l.hi)
	}
	if m := o.cfg.Monotone; len(m) > 0 && m[c.feature] != 0 {
		middle := (a.value + b.value) / 2
		if m[c.feature] > 0 {
			a.hi, b.lo = middle, middle
		} else {
			a.lo, b.hi = middle, middle
		}
	}
	o.search(&a)
	o.search(&b)
	o.leaves[at] = a
	o.leaves = append(o.leaves, b)
}
