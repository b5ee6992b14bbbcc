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

// Score returns z0 and what the row's entries and pairs of entries add to it: the products of
// factors in eight parts, part f mod 8 in the order of the pairs, folded as [FM.Fold] does. It panics if
// a length does not fit, or a slot or field is not in the table.
func (m *FFM) Score(z0 float32, slots []int32, fields []uint16, values []float32) float32 {
	m.check(slots, fields, values)
	z := z0
	for i, at := range slots {
		z += float32(values[i] * m.Linear[int(at)*m.Parts])
	}
	var total [8]float32
	for i, at := range slots {
		if j := i + 1; j < len(slots) {
			ffmScore(m, &total, values[i], at, fields[i], slots[j:], fields[j:], values[j:])
		}
	}
	return z + fold8(&total)
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
		k[0], k[5], k[6] = 0, negativeZero, 0
	}
	for i, at := range slots {
		w := m.Linear[int(at)*m.Parts:][:m.Parts]
		fmMove(method, &k, k[3], float32(g*values[i])+float32(k[0]*w[0]), &w[0], &w[1], &w[len(w)-1])
	}
	for i, at := range slots {
		if j := i + 1; j < len(slots) {
			ffmStep(m, method, &k, float32(g*values[i]), at, fields[i], slots[j:], fields[j:], values[j:])
		}
	}
}
