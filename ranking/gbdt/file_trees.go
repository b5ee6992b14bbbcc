package gbdt

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// treeArrays are the trees of a file, those of all forests one after the other, each field an
// array over all trees, nodes or leaves.
type treeArrays struct {
	// By tree.
	outputs   []int32
	nodes     []uint32 // how many; leaves are one more
	words     []uint32 // of its sets
	parts     []uint8  // what it has: see the bits below
	shrinkage []float64

	// By node.
	thresholds      []float64
	features        []int32
	lefts, rights   []int32
	flags           []uint8
	sets, setWords  []int32
	gains, values   []float64 // of trees with partNodeStats
	weights, counts []float64
	leafs           []float64 // by leaf
	bits            []uint32
	leafWeights     []float64 // of trees with partLeafStats
	leafCounts      []float64
	leafIDs         []int32   // of trees with partLeafIDs
	linearConsts    []float64 // by leaf of trees with partLinear
	linearSizes     []uint32
	linearFeatures  []int32
	linearCoefs     []float64
}

// The bits of treeArrays.parts.
const (
	partLinear = 1 << iota
	partNodeStats
	partLeafStats
	partLeafIDs
	allParts = 1<<iota - 1
)

// The bits of treeArrays.flags; the kind of missing value stands above them.
const (
	flagCategorical = 1 << iota
	flagFloor
	flagDefaultLeft
	missingShift = iota
)

func nodeFlags(n *tree.Node) uint8 {
	flags := uint8(n.Missing) << missingShift
	if n.Categorical {
		flags |= flagCategorical
	}
	if n.Floor {
		flags |= flagFloor
	}
	if n.DefaultLeft {
		flags |= flagDefaultLeft
	}
	return flags
}

// add appends a tree.
func (b *treeArrays) add(t *tree.Tree) {
	parts := uint8(0)
	for part, have := range [...]int{len(t.Linear), len(t.NodeStats), len(t.LeafStats), len(t.LeafIDs)} {
		if have > 0 {
			parts |= 1 << part
		}
	}
	b.outputs, b.nodes = append(b.outputs, int32(t.Output)), append(b.nodes, uint32(len(t.Nodes)))
	b.words, b.parts = append(b.words, uint32(len(t.Sets))), append(b.parts, parts)
	b.shrinkage = append(b.shrinkage, t.Shrinkage)
	for i := range t.Nodes {
		n := &t.Nodes[i]
		b.thresholds, b.features = append(b.thresholds, n.Threshold), append(b.features, n.Feature)
		b.lefts, b.rights = append(b.lefts, n.Left), append(b.rights, n.Right)
		b.flags = append(b.flags, nodeFlags(n))
		b.sets, b.setWords = append(b.sets, n.Set), append(b.setWords, n.Words)
	}
	for _, s := range t.NodeStats {
		b.gains, b.values = append(b.gains, s.Gain), append(b.values, s.Value)
		b.weights, b.counts = append(b.weights, s.Weight), append(b.counts, s.Count)
	}
	for _, s := range t.LeafStats {
		b.leafWeights, b.leafCounts = append(b.leafWeights, s.Weight), append(b.leafCounts, s.Count)
	}
	b.leafs, b.bits, b.leafIDs = append(b.leafs, t.Leaves...), append(b.bits, t.Sets...), append(b.leafIDs, t.LeafIDs...)
	for _, l := range t.Linear {
		b.linearConsts, b.linearSizes = append(b.linearConsts, l.Const), append(b.linearSizes, uint32(len(l.Coefs)))
		b.linearFeatures, b.linearCoefs = append(b.linearFeatures, l.Features...), append(b.linearCoefs, l.Coefs...)
	}
}

