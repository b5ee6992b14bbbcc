//go:build !purego

package simd

import "unsafe"

// fmCallWork bounds what one call into assembly does, in blocks of eight factors of an
// entry: it cannot be preempted, and a block may wait for memory.
const fmCallWork = 1024

func fmSum(m *FM, state []float32, slots []int32, values []float32) {
	if tier == PureGo || m.K == 0 {
		fmSumGeneric(m, state, slots, values)
		return
	}
	for per := max(1, fmCallWork*8/m.K); len(slots) > 0; {
		n := min(len(slots), per)
		fmSumAVX2(&state[0], m.K, &m.Factors[0], &m.Linear[0], 4*m.Parts*m.K, 4*m.Parts, &slots[0], &values[0], n)
		slots, values = slots[n:], values[n:]
	}
}

func fmScores(m *FM, dst, state []float32, starts, slots []int32, values []float32) {
	if tier == PureGo || m.K == 0 || len(m.Linear) == 0 {
		fmScoresGeneric(m, dst, state, starts, slots, values)
		return
	}
	work := len(slots) * (m.K / 8)
	// As many rows as do fmCallWork on average; a single row is not cut.
	per := max(1, int(int64(fmCallWork)*int64(len(dst))/int64(work+1)))
	for len(dst) > 0 {
		n := min(len(dst), per)
		fmScoresAVX2(&dst[0], &state[0], m.K, &m.Factors[0], &m.Linear[0], 4*m.Parts*m.K, 4*m.Parts,
			unsafe.SliceData(slots), unsafe.SliceData(values), &starts[0], n)
		dst, starts = dst[n:], starts[n:]
	}
}

func fmStep(m *FM, method FMMethod, c *[8]float32, state []float32, g float32, slots []int32, values []float32) {
	if tier == PureGo || m.K == 0 {
		fmStepGeneric(m, method, c, state, g, slots, values)
		return
	}
	for per := max(1, fmCallWork*8/m.K); len(slots) > 0; {
		n := min(len(slots), per)
		switch method {
		case FMAdaGrad:
			fmAdaGradAVX2(&state[0], g, &c[0], m.K, &m.Factors[0], &m.Linear[0], 4*m.Parts*m.K, 4*m.Parts, &slots[0], &values[0], n)
		case FMAdam:
			fmAdamAVX2(&state[0], g, &c[0], m.K, &m.Factors[0], &m.Linear[0], 4*m.Parts*m.K, 4*m.Parts, &slots[0], &values[0], n)
		case FMFTRL:
			fmFTRLAVX2(&state[0], g, &c[0], m.K, &m.Factors[0], &m.Linear[0], 4*m.Parts*m.K, 4*m.Parts, &slots[0], &values[0], n)
		}
		slots, values = slots[n:], values[n:]
	}
}

func ffmScore(m *FFM, total *[8]float32, x float32, at int32, field uint16, slots []int32, fields []uint16, values []float32) {
	if tier == PureGo || m.K%8 != 0 {
		ffmScoreGeneric(m, total, x, at, field, slots, fields, values)
		return
	}
	cell, row := 4*m.Parts*m.K, 4*m.Parts*m.K*m.Fields
	for per := max(1, fmCallWork*8/m.K); len(slots) > 0; {
		n := min(len(slots), per)
		ffmScoreAVX2(&total[0], x, &m.Factors[0], m.K, cell, row, int(at)*row, int(field)*cell, &slots[0], &fields[0], &values[0], n)
		slots, fields, values = slots[n:], fields[n:], values[n:]
	}
}

func ffmStep(m *FFM, method FMMethod, c *[8]float32, x float32, at int32, field uint16, slots []int32, fields []uint16, values []float32) {
	if tier == PureGo || m.K%8 != 0 {
		ffmStepGeneric(m, method, c, x, at, field, slots, fields, values)
		return
	}
	cell, row := 4*m.Parts*m.K, 4*m.Parts*m.K*m.Fields
	for per := max(1, fmCallWork*8/m.K); len(slots) > 0; {
		n := min(len(slots), per)
		switch method {
		case FMAdaGrad:
			ffmAdaGradAVX2(&c[0], x, &m.Factors[0], m.K, cell, row, int(at)*row, int(field)*cell, &slots[0], &fields[0], &values[0], n)
		case FMAdam:
			ffmAdamAVX2(&c[0], x, &m.Factors[0], m.K, cell, row, int(at)*row, int(field)*cell, &slots[0], &fields[0], &values[0], n)
		case FMFTRL:
			ffmFTRLAVX2(&c[0], x, &m.Factors[0], m.K, cell, row, int(at)*row, int(field)*cell, &slots[0], &fields[0], &values[0], n)
		}
		slots, fields, values = slots[n:], fields[n:], values[n:]
	}
}
