package simd

import (
	"math"
	"math/bits"
)

// RowTrees is how many trees a [ForestRow] takes a row through at once.
const RowTrees = 16

// RowNode asks a word of a row whether word & Mask >= Below, as int32, and says which of 64
// leaves a yes leaves over.
type RowNode struct {
	Word  uint32
	Mask  uint32
	Below int32
	Keep  uint64
}

// ForestRow holds trees as [Forest] does, for one row at a time: each lane is a tree, and a step asks
// the next node of 16 trees. It is immutable and safe for concurrent use.
type ForestRow struct {
	steps  []uint32
	counts []int32 // steps of each group of trees
	start  []int   // where a group begins
	trees  int
	words  int
	wide   bool // up to 64 leaves, not 32
	sets   bool // there are masks
}

// maxRowWords bounds the words of a row: they are numbered in 16 bits.
const maxRowWords = 1 << 16

// rowFew is how many words of a row fit two registers.
const rowFew = 32

// NewForestRow returns trees of the given nodes, in any order, over rows of the given number of words.
// Leaves are numbered below 64 if wide, else below 32. It panics if words > 65,536 or a
// node asks for a word that a row does not have.
func NewForestRow(trees [][]RowNode, words int, wide bool) *ForestRow {
	if words < 0 || words > maxRowWords {
		panic(errForestWord)
	}
	f := &ForestRow{trees: len(trees), words: words, wide: wide}
	for _, t := range trees {
		for i := range t {
			if int64(t[i].Word) >= int64(words) {
				panic(errForestWord)
			}
			f.sets = f.sets || t[i].Mask != math.MaxUint32
		}
	}
	for first := 0; first < len(trees); first += RowTrees {
		group := trees[first:min(first+RowTrees, len(trees))]
		steps := 0
		for _, t := range group {
			steps = max(steps, len(t))
		}
		f.counts = append(f.counts, int32(steps))
		f.start = append(f.start, len(f.steps))
		for i := range steps {
			f.step(group, i)
		}
	}
	return f
}

// stepWords is how long a step is: numbers of words in 16 bits, masks if any, thresholds,
// leaves.
func (f *ForestRow) stepWords() int {
	n := RowTrees/2 + 2*RowTrees
	if f.sets {
		n += RowTrees
	}
	if f.wide {
		n += RowTrees
	}
	return n
}

// step appends node i of each tree of the group; a tree that has fewer gets a node without
// consequence.
func (f *ForestRow) step(group [][]RowNode, i int) {
	at := len(f.steps)
	f.steps = append(f.steps, make([]uint32, f.stepWords())...)
	step := f.steps[at:]
	for lane := range RowTrees {
		n := RowNode{Mask: math.MaxUint32, Keep: math.MaxUint64}
		if lane < len(group) && i < len(group[lane]) {
			n = group[lane][i]
		}
		step[lane/2] |= n.Word << (lane % 2 * 16)
		rest := step[RowTrees/2:]
		if f.sets {
			rest[lane] = n.Mask
			rest = rest[RowTrees:]
		}
		rest[lane] = uint32(n.Below)
		rest[RowTrees+lane] = uint32(n.Keep)
		if f.wide {
			rest[2*RowTrees+lane] = uint32(n.Keep >> 32)
		}
	}
}

// Find writes the leaves of the row in the trees of groups from to to-1, of 16 trees each:
// the leaf in tree 16*from+i is found[i]. The lanes of the last group that are no tree are
// written too. It panics if a length does not fit.
func (f *ForestRow) Find(found []uint32, row []int32, from, to int) {
	if from < 0 || from > to || to > len(f.counts) {
		panic(errForestTrees)
	}
	if len(row) < f.words || len(found) < RowTrees*(to-from) {
		panic(errForestBlock)
	}
	for from < to {
		end, steps := from+1, int(f.counts[from])
		for end < to && end-from < 256 && steps+int(f.counts[end]) <= 512 {
			steps += int(f.counts[end])
			end++
		}
		f.find(found, row, from, end)
		found = found[RowTrees*(end-from):]
		from = end
	}
}

func (f *ForestRow) findGeneric(found []uint32, row []int32, from, to int) {
	size := f.stepWords()
	for g := from; g < to; g++ {
		var left [RowTrees]uint64
		for lane := range left {
			left[lane] = math.MaxUint64
		}
		for i := range int(f.counts[g]) {
			f.ask(&left, row, f.steps[f.start[g]+i*size:])
		}
		for lane, set := range left {
			found[(g-from)*RowTrees+lane] = uint32(bits.TrailingZeros64(set)) & 63
		}
	}
}

// ask takes one step.
func (f *ForestRow) ask(left *[RowTrees]uint64, row []int32, step []uint32) {
	for lane := range left {
		word := step[lane/2] >> (lane % 2 * 16) & (maxRowWords - 1)
		rest, mask := step[RowTrees/2:], uint32(math.MaxUint32)
		if f.sets {
			mask = rest[lane]
			rest = rest[RowTrees:]
		}
		if row[word]&int32(mask) >= int32(rest[lane]) {
			keep := uint64(rest[RowTrees+lane]) | math.MaxUint32<<32
			if f.wide {
				keep &= uint64(rest[2*RowTrees+lane])<<32 | math.MaxUint32
			}
			left[lane] &= keep
		}
	}
}
