package simd

import "math"

// ForestSet says where the words of a categorical feature stand: Table has Known+2 rows of Words words,
// for the categories 0 to Known-1, for all others and for NaN, and [SetTail] words more. A value
// above Lowest is a category after cutting towards 0.
type ForestSet struct {
	Lowest       float32
	Known, Words uint32
	Table        []int32
}

// SetTail is how many words stand behind a table: they are read but never matter.
const SetTail = TileColumns

const errForestSet = "simd: table, values or words do not fit the sets"

// NewForestSet returns a set whose table is all zeros. It panics if the table has 2^30 words or more.
func NewForestSet(lowest float32, known, words int) ForestSet {
	if known < 0 || words < 1 || float64(known+2)*float64(words) >= 1<<30 {
		panic(errForestSet)
	}
	return ForestSet{lowest, uint32(known), uint32(words), make([]int32, (known+2)*words+SetTail)}
}

// Row returns the row of x in the table.
func (s *ForestSet) Row(x float32) int {
	switch {
	case x != x:
		return int(s.Known) + 1
	case !(x > s.Lowest && x < 1<<31):
		return int(s.Known)
	}
	return min(int(x), int(s.Known))
}

func (s *ForestSet) check() {
	if float64(s.Known+2)*float64(s.Words)+SetTail > float64(len(s.Table)) {
		panic(errForestSet)
	}
}

// Turn writes the words of 32 rows, word w of row i to words[32*w+i], and other values up to the
// next multiple of 16 words. x are the rows' values. It panics if a length does not fit.
func (s *ForestSet) Turn(words []int32, x *[ForestLanes]float32) {
	s.check()
	n := (int(s.Words) + TileColumns - 1) / TileColumns
	if len(words) < n*TileColumns*ForestLanes {
		panic(errForestSet)
	}
	var places [ForestLanes]uint32
	forestPlaces(&places, x, s)
	for i := range n {
		forestSetTile(words[i*TileColumns*ForestLanes:], s.Table[i*TileColumns:], &places)
	}
}

func forestPlacesGeneric(places *[ForestLanes]uint32, x *[ForestLanes]float32, s *ForestSet) {
	for i, v := range x {
		places[i] = uint32(s.Row(v)) * s.Words
	}
}

func forestSetTileGeneric(to, table []int32, places *[ForestLanes]uint32) {
	for i, at := range places {
		for j, w := range table[at : at+TileColumns] {
			to[j*ForestLanes+i] = w
		}
	}
}

// RowSets are the sets of a single row, laid out for [RowSets.Load]. They are immutable.
type RowSets struct {
	packed []uint32 // of each 16 sets: Lowest, Known, Words
	sets   []rowSet
	words  int
}

type rowSet struct {
	table *int32
	words int
	set   *ForestSet
}

// NewRowSets returns sets for rows, in this order. It keeps them.
func NewRowSets(sets []ForestSet) *RowSets {
	groups := (len(sets) + rowColumns - 1) / rowColumns
	r := &RowSets{packed: make([]uint32, 3*rowColumns*groups)}
	for i := range sets {
		s := &sets[i]
		s.check()
		at := r.packed[i/rowColumns*3*rowColumns+i%rowColumns:]
		at[0], at[rowColumns], at[2*rowColumns] = math.Float32bits(s.Lowest), s.Known, s.Words
		r.sets = append(r.sets, rowSet{&s.Table[0], int(s.Words), s})
		r.words += int(s.Words)
	}
	return r
}

// Len returns the number of sets, rounded up to a multiple of 16.
func (r *RowSets) Len() int { return len(r.packed) / 3 }

// Load writes the words of all sets one after the other, and up to 15 words more. x are the values, up to
// [RowSets.Len] of them, which are overwritten. It panics if there is less, or no room.
func (r *RowSets) Load(words []int32, x []float32) {
	if len(r.sets) == 0 {
		return
	}
	if len(x) < r.Len() || len(words) < r.words+SetTail-1 {
		panic(errForestSet)
	}
	const per = 256 // of one call
	for at := 0; at < len(r.sets); at += per {
		words = words[forestRowSets(words, x[at:], r.packed[3*at:], r.sets[at:min(at+per, len(r.sets))]):]
	}
}

func forestRowSetsGeneric(words []int32, x []float32, sets []rowSet) int {
	at := 0
	for i := range sets {
		s := sets[i].set
		row := s.Row(x[i]) * int(s.Words)
		at += copy(words[at:], s.Table[row:row+int(s.Words)])
	}
	return at
}
