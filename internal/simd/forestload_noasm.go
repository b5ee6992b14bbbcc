//go:build purego || !amd64

package simd

func forestTile(tile *[TileColumns * ForestLanes]float32, rows []float32, stride int) {
	forestTileGeneric(tile, rows, stride)
}

func forestOrder(words []int32, tile *[TileColumns * ForestLanes]float32, columns []ForestColumn, at *[TileColumns]uint32) {
	forestOrderGeneric(words, tile, columns, at)
}

func forestOrderRow(words []int32, packed []uint32) { forestOrderRowGeneric(words, packed) }

func forestRowValues(_ []int32, _ *RowColumns, _, n int, _ []int32, _ []float32) (left int) { return n }
