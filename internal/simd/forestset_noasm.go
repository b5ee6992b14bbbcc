//go:build purego || !amd64

package simd

func forestPlaces(places *[ForestLanes]uint32, x *[ForestLanes]float32, s *ForestSet) {
	forestPlacesGeneric(places, x, s)
}

func forestSetTile(to, table []int32, places *[ForestLanes]uint32) {
	forestSetTileGeneric(to, table, places)
}

func forestRowSets(words []int32, x []float32, _ []uint32, sets []rowSet) int {
	return forestRowSetsGeneric(words, x, sets)
}
