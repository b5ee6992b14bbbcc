package gbdt

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Contributions appends what each feature adds to each raw score, n x Outputs x (len(Features)+1),
// to dst: the Shapley values of the trees, and last the expected raw score over the rows of
// training. They add up to the raw score, within rounding. rows is as in [Model.PredictRows].
//
// It is what LightGBM's pred_contrib and XGBoost's pred_contribs give. How many rows of training went
// either way at a node comes from the file: rows, or the sums of their hessians where it has no
// counts. The error is an [*UnsupportedError] for a file that has neither, for trees with linear leaves, and
// for ones of more than 2048 nodes on the way to a leaf. The cost of a row is O(leaves depth²) for each tree.
//
// Source: Lundberg, Erion and Lee, "Consistent Individualized Feature Attribution for Tree
// Ensembles", 2018, algorithm 2.
func (m *Model) Contributions(dst, rows []float64) ([]float64, error) {
	n, err := m.count(rows)
	if err != nil {
		return dst, err
	}
	width := len(m.features) + 1
	from := len(dst)
	dst = slices.Grow(dst, n*m.outputs*width)[:from+n*m.outputs*width]
	out := dst[from:]
	clear(out)
	for i := range m.forests {
		err := m.contribute(&m.forests[i], rows, n, func(row, output int) []float64 {
			at := (row*m.outputs + m.forests[i].output + output) * width
			return out[at : at+width]
		})
		if err != nil {
			return dst[:from], err
		}
	}
	return dst, nil
}

// Explain appends what each feature adds to the raw score behind a head for one row, and last the
// expected raw score, len(Features)+1 values, to dst. floats and ids hold the row in the orders
// of [Model.Columns] and [Model.IDColumns], as a record of an exposure or a [ranking.Collector]
// with these columns has it, so they say why an item of a result got its score. It fails as
// [Model.Contributions] does, or when there is no such head; of an objective that predicts the
// number of the class there is no single score.
func (m *Model) Explain(dst []float64, head string, floats []float32, ids []uint64) ([]float64, error) {
	f, k, err := m.head(head)
	if err != nil {
		return dst, err
	}
	if f.Link.Kind == tree.ArgMax {
		return dst, &UnsupportedError{Format: "gbdt", What: fmt.Sprintf("explaining head %q, the number of a class,", head)}
	}
	if d, c := len(m.Columns()), len(m.IDColumns()); len(floats) != d || len(ids) != c {
		return dst, fmt.Errorf("gbdt: row has %d floats and %d ids; want %d and %d", len(floats), len(ids), d, c)
	}
	row := make([]float64, len(m.features))
	for j := range row {
		if m.vocab[j] == nil {
			row[j], floats = float64(floats[0]), floats[1:]
		} else {
			row[j], ids = m.Category(j, ids[0]), ids[1:]
		}
	}
	from, width := len(dst), len(m.features)+1
	dst = slices.Grow(dst, width)[:from+width]
	clear(dst[from:])
	other := make([]float64, width)
	err = m.contribute(f, row, 1, func(_, output int) []float64 {
		if output == k {
			return dst[from:]
		}
		return other
	})
	if err != nil {
		return dst[:from], err
	}
	return dst, nil
}

// contribute adds the contributions of a forest to what at returns for a row and an output.
func (m *Model) contribute(f *forest, rows []float64, n int, at func(row, output int) []float64) error {
	w := len(m.features)
	s := m.pool.get()
	defer m.pool.put(s)
	var e explainer
	for k, b := range f.Base {
		for i := range n {
			at(i, k)[w] += b
		}
	}
	for k := range f.Trees {
		if err := e.begin(&f.Trees[k]); err != nil {
			return err
		}
		for i := range n {
			e.explain(at(i, f.Trees[k].Output), m.row(s, f, rows[i*w:(i+1)*w]))
		}
	}
	return nil
}

// element is a feature on the way from the root to a node.
type element struct {
	feature   int32
	zero, one float64 // share of the subsets without and with the feature that come this way
	weight    float64 // of subsets of as many features as the element has before it
}

// maxExplained bounds how deep explained trees are: the paths to a leaf take memory by the square of it.
const maxExplained = 2048

// explainer computes Shapley values of a tree.
type explainer struct {
	t        *tree.Tree
	nodes    []float64 // rows of training below each node
	leaves   []float64
	expected float64
	depths   []int32
	order    []int32 // of the nodes: parents before children

	x, phi []float64
	path   []element // one path behind the other, that of the node last
}

// begin makes e explain t.
func (e *explainer) begin(t *tree.Tree) error {
	e.t = t
	if len(t.Linear) > 0 && len(t.Nodes) > 0 {
		return &UnsupportedError{Format: "gbdt", What: "explaining a tree with linear leaves"}
	}
	if len(t.Nodes) == 0 {
		return nil
	}
	e.nodes, e.leaves = room(e.nodes, len(t.Nodes)), room(e.leaves, len(t.Leaves))
	for _, of := range []func(tree.LeafStats) float64{
		func(s tree.LeafStats) float64 { return s.Count },
		func(s tree.LeafStats) float64 { return s.Weight },
	} {
		total := 0.0
		for i, s := range t.LeafStats {
			e.leaves[i] = max(of(s), 0)
			total += e.leaves[i]
		}
		if total > 0 && total-total == 0 {
			if deepest := e.cover(); deepest > maxExplained {
				return &UnsupportedError{Format: "gbdt", What: fmt.Sprintf("explaining a tree with %d nodes on the way to a leaf; at most %d", deepest, maxExplained)}
			}
			e.expected = 0
			for i, v := range t.Leaves {
				e.expected += float64(v * (e.leaves[i] / total))
			}
			return nil
		}
	}
	return &UnsupportedError{Format: "gbdt", What: "explaining a model whose file says nothing of the rows in its leaves"}
}

