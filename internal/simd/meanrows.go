package simd

// WeightedRows64 writes for each row of two matrices, row-major with d columns, the sum of its
// weights and the sum of its values times their weights:
//
//	sums[i] = Σ_j weights[i][j],  products[i] = Σ_j weights[i][j]·values[i][j]
//
// and returns the least weight of all, or 0 if that is less; of a NaN among the weights it
// says nothing. Products are rounded, then added; element j goes to partial sum j mod 4, then 0
// is added to 1, 2 to 3, and both, so that the bits are the same on every tier. It panics if
// the lengths do not fit.
func WeightedRows64(sums, products, weights, values []float64, d int) (least float64) {
	checkWeightedRows(len(sums), len(products), len(weights), len(values), d)
	return weightedRows64(sums, products, weights, values, d)
}

// WeightedRows32 is [WeightedRows64] for float32, computed in float64.
func WeightedRows32(sums, products []float64, weights, values []float32, d int) (least float64) {
	checkWeightedRows(len(sums), len(products), len(weights), len(values), d)
	return weightedRows32(sums, products, weights, values, d)
}

// Importance64 writes target[i]/propensity[i] into weights[i] and copies reward to rewards. good
// says whether all of it is in order: propensities in (0, 1], target in [0, 1], weights and
// rewards finite. one says whether a propensity is 1. It panics if the lengths differ.
func Importance64(weights, rewards, target, propensity, reward []float64) (good, one bool) {
	n := len(weights)
	checkImportance(n, len(rewards), len(target), len(propensity), len(reward))
	good, one = importance64(weights[:n&^3], rewards, target, propensity, reward)
	g, o := importanceGeneric(weights[n&^3:], rewards[n&^3:], target[n&^3:], propensity[n&^3:], reward[n&^3:])
	return good && g, one || o
}

// Importance32 is [Importance64] for float32 propensities and rewards.
func Importance32(weights, rewards, target []float64, propensity, reward []float32) (good, one bool) {
	n := len(weights)
	checkImportance(n, len(rewards), len(target), len(propensity), len(reward))
	good, one = importance32(weights[:n&^3], rewards, target, propensity, reward)
	g, o := importanceGeneric(weights[n&^3:], rewards[n&^3:], target[n&^3:], propensity[n&^3:], reward[n&^3:])
	return good && g, one || o
}

func checkImportance(n int, lengths ...int) {
	for _, l := range lengths {
		if l != n {
			panic(errLengths)
		}
	}
}

// Pick64 writes the element in column[i] of row i of a matrix, row-major with d columns, into
// dst[i], until a column is not in [0, d), and returns how many it wrote. column may be longer
// than dst: what follows names rows that will be asked for next, and are fetched ahead. It panics
// if the table is shorter than dst asks for, or column is.
func Pick64(dst, table []float64, column []int32, d int) int {
	checkPick(len(dst), len(table), len(column), d)
	return pick64(dst, table, column, d)
}

// Pick32 is [Pick64] for a float32 table.
func Pick32(dst []float64, table []float32, column []int32, d int) int {
	checkPick(len(dst), len(table), len(column), d)
	return pick32(dst, table, column, d)
}

func checkPick(dst, table, column, d int) {
	if d < 0 || column < dst || table < dst*d {
		panic(errLengths)
	}
}

func checkWeightedRows(sums, products, weights, values, d int) {
	if d < 0 || sums != products || weights != values || weights != sums*d {
		panic(errLengths)
	}
}

// Sum64 returns Σ x[i]. Element i is added to partial sum i mod 8, then these are added in
// halves, 4 to 4, 2 to 2 and 1 to 1, so that the bits are the same on every tier.
func Sum64(x []float64) float64 {
	var acc [8]float64
	full := len(x) &^ 7
	sum64(&acc, x[:full])
	for j, v := range x[full:] {
		acc[j] += v
	}
	return fold64(&acc)
}

// Spread64 returns Σ (x[i]-mean)², summed as [Sum64] does, and the least and the most of x; all
// 0 if x is empty. Of a NaN in x the ends say nothing.
func Spread64(x []float64, mean float64) (squares, least, most float64) {
	if len(x) == 0 {
		return 0, 0, 0
	}
	var acc [24]float64
	for j := range 8 {
		acc[8+j], acc[16+j] = x[0], x[0]
	}
	full := len(x) &^ 7
	spread64(&acc, x[:full], mean)
	for j, v := range x[full:] {
		d := v - mean
		acc[j] += float64(d * d)
		if v < acc[8+j] {
			acc[8+j] = v
		}
		if v > acc[16+j] {
			acc[16+j] = v
		}
	}
	least, most = acc[8], acc[16]
	for j := 1; j < 8; j++ {
		if acc[8+j] < least {
			least = acc[8+j]
		}
		if acc[16+j] > most {
			most = acc[16+j]
		}
	}
	return fold64((*[8]float64)(acc[:])), least, most
}

// fold64 adds the partial sums in halves.
func fold64(acc *[8]float64) float64 {
	for w := 4; w > 0; w /= 2 {
		for j := range w {
			acc[j] += acc[j+w]
		}
	}
	return acc[0]
}
