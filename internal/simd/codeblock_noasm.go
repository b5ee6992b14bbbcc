//go:build purego || !amd64

package simd

func (b *CodeBlock) above(dst []CodePair, rows []uint8, stride, n int, base uint32, thresholds []int32) []CodePair {
	return b.oneByOne(dst, rows, stride, n, base, thresholds)
}
