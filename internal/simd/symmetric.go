package simd

// A symmetric matrix of float64 is kept in tiles of 8 × 8, the lower half only: tile (i, j), j
// <= i, has its 64 elements, row by row, from SymIndex(8i, 8j) on. Rows and columns are padded
// with zeros to a multiple of 8, and so are vectors. It takes 0.5 to 0.6 of the memory of the
// square for 64 rows and more, and kernels read it from start to end.
//
// These kernels have the same bits on every tier. Each product is fused with its sum.

const (
	errSymmetric = "simd: vector is no multiple of 8 elements, or the matrix has another size"
	errLengths64 = "simd: lengths of float64 vectors differ"
)

// SymPadded returns d rounded up to a multiple of 8.
func SymPadded(d int) int { return (d + 7) &^ 7 }

// SymLen returns the number of elements of a symmetric matrix of d rows.
func SymLen(d int) int {
	nb := (d + 7) / 8
	return 32 * nb * (nb + 1)
}

// SymIndex returns where element (i, j), or (j, i), is.
func SymIndex(i, j int) int {
	if i < j {
		i, j = j, i
	}
	b, c := i>>3, j>>3
	return (b*(b+1)/2+c)<<6 + (i&7)<<3 + j&7
}

// SymMirror copies the lower half of each tile on the diagonal to its upper half, as the
// kernels need it.
func SymMirror(m []float64) {
	for b, at := 0, 0; at < len(m); b, at = b+1, at+64*(b+2) {
		t := (*[64]float64)(m[at:])
		for i := range 8 {
			for j := range i {
				t[8*j+i] = t[8*i+j]
			}
		}
	}
}

func symBlocks(m, x []float64) int {
	if len(x)%8 != 0 || len(m) != SymLen(len(x)) {
		panic(errSymmetric)
	}
	return len(x) / 8
}

// QuadForm returns xᵀ·M·x. It panics if len(x) is no multiple of 8 or M has not as many rows.
func QuadForm(m, x []float64) float64 {
	_, s := DotQuadForm(m, x, x)
	return s
}

// DotQuadForm returns vᵀ·x, with eight partial sums, and xᵀ·M·x, for little more than the time of the latter. It panics as [QuadForm] does,
// and if the lengths of v and x differ.
func DotQuadForm(m, v, x []float64) (dot, s float64) {
	nb := symBlocks(m, x)
	if len(v) != len(x) {
		panic(errLengths64)
	}
	if nb == 0 {
		return 0, 0
	}
	return quadForm(m, v, x, nb)
}

// Symv computes y = M·x; y must not overlap x. It panics as [QuadForm] does, and if the
// lengths of x and y differ.
func Symv(y, m, x []float64) {
	nb := symBlocks(m, x)
	if len(y) != len(x) {
		panic(errLengths64)
	}
	if nb > 0 {
		symv(y, m, x, nb)
	}
}

// Rank1 computes M += alpha·x·xᵀ: each element m += (alpha·x[i])·x[j]. In the tiles on the diagonal both halves are
// computed, and may come to differ by rounding; where that would grow, call [SymMirror]. It panics as [QuadForm] does.
func Rank1(m []float64, alpha float64, x []float64) {
	if nb := symBlocks(m, x); nb > 0 {
		rank1(m, alpha, x, nb)
	}
}

// Dot64 returns Σ x[i]·y[i]: element i goes to partial sum i mod 16, then these are added in
// halves. It panics if the lengths differ.
func Dot64(x, y []float64) float64 {
	if len(x) != len(y) {
		panic(errLengths64)
	}
	return dot64(x, y)
}

// Axpy64 computes y[i] += alpha·x[i], fused. It panics if the lengths differ. x may be y, but
// must not overlap it otherwise.
func Axpy64(alpha float64, x, y []float64) {
	if len(x) != len(y) {
		panic(errLengths64)
	}
	whole := len(x) &^ 15
	if whole > 0 {
		axpy64(alpha, x[:whole], y[:whole])
	}
	axpy64Generic(alpha, x[whole:], y[whole:])
}
