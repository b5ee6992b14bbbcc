//go:build purego || !amd64

package simd

func (b *QueryBlock) above(dst []BlockHit, rows []float32, stride, n int, base uint32, thresholds []float32) []BlockHit {
	if tier == PureGo {
		return b.aboveGeneric(dst, rows, stride, n, base, thresholds)
	}
	return b.oneByOne(dst, rows, stride, n, base, thresholds)
}