func (b *treeArrays) write(e *envelope.Writer) {
	envelope.Write(e, "tree_outputs", b.outputs)
	envelope.Write(e, "tree_nodes", b.nodes)
	envelope.Write(e, "tree_words", b.words)
	envelope.Write(e, "tree_parts", b.parts)
	envelope.Write(e, "tree_shrinkage", b.shrinkage)
	envelope.Write(e, "thresholds", b.thresholds)
	envelope.Write(e, "node_features", b.features)
	envelope.Write(e, "lefts", b.lefts)
	envelope.Write(e, "rights", b.rights)
	envelope.Write(e, "flags", b.flags)
	envelope.Write(e, "sets", b.sets)
	envelope.Write(e, "set_words", b.setWords)
	envelope.Write(e, "gains", b.gains)
	envelope.Write(e, "values", b.values)
	envelope.Write(e, "weights", b.weights)
	envelope.Write(e, "counts", b.counts)
	envelope.Write(e, "leaves", b.leafs)
	envelope.Write(e, "bits", b.bits)
	envelope.Write(e, "leaf_weights", b.leafWeights)
	envelope.Write(e, "leaf_counts", b.leafCounts)
	envelope.Write(e, "leaf_ids", b.leafIDs)
	envelope.Write(e, "linear_consts", b.linearConsts)
	envelope.Write(e, "linear_sizes", b.linearSizes)
	envelope.Write(e, "linear_features", b.linearFeatures)
	envelope.Write(e, "linear_coefs", b.linearCoefs)
}

func (b *treeArrays) read(e *envelope.Reader) {
	b.outputs = envelope.Read[int32](e, "tree_outputs")
	trees := len(b.outputs)
	b.nodes = envelope.ReadN[uint32](e, "tree_nodes", trees)
	b.words = envelope.ReadN[uint32](e, "tree_words", trees)
	b.parts = envelope.ReadN[uint8](e, "tree_parts", trees)
	b.shrinkage = envelope.ReadN[float64](e, "tree_shrinkage", trees)
	b.thresholds = envelope.Read[float64](e, "thresholds")
	nodes := len(b.thresholds)
	b.features = envelope.ReadN[int32](e, "node_features", nodes)
	b.lefts = envelope.ReadN[int32](e, "lefts", nodes)
	b.rights = envelope.ReadN[int32](e, "rights", nodes)
	b.flags = envelope.ReadN[uint8](e, "flags", nodes)
	b.sets = envelope.ReadN[int32](e, "sets", nodes)
	b.setWords = envelope.ReadN[int32](e, "set_words", nodes)
	b.gains = envelope.Read[float64](e, "gains")
	b.values = envelope.ReadN[float64](e, "values", len(b.gains))
	b.weights = envelope.ReadN[float64](e, "weights", len(b.gains))
	b.counts = envelope.ReadN[float64](e, "counts", len(b.gains))
	b.leafs = envelope.ReadN[float64](e, "leaves", nodes+trees)
	b.bits = envelope.Read[uint32](e, "bits")
	b.leafWeights = envelope.Read[float64](e, "leaf_weights")
	b.leafCounts = envelope.ReadN[float64](e, "leaf_counts", len(b.leafWeights))
	b.leafIDs = envelope.Read[int32](e, "leaf_ids")
	b.linearConsts = envelope.Read[float64](e, "linear_consts")
	b.linearSizes = envelope.ReadN[uint32](e, "linear_sizes", len(b.linearConsts))
	b.linearFeatures = envelope.Read[int32](e, "linear_features")
	b.linearCoefs = envelope.ReadN[float64](e, "linear_coefs", len(b.linearFeatures))
}

var errShort = errors.New("the trees have more nodes, leaves or sets than there are")

// cut takes the first n elements of s away; it is nil, and short set, where there are fewer.
func cut[T any](s *[]T, n int, short *bool) []T {
	if n < 0 || n > len(*s) {
		*short = true
		return nil
	}
	head := (*s)[:n:n]
	*s = (*s)[n:]
	return head
}

// take takes the next n trees away.
func (b *treeArrays) take(n int) ([]tree.Tree, error) {
	if n < 0 || n > len(b.outputs) {
		return nil, fmt.Errorf("a forest of %d trees; there are %d", n, len(b.outputs))
	}
	trees := make([]tree.Tree, n)
	for i := range trees {
		if err := b.one(&trees[i]); err != nil {
			return nil, err
		}
	}
	return trees, nil
}

