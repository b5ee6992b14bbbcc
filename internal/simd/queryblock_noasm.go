//go:build purego || !amd64

package simd

// above handles some rows at a time.
func (b *QueryBlock) above(dst []BlockHit, rows []float32, stride, n int, base uint32, thresholds []float32) []BlockHit {
	return b.aboveTile(dst, rows, stride, n, base, thresholds)
}
