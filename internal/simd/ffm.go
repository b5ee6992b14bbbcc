package simd

// FFM is the parameters of a field-aware factorisation machine: a weight for each
// coordinate of a sparse row, and K factors for each coordinate and each field that it can meet,
//
//	z = z0 + Σ_i x_i w_i + Σ_{i<j} x_i x_j <v_{i,f(j)}, v_{j,f(i)}>
//
// where f(i) is the field of entry i. Each operation is rounded once, in a fixed order.
//
// Source: Juan, Zhuang, Chin and Lin, "Field-aware Factorization Machines for CTR
// Prediction", RecSys 2016, equation 4.
type FFM struct {
	K      int // factors, 1 to 256
	Fields int
	Parts  int // as in [FM]

	Linear  []float32 // n x Parts
	Factors []float32 // n x Fields x Parts x K
}

// Len returns the number of coordinates.
func (m *FFM) Len() int { return len(m.Linear) / m.Parts }

func (m *FFM) check(slots []int32, fields []uint16, values []float32) {
	if m.K < 1 || m.K > maxFactors || m.Fields < 1 || m.Parts < 1 || m.Parts > 3 || len(m.Linear)%m.Parts != 0 || len(m.Factors) != len(m.Linear)*m.Fields*m.K {
		panic(errFMShape)
	}
	if len(values) != len(slots) || len(fields) != len(slots) {
		panic(errFMRow)
	}
	n := uint32(m.Len())
	for i, s := range slots {
		if uint32(s) >= n || int(fields[i]) >= m.Fields {
			panic(errFMRow)
		}
	}
}

// cell returns what is kept of coordinate at for entries of a field.
func (m *FFM) cell(at int32, field uint16) []float32 {
	size := m.Parts * m.K
	from := (int(at)*m.Fields + int(field)) * size
	return m.Factors[from : from+size : from+size]
}

// Score returns z0 and what the row's entries and pairs of entries add to it. It panics if
// a length does not fit, or a slot or field is not in the table.
func (m *FFM) Score(z0 float32, slots []int32, fields []uint16, values []float32) float32 {
	m.check(slots, fields, values)
	z := z0
	for i, at := range slots {
		z += float32(values[i] * m.Linear[int(at)*m.Parts])
	}
	for i, at := range slots {
		for j := i + 1; j < len(slots); j++ {
			dot := ffmDot(m.cell(at, fields[j])[:m.K], m.cell(slots[j], fields[i])[:m.K])
			z += float32(float32(values[i]*values[j]) * dot)
		}
	}
	return z
}

// ffmDot sums in four parts.
func ffmDot(a, b []float32) float32 {
	b = b[:len(a)]
	var s [4]float32
	for ; len(a) >= 4; a, b = a[4:], b[4:] {
		p, q := (*[4]float32)(a), (*[4]float32)(b)
		s[0] += float32(p[0] * q[0])
		s[1] += float32(p[1] * q[1])
		s[2] += float32(p[2] * q[2])
		s[3] += float32(p[3] * q[3])
	}
	for f := range a {
		s[f] += float32(a[f] * b[f])
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}

// Step moves the parameters of a row's entries against the gradient of a loss with slope g
// in z: weights first, then pair after pair, both sides of a pair from what they were before
// it. c holds the method's constants; see [FMMethod]. It panics as Score does, or if Parts
// is not the method's.
func (m *FFM) Step(method FMMethod, c *[8]float32, g float32, slots []int32, fields []uint16, values []float32) {
	m.check(slots, fields, values)
	if m.Parts != 2 && method == FMAdaGrad || m.Parts != 3 && method != FMAdaGrad {
		panic(errFMShape)
	}
	k := *c
	if method == FMFTRL {
		k[0] = 0
	}
	for i, at := range slots {
		w := m.Linear[int(at)*m.Parts:][:m.Parts]
		fmMove(method, &k, k[3], float32(g*values[i])+float32(k[0]*w[0]), &w[0], &w[1], &w[len(w)-1])
	}
	for i, at := range slots {
		for j := i + 1; j < len(slots); j++ {
			slope := float32(g * float32(values[i]*values[j]))
			m.pair(method, &k, slope, m.cell(at, fields[j]), m.cell(slots[j], fields[i]))
		}
	}
}

func (m *FFM) pair(method FMMethod, c *[8]float32, slope float32, a, b []float32) {
	k, last := m.K, (m.Parts-1)*m.K
	for f := range k {
		x, y := a[f], b[f]
		fmMove(method, c, 0, float32(slope*y)+float32(c[0]*x), &a[f], &a[k+f], &a[last+f])
		fmMove(method, c, 0, float32(slope*x)+float32(c[0]*y), &b[f], &b[k+f], &b[last+f])
	}
}
