package simd

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

// RowTrees is how many trees a [ForestRow] takes a row through at once.
const RowTrees = 16

// RowNode asks something of a word of a row, as [ForestNode] does, and says which of 64 leaves a yes leaves over.
type RowNode struct {
	Word  uint32
	Set   bool
	Below int32
	Keep  uint64
}

// ForestRow holds trees as [Forest] does, for one row at a time: each lane is a tree, and a step asks
// a node of each of 16 trees. The nodes of a step ask for words within a window of 32, so that
// two registers hold all that it needs and nothing is gathered. It is immutable and safe for
// concurrent use.
type ForestRow struct {
	steps  []uint32 // Below, leaves: whole cache lines
	places []uint32 // of each two steps: places in their windows, bytes side by side, and where those begin
	counts []int32  // of each group of trees: pairs of steps that ask for numbers, and that ask for sets
	start  []int    // the first pair of each group, and the end
	leaves []float64
	first  []uint32 // leaf of each tree, and of none: a whole number of groups
	words  int
	wide   bool // up to 64 leaves, not 32
	sets   bool // there are sets
}

// placeWords is how much of places two steps have.
const placeWords = RowTrees/2 + 2

// RowWindow is how many words a step can see.
const RowWindow = 32

// rowAlign is what windows begin with a multiple of, so that none reaches into a third cache line.
const rowAlign = 16

// NewForestRow returns trees of the given nodes, in any order, over rows of the given number of words.
// Leaves are numbered below 64 if wide, else below 32; leaves are the values of those of each tree, of which
// nodes must always leave one over. It panics if a node asks for a word that a row does not have, or if there
// are not as many leaves as trees.
func NewForestRow(trees [][]RowNode, leaves [][]float64, words int, wide bool) *ForestRow {
	if words < 0 || words > math.MaxInt32 {
		panic(errForestWord)
	}
	if len(leaves) != len(trees) {
		panic(errForest)
	}
	f := &ForestRow{words: words, wide: wide, start: []int{0}}
	for _, values := range leaves {
		f.first = append(f.first, uint32(len(f.leaves)))
		f.leaves = append(f.leaves, values...)
	}
	for len(f.first)%RowTrees != 0 {
		f.first = append(f.first, uint32(len(f.leaves)))
	}
	f.leaves = append(f.leaves, math.Copysign(0, -1)) // what changes no sum
	for _, t := range trees {
		for i := range t {
			if int64(t[i].Word) >= int64(words) {
				panic(errForestWord)
			}
			f.sets = f.sets || t[i].Set
		}
	}
	for first := 0; first < len(trees); first += RowTrees {
		steps := 0
		for _, set := range []bool{false, true} {
			var group [RowTrees][]RowNode
			for lane, t := range trees[first:min(first+RowTrees, len(trees))] {
				for _, n := range t {
					if n.Set == set {
						group[lane] = append(group[lane], n)
					}
				}
				slices.SortStableFunc(group[lane], func(a, b RowNode) int { return cmp.Compare(a.Word, b.Word) })
			}
			count := 0
			for f.pair(&group) {
				count++
			}
			f.counts = append(f.counts, int32(count))
			steps += count
		}
		f.start = append(f.start, f.start[len(f.start)-1]+steps)
	}
	f.steps = append(Aligned[uint32](len(f.steps))[:0], f.steps...)
	return f
}

// Words returns the length of the rows: that of NewForestRow and a window, whose words are
// read but never matter.
func (f *ForestRow) Words() int { return f.words + RowWindow }

// Aligned returns n words that begin with a cache line. It serves buffers on the heap, which stay
// where they are.
func Aligned[T int32 | uint32](n int) []T {
	const line = 64
	s := make([]T, n+line/4)
	skip := -uintptr(unsafe.Pointer(&s[0])) % line / 4
	return s[skip : int(skip)+n : int(skip)+n]
}

// stepWords is how long a step is.
func (f *ForestRow) stepWords() int {
	if f.wide {
		return 3 * RowTrees
	}
	return 2 * RowTrees
}

// pair appends two steps, of which the second may be without consequence. It returns false when no node is left.
func (f *ForestRow) pair(group *[RowTrees][]RowNode) bool {
	at := len(f.places)
	for i := range 2 {
		window, ok := f.window(group)
		if i == 0 {
			if !ok {
				return false
			}
			f.places = append(f.places, make([]uint32, placeWords)...)
		}
		f.step(group, window, f.places[at:], i)
	}
	return true
}

