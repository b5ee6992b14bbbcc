//go:build !purego

package simd

func forestPlaces(places *[ForestLanes]uint32, x *[ForestLanes]float32, s *ForestSet) {
	switch tier {
	case AVX512:
		forestPlacesAVX512(&places[0], &x[0], s)
	case AVX2:
		forestPlacesAVX2(&places[0], &x[0], s)
	default:
		forestPlacesGeneric(places, x, s)
	}
}

func forestSetTile(to, table []int32, places *[ForestLanes]uint32) {
	switch tier {
	case AVX512:
		forestSetTileAVX512(&to[0], &table[0], &places[0])
	case AVX2:
		forestSetTileAVX2(&to[0], &table[0], &places[0])
	default:
		forestSetTileGeneric(to, table, places)
	}
}

func forestRowSets(words []int32, x []float32, packed []uint32, sets []rowSet) int {
	switch tier {
	case AVX512:
		return forestRowWordsAVX512(&words[0], &x[0], &packed[0], &sets[0], len(sets))
	case AVX2:
		return forestRowWordsAVX2(&words[0], &x[0], &packed[0], &sets[0], len(sets))
	}
	return forestRowSetsGeneric(words, x, sets)
}
