//go:build purego || !amd64

package simd

func weightedRows64(sums, products, weights, values []float64, d int) float64 {
	return weightedRowsGeneric(sums, products, weights, values, d)
}

func weightedRows32(sums, products []float64, weights, values []float32, d int) float64 {
	return weightedRowsGeneric(sums, products, weights, values, d)
}

func pick64(dst, table []float64, column []int32, d int) int {
	return pickGeneric(dst, table, column, d)
}

func pick32(dst []float64, table []float32, column []int32, d int) int {
	return pickGeneric(dst, table, column, d)
}

func importance64(weights, rewards, target, propensity, reward []float64) (good, one bool) {
	return importanceGeneric(weights, rewards, target, propensity, reward)
}

func importance32(weights, rewards, target []float64, propensity, reward []float32) (good, one bool) {
	return importanceGeneric(weights, rewards, target, propensity, reward)
}

func sum64(acc *[8]float64, x []float64)                   { sum64Generic(acc, x) }
func spread64(acc *[24]float64, x []float64, mean float64) { spread64Generic(acc, x, mean) }
