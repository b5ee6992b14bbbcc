package simd

// CodeBlock compares up to 64 coded queries with coded rows in one pass over the rows, as
// [QueryBlock] does with vectors; codes are those of [DotInt8]. It is set once and used for
// many rows. It is safe for concurrent use while nobody sets it.
type CodeBlock struct {
	m, d    int
	queries []int8            // m × d
	packed  []int8            // panels of 32 queries, four codes of each in turn
	bias    [MaxQueries]int64 // 128 Σ q: what the bias of the rows adds to a product
}

// CodePair is a query and a row whose product is above a threshold.
type CodePair struct{ Query, Row uint32 }

// Set takes m coded queries of d codes, stride apart, and keeps nothing of the slice. It
// allocates only to grow. It panics if m is negative or above MaxQueries.
func (b *CodeBlock) Set(queries []int8, stride, m, d int) {
	if m > MaxQueries {
		panic("simd: too many queries")
	}
	checkMatrix(len(queries), m, d, stride)
	b.m, b.d = m, d
	b.queries = b.queries[:0]
	size := blocks(m, panel) * panel * (d &^ 3)
	if cap(b.packed) < size {
		b.packed = make([]int8, size)
	}
	b.packed = b.packed[:size]
	clear(b.packed)
	for j := range m {
		q := queries[j*stride : j*stride+d]
		b.queries = append(b.queries, q...)
		var sum int64
		for _, x := range q {
			sum += int64(x)
		}
		b.bias[j] = 128 * sum
		if d > 0 && d%4 == 0 {
			b.pack(q, j)
		}
	}
}

func (b *CodeBlock) pack(q []int8, j int) {
	to := b.packed[j/panel*panel*b.d+j%panel*4:]
	for p := 0; p < len(q); p += 4 {
		copy(to[p*panel:p*panel+4], q[p:p+4])
	}
}

// Above appends to dst the pairs whose products are above the thresholds, one threshold for
// each query, among the first n rows: DotInt8(query, rows[i*stride:]) > thresholds[Query],
// and Row is i + base. The order of what is appended is not defined. It allocates if dst
// lacks room.
//
// It takes a third of the time of n·m calls of DotInt8Above, or less, on processors with
// AVX-512 VNNI if the number of codes is a multiple of 4, and as much elsewhere.
func (b *CodeBlock) Above(dst []CodePair, rows []uint8, stride, n int, base uint32, thresholds []int32) []CodePair {
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
	for block := min(max(1<<18/max(b.d, 1), 64), 4096); n > 0; {
		k := min(n, block)
		dst = b.above(dst, rows, stride, k, base, thresholds)
		if n -= k; n > 0 {
			rows = rows[k*stride:]
			base += uint32(k)
		}
	}
	return dst
}

// oneByOne is above for each query alone.
func (b *CodeBlock) oneByOne(dst []CodePair, rows []uint8, stride, n int, base uint32, thresholds []int32) []CodePair {
	const block = 112
	var (
		ids      [block + selectPad]uint32
		products [block + selectPad]int32
	)
	for j, t := range thresholds {
		q := b.queries[j*b.d : (j+1)*b.d]
		for i := 0; i < n; i += block {
			kept := dotInt8Above(ids[:], products[:], q, rows[i*stride:], stride, min(block, n-i), t, base+uint32(i))
			for _, id := range ids[:kept] {
				dst = append(dst, CodePair{Query: uint32(j), Row: id})
			}
		}
	}
	return dst
}
