//go:build !purego

package simd

func forestTile(tile *[TileColumns * ForestLanes]float32, rows []float32, stride int) {
	switch tier {
	case AVX512:
		forestTileAVX512(&tile[0], &rows[0], 4*stride)
	case AVX2:
		forestTileAVX2(&tile[0], &rows[0], 4*stride)
	default:
		forestTileGeneric(tile, rows, stride)
	}
}

func forestOrder(words []int32, tile *[TileColumns * ForestLanes]float32, columns []ForestColumn, at *[TileColumns]uint32) {
	switch tier {
	case AVX512:
		forestOrderAVX512(&words[0], &tile[0], &columns[0], &at[0], len(columns))
	case AVX2:
		forestOrderAVX2(&words[0], &tile[0], &columns[0], &at[0], len(columns))
	default:
		forestOrderGeneric(words, tile, columns, at)
	}
}

func forestOrderRow(words []int32, packed []uint32) {
	switch tier {
	case AVX512:
		forestOrderRowAVX512(&words[0], &packed[0], len(words)/rowColumns)
	case AVX2:
		forestOrderRowAVX2(&words[0], &packed[0], len(words)/rowColumns)
	default:
		forestOrderRowGeneric(words, packed)
	}
}

func forestRowValues(words []int32, r *RowColumns, at, n int, columns []int32, row []float32) (left int) {
	if tier != AVX512 {
		return n
	}
	return forestRowValuesAVX512(&words[0], &r.packed[3*rowColumns*at], &r.windows[2*at], &r.places[rowColumns*at], n, &columns[0], &row[0], len(row))
}
