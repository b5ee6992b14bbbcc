// Package rival holds kernels of other libraries behind Go signatures: OpenBLAS with
// the build tag of that name, gonum and vek always.
package rival

// BLAS is the dense kernels of a library. All matrices are row-major.
type BLAS struct {
	Name string
	// Gemm computes c = a·b for n × n matrices.
	Gemm func(c, a, b []float32, n int)
	// GemmT computes c = a·bᵀ, where a is m × k, b n × k.
	GemmT func(c, a, b []float32, m, n, k int)
	// Solve factors the positive definite n × n matrix a in place, of which the lower triangle
	// counts, and replaces x by the solution of a·x = b, where x holds b.
	Solve func(a, x []float32, n int)
	// Syrk adds aᵀ·a to one triangle of the n × n matrix c, where a is k × n.
	Syrk func(c, a []float32, n, k int)
	// Axpy adds alpha·x to y.
	Axpy func(alpha float32, x, y []float32)
}
