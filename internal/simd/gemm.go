package simd

// Packed is the right factor of a matrix product, laid out for [Gemm]: panels of 32
// columns, each panel row by row, the last panel filled up with zeros. It is packed once
// and used for many products. The zero Packed is a 0 × 0 matrix; it can be packed again
// and again and then allocates only to grow. It is safe for concurrent use while nobody
// packs it.
type Packed struct {
	data []float32
	k, n int
}

// panel is the width of a panel of Packed in columns: two AVX-512 registers.
const panel = 32

// Dims returns the size of the matrix: k rows, n columns.
func (p *Packed) Dims() (k, n int) { return p.k, p.n }

// Pack packs the k × n matrix b, row-major with rows ldb elements apart. It keeps nothing
// of b.
func (p *Packed) Pack(b []float32, ldb, k, n int) {
	checkMatrix(len(b), k, n, ldb)
	p.resize(k, n)
	for j := 0; j < n; j += panel {
		w := min(panel, n-j)
		to := p.data[j*k:]
		for i := range k {
			copy(to[i*panel:], b[i*ldb+j:i*ldb+j+w])
		}
	}
}

// PackT packs the transpose of the n × k matrix b: Gemm then multiplies by bᵀ, as a
// layer whose weights are stored by output does.
func (p *Packed) PackT(b []float32, ldb, n, k int) {
	checkMatrix(len(b), n, k, ldb)
	p.resize(k, n)
	if k == 0 {
		return
	}
	for j := range n {
		to := p.data[j/panel*panel*k+j%panel:]
		for i, x := range b[j*ldb : j*ldb+k] {
			to[i*panel] = x
		}
	}
}

func (p *Packed) resize(k, n int) {
	size := (n + panel - 1) / panel * panel * k
	if cap(p.data) < size {
		p.data = make([]float32, size)
	}
	p.data = p.data[:size]
	if n%panel != 0 {
		clear(p.data[n/panel*panel*k:])
	}
	p.k, p.n = k, n
}

// Gemm computes C = A·B, or C += A·B if add is true. A is m × k with rows lda elements
// apart, C is m × n with rows ldc apart, k × n are the dims of b. Neither may overlap C.
//
// The order of the sums depends on the tier: the result has the error bound of a sum of k
// products, not the bits of [Dot].
func Gemm(c []float32, ldc int, a []float32, lda, m int, b *Packed, add bool) {
	checkMatrix(len(a), m, b.k, lda)
	checkMatrix(len(c), m, b.n, ldc)
	gemm(c, ldc, a, lda, 1, m, b, add)
}

// GemmTN computes C = Aᵀ·B, or C += Aᵀ·B if add is true, where A is k × m. It is what the
// gradient of a layer's weights takes.
func GemmTN(c []float32, ldc int, a []float32, lda, m int, b *Packed, add bool) {
	checkMatrix(len(a), b.k, m, lda)
	checkMatrix(len(c), m, b.n, ldc)
	gemm(c, ldc, a, 1, lda, m, b, add)
}

// Blocks of a product: a panel of gemmK rows (40 KB) stays in the first-level cache while
// gemmM rows of A (140 KB) pass, which stay in the second-level one from panel to panel.
const (
	gemmK = 320
	gemmM = 112
)

// gemm computes C = A·B where element (i, p) of A is a[i*rs+p*cs].
func gemm(c []float32, ldc int, a []float32, rs, cs, m int, b *Packed, add bool) {
	k, n := b.k, b.n
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !add {
			for i := range m {
				clear(c[i*ldc : i*ldc+n])
			}
		}
		return
	}
	mode := tileSet
	if add {
		mode = tileAdd
	}
	for p := 0; p < k; {
		// Blocks of equal length: 384 is 192 twice, not 320 and 64.
		kc := (k - p + blocks(k-p, gemmK) - 1) / blocks(k-p, gemmK)
		for i := 0; i < m; i += gemmM {
			mc := min(gemmM, m-i)
			for j := 0; j < n; j += panel {
				t := tile{
					k: kc, rs: rs, cs: cs, b: b.data[j*k+p*panel:], ldb: panel, ldc: ldc, w: min(panel, n-j), mode: mode,
				}
				t.rows(mc, a[i*rs+p*cs:], c[i*ldc+j:])
			}
		}
		p += kc
		mode = tileAdd
	}
}

// blocks returns how many blocks of at most size cover n.
func blocks(n, size int) int { return (n + size - 1) / size }

// What a tile does with the product that it computes.
const (
	tileSet = iota // C = A·B
	tileAdd        // C += A·B
	tileSub        // C -= A·B
)

// tile is a product of some rows by at most 32 columns, all sums of which are in registers:
// the one kernel under Gemm, Syrk and Potrf. Element (p, j) of B is b[p*ldb+j], 0 <= j < w.
type tile struct {
	k, rs, cs   int
	b           []float32
	ldb, ldc, w int
	mode        int
}

// rows computes m rows of C, as many at a time as registers hold, evenly divided.
func (t *tile) rows(m int, a, c []float32) {
	for height := tileHeight(t.w); m > 0; {
		n := blocks(m, height)
		mr := (m + n - 1) / n
		t.run(mr, a, c)
		if m -= mr; m == 0 {
			return
		}
		a, c = a[mr*t.rs:], c[mr*t.ldc:]
	}
}

// checkMatrix panics unless size elements hold a rows × cols matrix, its rows ld apart.
func checkMatrix(size, rows, cols, ld int) {
	if rows < 0 || cols < 0 {
		panic(errSize)
	}
	checkRows(size, rows, cols, ld)
}

const errSize = "simd: size is negative"
