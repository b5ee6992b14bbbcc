package engine

import (
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// bitVectors ask every node of a tree for blocks of 32 rows: see [simd.Forest].
type bitVectors struct {
	forest *simd.Forest
	order  [][]int32 // of each tree: the leaves from left to right
	single bool
}

// maxBits is how many leaves a tree of bitVectors may have.
const maxBits = 64

// lanes is how many rows a block has.
const lanes = simd.ForestLanes

// fits tells whether all trees are small enough for bit vectors.
func fits(f *tree.Forest) bool {
	for i := range f.Trees {
		if len(f.Trees[i].Leaves) > maxBits {
			return false
		}
	}
	return true
}

func newBits(f *tree.Forest, l *layout, tests [][]test) *bitVectors {
	b := &bitVectors{single: f.Float32, order: make([][]int32, len(f.Trees))}
	trees := make([]simd.ForestTree, len(f.Trees))
	leaves := make([][]float64, len(f.Trees))
	var nodes []simd.ForestNode
	for i := range f.Trees {
		t := &f.Trees[i]
		order, ruled := orderLeaves(t)
		b.order[i] = order
		for _, leaf := range order {
			leaves[i] = append(leaves[i], t.Leaves[leaf])
		}
		trees[i].Output = uint32(t.Output)
		for kind := range 4 { // numbers and sets of the first 32 leaves, then of the others
			for j, q := range tests[i] {
				out := uint32(ruled[j] >> (kind / 2 * 32))
				if out != 0 && t.Nodes[j].Categorical == (kind%2 == 1) {
					nodes = append(nodes, q.node(t.Nodes[j].Categorical, out))
					trees[i].Nodes[kind]++
				}
			}
		}
	}
	b.forest = simd.NewForest(trees, nodes, leaves, l.words, f.Outputs, f.Float32)
	return b
}

// node returns the test as a question whose yes rules leaves out.
func (q test) node(set bool, out uint32) simd.ForestNode {
	n := simd.ForestNode{Below: int32(q.mask), Word: uint32(q.word), Keep: ^out}
	if !set {
		n.Below = q.threshold + 1 // thresholds are at most the word of +Inf
	}
	return n
}

// orderLeaves returns the leaves from left to right, and for each node, by the same order,
// those in its left child: the ones that going to the right rules out.
func orderLeaves(t *tree.Tree) (order []int32, ruled []uint64) {
	ruled = make([]uint64, len(t.Nodes))
	var visit func(at int32)
	visit = func(at int32) {
		if at < 0 {
			order = append(order, ^at)
			return
		}
		first := len(order)
		visit(t.Nodes[at].Left)
		ruled[at] = (1<<len(order) - 1) &^ (1<<first - 1)
		visit(t.Nodes[at].Right)
	}
	if len(t.Nodes) == 0 {
		return []int32{0}, ruled
	}
	visit(0)
	return order, ruled
}

const (
	// chunkNodes is how many nodes the blocks of rows go through one after the other, so that
	// nodes and leaves stay in the second cache: 16 bytes each.
	chunkNodes = 16 << 10
	// chunkWords bounds the words of the rows that do so.
	chunkWords = 64 << 10
)

// bits takes blocks of rows through the trees; of a large forest, several blocks through
// one part of it after the other.
func (t *task) bits(s *Scratch) {
	f, l, n := t.e.bits.forest, t.e.layout, t.rows.N
	size := lanes * l.words
	blocks := 1
	if f.Nodes(t.from, t.to) > chunkNodes {
		blocks = min((n+lanes-1)/lanes, max(1, chunkWords/max(1, size)), 64)
	}
	s.words = grown(s.words, blocks*size+lanes*simd.TileColumns)
	for first := 0; first < n; first += blocks * lanes {
		end := min(n, first+blocks*lanes)
		for i := first; i < end; i += lanes {
			words := s.words[(i-first)*l.words:]
			if begin := blockOf(i, n); begin+lanes <= n {
				l.loadBlock(words, t.rows, begin)
			} else {
				l.load(words, t.rows, begin, n-begin, lanes)
			}
		}
		for from := t.from; from < t.to; {
			to := t.chunk(from)
			for i := first; i < end; i += lanes {
				at := (i - first) * l.words
				t.block(s, s.words[at:at+size], i, min(lanes, n-i), from, to)
			}
			from = to
		}
	}
}

// blockOf returns the first row of the block for the rows from row first on: itself, or, if fewer
// than a block are left, such that the block ends with the last of all n, as far as there are enough.
func blockOf(first, n int) int { return min(first, max(0, n-lanes)) }

// chunk returns the end of the trees from from on that go together.
func (t *task) chunk(from int) int {
	f := t.e.bits.forest
	if f.Nodes(from, t.to) <= chunkNodes && t.to-from <= chunkNodes {
		return t.to
	}
	to := from + 1
	for to < t.to && to-from < chunkNodes/8 && f.Nodes(from, to+1) <= chunkNodes {
		to++
	}
	return to
}

// block takes n rows, the first of which is row first, through trees from to to-1.
func (t *task) block(s *Scratch, words []int32, first, n, from, to int) {
	b, k := t.e.bits, t.e.f.Outputs
	lane := first - blockOf(first, t.rows.N) // of row first
	sums := func(i int) []float64 { return t.sums[(first+i)*k : (first+i+1)*k] }
	switch {
	case t.leaves != nil || t.e.linear:
		t.find(s, words, first, n, from, to)
	case b.single:
		s.single = grown(s.single, lanes*k)
		for i := range n {
			for o, v := range sums(i) {
				s.single[o*lanes+lane+i] = float32(v)
			}
		}
		b.forest.Sum32(s.single, words, from, to)
		s.touched = grown(s.touched, k) // the others keep what float32 may not hold
		clear(s.touched)
		for j := from; j < to; j++ {
			s.touched[t.e.f.Trees[j].Output] = true
		}
		for o, touched := range s.touched {
			for i := 0; touched && i < n; i++ {
				sums(i)[o] = float64(s.single[o*lanes+lane+i])
			}
		}
	default:
		s.sums = grown(s.sums, lanes*k)
		for i := range n {
			for o, v := range sums(i) {
				s.sums[o*lanes+lane+i] = v
			}
		}
		b.forest.Sum(s.sums, words, from, to)
		for i := range n {
			to := sums(i)
			for o := range to {
				to[o] = s.sums[o*lanes+lane+i]
			}
		}
	}
}

// find asks for the leaves and does the rest tree by tree.
func (t *task) find(s *Scratch, words []int32, first, n, from, to int) {
	const trees = 64 // at once
	lane := first - blockOf(first, t.rows.N)
	s.found = grown(s.found, max(trees*lanes, len(s.found)))
	for ; from < to; from += trees {
		m := min(trees, to-from)
		t.e.bits.forest.Find(s.found, words, from, from+m)
		for j := range m {
			var leaf [lanes]int32
			order := t.e.bits.order[from+j]
			for i, v := range s.found[j*lanes+lane : j*lanes+lane+n] {
				leaf[i] = order[v]
			}
			t.take(leaf[:n], first, from+j)
		}
	}
}
