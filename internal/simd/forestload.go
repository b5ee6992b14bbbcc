package simd

import "math"

// ForestColumn says how a float32 becomes a word that orders as it does. Missing is what the word
// of a missing value is: one whose magnitude, as bits, less From is at least Span, unsigned.
type ForestColumn struct {
	From, Span uint32
	Missing    int32
}

// TileColumns is how many columns a tile has: see [ForestTile].
const TileColumns = 16

const errForestTile = "simd: tile, rows or columns do not fit"

// Word returns the word of x. That of -0 is the one below that of +0; a NaN that is not missing has no
// meaningful word.
func (c *ForestColumn) Word(x float32) int32 {
	b := int32(math.Float32bits(x))
	w := b ^ int32(uint32(b>>31)>>1)
	if uint32(b)&math.MaxInt32-c.From >= c.Span {
		w = c.Missing
	}
	return w
}

// ForestTile writes 16 neighbouring columns of 32 rows side by side: column j of row i,
// rows[stride*i+j], becomes tile[32*j+i]. It panics if a length does not fit.
func ForestTile(tile *[TileColumns * ForestLanes]float32, rows []float32, stride int) {
	if stride < 0 || stride > math.MaxInt32 || len(rows) < (ForestLanes-1)*stride+TileColumns {
		panic(errForestTile)
	}
	forestTile(tile, rows, stride)
}

// ForestOrder writes the words of 32 rows: words[32*i:] are those of column from[i] of the tile,
// by columns[i]. It panics if a length does not fit.
func ForestOrder(words []int32, tile *[TileColumns * ForestLanes]float32, columns []ForestColumn, from []uint32) {
	if len(from) != len(columns) || len(words) < ForestLanes*len(columns) {
		panic(errForestTile)
	}
	for len(columns) > 0 {
		var at [TileColumns]uint32
		n := min(len(columns), len(at))
		for i, c := range from[:n] {
			if c >= TileColumns {
				panic(errForestTile)
			}
			at[i] = c * 4 * ForestLanes
		}
		forestOrder(words, tile, columns[:n], &at)
		words, columns, from = words[n*ForestLanes:], columns[n:], from[n:]
	}
}

// RowColumns are the columns of a single row, laid out for [RowColumns.Order]. They are immutable.
type RowColumns struct {
	packed  []uint32 // of each 16: From, Span, Missing
	windows []uint32 // of each 16: the first feature, and a bit for each of the 32 from there on that is theirs
	places  []uint32 // of each 16: which of the 32
	most    int      // the largest feature
}

const rowColumns = 16 // that go together

// NewRowColumns returns columns for rows, that of each feature >= 0, in order.
func NewRowColumns(columns []ForestColumn, features []int32) *RowColumns {
	if len(columns) != len(features) {
		panic(errForestTile)
	}
	groups := (len(columns) + rowColumns - 1) / rowColumns
	r := &RowColumns{packed: make([]uint32, 3*rowColumns*groups), windows: make([]uint32, 2*groups), places: make([]uint32, rowColumns*groups), most: -1}
	for i, c := range columns {
		at := r.packed[i/rowColumns*3*rowColumns+i%rowColumns:]
		at[0], at[rowColumns], at[2*rowColumns] = c.From, c.Span, uint32(c.Missing)
	}
	for g := range groups {
		own := features[g*rowColumns : min((g+1)*rowColumns, len(features))]
		r.windows[2*g] = uint32(own[0])
		for i, f := range own {
			r.most = max(r.most, int(f))
			place := f - own[0]
			if place < 0 || place >= 32 || own[0] < 0 {
				r.windows[2*g+1] = 0
				break
			}
			r.windows[2*g+1] |= 1 << place
			r.places[g*rowColumns+i] = uint32(place)
		}
	}
	return r
}

// Load writes the words of the values of groups of 16 columns from group at on, until it comes to one whose
// values are not near each other, and returns that, or how many groups there are: none are near without
// AVX-512. The value of feature f is row[columns[f]], if columns[f] >= 0. What stands behind the words, up to
// [RowColumns.Len], is overwritten. It panics if there is less, or if there are not enough columns.
func (r *RowColumns) Load(words []int32, at int, columns []int32, row []float32) int {
	if len(words) < r.Len() || len(columns) <= r.most {
		panic(errForestTile)
	}
	groups := r.Len() / rowColumns
	const per = 256 // of one call
	for at < groups && len(row) > 0 {
		end := min(at+per, groups)
		left := forestRowValues(words[at*rowColumns:], r, at, end-at, columns, row)
		if at = end - left; left > 0 {
			break
		}
	}
	return at
}

// Len returns the number of columns, rounded up to a multiple of 16.
func (r *RowColumns) Len() int { return len(r.packed) / 3 }

// Order turns the bits of the values of the columns into words, in place; see
// [ForestColumn.Word]: those of groups from to to-1 of 16 columns. What stands behind them, up to
// [RowColumns.Len], is overwritten. It panics if there is less.
func (r *RowColumns) Order(words []int32, from, to int) {
	n := to * rowColumns
	if len(words) < n || n > r.Len() || from < 0 {
		panic(errForestTile)
	}
	const per = 4096 // of one call
	for at := from * rowColumns; at < n; at += per {
		end := min(at+per, n)
		forestOrderRow(words[at:end], r.packed[3*at:3*end])
	}
}

func forestOrderRowGeneric(words []int32, packed []uint32) {
	for ; len(words) > 0; words, packed = words[rowColumns:], packed[3*rowColumns:] {
		values, c := (*[rowColumns]int32)(words), (*[3 * rowColumns]uint32)(packed)
		for i, b := range values {
			w := b ^ int32(uint32(b>>31)>>1)
			if uint32(b)&math.MaxInt32-c[i] >= c[rowColumns+i] {
				w = int32(c[2*rowColumns+i])
			}
			values[i] = w
		}
	}
}

func forestTileGeneric(tile *[TileColumns * ForestLanes]float32, rows []float32, stride int) {
	for i := range ForestLanes {
		for j, x := range rows[i*stride : i*stride+TileColumns] {
			tile[j*ForestLanes+i] = x
		}
	}
}

func forestOrderGeneric(words []int32, tile *[TileColumns * ForestLanes]float32, columns []ForestColumn, at *[TileColumns]uint32) {
	for i := range columns {
		from := tile[at[i]/4:][:ForestLanes]
		for j, x := range from {
			words[i*ForestLanes+j] = columns[i].Word(x)
		}
	}
}
