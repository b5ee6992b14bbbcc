//go:build purego || !amd64

package simd

func fmSum(m *FM, state []float32, slots []int32, values []float32) {
	fmSumGeneric(m, state, slots, values)
}

func fmScores(m *FM, dst, state []float32, starts, slots []int32, values []float32) {
	fmScoresGeneric(m, dst, state, starts, slots, values)
}

func fmStep(m *FM, method FMMethod, c *[8]float32, state []float32, g float32, slots []int32, values []float32) {
	fmStepGeneric(m, method, c, state, g, slots, values)
}
