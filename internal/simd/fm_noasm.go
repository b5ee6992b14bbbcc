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

func ffmScore(m *FFM, total *[8]float32, x float32, at int32, field uint16, slots []int32, fields []uint16, values []float32) {
	ffmScoreGeneric(m, total, x, at, field, slots, fields, values)
}

func ffmStep(m *FFM, method FMMethod, c *[8]float32, x float32, at int32, field uint16, slots []int32, fields []uint16, values []float32) {
	ffmStepGeneric(m, method, c, x, at, field, slots, fields, values)
}
