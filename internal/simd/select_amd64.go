//go:build !purego

package simd

func selectAbove(ids []uint32, dst, scores []float32, threshold float32, base uint32) int {
	if tier == PureGo {
		return selectAboveGeneric(ids, dst, scores, threshold, base)
	}
	kept := 0
	for len(scores) > 0 {
		n := min(len(scores), callBytes/16)
		if tier == AVX512 {
			kept += selectAboveAVX512(&ids[kept], &dst[kept], &scores[0], n, threshold, base)
		} else if whole := n &^ 15; whole > 0 {
			n = whole
			kept += selectAboveAVX2(&ids[kept], &dst[kept], &scores[0], n, threshold, base)
		} else {
			kept += selectAboveGeneric(ids[kept:], dst[kept:], scores, threshold, base)
		}
		scores = scores[n:]
		base += uint32(n)
	}
	return kept
}
