//go:build purego || !amd64

package simd

func selectAbove(ids []uint32, dst, scores []float32, threshold float32, base uint32) int {
	return selectAboveGeneric(ids, dst, scores, threshold, base)
}
