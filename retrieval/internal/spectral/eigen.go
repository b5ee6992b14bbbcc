package spectral

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// eigen returns the eigenvalues of the symmetric n x n matrix a, the largest first, and its
// eigenvectors as rows in that order, to some eleven digits. It destroys a. When ctx ends
// first, it returns nil.
//
// Source: the cyclic Jacobi method, Golub and Van Loan, Matrix Computations, 4th ed.,
// section 8.5. It takes O(n³) time per sweep and some ten sweeps.
func eigen(ctx context.Context, a []float64, n int) (values []float64, vectors []float64) {
	v := make([]float64, n*n) // row i is eigenvector i
	for i := range n {
		v[i*n+i] = 1
	}
	for range 60 {
		off, all := 0.0, 0.0
		for i := range n {
			for j := range n {
				square := float64(a[i*n+j] * a[i*n+j])
				all += square
				if i != j {
					off += square
				}
			}
		}
		if off <= 1e-24*all {
			break
		}
		for p := range n {
			if ctx.Err() != nil {
				return nil, nil
			}
			for q := p + 1; q < n; q++ {
				rotate(a, v, n, p, q)
			}
		}
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(a[j*n+j], a[i*n+i]) })
	values, vectors = make([]float64, n), make([]float64, 0, n*n)
	for k, i := range order {
		values[k] = a[i*n+i]
		vectors = append(vectors, v[i*n:(i+1)*n]...)
	}
	return values, vectors
}

// rotate makes a[p][q] zero by a rotation, which it applies to the eigenvectors too.
func rotate(a, v []float64, n, p, q int) {
	apq := a[p*n+q]
	if apq == 0 {
		return
	}
	tau := (a[q*n+q] - a[p*n+p]) / (2 * apq)
	t := 1 / (math.Abs(tau) + math.Sqrt(1+float64(tau*tau)))
	if tau < 0 {
		t = -t
	}
	c := 1 / math.Sqrt(1+float64(t*t))
	s := t * c
	turn := func(x, y *float64) {
		*x, *y = float64(c**x)-float64(s**y), float64(s**x)+float64(c**y)
	}
	for k := range n {
		turn(&a[k*n+p], &a[k*n+q])
	}
	for k := range n {
		turn(&a[p*n+k], &a[q*n+k])
	}
	a[p*n+q], a[q*n+p] = 0, 0
	for k := range n {
		turn(&v[p*n+k], &v[q*n+k])
	}
}

// inverseFactor returns the transpose of the inverse of R, where a = RᵀR is n x n and R
// upper triangular: row j says which combination of columns makes column j orthonormal to
// those before it. Where nothing is left of a column but noise, the row is 0. It destroys a.
// When ctx ends first, what it returns is undefined.
func inverseFactor(ctx context.Context, a []float64, n int) []float64 {
	// R takes the place of the upper triangle; a dropped row has the diagonal 0.
	for j := range n {
		if ctx.Err() != nil {
			break
		}
		left := a[j*n+j]
		for k := range j {
			left -= float64(a[k*n+j] * a[k*n+j])
		}
		if !(left > noise*a[j*n+j]) {
			clear(a[j*n+j : (j+1)*n])
			continue
		}
		d := math.Sqrt(left)
		for i := j + 1; i < n; i++ {
			sum := a[j*n+i]
			for k := range j {
				sum -= float64(a[k*n+j] * a[k*n+i])
			}
			a[j*n+i] = sum / d
		}
		a[j*n+j] = d
	}
	inverse := make([]float64, n*n)
	for j := range n {
		if ctx.Err() != nil {
			break
		}
		d := a[j*n+j]
		if d == 0 {
			continue
		}
		row := inverse[j*n : (j+1)*n]
		row[j] = 1 / d
		for k := j - 1; k >= 0; k-- {
			if a[k*n+k] == 0 {
				continue
			}
			sum := 0.0
			for i := k + 1; i <= j; i++ {
				sum -= float64(a[k*n+i] * row[i])
			}
			row[k] = sum / a[k*n+k]
		}
	}
	return inverse
}
