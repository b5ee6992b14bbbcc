package simd

import "math"

// Potrf factors the symmetric positive definite n × n matrix A, rows lda elements apart, as
// A = Uᵀ·U with U upper triangular. Only the upper triangle of A is read, and U replaces it.
// The strictly lower triangle of the 8 × 8 blocks on the diagonal is used as scratch, the
// rest of it left alone.
//
// It reports whether A is positive definite to working precision: if a pivot is not
// positive and finite, it returns false, and the upper triangle is undefined. It is meant
// for n up to some hundreds; the order of the sums depends on the tier, as with [Gemm].
//
// Source: LAPACK's SPOTRF (uplo = 'U' in row-major order), in the left-looking form of Golub
// and Van Loan, Matrix Computations, 4th ed., §4.2: a block of 8 rows takes all products
// with the rows above at once, in registers.
func Potrf(a []float32, lda, n int) bool {
	checkMatrix(len(a), n, n, lda)
	for i := 0; i < n; i += 8 {
		nb := min(8, n-i)
		for p := 0; p < i; p += gemmK {
			for j := i; j < n; j += panel {
				t := tile{
					k: min(gemmK, i-p), rs: 1, cs: lda, b: a[p*lda+j:], ldb: lda, ldc: lda, w: min(panel, n-j), mode: tileSub,
				}
				t.rows(nb, a[p*lda+i:], a[i*lda+j:])
			}
		}
		var u [64]float32
		if !factor8(a[i*lda+i:], lda, nb, &u) {
			return false
		}
		if i+8 < n {
			trsm8(a[i*lda+i+8:], lda, n-i-8, &u)
		}
	}
	return true
}

// factor8 factors the leading nb × nb block, nb <= 8, and leaves a copy of U with inverted
// diagonal in u.
func factor8(a []float32, lda, nb int, u *[64]float32) bool {
	for t := range nb {
		copy(u[8*t+t:8*t+nb], a[t*lda+t:t*lda+nb])
	}
	for t := range nb {
		row := (*[8]float32)(u[8*t:])
		if !(row[t] > 0 && row[t] <= math.MaxFloat32) {
			return false
		}
		root := sqrt32(row[t])
		inverse := 1 / root
		a[t*lda+t] = root
		row[t] = inverse
		for j := t + 1; j < nb; j++ {
			row[j&7] *= inverse
			a[t*lda+j] = row[j&7]
		}
		for s := t + 1; s < nb; s++ {
			x, below := row[s&7], (*[8]float32)(u[8*s:])
			for j := s; j < nb; j++ {
				below[j&7] -= float32(x * row[j&7])
			}
		}
	}
	return true
}

// Potrs solves A·x = b, where the n × n matrix A was factored by [Potrf]; n is len(b), and x
// replaces b.
func Potrs(a []float32, lda int, b []float32) {
	n := len(b)
	checkMatrix(len(a), n, n, lda)
	var y, inverse [8]float32
	for i := 0; i < n; i += 8 { // Uᵀ·y = b
		nb := min(8, n-i)
		invertDiagonal(&inverse, a[i*lda+i:], lda, nb)
		for t := range nb {
			s := b[i+t]
			for k := range t {
				s -= float32(a[(i+k)*lda+i+t] * b[i+k])
			}
			b[i+t] = s * inverse[t]
			y[t] = -b[i+t]
		}
		if i+8 < n {
			gemvT(b[i+8:], a[i*lda+i+8:], lda, y[:])
		}
	}
	for i := (n - 1) &^ 7; i >= 0; i -= 8 { // U·x = y
		nb := min(8, n-i)
		invertDiagonal(&inverse, a[i*lda+i:], lda, nb)
		clear(y[:])
		if i+8 < n {
			dotBatch(y[:], b[i+8:], a[i*lda+i+8:], lda)
		}
		for t := nb - 1; t >= 0; t-- {
			s := b[i+t] - y[t]
			for k := t + 1; k < nb; k++ {
				s -= float32(a[(i+t)*lda+i+k] * b[i+k])
			}
			b[i+t] = s * inverse[t]
		}
	}
}

func invertDiagonal(inverse *[8]float32, a []float32, lda, n int) {
	for t := range n {
		inverse[t] = 1 / a[t*lda+t]
	}
}

// Posv solves A·x = b for a symmetric positive definite matrix A, by [Potrf] and [Potrs]:
// n is len(b), U replaces the upper triangle of A, x replaces b. If A is not positive
// definite to working precision it returns false and leaves b alone.
func Posv(a []float32, lda int, b []float32) bool {
	if !Potrf(a, lda, len(b)) {
		return false
	}
	Potrs(a, lda, b)
	return true
}
