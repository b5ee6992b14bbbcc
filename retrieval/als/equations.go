package als

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// equations are what the normal equations of all rows of one side have in common. For a row
// with interactions j of confidence c_j, and the vectors y_j of the other side, they are
//
//	(α0 G + λ I + Σ_j (c_j - α0) y_j y_jᵀ) x = Σ_j c_j y_j,  G = Σ_all y yᵀ
//
// Source: Hu, Koren and Volinsky, ICDM 2008, equation (4), where α0 is 1.
type equations struct {
	config  *Config
	vectors vector.Matrix // y
	// gram is α0 G, symmetric and whole; nil when it is diagonal but for rounding.
	gram []float32
	diag []float32 // of α0 G
	// roots[n], where it is not nil, holds the inverse square roots of diag + λ for rows of n
	// interactions.
	roots [][]float32
	// unit says that all confidences are alike. The equations are then divided by
	// c - α0, which scale is, so that no row needs to be multiplied by its root.
	unit  bool
	scale float64
}

// newEquations returns the equations whose other side has the vectors and the Gram matrix,
// which may be known to be diagonal. uniform, if > 0, is the confidence of all interactions.
func newEquations(cfg *Config, vectors vector.Matrix, gram []float64, diagonal bool, uniform float32) *equations {
	e := &equations{config: cfg, vectors: vectors, scale: 1}
	d := vectors.Dim
	if uniform > 0 {
		e.unit, e.scale = true, float64(excess(uniform, cfg))
	}
	weight := cfg.Unobserved / e.scale
	e.diag = make([]float32, d)
	for i := range d {
		e.diag[i] = float32(weight * gram[i*d+i])
	}
	if !diagonal && !e.diagonal(gram, weight) {
		e.gram = make([]float32, d*d)
		for i, x := range gram {
			e.gram[i] = float32(weight * x)
		}
	}
	return e
}

// diagonal reports whether what is off the diagonal of the Gram matrix is of no account
// beside diagonal and regularization.
func (e *equations) diagonal(gram []float64, weight float64) bool {
	const tolerance = 1e-4
	d, lambda := e.vectors.Dim, float64(e.lambda(1))
	for i := range d {
		for j := range i {
			x := weight * gram[i*d+j]
			if float64(x*x) > tolerance*tolerance*(float64(e.diag[i])+lambda)*(float64(e.diag[j])+lambda) {
				return false
			}
		}
	}
	return true
}

// excess returns c - α0, but not 0, by which some forms of the equations are divided.
func excess(c float32, cfg *Config) float32 {
	return max(c-float32(cfg.Unobserved), 1e-6*c)
}

func (e *equations) lambda(n int) float32 {
	return float32(float64(e.config.lambda(n, e.vectors.Rows)) / e.scale)
}

// row is what a row of the matrix of interactions says.
type row struct {
	cols       []uint32
	confidence []float32 // of each
	excess     []float32 // of each
}

// dual reports whether a row of n interactions is solved in the dual form: n²d + n³/6
// multiplications are then fewer than nd²/2 + d³/6.
func (e *equations) dual(n int) bool { return e.gram == nil && 3*n <= 2*e.vectors.Dim }

// exact writes the solution for a row of one interaction or more to x and returns its
// energy, or false when the equations are not positive definite to working precision. The
// energy is what the row takes off the loss: the squared errors of x = 0 less those of x and
// λ|x|².
func (e *equations) exact(w *workspace, r row, x []float32) (energy float64, ok bool) {
	if e.dual(len(r.cols)) {
		return e.exactDual(w, r, x)
	}
	return e.exactPrimal(w, r, x)
}

// exactPrimal solves as many equations as there are factors.
func (e *equations) exactPrimal(w *workspace, r row, x []float32) (energy float64, ok bool) {
	d := e.vectors.Dim
	a, b := w.square(d), w.vector(&w.b, d)
	e.assemble(w, r, a, b)
	copy(x, b)
	if !simd.Posv(a, d, x) {
		return 0, false
	}
	return e.scale * float64(simd.Dot(b, x)), true
}

