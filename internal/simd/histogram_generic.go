package simd

func histogramGeneric(sums []int64, bins []uint8, stride, columns int, rows []int32, values []int64) {
	for _, r := range rows {
		v := values[r]
		row := bins[int(r)*stride:][:columns]
		to := sums
		for len(row) >= 8 {
			b := (*[8]uint8)(row)
			s := (*[8 * HistogramBins]int64)(to)
			s[b[0]] += v
			s[1*HistogramBins+int(b[1])] += v
			s[2*HistogramBins+int(b[2])] += v
			s[3*HistogramBins+int(b[3])] += v
			s[4*HistogramBins+int(b[4])] += v
			s[5*HistogramBins+int(b[5])] += v
			s[6*HistogramBins+int(b[6])] += v
			s[7*HistogramBins+int(b[7])] += v
			row, to = row[8:], to[8*HistogramBins:]
		}
		for c, b := range row {
			to[c*HistogramBins+int(b)] += v
		}
	}
}
