package als

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// principalAxes returns the eigenvalues of the symmetric n × n matrix g, the largest first,
// and its eigenvectors as rows in that order. It destroys g. The result does not depend on
// the number of workers. When ctx ends first, it returns nil.
//
// Source: Householder's reduction to a tridiagonal matrix and the implicit QL method, Golub
// and Van Loan, Matrix Computations, 4th ed., sections 8.3.1 and 8.3.3; the QL sweep is that
// of EISPACK's tql2 (Bowdler, Martin, Reinsch and Wilkinson, 1968). It takes some 5 n³
// operations.
func principalAxes(ctx context.Context, g []float64, n, workers int) (values, vectors []float64) {
	values, off := make([]float64, n), make([]float64, n)
	betas := reduce(ctx, g, n, values, off)
	vectors = reflect(ctx, g, n, betas, workers)
	if ctx.Err() != nil || !iterate(ctx, values, off, vectors, workers) {
		return nil, nil
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(values[j], values[i]) })
	sorted, rows := make([]float64, n), make([]float64, 0, n*n)
	for k, i := range order {
		sorted[k] = values[i]
		rows = append(rows, vectors[i*n:(i+1)*n]...)
	}
	return sorted, rows
}

// reduce makes g tridiagonal by reflections I - β v vᵀ: the diagonal goes to diag, what is
// beside it to off, the vector v of step k to row k of g from k+1 on, and its β to betas.
// Only the upper triangle of g is read.
func reduce(ctx context.Context, g []float64, n int, diag, off []float64) (betas []float64) {
	betas = make([]float64, n)
	p := make([]float64, n)
	largest := 0.0
	for _, x := range g {
		largest = max(largest, math.Abs(x))
	}
	negligible := 0x1p-60 * largest
	for k := range n {
		if ctx.Err() != nil {
			break
		}
		diag[k] = g[k*n+k]
		if k+1 == n {
			break
		}
		v := g[k*n+k+1 : (k+1)*n]
		off[k] = v[0]
		rest := dot(v[1:], v[1:])
		if rest <= negligible*negligible { // its reflection might not be one, by underflow
			continue
		}
		length := math.Sqrt(float64(v[0]*v[0]) + rest)
		if v[0] > 0 {
			length = -length
		}
		off[k] = length
		v[0] -= length
		betas[k] = 2 / (float64(v[0]*v[0]) + rest)
		deflate(g[(k+1)*n+k+1:], n, v, p[:len(v)], betas[k])
	}
	return betas
}

// deflate makes a, of which the upper triangle counts, (I - β v vᵀ) a (I - β v vᵀ).
func deflate(a []float64, n int, v, p []float64, beta float64) {
	clear(p)
	for i, x := range v {
		row, vs, ps := a[i*n+i+1:i*n+len(v)], v[i+1:], p[i+1:]
		sum := float64(a[i*n+i] * x)
		for j, y := range row {
			sum += float64(y * vs[j])
			ps[j] += float64(y * x)
		}
		p[i] += sum
	}
	half := beta * beta / 2 * dot(p, v)
	for i, x := range v {
		p[i] = float64(beta*p[i]) - float64(half*x)
	}
	for i, x := range v {
		row, vs, ps, y := a[i*n+i:i*n+len(v)], v[i:], p[i:], p[i]
		for j := range row {
			row[j] -= float64(x*ps[j]) + float64(y*vs[j])
		}
	}
}

// dot is the inner product in four partial sums.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float64(a[0] * b[0])
		s1 += float64(a[1] * b[1])
		s2 += float64(a[2] * b[2])
		s3 += float64(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	for i, x := range a {
		s0 += float64(x * b[i])
	}
	return s0 + s1 + (s2 + s3)
}

