package engine

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// A layout turns a row of float32 features into words of 32 bits, such that every node of
// the forest is the same test of one word:
//
//	words[word] & mask > threshold, as int32: to the right
//
// A number becomes an integer that orders as it does. What a node takes for missing depends
// on the node, so each feature has a column for each way in use (kind, direction); missing is
// the least integer where it goes to the left and the largest where it goes to the right. No NaN is
// left to compare, and infinite thresholds are nothing special.
//
// A category becomes bits: each (feature, rounding) has a table with a row for each category
// and a bit for each node that asks for it, set if the category goes to the right. Loading
// a row copies the bits of its category, 31 to a word so that they are not negative.
type layout struct {
	features []int32 // word i holds a number, feature features[i],
	columns  []simd.ForestColumn
	single   *simd.RowColumns // the same
	words    int

	// Runs of words hold, for each categorical node of a feature, which way to go: run i begins at
	// setWords[i].
	sets        []simd.ForestSet
	setFeatures []int32
	setWords    []int
	singleSets  *simd.RowSets // the same
}

// test is a node.
type test struct {
	word      int32
	mask      uint32
	threshold int32
}

const (
	infBits = 0x7f800000
	setBits = 31 // in a word
)

// number is the word of a number that is not missing.
var number = simd.ForestColumn{Span: math.MaxUint32}

// threshold returns the t for which a float32 x <= limit as float64s exactly if its word is <= t.
func threshold(limit float64) int32 {
	f := float32(limit)
	if float64(f) > limit {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	if f == 0 {
		f = 0 // not -0: +0 is not above it
	}
	return number.Word(f)
}

// setLimit bounds the tables: beyond it, and beyond a few times what the trees' own sets
// take, a forest is walked plainly.
const setLimit = 64 << 20

// newLayout returns the layout and the tests of each tree's nodes; false if the tables of
// categories would be too large.
func newLayout(f *tree.Forest) (*layout, [][]test, bool) {
	l := &layout{}
	tests := make([][]test, len(f.Trees))
	for i := range f.Trees {
		tests[i] = make([]test, len(f.Trees[i].Nodes))
	}
	l.numbers(f, tests)
	l.words = len(l.columns)
	l.single = simd.NewRowColumns(l.columns, l.features)
	if !l.categories(f, tests) {
		return nil, nil, false
	}
	return l, tests, true
}

// column is a way to read a feature.
type column struct {
	feature int32
	simd.ForestColumn
}

// numbers makes the columns and the tests of numeric nodes.
func (l *layout) numbers(f *tree.Forest, tests [][]test) {
	at := map[column]int32{}
	each(f, func(_ int, n *tree.Node, _ *tree.Tree) {
		if !n.Categorical {
			at[columnOf(n)] = 0
		}
	})
	columns := make([]column, 0, len(at))
	for c := range at {
		columns = append(columns, c)
	}
	slices.SortFunc(columns, func(a, b column) int {
		return cmp.Or(cmp.Compare(a.feature, b.feature), cmp.Compare(a.From, b.From), cmp.Compare(a.Missing, b.Missing))
	})
	for i, c := range columns {
		at[c] = int32(i)
		l.features, l.columns = append(l.features, c.feature), append(l.columns, c.ForestColumn)
	}
	for i := range f.Trees {
		for j := range f.Trees[i].Nodes {
			if n := &f.Trees[i].Nodes[j]; !n.Categorical {
				tests[i][j] = test{word: at[columnOf(n)], mask: math.MaxUint32, threshold: threshold(n.Threshold)}
			}
		}
	}
}

// columnOf returns the column that a numeric node reads.
func columnOf(n *tree.Node) column {
	c := column{n.Feature, simd.ForestColumn{Missing: math.MaxInt32}}
	if n.DefaultLeft {
		c.Missing = math.MinInt32
	}
	switch n.Missing {
	case tree.MissingZero:
		c.From = math.Float32bits(float32(tree.ZeroThreshold)) + 1
	case tree.MissingNone:
		c.Missing = 0
	}
	c.Span = infBits + 1 - c.From
	return c
}

type setKey struct {
	feature int32
	floor   bool
}

// categories makes the sets and the tests of categorical nodes.
func (l *layout) categories(f *tree.Forest, tests [][]test) bool {
	nodes, known, own := map[setKey]int{}, map[setKey]int{}, 0
	each(f, func(_ int, n *tree.Node, t *tree.Tree) {
		if n.Categorical {
			k := setKey{n.Feature, n.Floor}
			nodes[k]++
			known[k] = max(known[k], categoriesOf(t, n))
			own += 4 * int(n.Words)
		}
	})
	keys := make([]setKey, 0, len(nodes))
	for k := range nodes {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b setKey) int {
		if a.feature == b.feature && a.floor != b.floor {
			if b.floor {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.feature, b.feature)
	})
	at, total := map[setKey]int{}, 0.0
	for _, k := range keys {
		words := (nodes[k] + setBits - 1) / setBits
		total += 4 * float64(words) * float64(known[k]+2)
		l.setFeatures, l.setWords = append(l.setFeatures, k.feature), append(l.setWords, l.words)
		l.words += words
	}
	if total > max(setLimit, 4*float64(own)) || total >= 4<<30 {
		return false
	}
	l.sets = make([]simd.ForestSet, len(keys))
	for i, k := range keys {
		lowest := float32(-1)
		if k.floor {
			lowest = -math.SmallestNonzeroFloat32
		}
		l.sets[i] = simd.NewForestSet(lowest, known[k], (nodes[k]+setBits-1)/setBits)
		for j := range l.sets[i].Table {
			l.sets[i].Table[j] = math.MaxInt32
		}
		at[k] = i
	}
	l.singleSets = simd.NewRowSets(l.sets)
	clear(nodes)
	for i := range f.Trees {
		for j := range f.Trees[i].Nodes {
			if n := &f.Trees[i].Nodes[j]; n.Categorical {
				k := setKey{n.Feature, n.Floor}
				tests[i][j] = addNode(&l.sets[at[k]], l.setWords[at[k]], &f.Trees[i], n, nodes[k])
				nodes[k]++
			}
		}
	}
	return true
}

// addNode enters a node as bit i of the set whose words begin with first.
func addNode(s *simd.ForestSet, first int, t *tree.Tree, n *tree.Node, i int) test {
	words := int(s.Words)
	word, bit := i/setBits, int32(1)<<(i%setBits)
	for w, members := range t.Sets[n.Set : n.Set+n.Words] {
		for ; members != 0; members &= members - 1 {
			c := 32*w + bits.TrailingZeros32(members)
			s.Table[c*words+word] &^= bit
		}
	}
	if n.DefaultLeft {
		s.Table[int(s.Known+1)*words+word] &^= bit
	}
	return test{word: int32(first + word), mask: uint32(bit)}
}

// categoriesOf returns one more than the largest category in the node's set.
func categoriesOf(t *tree.Tree, n *tree.Node) int {
	for w := int(n.Words) - 1; w >= 0; w-- {
		if members := t.Sets[int(n.Set)+w]; members != 0 {
			return 32*w + bits.Len32(members)
		}
	}
	return 0
}

// each calls do for every node.
func each(f *tree.Forest, do func(tree int, n *tree.Node, t *tree.Tree)) {
	for i := range f.Trees {
		t := &f.Trees[i]
		for j := range t.Nodes {
			do(i, &t.Nodes[j], t)
		}
	}
}
