//go:build !purego

package simd

// meanCallWork bounds what one call into assembly reads of each matrix, in elements: it cannot
// be preempted, and waits for memory. A single row is not cut.
const meanCallWork = 8192

func weightedRows64(sums, products, weights, values []float64, d int) (least float64) {
	if tier == PureGo || d == 0 {
		return weightedRowsGeneric(sums, products, weights, values, d)
	}
	for per := max(1, meanCallWork/d); len(sums) > 0; {
		n := min(len(sums), per)
		if l := weightedRows64AVX2(&sums[0], &products[0], &weights[0], &values[0], d, n); l < least {
			least = l
		}
		sums, products, weights, values = sums[n:], products[n:], weights[n*d:], values[n*d:]
	}
	return least
}

func weightedRows32(sums, products []float64, weights, values []float32, d int) (least float64) {
	if tier == PureGo || d == 0 {
		return weightedRowsGeneric(sums, products, weights, values, d)
	}
	for per := max(1, meanCallWork/d); len(sums) > 0; {
		n := min(len(sums), per)
		if l := weightedRows32AVX2(&sums[0], &products[0], &weights[0], &values[0], d, n); l < least {
			least = l
		}
		sums, products, weights, values = sums[n:], products[n:], weights[n*d:], values[n*d:]
	}
	return least
}

// pickCallRows bounds the rows of a call of pick: each may wait for memory.
const pickCallRows = 1024

func pick64(dst, table []float64, column []int32, d int) int {
	if tier == PureGo || d == 0 {
		return pickGeneric(dst, table, column, d)
	}
	for at := 0; at < len(dst); at += pickCallRows {
		n := min(len(dst)-at, pickCallRows)
		if wrote := pick64AVX2(&dst[at], &table[at*d], &column[at], d, n, len(column)-at); wrote < n {
			return at + wrote
		}
	}
	return len(dst)
}

func pick32(dst []float64, table []float32, column []int32, d int) int {
	if tier == PureGo || d == 0 {
		return pickGeneric(dst, table, column, d)
	}
	for at := 0; at < len(dst); at += pickCallRows {
		n := min(len(dst)-at, pickCallRows)
		if wrote := pick32AVX2(&dst[at], &table[at*d], &column[at], d, n, len(column)-at); wrote < n {
			return at + wrote
		}
	}
	return len(dst)
}

func importance64(weights, rewards, target []float64, propensity, reward []float64) (good, one bool) {
	if tier == PureGo {
		return importanceGeneric(weights, rewards, target, propensity, reward)
	}
	good = true
	for at := 0; at < len(weights); at += sweepChunk {
		n := min(len(weights)-at, sweepChunk)
		g, o := importance64AVX2(&weights[at], &rewards[at], &target[at], &propensity[at], &reward[at], n)
		good, one = good && g == 15, one || o != 0
	}
	return good, one
}

func importance32(weights, rewards, target []float64, propensity, reward []float32) (good, one bool) {
	if tier == PureGo {
		return importanceGeneric(weights, rewards, target, propensity, reward)
	}
	good = true
	for at := 0; at < len(weights); at += sweepChunk {
		n := min(len(weights)-at, sweepChunk)
		g, o := importance32AVX2(&weights[at], &rewards[at], &target[at], &propensity[at], &reward[at], n)
		good, one = good && g == 15, one || o != 0
	}
	return good, one
}

func sum64(acc *[8]float64, x []float64) {
	if tier == PureGo {
		sum64Generic(acc, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), sweepChunk)
		sum64AVX2(&acc[0], &x[0], n)
		x = x[n:]
	}
}

func spread64(acc *[24]float64, x []float64, mean float64) {
	if tier == PureGo {
		spread64Generic(acc, x, mean)
		return
	}
	for len(x) > 0 {
		n := min(len(x), sweepChunk)
		spread64AVX2(&acc[0], &x[0], mean, n)
		x = x[n:]
	}
}