// one takes the next tree away. What its parts say of each other is for Check.
func (b *treeArrays) one(t *tree.Tree) error {
	short := false
	parts := cut(&b.parts, 1, &short)[0]
	if parts > allParts {
		return fmt.Errorf("a tree has the parts %#x, which this version does not know", parts)
	}
	t.Output = int(cut(&b.outputs, 1, &short)[0])
	t.Shrinkage = cut(&b.shrinkage, 1, &short)[0]
	if !(math.Abs(t.Shrinkage) <= math.MaxFloat64) {
		return fmt.Errorf("a tree has the shrinkage %v", t.Shrinkage)
	}
	nodes := int(cut(&b.nodes, 1, &short)[0])
	leaves := nodes + 1
	t.Sets = cut(&b.bits, int(cut(&b.words, 1, &short)[0]), &short)
	t.Leaves = cut(&b.leafs, leaves, &short)
	thresholds, features := cut(&b.thresholds, nodes, &short), cut(&b.features, nodes, &short)
	lefts, rights, flags := cut(&b.lefts, nodes, &short), cut(&b.rights, nodes, &short), cut(&b.flags, nodes, &short)
	sets, words := cut(&b.sets, nodes, &short), cut(&b.setWords, nodes, &short)
	if short {
		return errShort
	}
	t.Nodes = make([]tree.Node, nodes)
	for i := range t.Nodes {
		f := flags[i]
		t.Nodes[i] = tree.Node{
			Threshold: thresholds[i], Feature: features[i], Left: lefts[i], Right: rights[i], Set: sets[i], Words: words[i],
			Categorical: f&flagCategorical != 0, Floor: f&flagFloor != 0, DefaultLeft: f&flagDefaultLeft != 0,
			Missing: tree.Missing(f >> missingShift),
		}
	}
	if parts&partNodeStats != 0 {
		b.nodeStats(t, nodes, &short)
	}
	if parts&partLeafStats != 0 {
		weights, counts := cut(&b.leafWeights, leaves, &short), cut(&b.leafCounts, leaves, &short)
		for i := range counts {
			t.LeafStats = append(t.LeafStats, tree.LeafStats{Weight: weights[i], Count: counts[i]})
		}
	}
	if parts&partLeafIDs != 0 {
		t.LeafIDs = cut(&b.leafIDs, leaves, &short)
	}
	if parts&partLinear != 0 {
		b.linear(t, leaves, &short)
	}
	if short {
		return errShort
	}
	return nil
}

func (b *treeArrays) nodeStats(t *tree.Tree, nodes int, short *bool) {
	gains, values := cut(&b.gains, nodes, short), cut(&b.values, nodes, short)
	weights, counts := cut(&b.weights, nodes, short), cut(&b.counts, nodes, short)
	for i := range counts {
		t.NodeStats = append(t.NodeStats, tree.NodeStats{Gain: gains[i], Value: values[i], Weight: weights[i], Count: counts[i]})
	}
}

func (b *treeArrays) linear(t *tree.Tree, leaves int, short *bool) {
	consts, sizes := cut(&b.linearConsts, leaves, short), cut(&b.linearSizes, leaves, short)
	for i := range sizes {
		n := int(sizes[i])
		t.Linear = append(t.Linear, tree.Linear{
			Const: consts[i], Features: cut(&b.linearFeatures, n, short), Coefs: cut(&b.linearCoefs, n, short),
		})
	}
}

// rest reports what no tree has taken.
func (b *treeArrays) rest() error {
	if n := len(b.outputs); n > 0 {
		return fmt.Errorf("%d trees of no forest", n)
	}
	if len(b.thresholds)+len(b.leafs)+len(b.bits)+len(b.gains)+len(b.leafWeights)+len(b.leafIDs)+len(b.linearConsts)+len(b.linearCoefs) > 0 {
		return errors.New("nodes, leaves or sets of no tree")
	}
	return nil
}
