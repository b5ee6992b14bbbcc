package simd

// FM is the parameters of a factorisation machine of second order: a weight and a vector
// of K factors for each coordinate of a sparse row,
//
//	z = z0 + Σ_i x_i w_i + Σ_{i<j} x_i x_j <v_i, v_j>
//
// the pairs of which take one pass, as Σ_{i<j} x_i x_j <v_i, v_j> = ½ Σ_f (Σ_i x_i v_if)² - Σ_i x_i² v_if².
//
// A row is a list of slots, numbers of coordinates, and their values. A slot may come twice.
// Everything is computed with each operation rounded once, in a fixed order: the bits are the
// same on every tier.
//
// Source: Rendle, "Factorization Machines", ICDM 2010, equation 1 and lemma 3.1.
type FM struct {
	K     int // factors, a multiple of 8, at most 256; unused ones are 0 and stay so
	Parts int // numbers for each parameter: itself, then what a method of descent keeps: 1 to 3

	Linear  []float32 // n x Parts
	Factors []float32 // n x Parts x K
}

// FMMethod is a method of descent of [FM.Step].
type FMMethod uint8

// The methods, with what they keep of each parameter w and the constants c of a step. L2
// of the first two adds c[0]·w to the gradient g.
const (
	// FMAdaGrad keeps a sum (Parts 2): a += g²; w -= c[1]·g / (√a + c[2]).
	FMAdaGrad FMMethod = iota
	// FMAdam keeps the moments m and v (Parts 3): m = c[1]·m + c[2]·g; v = c[3]·v + c[4]·g²;
	// w -= c[7]·m / (√v·c[5] + c[6]).
	FMAdam
	// FMFTRL keeps z and n (Parts 3): σ = (√(n+g²) - √n)·c[1]; z += g - σ·w; n += g²;
	// w = -sign(z)·max(|z| - l1, 0) / ((c[2] + √n)·c[1] + c[4]), with l1 = c[3] for weights, 0
	// for factors. c[0], c[5] and c[6] are set by Step.
	FMFTRL
)

const (
	maxFactors = 256

	errFMShape = "simd: table of a factorisation machine is of another shape"
	errFMRow   = "simd: slots and values of a row differ in length, or a slot is outside the table"
	errFMState = "simd: sums of a factorisation machine have another length"
)

// Len returns the number of coordinates.
func (m *FM) Len() int { return len(m.Linear) / m.Parts }

// StateLen returns the length of the sums of a row: K sums, K sums of squares, z.
func (m *FM) StateLen() int { return 2*m.K + 1 }

func (m *FM) check(state []float32, slots []int32, values []float32) {
	if m.K < 0 || m.K > maxFactors || m.K%8 != 0 || m.Parts < 1 || m.Parts > 3 || len(m.Factors) != len(m.Linear)*m.K || len(m.Linear)%m.Parts != 0 {
		panic(errFMShape)
	}
	if len(state) != m.StateLen() {
		panic(errFMState)
	}
	if len(values) != len(slots) {
		panic(errFMRow)
	}
	n := uint32(m.Len())
	for _, s := range slots {
		if uint32(s) >= n {
			panic(errFMRow)
		}
	}
}

// Sum adds entries of a row to its sums, state: with v = Factors and w = Linear, for each
// entry, x·v to state[:K], (x·v)² to state[K:2K] and x·w to state[2K]. It panics if a length
// does not fit or a slot is not a coordinate.
func (m *FM) Sum(state []float32, slots []int32, values []float32) {
	m.check(state, slots, values)
	if len(slots) > 0 {
		fmSum(m, state, slots, values)
	}
}

// Fold returns the score of a row of which state holds the sums:
// z + ½ Σ_f (s_f² - q_f). The sum over f has eight parts, part f mod 8 in order of f; then
// part j+w is added to part j for w = 4, 2, 1.
func (m *FM) Fold(state []float32) float32 {
	if len(state) != m.StateLen() {
		panic(errFMState)
	}
	return fmFold(state, m.K)
}

// Scores writes the score of each row into dst: what Fold returns of the sums of state with
// the row's entries, which are slots and values from starts[i] to starts[i+1]. len(starts)
// is len(dst)+1, ascending. state is left alone. It panics as Sum does.
func (m *FM) Scores(dst, state []float32, starts, slots []int32, values []float32) {
	m.check(state, slots, values)
	if len(starts) != len(dst)+1 {
		panic(errFMRow)
	}
	last := int32(0)
	for _, s := range starts {
		if s < last || int(s) > len(slots) {
			panic(errFMRow)
		}
		last = s
	}
	if len(dst) > 0 {
		fmScores(m, dst, state, starts, slots, values)
	}
}

// Step moves the parameters of a row's entries against the gradient of a loss with slope g
// in z, one entry after the other: the gradient of a weight is g·x, that of a factor
// g·x·(s_f - x·v_f), where s is state[:K] of the row. c holds the method's constants. It
// panics as Sum does, or if Parts is not the method's.
func (m *FM) Step(method FMMethod, c *[8]float32, state []float32, g float32, slots []int32, values []float32) {
	m.check(state, slots, values)
	if m.Parts != 2 && method == FMAdaGrad || m.Parts != 3 && method != FMAdaGrad {
		panic(errFMShape)
	}
	if len(slots) == 0 {
		return
	}
	k := *c
	if method == FMFTRL {
		k[0], k[5], k[6] = 0, negativeZero, 0
	}
	fmStep(m, method, &k, state, g, slots, values)
}