// pieceRows is how many vectors are gathered at a time: as many as a rank-k update takes.
const pieceRows = 320

// assemble makes the matrix, of which the upper triangle counts, and the right side.
func (e *equations) assemble(w *workspace, r row, a, b []float32) {
	d := e.vectors.Dim
	lambda := e.lambda(len(r.cols))
	if e.gram != nil {
		copy(a, e.gram)
	} else {
		clear(a)
	}
	for i, g := range e.diag {
		a[i*d+i] = g + lambda
	}
	clear(b)
	for start := 0; start < len(r.cols); start += pieceRows {
		end := min(start+pieceRows, len(r.cols))
		z := e.gather(w, r.cols[start:end], 0, d)
		simd.GemvT(b, z, d, r.confidence[start:end])
		e.weigh(z, d, r.excess[start:end])
		simd.Syrk(a, d, d, z, d, end-start)
	}
}

// gather copies factors lo to lo+k of the vectors of cols, one behind the other.
func (e *equations) gather(w *workspace, cols []uint32, lo, k int) []float32 {
	z := w.vector(&w.z, len(cols)*k)
	for j, c := range cols {
		at := int(c)*e.vectors.Stride + lo
		copy(z[j*k:(j+1)*k], e.vectors.Data[at:at+k])
	}
	return z
}

// weigh multiplies each row of z by the root of its excess.
func (e *equations) weigh(z []float32, k int, excess []float32) {
	if e.unit {
		return
	}
	for j, q := range excess {
		simd.Scale(sqrt32(q), z[j*k:(j+1)*k])
	}
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// exactDual solves as many equations as there are interactions, where G is diagonal. With
// D = α0 G + λ I, the vectors as rows of Y, and the diagonal matrix W of c - α0, the solution
// is that of kernel ridge regression:
//
//	x = D⁻¹ Yᵀ (Y D⁻¹ Yᵀ + W⁻¹)⁻¹ W⁻¹ c
func (e *equations) exactDual(w *workspace, r row, x []float32) (energy float64, ok bool) {
	d, n := e.vectors.Dim, len(r.cols)
	roots := e.rootsOf(w, n)
	z := e.gather(w, r.cols, 0, d)
	for j := range n {
		simd.Mul(z[j*d:(j+1)*d], roots)
	}
	a, v := w.square(n), w.vector(&w.b, n)
	for j := range n {
		simd.DotBatch(a[j*n+j:(j+1)*n], z[j*d:(j+1)*d], z[j*d:], d)
		inverse := float32(1)
		if !e.unit {
			inverse = 1 / r.excess[j]
		}
		a[j*n+j] += inverse
		v[j] = r.confidence[j] * inverse
	}
	if !simd.Posv(a, n, v) {
		return 0, false
	}
	clear(x)
	simd.GemvT(x, z, d, v)
	simd.DotBatch(v, x, z, d) // the scores
	simd.Mul(x, roots)
	return e.scale * float64(simd.Dot(r.confidence, v)), true
}

// rootsOf returns the inverse square roots of D for rows of n interactions.
func (e *equations) rootsOf(w *workspace, n int) []float32 {
	if n < len(e.roots) && e.roots[n] != nil {
		return e.roots[n]
	}
	roots := w.vector(&w.r, e.vectors.Dim)
	e.fillRoots(roots, n)
	return roots
}

func (e *equations) fillRoots(roots []float32, n int) {
	lambda := e.lambda(n)
	for i, g := range e.diag {
		roots[i] = 1 / sqrt32(g+lambda)
	}
}

// workspace is the memory of one goroutine, which grows as needed.
type workspace struct {
	a, b, z, r, p, t, s []float32
	cols                []uint32
	confidence, excess  []float32
}

// vector returns a slice of n values at *v, whose contents are not defined.
func (w *workspace) vector(v *[]float32, n int) []float32 {
	if cap(*v) < n {
		*v = make([]float32, n+n/4)
	}
	return (*v)[:n]
}

// square returns memory for an n × n matrix.
func (w *workspace) square(n int) []float32 { return w.vector(&w.a, n*n) }
