package engine

import (
	"math"
	"unsafe"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// walk steps down a tree with several rows at once, or down several trees with one row.
// There is no branch to predict: a node is followed by its two children in memory, so
// that a step adds the outcome of the test to the index of the left one, and a leaf is a
// node whose test fails and whose left child is itself, so that all take as many steps as the tree
// is deep.
type walk struct {
	nodes  []walkNode
	trees  []walkTree
	values *leafValues
}

type walkNode struct {
	threshold int32
	mask      uint32 // of a leaf: its index
	word      uint32 // in bytes of a row of words for all lanes
	child     uint32 // in bytes of nodes
}

type walkTree struct {
	root  uintptr
	depth int32
}

const walkNodeBytes = 16

// walkLanes is how many rows, or trees, are on their way at once.
const walkLanes = 8

// walks tells whether the places of nodes and words fit their 32 bits.
func walks(f *tree.Forest, l *layout) bool {
	nodes := 0
	for i := range f.Trees {
		nodes += 2*len(f.Trees[i].Nodes) + 1
	}
	return nodes <= math.MaxUint32/walkNodeBytes && l.words <= math.MaxUint32/(4*walkLanes)
}

func newWalk(f *tree.Forest, tests [][]test) *walk {
	w := &walk{values: newLeafValues(f, identity(f))}
	for i := range f.Trees {
		w.add(&f.Trees[i], tests[i])
	}
	return w
}

// add appends a tree, its nodes level by level.
func (w *walk) add(t *tree.Tree, tests []test) {
	root := len(w.nodes)
	nodes := make([]walkNode, 1, 2*len(tests)+1)
	queue := []int32{0}
	if len(tests) == 0 {
		queue[0] = ^0
	}
	depth, level := int32(-1), 0
	for at := 0; at < len(queue); at++ {
		if at == level { // the first of the next level
			depth++
			level = len(queue)
		}
		if c := queue[at]; c < 0 {
			nodes[at] = walkNode{threshold: math.MaxInt32, mask: uint32(^c), child: walkNodeBytes * uint32(root+at)}
			continue
		}
		n, q := &t.Nodes[queue[at]], tests[queue[at]]
		nodes[at] = walkNode{q.threshold, q.mask, uint32(q.word) * 4 * walkLanes, walkNodeBytes * uint32(root+len(nodes))}
		nodes = append(nodes, walkNode{}, walkNode{})
		queue = append(queue, n.Left, n.Right)
	}
	w.nodes = append(w.nodes, nodes...)
	w.trees = append(w.trees, walkTree{walkNodeBytes * uintptr(root), depth})
}

// step returns the child of the node at the given place for the row in the given lane. Places
// are not checked: newWalk made the nodes, of which each leads to another or to itself, and
// they ask for words that all rows have.
func step(nodes, words unsafe.Pointer, at uintptr, lane uintptr) uintptr {
	n := (*walkNode)(unsafe.Add(nodes, at))
	x := *(*int32)(unsafe.Add(words, uintptr(n.word)+4*lane))
	// The sign of the difference is the outcome: an if becomes a branch.
	return uintptr(n.child) + uintptr((int64(n.threshold)-int64(x&int32(n.mask)))>>63)&walkNodeBytes
}

// stepRow is step for a row by itself.
func stepRow(nodes, words unsafe.Pointer, at uintptr) uintptr {
	n := (*walkNode)(unsafe.Add(nodes, at))
	x := *(*int32)(unsafe.Add(words, uintptr(n.word/walkLanes)))
	return uintptr(n.child) + uintptr((int64(n.threshold)-int64(x&int32(n.mask)))>>63)&walkNodeBytes
}

// rows finds the leaves of one tree for the rows in all lanes.
func (w *walk) rows(leaf *[walkLanes]int32, row []int32, tree int) {
	t := w.trees[tree]
	nodes, words := unsafe.Pointer(unsafe.SliceData(w.nodes)), unsafe.Pointer(unsafe.SliceData(row))
	a, b, c, d, e, f, g, h := t.root, t.root, t.root, t.root, t.root, t.root, t.root, t.root
	for depth, last := t.depth, uintptr(0); depth > 0; depth-- {
		a = step(nodes, words, a, 0)
		b = step(nodes, words, b, 1)
		c = step(nodes, words, c, 2)
		d = step(nodes, words, d, 3)
		e = step(nodes, words, e, 4)
		f = step(nodes, words, f, 5)
		g = step(nodes, words, g, 6)
		h = step(nodes, words, h, 7)
		sum := a + b + c + d + e + f + g + h
		if sum == last {
			break
		}
		last = sum
	}
	for i, at := range [walkLanes]uintptr{a, b, c, d, e, f, g, h} {
		leaf[i] = int32(w.nodes[at/walkNodeBytes].mask)
	}
}

// row finds the leaves of n <= walkLanes trees from tree first on, for a row by itself.
func (w *walk) row(leaf *[walkLanes]uint32, row []int32, first, n int) {
	nodes, words := unsafe.Pointer(unsafe.SliceData(w.nodes)), unsafe.Pointer(unsafe.SliceData(row))
	depth, root := int32(0), [walkLanes]uintptr{}
	for i := range root {
		t := w.trees[first+min(i, n-1)]
		root[i] = t.root
		depth = max(depth, t.depth)
	}
	a, b, c, d, e, f, g, h := root[0], root[1], root[2], root[3], root[4], root[5], root[6], root[7]
	for last := uintptr(0); depth > 0; depth-- {
		a = stepRow(nodes, words, a)
		b = stepRow(nodes, words, b)
		c = stepRow(nodes, words, c)
		d = stepRow(nodes, words, d)
		e = stepRow(nodes, words, e)
		f = stepRow(nodes, words, f)
		g = stepRow(nodes, words, g)
		h = stepRow(nodes, words, h)
		sum := a + b + c + d + e + f + g + h
		if sum == last {
			break
		}
		last = sum
	}
	for i, at := range [walkLanes]uintptr{a, b, c, d, e, f, g, h} {
		leaf[i] = w.nodes[at/walkNodeBytes].mask
	}
}

// blockWords bounds the words of the rows that go through all trees together, so that they
// stay in the innermost cache beside a tree.
const blockWords = 4 << 10

// walk takes blocks of rows through all trees.
func (t *task) walk(s *Scratch) {
	l, w, n := t.e.layout, t.e.walk, t.rows.N
	size := l.words * walkLanes
	var leaf [walkLanes]int32
	groups := min(max(1, blockWords/max(1, size)), 8, (n+walkLanes-1)/walkLanes)
	s.words = grown(s.words, groups*size)
	for first := 0; first < n; first += groups * walkLanes {
		rows := min(groups*walkLanes, n-first)
		for i := 0; i < rows; i += walkLanes {
			l.load(s.words[i*l.words:i*l.words+size], t.rows, first+i, min(walkLanes, rows-i), walkLanes)
		}
		for j := t.from; j < t.to; j++ {
			for i := 0; i < rows; i += walkLanes {
				w.rows(&leaf, s.words[i*l.words:i*l.words+size], j)
				t.take(leaf[:min(walkLanes, rows-i)], first+i, j)
			}
		}
	}
}

// walkTrees takes single rows through eight trees at a time.
func (t *task) walkTrees(s *Scratch) {
	l, w := t.e.layout, t.e.walk
	s.words = grown(s.words, l.words+simd.TileColumns)
	s.found = grown(s.found, max(walkLanes, len(s.found)))
	for i := range t.rows.N {
		l.loadRow(s.words, t.rows, i, s)
		for j := t.from; j < t.to; j += walkLanes {
			m := min(walkLanes, t.to-j)
			w.row((*[walkLanes]uint32)(s.found), s.words, j, m)
			t.row(w.values, s.found[:m], i, j)
		}
	}
}
