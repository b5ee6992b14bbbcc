package simd

import "math"

// MaxQueries is the most queries that a QueryBlock holds.
const MaxQueries = 64

// aboveDim is the largest dimension for which a tile, of up to 14 rows by 32 queries, takes
// some microseconds at most.
const aboveDim = 2048

// QueryBlock compares up to 64 queries with rows in one pass over the rows, at the speed of
// a matrix product, and gives the products with the bits of [Dot]. It is set once and used
// for many rows. It is safe for concurrent use while nobody sets it.
//
// A product is first computed as a matrix product does it, which is fast because each
// element that is loaded serves many queries and nothing is summed across a register. It
// differs from Dot by the rounding of another order of summation. With u = 2^-24 and γ_n =
// nu/(1-nu), a sum of products whose longest chain has n roundings is off by at most
// γ_n Σ|q_i x_i| <= γ_n |q||x| (Higham, Accuracy and Stability of Numerical Algorithms,
// 2nd ed., §3.1; the second step is Cauchy-Schwarz), and by 2^-149 for each underflow. Both
// sums are that close to the exact product. So if Dot is above a threshold, the fast
// product is above the threshold less the sum of the two bounds. The few that are get
// computed again, by Dot, which decides. Nothing is missed: not where products overflow
// (such rows are compared one query at a time) nor for NaN (which passes the first test,
// and fails the second).
type QueryBlock struct {
	m, d    int
	queries []float32 // m × d
	packed  Packed    // d × m
	norm    [MaxQueries]float64
	slack   float64 // bound on the difference of two orders, over |q||x|
	tiny    float64 // and that of underflows
}

// BlockHit is a product above a threshold.
type BlockHit struct {
	Query uint32
	Row   uint32
	Score float32
}

// Set takes m queries of d elements, stride apart, and keeps nothing of the slice. It
// allocates only to grow. It panics if m is negative or above MaxQueries.
func (b *QueryBlock) Set(queries []float32, stride, m, d int) {
	if m > MaxQueries {
		panic("simd: too many queries")
	}
	checkMatrix(len(queries), m, d, stride)
	b.m, b.d = m, d
	b.packed.PackT(queries, stride, m, d)
	b.queries = b.queries[:0]
	for j := range m {
		q := queries[j*stride : j*stride+d]
		b.queries = append(b.queries, q...)
		var square float64
		for _, x := range q {
			square += float64(float64(x) * float64(x))
		}
		b.norm[j] = math.Sqrt(square) * (1 + 0x1p-30)
	}
	// Chains of d roundings one way, and of d/16 + 5 the other way.
	b.slack = float64(d+d/16+6) * 0x1p-24 * 1.01
	b.tiny = float64(d+16) * 0x1p-148
}

// Query returns query j, which must not be changed.
func (b *QueryBlock) Query(j int) []float32 { return b.queries[j*b.d : (j+1)*b.d : (j+1)*b.d] }

// Above appends to dst the products above the thresholds, one threshold for each query, of
// the first n rows: Score = Dot(query, rows[i*stride:]) > thresholds[Query], and Row is i +
// base. Products of NaN, and of -Inf, are above nothing. The order of what is appended is
// not defined. It allocates if dst lacks room.
//
// It is meant for thresholds that few products pass; those that pass cost as much as Dot.
// A search starts with few rows, to have thresholds for the rest.
func (b *QueryBlock) Above(dst []BlockHit, rows []float32, stride, n int, base uint32, thresholds []float32) []BlockHit {
	if n < 0 {
		panic(errCount)
	}
	if len(thresholds) != b.m {
		panic(errLengths)
	}
	checkRows(len(rows), n, b.d, stride)
	if b.m == 0 {
		return dst
	}
	for block := b.rows(); n > 0; {
		k := min(n, block)
		dst = b.above(dst, rows, stride, k, base, thresholds)
		if n -= k; n > 0 {
			rows = rows[k*stride:]
			base += uint32(k)
		}
	}
	return dst
}

// rows returns how many rows are worked on at a time: 256 KB of them, which stay in the
// second-level cache while all queries pass.
func (b *QueryBlock) rows() int { return min(max(1<<16/max(b.d, 1), 64), 1024) }

// oneByOne is above for each query alone.
func (b *QueryBlock) oneByOne(dst []BlockHit, rows []float32, stride, n int, base uint32, thresholds []float32) []BlockHit {
	const block = 112
	var (
		ids    [block + selectPad]uint32
		scores [block + selectPad]float32
	)
	for j, t := range thresholds {
		for i := 0; i < n; i += block {
			kept := dotAbove(ids[:], scores[:], b.Query(j), rows[i*stride:], stride, min(block, n-i), t, base+uint32(i))
			for h, id := range ids[:kept] {
				dst = append(dst, BlockHit{Query: uint32(j), Row: id, Score: scores[h]})
			}
		}
	}
	return dst
}
