package tree

import (
	"fmt"
	"math"
)

// Missing says which values of a feature a node takes for missing.
type Missing uint8

// The kinds of missing values. In a categorical node NaN is missing under each of them.
const (
	// MissingNone takes NaN for 0, and nothing is missing.
	MissingNone Missing = iota
	// MissingZero takes NaN and what is within [ZeroThreshold] of 0 for missing.
	MissingZero
	// MissingNaN takes NaN for missing.
	MissingNaN
)

// ZeroThreshold is the largest magnitude that [MissingZero] takes for 0: LightGBM's
// constant, which is a float32.
const ZeroThreshold = float64(float32(1e-35))

// Node is a decision. Children >= 0 are nodes of the same tree, a child c < 0 is leaf ^c.
type Node struct {
	Threshold   float64 // numeric: x <= Threshold goes left
	Feature     int32
	Left, Right int32
	Set, Words  int32 // categorical: Tree.Sets[Set:Set+Words] is a bit set of the categories that go left
	Categorical bool
	// Floor rounds a category down, as XGBoost does, so that -0.5 is none; without it the
	// category is cut towards 0, as in LightGBM.
	Floor       bool
	DefaultLeft bool
	Missing     Missing
}

// NodeStats is what training left about a node; zero where the file did not say.
type NodeStats struct {
	Gain   float64 // by how much the split lowered the loss
	Value  float64 // what the node would give if it were a leaf
	Weight float64 // sum of hessians
	Count  float64 // rows; 0 if unknown
}

// LeafStats is the same for a leaf.
type LeafStats struct {
	Weight float64
	Count  float64
}

// Linear is the model in a leaf: Const + Σ Coefs[j] x[Features[j]], or the leaf's value
// if any of these features is NaN.
type Linear struct {
	Const    float64
	Features []int32
	Coefs    []float64
}

// Tree is one tree. Without nodes it is its only leaf; else node 0 is the root and there
// is one leaf more than nodes.
type Tree struct {
	Output int // which raw score it adds to
	Nodes  []Node
	Leaves []float64
	Sets   []uint32 // bit sets of the categorical nodes
	Linear []Linear // empty, or one for each leaf

	NodeStats []NodeStats // empty, or one for each node
	LeafStats []LeafStats // empty, or one for each leaf
	// LeafIDs are the names of the leaves in the file they came from, where those are not
	// their indexes (XGBoost names a leaf by its node). Empty: the index.
	LeafIDs []int32
	// Shrinkage is the factor that the leaves were multiplied with, for files; 0 means 1.
	Shrinkage float64
}

// Feature is a column that the forest reads.
type Feature struct {
	Name        string
	Categorical bool
	// Info is what LightGBM's feature_infos say of it ("[min:max]", "0:1:2", "none"), for files.
	Info string
}

// Forest is a sum of trees for each of one or more outputs.
type Forest struct {
	Features []Feature
	Outputs  int // >= 1; more than one for multiclass
	Trees    []Tree
	Base     []float64 // empty (zeros), or one for each output

	Link Link
	// Average divides the raw scores by Rounds before the link: random forests.
	Average bool
	// Float32 keeps the sums in float32, as XGBoost does.
	Float32 bool
	// Objective is the text of the file's objective, for messages and for files.
	Objective string
	// Parallel is how many trees each output gets in a round; 0 means 1.
	Parallel int
	// Best is the number of rounds that early stopping found best; 0 if the file does not say.
	Best int
}

// PerRound returns the number of trees of a round.
func (f *Forest) PerRound() int { return f.Outputs * max(f.Parallel, 1) }

// Rounds returns the number of rounds; the last may be cut short.
func (f *Forest) Rounds() int { return (len(f.Trees) + f.PerRound() - 1) / f.PerRound() }

// CategoryOf returns the category that x stands for in a categorical node, -1 if it stands for none:
// x is cut towards 0; NaN, what is negative then, and what does not fit an int32 is no category.
func CategoryOf(x float64) int32 {
	if !(x > -1 && x < 1<<31) {
		return -1
	}
	return int32(x)
}

// Has tells whether category c is in the node's set.
func (t *Tree) Has(n *Node, c int32) bool {
	w := c >> 5
	return c >= 0 && w < n.Words && t.Sets[n.Set+w]>>(uint(c)&31)&1 != 0
}

// GoesLeft tells whether the value x of the node's feature sends a row to the left.
func (t *Tree) GoesLeft(n *Node, x float64) bool {
	if n.Categorical {
		if math.IsNaN(x) {
			return n.DefaultLeft
		}
		if n.Floor {
			x = math.Floor(x)
		}
		return t.Has(n, CategoryOf(x))
	}
	switch n.Missing {
	case MissingNaN:
		if math.IsNaN(x) {
			return n.DefaultLeft
		}
	case MissingZero:
		if math.IsNaN(x) || math.Abs(x) <= ZeroThreshold {
			return n.DefaultLeft
		}
	default:
		if math.IsNaN(x) {
			x = 0
		}
	}
	return x <= n.Threshold
}

// Leaf returns the leaf that the row x, one value for each feature, falls into: the plain
// walk, which all engines equal.
func (t *Tree) Leaf(x []float64) int32 {
	if len(t.Nodes) == 0 {
		return 0
	}
	at := int32(0)
	for at >= 0 {
		n := &t.Nodes[at]
		if t.GoesLeft(n, x[n.Feature]) {
			at = n.Left
		} else {
			at = n.Right
		}
	}
	return ^at
}

// LeafID returns the name of a leaf; see LeafIDs.
func (t *Tree) LeafID(leaf int32) int32 {
	if len(t.LeafIDs) == 0 {
		return leaf
	}
	return t.LeafIDs[leaf]
}

// Value returns what a leaf adds to the raw score of the row x.
func (t *Tree) Value(leaf int32, x []float64) float64 {
	if len(t.Linear) == 0 {
		return t.Leaves[leaf]
	}
	l := &t.Linear[leaf]
	sum := l.Const
	for j, f := range l.Features {
		if math.IsNaN(x[f]) {
			return t.Leaves[leaf]
		}
		sum += float64(l.Coefs[j] * x[f])
	}
	return sum
}

// Raw writes the raw score of each output for the row x, by the first rounds rounds: the
// reference for all engines. len(dst) == f.Outputs. The values of a Float32 forest's row must be
// float32 already.
func (f *Forest) Raw(dst, x []float64, rounds int) {
	clear(dst)
	copy(dst, f.Base)
	for i := range f.Trees[:min(rounds*f.PerRound(), len(f.Trees))] {
		t := &f.Trees[i]
		v := t.Value(t.Leaf(x), x)
		if f.Float32 {
			dst[t.Output] = float64(float32(dst[t.Output]) + float32(v))
		} else {
			dst[t.Output] += v
		}
	}
}

// String prints the size of the forest.
func (f *Forest) String() string {
	leaves := 0
	for i := range f.Trees {
		leaves = max(leaves, len(f.Trees[i].Leaves))
	}
	return fmt.Sprintf("%d trees of up to %d leaves over %d features, %d outputs", len(f.Trees), leaves, len(f.Features), f.Outputs)
}
