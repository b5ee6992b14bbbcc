package simd

// HistogramBins is how far apart the histograms of two columns are, in sums.
const HistogramBins = 256

const (
	errHistogramShape = "simd: columns are more than the stride or the sums"
	errHistogramRow   = "simd: row is out of range"
)

// histogramRows is how many rows a call into assembly takes: some microseconds.
const histogramRows = 512

// Histogram adds, for each of the rows and each column c, values[row] to the sum of the
// bin that the row has in the column:
//
//	sums[c*256+bins[row*stride+c]] += values[row]
//
// Sums wrap around as integers do, so they do not depend on the order of the rows, nor on
// how rows are shared out and added up afterwards. Two numbers can be summed in one: of
// a<<32 + b both come out exactly as long as the sum of the b stays within 32 bits.
//
// It panics if a length does not fit or a row has no bins or no value.
//
// Source: Ke et al., "LightGBM", NIPS 2017, algorithm 1; Shi et al., "Quantized Training of
// Gradient Boosting Decision Trees", NeurIPS 2022, section 4 (sums of two packed numbers).
func Histogram(sums []int64, bins []uint8, stride, columns int, rows []int32, values []int64) {
	if columns < 0 || columns > stride || columns > len(sums)/HistogramBins {
		panic(errHistogramShape)
	}
	if len(rows) == 0 || columns == 0 {
		return
	}
	end := len(values) // rows below it have bins and a value
	if have := len(bins); have < columns {
		end = 0
	} else {
		end = min(end, (have-columns)/stride+1)
	}
	for len(rows) > 0 {
		n := min(len(rows), histogramRows)
		for _, r := range rows[:n] {
			if uint(r) >= uint(end) {
				panic(errHistogramRow)
			}
		}
		histogram(sums, bins, stride, columns, rows[:n], values)
		rows = rows[n:]
	}
}
