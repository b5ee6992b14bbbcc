package xgboost

import (
	"math"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/document"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// gbtree reads all trees.
func (r *reader) gbtree(b document.Node) error {
	model, err := b.Field("model")
	if err != nil {
		return err
	}
	list, err := model.Field("trees")
	if err != nil {
		return err
	}
	trees, err := list.Items()
	if err != nil {
		return err
	}
	field, err := model.Field("tree_info")
	if err != nil {
		return err
	}
	outputs, err := field.Ints(0, r.f.Outputs-1)
	if err != nil {
		return err
	}
	if len(outputs) != len(trees) {
		return field.Fail("has %d entries for %d trees", len(outputs), len(trees))
	}
	if parameters, ok := model.Find("gbtree_model_param"); ok {
		if n, ok := parameters.Find("num_parallel_tree"); ok {
			if r.f.Parallel, err = n.Int(0, 1<<20); err != nil {
				return err
			}
		}
	}
	r.f.Trees = make([]tree.Tree, len(trees))
	for i, node := range trees {
		t := treeReader{reader: r, at: node}
		if err := t.read(&r.f.Trees[i]); err != nil {
			return err
		}
		r.f.Trees[i].Output = int(outputs[i])
	}
	return nil
}

// treeReader reads one tree: arrays over its nodes, of which leaves have no children.
type treeReader struct {
	*reader
	at document.Node

	left, right, features, kinds, defaultLeft []int32
	conditions                                []float64
	gain, weight, value                       []float64
	sets                                      map[int32][]int32 // of a categorical node
}

// ints reads an array of n whole numbers; an optional one that is absent is nil.
func (t *treeReader) ints(name string, n, low, high int, optional bool) ([]int32, error) {
	field, ok := t.at.Find(name)
	if !ok {
		if optional {
			return nil, nil
		}
		return nil, field.Fail("is missing")
	}
	out, err := field.Ints(low, high)
	if err == nil && n >= 0 && len(out) != n {
		err = field.Fail("has %d elements; want %d", len(out), n)
	}
	return out, err
}

func (t *treeReader) floats(name string, n int, optional bool) ([]float64, error) {
	field, ok := t.at.Find(name)
	if !ok {
		if optional {
			return nil, nil
		}
		return nil, field.Fail("is missing")
	}
	out, err := field.Numbers()
	if err == nil && len(out) != n {
		err = field.Fail("has %d elements; want %d", len(out), n)
	}
	return out, err
}

func (t *treeReader) read(out *tree.Tree) error {
	if err := t.arrays(); err != nil {
		return err
	}
	if err := t.categories(); err != nil {
		return err
	}
	return t.walk(out)
}

func (t *treeReader) arrays() (err error) {
	if t.left, err = t.ints("left_children", -1, -1, math.MaxInt32, false); err != nil {
		return err
	}
	n := len(t.left)
	if n == 0 {
		return t.at.Fail("has no nodes")
	}
	if p, ok := t.at.Find("tree_param"); ok {
		if size, ok := p.Find("size_leaf_vector"); ok {
			if k, err := size.Int(0, 1<<20); err != nil || k > 1 {
				return t.unsupported("a leaf of several values")
			}
		}
	}
	if t.right, err = t.ints("right_children", n, -1, math.MaxInt32, false); err != nil {
		return err
	}
	if t.features, err = t.ints("split_indices", n, 0, math.MaxInt32, false); err != nil {
		return err
	}
	if t.defaultLeft, err = t.ints("default_left", n, 0, 1, false); err != nil {
		return err
	}
	if t.kinds, err = t.ints("split_type", n, 0, 1, true); err != nil {
		return err
	}
	if t.conditions, err = t.floats("split_conditions", n, false); err != nil {
		return err
	}
	if t.gain, err = t.floats("loss_changes", n, true); err != nil {
		return err
	}
	if t.weight, err = t.floats("sum_hessian", n, true); err != nil {
		return err
	}
	t.value, err = t.floats("base_weights", n, true)
	return err
}

// categories reads which categories each node has: segments of one list.
func (t *treeReader) categories() error {
	nodes, err := t.ints("categories_nodes", -1, 0, len(t.left)-1, true)
	if err != nil || len(nodes) == 0 {
		return err
	}
	starts, err := t.ints("categories_segments", len(nodes), 0, math.MaxInt32, false)
	if err != nil {
		return err
	}
	sizes, err := t.ints("categories_sizes", len(nodes), 0, math.MaxInt32, false)
	if err != nil {
		return err
	}
	all, err := t.ints("categories", -1, 0, 1<<24-1, false)
	if err != nil {
		return err
	}
	t.sets = make(map[int32][]int32, len(nodes))
	sum := 0
	for i, node := range nodes {
		from, to := int(starts[i]), int(starts[i])+int(sizes[i])
		if to > len(all) {
			return t.at.Fail("categories %d to %d of node %d; there are %d", from, to, node, len(all))
		}
		if sum += int(sizes[i]); sum > len(all) { // each node reads its own, or a small file takes hours
			return t.at.Fail("categories_sizes add up to more than the %d categories", len(all))
		}
		t.sets[node] = all[from:to]
	}
	return nil
}

// walk visits the nodes from the root, in their order by level, and numbers nodes and leaves.
func (t *treeReader) walk(out *tree.Tree) error {
	n := int32(len(t.left))
	seen := make([]bool, n)
	number := make([]int32, n) // in out: node, or ^leaf
	queue := []int32{0}
	seen[0] = true
	nodes := int32(0)
	for i := 0; i < len(queue); i++ {
		at := queue[i]
		if t.left[at] < 0 {
			number[at] = ^int32(len(out.LeafIDs))
			out.LeafIDs = append(out.LeafIDs, at)
			continue
		}
		number[at] = nodes
		nodes++
		for _, child := range [2]int32{t.left[at], t.right[at]} {
			if child < 0 || child >= n || seen[child] {
				return t.at.Fail("node %d has child %d, which is none of %d nodes or has another parent", at, child, n)
			}
			seen[child] = true
			queue = append(queue, child)
		}
	}
	for _, at := range queue {
		if t.left[at] < 0 {
			out.Leaves = append(out.Leaves, float64(float32(t.conditions[at])))
			out.LeafStats = append(out.LeafStats, tree.LeafStats{Weight: get(t.weight, at)})
			continue
		}
		node, err := t.node(out, at)
		if err != nil {
			return err
		}
		left, right := number[t.left[at]], number[t.right[at]]
		if node.Categorical {
			left, right = right, left
		}
		node.Left, node.Right = left, right
		out.Nodes = append(out.Nodes, node)
		out.NodeStats = append(out.NodeStats, tree.NodeStats{Gain: get(t.gain, at), Value: get(t.value, at), Weight: get(t.weight, at)})
	}
	return nil
}

func get(values []float64, at int32) float64 {
	if values == nil {
		return 0
	}
	return values[at]
}

// node turns a decision of the library into one of ours, but for the children.
func (t *treeReader) node(out *tree.Tree, at int32) (tree.Node, error) {
	n := tree.Node{Feature: t.features[at], Missing: tree.MissingNaN, DefaultLeft: t.defaultLeft[at] != 0}
	if int(n.Feature) >= len(t.f.Features) {
		return n, t.at.Fail("node %d reads feature %d of %d", at, n.Feature, len(t.f.Features))
	}
	if t.kinds == nil || t.kinds[at] == 0 {
		c := float32(t.conditions[at])
		if c != c || c < -math.MaxFloat32 {
			return n, t.at.Fail("node %d has the threshold %v", at, c)
		}
		n.Threshold = float64(math.Nextafter32(c, float32(math.Inf(-1))))
		return n, nil
	}
	n.Categorical, n.Floor, n.DefaultLeft = true, true, !n.DefaultLeft
	t.f.Features[n.Feature].Categorical = true
	top := int32(-1)
	for _, c := range t.sets[at] {
		top = max(top, c)
	}
	n.Set, n.Words = int32(len(out.Sets)), (top+32)/32
	if t.reader.words += int(n.Words); t.reader.words > maxWords {
		return n, t.unsupported("a model whose sets of categories take more than 256 MB")
	}
	out.Sets = append(out.Sets, make([]uint32, n.Words)...)
	for _, c := range t.sets[at] {
		out.Sets[n.Set+c>>5] |= 1 << (uint(c) & 31)
	}
	return n, nil
}

// maxWords bounds the bit sets of a model: a few bytes of a hostile file could ask for 2 MB each.
const maxWords = 1 << 26
