package engine

import (
	"math"
	"math/bits"
	"slices"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// bitSlices decide every test of the forest for 64 rows at once, a bit for each row, and
// then send all rows down a tree together: a node costs a few instructions for 64 rows, and a row costs
// only the addition of its leaf.
//
// The tests of a column are its thresholds in order. A row passes those below its word, as
// many as a binary search counts, so that a threshold is passed by the rows that
// passed the next one and those that stopped at it.
type bitSlices struct {
	columns []sliceColumn // of the layout
	sets    []uint32      // of the layout: the test of the first bit
	tests   int
	nodes   []sliceNode
	first   []int32 // the first node of each tree, and the end
	room    int     // places that the largest tree needs
	// In nanoseconds, roughly: what a row costs before it comes to a tree, and how much less
	// than in a walk it then costs per tree.
	search, gain float64
}

// sliceColumn holds the thresholds of a column; the first has test first+1.
type sliceColumn struct {
	first      uint32
	thresholds []int32
}

// sliceNode has the places of its children: nodes are numbered such that children come after
// their parents, leaves after all nodes.
type sliceNode struct {
	test        uint32
	left, right uint32
}

// sliceRows is how many rows a block has.
const sliceRows = 64

func newSlices(f *tree.Forest, l *layout, tests [][]test) *bitSlices {
	b := &bitSlices{columns: make([]sliceColumn, len(l.columns)), first: []int32{0}}
	for _, tree := range tests {
		for _, q := range tree {
			if int(q.word) < len(b.columns) {
				c := &b.columns[q.word]
				c.thresholds = append(c.thresholds, q.threshold)
			}
		}
	}
	for i := range b.columns {
		c := &b.columns[i]
		slices.Sort(c.thresholds)
		c.thresholds = slices.Clip(slices.Compact(c.thresholds))
		c.first = uint32(b.tests)
		b.tests += len(c.thresholds) + 1
	}
	for i := range l.sets {
		b.sets = append(b.sets, uint32(b.tests))
		b.tests += (int(l.sets[i].Words) + 1) / 2 * 2 * setBits
	}
	for i := range f.Trees {
		b.add(l, &f.Trees[i], tests[i])
	}
	b.weigh(f, l)
	return b
}

// weigh estimates what slices cost, from measurements on forests of 31 to 255 leaves over 28
// and 200 features.
func (b *bitSlices) weigh(f *tree.Forest, l *layout) {
	for _, c := range b.columns {
		b.search += 2 + 1.6*float64(bits.Len(uint(len(c.thresholds))))
	}
	b.search += float64(l.words - len(b.columns))
	for i := range f.Trees {
		leaves := float64(len(f.Trees[i].Leaves))
		b.gain += (1.9*math.Log2(leaves) - 2 - 0.036*leaves) / float64(len(f.Trees))
	}
}

// pay tells whether slices are worth it for n rows and some of the trees: a block costs nearly
// the same whether it is full or not.
func (b *bitSlices) pay(n, trees int) bool {
	return n >= sliceRows/2 && float64(trees)*b.gain > b.search
}

// number returns the number of a test.
func (b *bitSlices) number(l *layout, q test) uint32 {
	if int(q.word) < len(b.columns) {
		c := &b.columns[q.word]
		at, _ := slices.BinarySearch(c.thresholds, q.threshold)
		return c.first + 1 + uint32(at)
	}
	i, found := slices.BinarySearch(l.setWords, int(q.word))
	if !found {
		i--
	}
	return b.sets[i] + uint32((int(q.word)-l.setWords[i])*setBits+bits.TrailingZeros32(q.mask))
}

// add appends a tree, level by level.
func (b *bitSlices) add(l *layout, t *tree.Tree, tests []test) {
	n := len(t.Nodes)
	b.room = max(b.room, 2*n+1)
	queue := make([]int32, min(n, 1), n)
	place := func(child int32) uint32 {
		if child < 0 {
			return uint32(n) + uint32(^child)
		}
		queue = append(queue, child)
		return uint32(len(queue) - 1)
	}
	for at := 0; at < len(queue); at++ {
		j := queue[at]
		b.nodes = append(b.nodes, sliceNode{b.number(l, tests[j]), place(t.Nodes[j].Left), place(t.Nodes[j].Right)})
	}
	b.first = append(b.first, int32(len(b.nodes)))
}

// decide writes which of n rows pass each test, given their words side by side.
func (b *bitSlices) decide(passed []uint64, l *layout, words []int32, n int) {
	for i := range b.columns {
		c := &b.columns[i]
		own := passed[c.first:][:len(c.thresholds)+1]
		clear(own)
		for row := 0; row < n; row += 4 { // lanes without a row have words, too
			x := (*[4]int32)(words[i*sliceRows+row:])
			a, b, c, d := below4(c.thresholds, x)
			own[a] |= 1 << row
			own[b] |= 2 << row
			own[c] |= 4 << row
			own[d] |= 8 << row
		}
		all := uint64(0)
		for j := len(own) - 1; j >= 0; j-- {
			all |= own[j]
			own[j] = all
		}
	}
	var square [sliceRows]uint64
	for i := range l.sets {
		first, count := l.setWords[i], int(l.sets[i].Words)
		for w := 0; w < count; w += 2 {
			low := words[(first+w)*sliceRows:][:n]
			for row, x := range low {
				square[row] = uint64(x)
			}
			if w+1 < count {
				for row, x := range words[(first+w+1)*sliceRows:][:n] {
					square[row] |= uint64(x) << setBits
				}
			}
			transpose(&square)
			copy(passed[b.sets[i]+uint32(w*setBits):][:2*setBits], square[:])
		}
	}
}

// below4 counts the values of s, in order, that are less than each x. The searches wait for memory
// side by side.
func below4(s []int32, x *[4]int32) (a, b, c, d int) {
	n := len(s)
	for n > 1 {
		half := n / 2
		a += half & less(s[a+half-1], x[0])
		b += half & less(s[b+half-1], x[1])
		c += half & less(s[c+half-1], x[2])
		d += half & less(s[d+half-1], x[3])
		n -= half
	}
	return a - less(s[a], x[0]), b - less(s[b], x[1]), c - less(s[c], x[2]), d - less(s[d], x[3])
}

// less returns -1 if v < x, else 0.
func less(v, x int32) int { return int((int64(v) - int64(x)) >> 63) }

// transpose swaps rows and columns of 64x64 bits, bit j of word i with bit i of word j.
//
// Source: Warren, Hacker's Delight, 2nd edition, section 7-3.
func transpose(x *[sliceRows]uint64) {
	mask := uint64(1)<<32 - 1
	for width := 32; width > 0; width /= 2 {
		for i := 0; i < len(x); i = (i + width + 1) &^ width {
			a, b := &x[i&63], &x[(i+width)&63]
			t := (*a>>width ^ *b) & mask
			*a ^= t << width
			*b ^= t
		}
		mask ^= mask << (width / 2)
	}
}

// descend writes for each leaf of a tree which of the rows reach it, given which there are.
func (b *bitSlices) descend(room, passed []uint64, tree int, rows uint64) []uint64 {
	nodes := b.nodes[b.first[tree]:b.first[tree+1]]
	room = room[:2*len(nodes)+1]
	room[0] = rows
	for i := range nodes {
		n := &nodes[i]
		here, yes := room[i], passed[n.test]
		room[n.left] = here &^ yes
		room[n.right] = here & yes
	}
	return room[len(nodes):]
}

// slices takes blocks of rows through the trees.
func (t *task) slices(s *Scratch) {
	b, l, n := t.e.slices, t.e.layout, t.rows.N
	s.words = grown(s.words, l.words*sliceRows)
	s.passed = grown(s.passed, b.tests+b.room)
	passed, room := s.passed[:b.tests], s.passed[b.tests:]
	plain := t.leaves == nil && !t.e.linear && !t.e.f.Float32
	var leaf [sliceRows]int32
	for first := 0; first < n; first += sliceRows {
		m := min(sliceRows, n-first)
		l.load(s.words, t.rows, first, m, sliceRows)
		b.decide(passed, l, s.words, m)
		for j := t.from; j < t.to; j++ {
			reached := b.descend(room, passed, j, ^uint64(0)>>(sliceRows-m))
			if plain {
				x := &t.e.f.Trees[j]
				t.addSlices(reached, x.Leaves, first, x.Output)
				continue
			}
			for i, rows := range reached {
				for ; rows != 0; rows &= rows - 1 {
					leaf[bits.TrailingZeros64(rows)] = int32(i)
				}
			}
			t.take(leaf[:m], first, j)
		}
	}
}

// addSlices adds each leaf to the sums of the rows from first on that reach it.
func (t *task) addSlices(reached []uint64, leaves []float64, first, output int) {
	k := t.e.f.Outputs
	sums := t.sums[first*k+output:]
	leaves = leaves[:len(reached)]
	for i, rows := range reached {
		v := leaves[i]
		for ; rows != 0; rows &= rows - 1 {
			sums[bits.TrailingZeros64(rows)*k] += v
		}
	}
}
