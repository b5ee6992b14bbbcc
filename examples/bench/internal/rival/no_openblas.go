//go:build !openblas

package rival

// OpenBLAS returns the kernels of OpenBLAS, and whether they are there: not in this build.
func OpenBLAS() (BLAS, bool) { return BLAS{}, false }
