package simd

import "math"

// ForestLanes is how many rows a block of a [Forest] has.
const ForestLanes = 32

// ForestNode asks something of a word of a row and says which leaves a yes leaves over.
type ForestNode struct {
	// Below, of a number: yes if word >= Below, as int32. Of a set: yes if word & Below != 0.
	Below int32
	// Word says which word of the row. [NewForest] turns it into the place of the word's column.
	Word uint32
	// Keep has a bit for each of 32 leaves that are still possible after a yes.
	Keep uint32
}

// ForestTree says how many nodes a tree has: Nodes[0] that ask for numbers and Nodes[1] that ask for
// sets, of leaves 0 to 31, then the same of leaves 32 to 63. A node that bears on both
// halves is there twice.
type ForestTree struct {
	Nodes  [4]uint32
	Output uint32 // which sum its leaves are added to
}

// Forest holds trees of up to 64 leaves for kernels that ask every node of a tree for 32
// rows at once, instead of following each row down: each answer strikes out the leaves
// that it rules out, and the first leaf that is left is the row's. It is immutable and safe for concurrent
// use.
//
// Source: Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive
// ensembles of regression trees", SIGIR 2015; Ye et al., "RapidScorer: fast tree ensemble
// evaluation by maximizing compactness in data level parallelization", KDD 2018.
type Forest struct {
	trees    []ForestTree
	nodes    []ForestNode
	start    []int // of each tree's nodes, and the end
	leaves   []float64
	leaves32 []float32
	words    int
	outputs  int
	wide     bool
}

const (
	errForest      = "simd: nodes, leaves or outputs do not fit the trees"
	errForestWord  = "simd: a node asks for a word that rows do not have"
	errForestBlock = "simd: block or sums do not fit the forest"
	errForestTrees = "simd: no such trees"
)

// NewForest returns a forest over rows of the given number of words. nodes and leaves are those of all
// trees one after the other, leaves in the order from left to right. It keeps none of the
// slices. With single, sums are kept in float32 and leaves are rounded to it.
//
// It panics if something does not fit, or if a tree has more than 64 leaves.
func NewForest(trees []ForestTree, nodes []ForestNode, leaves [][]float64, words, outputs int, single bool) *Forest {
	if len(leaves) != len(trees) || words < 0 || words > math.MaxInt32/128 || outputs < 1 || outputs > math.MaxInt32/256 {
		panic(errForest)
	}
	f := &Forest{trees: append([]ForestTree(nil), trees...), nodes: append([]ForestNode(nil), nodes...), words: words, outputs: outputs, start: make([]int, 1, len(trees)+1)}
	at := 0
	for i := range f.trees {
		t := &f.trees[i]
		for _, n := range t.Nodes {
			at += int(n)
		}
		f.start = append(f.start, at)
		if n := len(leaves[i]); n < 1 || n > 64 || int64(t.Output) >= int64(outputs) || n <= 32 && t.Nodes[2]+t.Nodes[3] > 0 {
			panic(errForest)
		}
		f.wide = f.wide || len(leaves[i]) > 32
	}
	if at != len(nodes) {
		panic(errForest)
	}
	for i := range f.nodes {
		if int64(f.nodes[i].Word) >= int64(words) {
			panic(errForestWord)
		}
		f.nodes[i].Word *= 4 * ForestLanes // bytes
	}
	slots, size := f.slots(), uint32(8)
	if single {
		size = 4
		f.leaves32 = make([]float32, slots*len(trees)+1)
	} else {
		f.leaves = make([]float64, slots*len(trees)+1)
	}
	for i, values := range leaves {
		for j, v := range values {
			if single {
				f.leaves32[i*slots+j] = float32(v)
			} else {
				f.leaves[i*slots+j] = v
			}
		}
		f.trees[i].Output *= size * ForestLanes // bytes
	}
	return f
}

// slots is how many leaves each tree has room for.
func (f *Forest) slots() int {
	if f.wide {
		return 64
	}
	return 32
}

// Nodes returns how many nodes trees from to to-1 have: the cost of a block.
func (f *Forest) Nodes(from, to int) int { return f.start[to] - f.start[from] }

// Sum adds the leaves of trees from to to-1, one tree after the other, to the sums of 32
// rows: sum o of row i is sums[32*o+i]; word w of row i is block[32*w+i]. The forest must
// not be single. It panics if a length does not fit.
func (f *Forest) Sum(sums []float64, block []int32, from, to int) {
	if len(sums) < ForestLanes*f.outputs || f.leaves == nil {
		panic(errForestBlock)
	}
	f.check(block, from, to)
	f.pieces(from, to, func(from, to int) { f.sum(sums, block, from, to) })
}

// Sum32 is Sum for a single forest.
func (f *Forest) Sum32(sums []float32, block []int32, from, to int) {
	if len(sums) < ForestLanes*f.outputs || f.leaves32 == nil {
		panic(errForestBlock)
	}
	f.check(block, from, to)
	f.pieces(from, to, func(from, to int) { f.sum32(sums, block, from, to) })
}

// Find writes the leaves: that of row i in tree from+j, counted from the left, is
// found[32*j+i].
func (f *Forest) Find(found []uint32, block []int32, from, to int) {
	f.check(block, from, to)
	if len(found) < ForestLanes*(to-from) {
		panic(errForestBlock)
	}
	first := from
	f.pieces(from, to, func(from, to int) { f.find(found[ForestLanes*(from-first):], block, from, to) })
}

func (f *Forest) check(block []int32, from, to int) {
	if from < 0 || from > to || to > len(f.trees) {
		panic(errForestTrees)
	}
	if len(block) < ForestLanes*f.words {
		panic(errForestBlock)
	}
}

// pieceNodes bounds the nodes of one call into assembly.
const pieceNodes = 4096

// pieces calls do for runs of trees that are short enough for one call.
func (f *Forest) pieces(from, to int, do func(from, to int)) {
	for from < to {
		end := from + 1
		for end < to && end-from < pieceNodes/8 && f.Nodes(from, end+1) <= pieceNodes {
			end++
		}
		do(from, end)
		from = end
	}
}
