//go:build !purego

package simd

func histogram(sums []int64, bins []uint8, stride, columns int, rows []int32, values []int64) {
	if tier == PureGo {
		histogramGeneric(sums, bins, stride, columns, rows, values)
		return
	}
	for c := 0; c < columns; c += 64 {
		histogramScalar(&sums[c*HistogramBins], &bins[c], stride, min(columns-c, 64), &rows[0], len(rows), &values[0])
	}
}