// reflect returns the product of the reflections, the last one first, as rows.
func reflect(ctx context.Context, g []float64, n int, betas []float64, workers int) []float64 {
	q := make([]float64, n*n)
	_ = each(ctx, make([]*workspace, workers), n, 8, func(_ *workspace, start, end int) error {
		for i := start; i < end; i++ {
			row := q[i*n : (i+1)*n]
			row[i] = 1
			for k := min(i, n-1) - 1; k >= 0; k-- {
				if betas[k] == 0 {
					continue
				}
				v, r := g[k*n+k+1:(k+1)*n], row[k+1:]
				x := betas[k] * dot(r, v)
				for j, y := range v {
					r[j] -= float64(x * y)
				}
			}
		}
		return nil
	})
	return q
}

// turn is a rotation of two rows that follow each other.
type turn struct{ c, s float64 }

// iterate makes the tridiagonal matrix diagonal by rotations, which it applies to the rows
// of vectors too, and reports whether it got to the end.
func iterate(ctx context.Context, diag, off, vectors []float64, workers int) bool {
	const eps = 0x1p-52
	n := len(diag)
	shift, largest := 0.0, 0.0
	var turns []turn
	for l := range n {
		largest = max(largest, math.Abs(diag[l])+math.Abs(off[l]))
		m := l
		for m < n-1 && math.Abs(off[m]) > eps*largest {
			m++
		}
		for sweep := 0; m > l && math.Abs(off[l]) > eps*largest; sweep++ {
			if sweep == 100 || ctx.Err() != nil {
				return false
			}
			var moved float64
			moved, turns = sweepQL(diag, off, l, m, turns[:0])
			shift += moved
			rotateRows(ctx, vectors, n, m-1, turns, workers)
		}
		diag[l] += shift
		off[l] = 0
	}
	return ctx.Err() == nil
}

// sweepQL does one implicit QL step on rows l to m, with the shift that it returns: turn i
// of turns is of the rows m-1-i and m-i.
func sweepQL(diag, off []float64, l, m int, turns []turn) (float64, []turn) {
	g := diag[l]
	p := (diag[l+1] - g) / (2 * off[l])
	r := math.Sqrt(float64(p*p) + 1)
	if p < 0 {
		r = -r
	}
	diag[l] = off[l] / (p + r)
	diag[l+1] = off[l] * (p + r)
	next, shift := diag[l+1], g-diag[l]
	for i := l + 2; i < len(diag); i++ {
		diag[i] -= shift
	}
	p = diag[m]
	c, c2, c3 := 1.0, 1.0, 1.0
	s, s2 := 0.0, 0.0
	second := off[l+1]
	for i := m - 1; i >= l; i-- {
		c3, c2, s2 = c2, c, s
		g, h := c*off[i], c*p
		r := math.Sqrt(float64(p*p) + float64(off[i]*off[i]))
		off[i+1] = s * r
		s, c = off[i]/r, p/r
		p = float64(c*diag[i]) - float64(s*g)
		diag[i+1] = h + float64(s*(float64(c*g)+float64(s*diag[i])))
		turns = append(turns, turn{c, s})
	}
	p = -s * s2 * c3 * second * off[l] / next
	off[l], diag[l] = s*p, c*p
	return shift, turns
}

// rotateRows applies the turns to the rows of an n × n matrix, the first to rows first and
// first+1, each next one to the rows above.
func rotateRows(ctx context.Context, a []float64, n, first int, turns []turn, workers int) {
	const columns = 128
	if n*len(turns) < 1<<15 {
		workers = 1
	}
	_ = each(ctx, make([]*workspace, workers), n, columns, func(_ *workspace, start, end int) error {
		for k, t := range turns {
			x := a[(first-k)*n+start : (first-k)*n+end]
			y := a[(first-k+1)*n+start : (first-k+1)*n+end]
			for j, h := range y {
				g := x[j]
				y[j] = float64(t.s*g) + float64(t.c*h)
				x[j] = float64(t.c*g) - float64(t.s*h)
			}
		}
		return nil
	})
}
