package tree

import (
	"errors"
	"fmt"
	"math"
)

// Check reports the first thing about f that is no forest: a child that is reached twice or
// never, an index out of range, a threshold that is NaN, a leaf value that is not finite. Readers call
// it last; engines rely on it. It costs O(nodes).
func (f *Forest) Check() error {
	if f.Outputs < 1 {
		return fmt.Errorf("forest of %d outputs; want >= 1", f.Outputs)
	}
	if f.Parallel < 0 || f.Best < 0 {
		return fmt.Errorf("%d parallel trees, best round %d; want >= 0", f.Parallel, f.Best)
	}
	if len(f.Base) != 0 && len(f.Base) != f.Outputs {
		return fmt.Errorf("%d base scores for %d outputs", len(f.Base), f.Outputs)
	}
	for i, b := range f.Base {
		if !finite(b) {
			return fmt.Errorf("base score %d is %v; want a finite number", i, b)
		}
	}
	if err := f.Link.check(f.Outputs); err != nil {
		return err
	}
	var seen []bool
	for i := range f.Trees {
		t := &f.Trees[i]
		if t.Output < 0 || t.Output >= f.Outputs {
			return fmt.Errorf("tree %d adds to output %d of %d", i, t.Output, f.Outputs)
		}
		if err := t.check(len(f.Features), &seen); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return nil
}

func (t *Tree) check(features int, seen *[]bool) error {
	n := len(t.Nodes)
	if len(t.Leaves) != n+1 {
		return fmt.Errorf("%d nodes and %d leaves; want one leaf more than nodes", n, len(t.Leaves))
	}
	for name, have := range map[string]int{"leaf models": len(t.Linear), "leaf statistics": len(t.LeafStats), "leaf names": len(t.LeafIDs)} {
		if have != 0 && have != n+1 {
			return fmt.Errorf("%d %s for %d leaves", have, name, n+1)
		}
	}
	if len(t.NodeStats) != 0 && len(t.NodeStats) != n {
		return fmt.Errorf("%d node statistics for %d nodes", len(t.NodeStats), n)
	}
	for i, v := range t.Leaves {
		if !finite(v) {
			return fmt.Errorf("leaf %d is %v; want a finite number", i, v)
		}
	}
	for i := range t.Linear {
		if err := t.Linear[i].check(features); err != nil {
			return fmt.Errorf("leaf %d: %w", i, err)
		}
	}
	for i := range t.Nodes {
		if err := t.checkNode(&t.Nodes[i], features); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	return t.checkShape(seen)
}

func (t *Tree) checkNode(n *Node, features int) error {
	switch {
	case n.Feature < 0 || int(n.Feature) >= features:
		return fmt.Errorf("feature %d of %d", n.Feature, features)
	case n.Missing > MissingNaN:
		return fmt.Errorf("kind of missing value %d", n.Missing)
	case n.Categorical && (n.Set < 0 || n.Words < 0 || int64(n.Set)+int64(n.Words) > int64(len(t.Sets))):
		return fmt.Errorf("categories %d to %d of %d words", n.Set, int64(n.Set)+int64(n.Words), len(t.Sets))
	case !n.Categorical && math.IsNaN(n.Threshold):
		return errors.New("the threshold is NaN")
	}
	return nil
}

// checkShape walks the tree from its root: every node and every leaf must be met exactly once.
func (t *Tree) checkShape(scratch *[]bool) error {
	n := len(t.Nodes)
	if n == 0 {
		return nil
	}
	if cap(*scratch) < 2*n+1 {
		*scratch = make([]bool, 2*n+1)
	}
	seen := (*scratch)[:2*n+1] // nodes, then leaves
	clear(seen)
	seen[0] = true
	met := 1
	for i := range t.Nodes {
		for _, c := range [2]int32{t.Nodes[i].Left, t.Nodes[i].Right} {
			at := int(c)
			if c < 0 {
				at = n + int(^c)
			}
			switch {
			case at >= len(seen) || c >= 0 && at >= n:
				return fmt.Errorf("node %d has child %d of %d nodes", i, c, n)
			case seen[at]:
				return fmt.Errorf("node %d has child %d, which has another parent or is the root", i, c)
			}
			seen[at] = true
			met++
		}
	}
	// Each has one parent and there are as many as there should be; a cycle would still pass.
	return t.checkReach(met)
}

// checkReach follows the tree from its root and reports nodes that it does not reach.
func (t *Tree) checkReach(want int) error {
	stack, met := []int32{0}, 0
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		met++
		if at >= 0 {
			stack = append(stack, t.Nodes[at].Left, t.Nodes[at].Right)
		}
	}
	if met != want {
		return fmt.Errorf("the root reaches %d of %d nodes and leaves", met, want)
	}
	return nil
}

func (l *Linear) check(features int) error {
	if len(l.Coefs) != len(l.Features) {
		return fmt.Errorf("%d coefficients for %d features", len(l.Coefs), len(l.Features))
	}
	if !finite(l.Const) {
		return fmt.Errorf("constant %v; want a finite number", l.Const)
	}
	for j, f := range l.Features {
		if f < 0 || int(f) >= features {
			return fmt.Errorf("coefficient %d is of feature %d of %d", j, f, features)
		}
		if !finite(l.Coefs[j]) {
			return fmt.Errorf("coefficient %d is %v; want a finite number", j, l.Coefs[j])
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
