package grow

import (
	"math"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// tree writes down the tree that was grown.
func (g *Grower) tree() *tree.Tree {
	n := len(g.nodes)
	t := &tree.Tree{
		Nodes: make([]tree.Node, n), NodeStats: make([]tree.NodeStats, n),
		Leaves: make([]float64, n+1), LeafStats: make([]tree.LeafStats, n+1),
	}
	sums := make([]total, n)
	for i := range g.leaves {
		l := &g.leaves[i]
		t.Leaves[i] = l.value
		t.LeafStats[i] = tree.LeafStats{Weight: l.h, Count: float64(l.count())}
		if l.node < 0 {
			continue
		}
		if p := &g.nodes[l.node]; l.right {
			p.right = int32(^i)
		} else {
			p.left = int32(^i)
		}
		sums[l.node].add(total{l.g, l.h, float64(l.count())})
	}
	for i := n - 1; i >= 0; i-- { // children come after their parents
		for _, child := range [2]int32{g.nodes[i].left, g.nodes[i].right} {
			if child >= 0 {
				sums[i].add(sums[child])
			}
		}
		t.NodeStats[i] = tree.NodeStats{
			Gain:   g.nodes[i].split.gain,
			Value:  optimum(sums[i].g, sums[i].h, g.cfg.L1, g.cfg.L2),
			Weight: sums[i].h, Count: sums[i].n,
		}
	}
	for i := range g.nodes {
		t.Nodes[i] = g.node(t, &g.nodes[i])
	}
	return t
}

// total is a sum over the rows of a node.
type total struct{ g, h, n float64 }

func (t *total) add(o total) {
	t.g += o.g
	t.h += o.h
	t.n += o.n
}

// node writes down one split; the categories that go left are appended to the sets of t.
func (g *Grower) node(t *tree.Tree, n *node) tree.Node {
	j := g.t.Used[n.split.column]
	f := &g.t.Features[j]
	out := tree.Node{Feature: j, Left: n.left, Right: n.right, Missing: f.Missing}
	if !n.split.categorical {
		out.DefaultLeft = n.split.missingLeft
		out.Threshold = math.Inf(1) // only what is missing goes right
		if int(n.split.bin) < len(f.Cuts) {
			out.Threshold = f.Cuts[n.split.bin]
		}
		return out
	}
	out.Categorical, out.Set = true, int32(len(t.Sets))
	for b, category := range f.Categories {
		if n.split.set[b/64]>>(b%64)&1 == 0 {
			continue
		}
		for out.Words <= category/32 {
			t.Sets = append(t.Sets, 0)
			out.Words++
		}
		t.Sets[out.Set+category/32] |= 1 << (category % 32)
	}
	return out
}
