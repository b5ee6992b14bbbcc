package simd

import "math"

var negativeZero = math.Float32frombits(1 << 31)

func fmSumGeneric(m *FM, state []float32, slots []int32, values []float32) {
	k := m.K
	s, q, z := state[:k], state[k:2*k], state[2*k]
	for i, at := range slots {
		x := values[i]
		v := m.Factors[int(at)*m.Parts*k:][:k]
		for f := range v {
			t := float32(x * v[f])
			s[f] += t
			q[f] += float32(t * t)
		}
		z += float32(x * m.Linear[int(at)*m.Parts])
	}
	state[2*k] = z
}

func fmFold(state []float32, k int) float32 {
	s, q := state[:k], state[k:2*k]
	var d [8]float32
	for f := range s {
		d[f%8] += float32(s[f]*s[f]) - q[f]
	}
	return state[2*k] + float32(0.5*fold8(&d))
}

// fold8 adds part j+w to part j for w = 4, 2, 1.
func fold8(d *[8]float32) float32 {
	for w := 4; w > 0; w /= 2 {
		for j := range w {
			d[j] += d[j+w]
		}
	}
	return d[0]
}

func fmScoresGeneric(m *FM, dst, state []float32, starts, slots []int32, values []float32) {
	var room [2*maxFactors + 1]float32
	sums := room[:len(state)]
	for i := range dst {
		copy(sums, state)
		from, to := starts[i], starts[i+1]
		fmSumGeneric(m, sums, slots[from:to], values[from:to])
		dst[i] = fmFold(sums, m.K)
	}
}

func fmStepGeneric(m *FM, method FMMethod, c *[8]float32, state []float32, g float32, slots []int32, values []float32) {
	k := m.K
	s := state[:k]
	for i, at := range slots {
		x := values[i]
		gx := float32(g * x)
		w := m.Linear[int(at)*m.Parts:][:m.Parts]
		fmMove(method, c, c[3], gx+float32(c[0]*w[0]), &w[0], &w[1], &w[len(w)-1])
		cell := m.Factors[int(at)*m.Parts*k:][:m.Parts*k]
		v, a, b := cell[:k], cell[k:2*k], cell[len(cell)-k:]
		for f := range v {
			slope := float32(gx*(s[f]-float32(x*v[f]))) + float32(c[0]*v[f])
			fmMove(method, c, 0, slope, &v[f], &a[f], &b[f])
		}
	}
}

// fmMove takes one step of one parameter w with gradient g; a and b are what is kept of it.
func fmMove(method FMMethod, c *[8]float32, l1, g float32, w, a, b *float32) {
	switch method {
	case FMAdaGrad:
		*a += float32(g * g)
		*w -= float32(c[1]*g) / (sqrt32(*a) + c[2])
	case FMAdam:
		*a = float32(c[1]**a) + float32(c[2]*g)
		*b = float32(c[3]**b) + float32(c[4]*float32(g*g))
		*w -= float32(c[7]**a) / (float32(sqrt32(*b)*c[5]) + c[6])
	case FMFTRL:
		before := sqrt32(*b)
		*b += float32(g * g)
		root := sqrt32(*b)
		sigma := float32((root - before) * c[1])
		z := *a + g - float32(sigma**w)
		*a = z
		size := abs32(z) - l1
		if !(size > 0) {
			size = 0
		}
		size /= float32((c[2]+root)*c[1]) + c[4]
		*w = math.Float32frombits(math.Float32bits(size) | ^math.Float32bits(z)&(1<<31))
	}
}

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// cell returns what is kept of coordinate at for entries of a field.
func (m *FFM) cell(at int32, field uint16) []float32 {
	size := m.Parts * m.K
	from := (int(at)*m.Fields + int(field)) * size
	return m.Factors[from : from+size : from+size]
}

// ffmScoreGeneric adds to total the products of factors of the entry at, of a field and with
// value x, with those of the other entries.
func ffmScoreGeneric(m *FFM, total *[8]float32, x float32, at int32, field uint16, slots []int32, fields []uint16, values []float32) {
	for j, other := range slots {
		a, b := m.cell(at, fields[j])[:m.K], m.cell(other, field)[:m.K]
		both := float32(x * values[j])
		for f, v := range a {
			total[f%8] += float32(both * float32(v*b[f]))
		}
	}
}

// ffmStepGeneric takes the steps of these pairs; x is the slope times the value of the entry.
func ffmStepGeneric(m *FFM, method FMMethod, c *[8]float32, x float32, at int32, field uint16, slots []int32, fields []uint16, values []float32) {
	k, last := m.K, (m.Parts-1)*m.K
	for j, other := range slots {
		a, b := m.cell(at, fields[j]), m.cell(other, field)
		slope := float32(x * values[j])
		for f := range k {
			ga, gb := float32(slope*b[f])+float32(c[0]*a[f]), float32(slope*a[f])+float32(c[0]*b[f])
			fmMove(method, c, 0, ga, &a[f], &a[k+f], &a[last+f])
			fmMove(method, c, 0, gb, &b[f], &b[k+f], &b[last+f])
		}
	}
}