// cover sums the rows below each node, so that what the children have adds up to it, and returns how many nodes
// the longest way to a leaf has. It does not recurse: a hostile file may be a chain of millions of nodes.
func (e *explainer) cover() int {
	e.depths, e.order = room(e.depths, len(e.t.Nodes)), append(e.order[:0], 0)
	e.depths[0] = 1
	deepest := 1
	for i := 0; i < len(e.order); i++ {
		at := e.order[i]
		for _, child := range [2]int32{e.t.Nodes[at].Left, e.t.Nodes[at].Right} {
			if child >= 0 {
				e.depths[child] = e.depths[at] + 1
				deepest = max(deepest, int(e.depths[child]))
				e.order = append(e.order, child)
			}
		}
	}
	for _, at := range slices.Backward(e.order) {
		n := &e.t.Nodes[at]
		e.nodes[at] = e.below(n.Left) + e.below(n.Right)
	}
	return deepest
}

// explain adds the contributions for the row x to phi.
func (e *explainer) explain(phi, x []float64) {
	t, last := e.t, len(phi)-1
	switch {
	case len(t.Nodes) > 0:
		phi[last] += e.expected
		e.x, e.phi, e.path = x, phi, e.path[:0]
		e.walk(0, 0, element{feature: -1, zero: 1, one: 1})
	case len(t.Linear) > 0: // a linear model: see the reader of gblinear
		l := &t.Linear[0]
		if t.Value(0, x) == t.Leaves[0] { // perhaps a value is missing
			for _, j := range l.Features {
				if x[j] != x[j] {
					phi[last] += t.Leaves[0]
					return
				}
			}
		}
		phi[last] += l.Const
		for k, j := range l.Features {
			phi[j] += float64(l.Coefs[k] * x[j])
		}
	default:
		phi[last] += t.Leaves[0]
	}
}

// walk extends the path that begins at start by next and goes on from the node at.
func (e *explainer) walk(at int32, start int, next element) {
	if next.zero == 0 && next.one == 0 {
		return // no subset comes this way
	}
	e.path = append(e.path, next)
	path := e.path[start:]
	extend(path)
	n := len(path)
	if at < 0 {
		v := e.t.Leaves[^at]
		for i := 1; i < n; i++ {
			p := &path[i]
			e.phi[p.feature] += float64(unwound(path, i) * (p.one - p.zero) * v)
		}
		return
	}
	node := &e.t.Nodes[at]
	hot, cold := node.Right, node.Left
	if e.t.GoesLeft(node, e.x[node.Feature]) {
		hot, cold = cold, hot
	}
	zero, one := 1.0, 1.0
	for i := 1; i < n; i++ {
		if path[i].feature == node.Feature { // met before: as if it stood here only
			zero, one = path[i].zero, path[i].one
			unwind(path, i)
			n--
			break
		}
	}
	total := e.nodes[at]
	for _, way := range [...]struct {
		child int32
		one   float64
	}{{hot, one}, {cold, 0}} {
		// A copy of the path stands behind it, since the walk below changes it.
		e.path = append(e.path[:start+n], e.path[start:start+n]...)
		share := 0.0
		if total > 0 {
			share = e.below(way.child) / total
		}
		e.walk(way.child, start+n, element{feature: node.Feature, zero: zero * share, one: way.one})
	}
}

// below returns the rows below a node or leaf.
func (e *explainer) below(at int32) float64 {
	if at < 0 {
		return e.leaves[^at]
	}
	return e.nodes[at]
}

// extend gives the subsets that a path has got with its last element their weights: EXTEND of the paper.
func extend(path []element) {
	l := len(path) - 1
	next := &path[l]
	next.weight = 0
	if l == 0 {
		next.weight = 1
	}
	for i := l - 1; i >= 0; i-- {
		w := path[i].weight
		path[i+1].weight += float64(next.one * w * float64(i+1) / float64(l+1))
		path[i].weight = next.zero * w * float64(l-i) / float64(l+1)
	}
}

// unwind takes element i away again, from its place: UNWIND of the paper.
func unwind(path []element, i int) {
	l := len(path) - 1
	zero, one := path[i].zero, path[i].one
	next := path[l].weight
	for j := l - 1; j >= 0; j-- {
		w := path[j].weight
		if one != 0 {
			path[j].weight = next * float64(l+1) / (float64(j+1) * one)
			next = w - float64(path[j].weight*zero*float64(l-j)/float64(l+1))
		} else {
			path[j].weight = w * float64(l+1) / (zero * float64(l-j))
		}
	}
	for j := i; j < l; j++ {
		path[j].feature, path[j].zero, path[j].one = path[j+1].feature, path[j+1].zero, path[j+1].one
	}
}

// unwound returns the sum of the weights after unwind of element i.
func unwound(path []element, i int) float64 {
	l := len(path) - 1
	zero, one := path[i].zero, path[i].one
	next, sum := path[l].weight, 0.0
	for j := l - 1; j >= 0; j-- {
		w := path[j].weight
		if one != 0 {
			w = next * float64(l+1) / (float64(j+1) * one)
			next = path[j].weight - float64(w*zero*float64(l-j)/float64(l+1))
		} else {
			w = w * float64(l+1) / (zero * float64(l-j))
		}
		sum += w
	}
	return sum
}
