//go:build purego || !amd64

package simd

func histogram(sums []int64, bins []uint8, stride, columns int, rows []int32, values []int64) {
	histogramGeneric(sums, bins, stride, columns, rows, values)
}