// window returns where the next window begins; false when no node is left.
func (f *ForestRow) window(group *[RowTrees][]RowNode) (uint32, bool) {
	window := uint32(math.MaxUint32)
	for _, nodes := range group {
		if len(nodes) > 0 {
			window = min(window, nodes[0].Word)
		}
	}
	if window == math.MaxUint32 {
		return 0, false
	}
	if f.words <= RowWindow {
		return 0, true
	}
	return window &^ (rowAlign - 1), true
}

// step appends a step, the first or second of two, with the first node of each tree, as far as they fit
// into the window, and takes them off; a tree that has none there gets a node without consequence.
func (f *ForestRow) step(group *[RowTrees][]RowNode, window uint32, places []uint32, i int) {
	at := len(f.steps)
	f.steps = append(f.steps, make([]uint32, f.stepWords())...)
	places[RowTrees/2+i] = window
	for lane, nodes := range group {
		n := RowNode{Word: window, Keep: math.MaxUint64}
		if len(nodes) > 0 && nodes[0].Word-window < RowWindow {
			n, group[lane] = nodes[0], nodes[1:]
		}
		places[lane/2] |= (n.Word - window) << (lane%2*16 + 8*i)
		rest := f.steps[at:]
		rest[lane] = uint32(n.Below)
		rest[RowTrees+lane] = uint32(n.Keep)
		if f.wide {
			rest[2*RowTrees+lane] = uint32(n.Keep >> 32)
		}
	}
}

// Leaves returns the values of all leaves, tree by tree, and one more.
func (f *ForestRow) Leaves() []float64 { return f.leaves }

// Sum returns sum with the leaves of the row in the trees of groups from to to-1 added, one tree after
// the other. It panics as [ForestRow.Find] does.
func (f *ForestRow) Sum(sum float64, row []int32, from, to int) float64 {
	f.check(row, from, to)
	for from < to {
		end := f.piece(from, to)
		sum = f.sum(sum, row, from, end)
		from = end
	}
	return sum
}

// Find writes the leaves of the row in the trees of groups from to to-1, of 16 trees each:
// the leaf in tree 16*from+i is found[i]. The lanes of the last group that are no tree are
// written too. It panics if a length does not fit; row must have [ForestRow.Words] words.
func (f *ForestRow) Find(found []uint32, row []int32, from, to int) {
	f.check(row, from, to)
	if len(found) < RowTrees*(to-from) {
		panic(errForestBlock)
	}
	for from < to {
		end := f.piece(from, to)
		f.find(found, row, from, end)
		found = found[RowTrees*(end-from):]
		from = end
	}
}

func (f *ForestRow) check(row []int32, from, to int) {
	if from < 0 || from > to || to > len(f.start)-1 {
		panic(errForestTrees)
	}
	if len(row) < f.Words() {
		panic(errForestBlock)
	}
}

// piece returns the end of the groups from from on that go together in one call.
func (f *ForestRow) piece(from, to int) int {
	end := from + 1
	for end < to && end-from < 256 && f.start[end+1]-f.start[from] <= 256 {
		end++
	}
	return end
}

func (f *ForestRow) sumGeneric(sum float64, row []int32, from, to int) float64 {
	var found [RowTrees]uint32
	for g := from; g < to; g++ {
		f.find(found[:], row, g, g+1)
		for i, first := range f.first[RowTrees*g : RowTrees*(g+1)] {
			sum += f.leaves[first+found[i]]
		}
	}
	return sum
}

func (f *ForestRow) findGeneric(found []uint32, row []int32, from, to int) {
	size := f.stepWords()
	for g := from; g < to; g++ {
		var left [RowTrees]uint64
		for lane := range left {
			left[lane] = math.MaxUint64
		}
		for at := f.start[g]; at < f.start[g+1]; at++ {
			places := f.places[at*placeWords:][:placeWords]
			set := at-f.start[g] >= int(f.counts[2*g])
			for i := range 2 {
				f.ask(&left, row[places[RowTrees/2+i]:], places, f.steps[(2*at+i)*size:], i, set)
			}
		}
		for lane, set := range left {
			found[(g-from)*RowTrees+lane] = uint32(bits.TrailingZeros64(set)) & 63
		}
	}
}

// ask takes one step, the first or second of two.
func (f *ForestRow) ask(left *[RowTrees]uint64, row []int32, places, step []uint32, i int, set bool) {
	for lane := range left {
		word, below := row[places[lane/2]>>(lane%2*16+8*i)&0xff], int32(step[lane])
		if set && word&below == 0 || !set && word < below {
			continue
		}
		keep := uint64(step[RowTrees+lane]) | math.MaxUint32<<32
		if f.wide {
			keep &= uint64(step[2*RowTrees+lane])<<32 | math.MaxUint32
		}
		left[lane] &= keep
	}
}
