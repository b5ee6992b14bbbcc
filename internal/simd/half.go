package simd

// EncodeF16 converts to IEEE 754 half precision, to the nearest value, halves to even:
// dst[i] = half(x[i]). From 65520 on the result is infinite, below 2^-14 subnormal; a NaN
// stays one. The bits are the same on every tier, those of a NaN excepted. It panics if the
// lengths differ.
func EncodeF16(dst []uint16, x []float32) {
	if len(dst) != len(x) {
		panic(errLengths)
	}
	encodeF16(dst, x)
}

// DecodeF16 converts half precision to float32, which is exact. It panics if the lengths
// differ.
func DecodeF16(dst []float32, x []uint16) {
	if len(dst) != len(x) {
		panic(errLengths)
	}
	decodeF16(dst, x)
}

// EncodeBF16 converts to bfloat16, the upper half of a float32, to the nearest value, halves
// to even; a NaN stays one. Subnormals are kept. The bits are the same on every tier. It
// panics if the lengths differ.
func EncodeBF16(dst []uint16, x []float32) {
	if len(dst) != len(x) {
		panic(errLengths)
	}
	encodeBF16(dst, x)
}

// DecodeBF16 converts bfloat16 to float32, which is exact. It panics if the lengths differ.
func DecodeBF16(dst []float32, x []uint16) {
	if len(dst) != len(x) {
		panic(errLengths)
	}
	decodeBF16(dst, x)
}

// DotF16Batch fills out with the inner products of q and the first len(out) rows in half
// precision: out[i] has the bits of Dot of q and the decoded row, which starts at rows[i*stride].
// It panics if stride < len(q), or if rows ends before the last row does.
func DotF16Batch(out, q []float32, rows []uint16, stride int) {
	checkRows(len(rows), len(out), len(q), stride)
	dotHalfBatch(out, q, rows, stride, true)
}

// DotBF16Batch is [DotF16Batch] for rows in bfloat16.
func DotBF16Batch(out, q []float32, rows []uint16, stride int) {
	checkRows(len(rows), len(out), len(q), stride)
	dotHalfBatch(out, q, rows, stride, false)
}

// halfScratch is how many decoded elements are on the stack at a time. It is a multiple of
// the number of partial sums, so that a long row can be decoded piece by piece.
const halfScratch = 2048

// dotHalfBatch decodes some rows at a time and leaves the products to Dot's kernels: they
// are done in the first-level cache, while rows from memory take half as long to come.
func dotHalfBatch(out, q []float32, rows []uint16, stride int, f16 bool) {
	var scratch [halfScratch]float32
	d := len(q)
	if d > halfScratch {
		for i := range out {
			out[i] = dotHalfLong(q, rows[i*stride:i*stride+d], f16, &scratch)
		}
		return
	}
	group := halfScratch / max(d, 1)
	for i := 0; i < len(out); i += group {
		n := min(group, len(out)-i)
		for j := range n {
			decodeHalf(scratch[j*d:j*d+d], rows[(i+j)*stride:(i+j)*stride+d], f16)
		}
		dotBatch(out[i:i+n], q, scratch[:n*d], d)
	}
}

func dotHalfLong(q []float32, row []uint16, f16 bool, scratch *[halfScratch]float32) float32 {
	var acc accum
	for len(q) > 0 {
		n := min(len(q), halfScratch)
		decodeHalf(scratch[:n], row[:n], f16)
		addLong(&acc, q[:n], scratch[:n])
		q, row = q[n:], row[n:]
	}
	return acc.sum(true)
}

func decodeHalf(dst []float32, x []uint16, f16 bool) {
	if f16 {
		decodeF16(dst, x)
	} else {
		decodeBF16(dst, x)
	}
}
