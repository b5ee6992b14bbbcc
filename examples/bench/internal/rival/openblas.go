//go:build openblas

package rival

/*
#cgo LDFLAGS: -lopenblas
#include <cblas.h>

void openblas_set_num_threads(int);
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
void spotrs_(const char *uplo, const int *n, const int *nrhs, const float *a, const int *lda, float *b, const int *ldb, int *info);

// solve takes a row-major matrix: its lower triangle is LAPACK's upper one.
static int solve(int n, float *a, float *x) {
	int one = 1, info;
	spotrf_("U", &n, a, &n, &info);
	if (info == 0)
		spotrs_("U", &n, &one, a, &n, x, &n, &info);
	return info;
}
*/
import "C"

// OpenBLAS returns the kernels of OpenBLAS on one thread, and whether they are there.
func OpenBLAS() (BLAS, bool) {
	C.openblas_set_num_threads(1)
	return BLAS{
		Name: "openblas",
		Gemm: func(c, a, b []float32, n int) {
			m := C.int(n)
			C.cblas_sgemm(C.CblasRowMajor, C.CblasNoTrans, C.CblasNoTrans, m, m, m, 1, (*C.float)(&a[0]), m, (*C.float)(&b[0]), m, 0, (*C.float)(&c[0]), m)
		},
		GemmT: func(c, a, b []float32, m, n, k int) {
			C.cblas_sgemm(C.CblasRowMajor, C.CblasNoTrans, C.CblasTrans, C.int(m), C.int(n), C.int(k), 1,
				(*C.float)(&a[0]), C.int(k), (*C.float)(&b[0]), C.int(k), 0, (*C.float)(&c[0]), C.int(n))
		},
		Solve: func(a, x []float32, n int) {
			if C.solve(C.int(n), (*C.float)(&a[0]), (*C.float)(&x[0])) != 0 {
				panic("rival: matrix is not positive definite")
			}
		},
		Syrk: func(c, a []float32, n, k int) {
			C.cblas_ssyrk(C.CblasRowMajor, C.CblasUpper, C.CblasTrans, C.int(n), C.int(k), 1, (*C.float)(&a[0]), C.int(n), 1, (*C.float)(&c[0]), C.int(n))
		},
		Axpy: func(alpha float32, x, y []float32) {
			C.cblas_saxpy(C.int(len(x)), C.float(alpha), (*C.float)(&x[0]), 1, (*C.float)(&y[0]), 1)
		},
	}, true
}
