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
type RowColumns struct{ packed []uint32 } // of each 16: From, Span, Missing

const rowColumns = 16 // that go together

// NewRowColumns returns columns for rows.
func NewRowColumns(columns []ForestColumn) *RowColumns {
	groups := (len(columns) + rowColumns - 1) / rowColumns
	r := &RowColumns{packed: make([]uint32, 3*rowColumns*groups)}
	for i, c := range columns {
		at := r.packed[i/rowColumns*3*rowColumns+i%rowColumns:]
		at[0], at[rowColumns], at[2*rowColumns] = c.From, c.Span, uint32(c.Missing)
	}
	return r
}

// Len returns the number of columns, rounded up to a multiple of 16.
func (r *RowColumns) Len() int { return len(r.packed) / 3 }

// Order turns the bits of the values of the columns into words, in place; see
// [ForestColumn.Word]. What stands behind them, up to [RowColumns.Len], is overwritten. It
// panics if there is less.
func (r *RowColumns) Order(words []int32) {
	n := r.Len()
	if len(words) < n {
		panic(errForestTile)
	}
	const per = 4096 // of one call
	for at := 0; at < n; at += per {
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
