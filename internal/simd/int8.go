package simd

// An int8 vector is stored as codes: bytes that exceed its values by 128, so that
// instructions which multiply unsigned by signed bytes take it as it is.

// DotInt8 returns the inner product of q and the values of row: Σ q[i]·(row[i]-128). It is
// exact up to 131,071 elements; a sum outside int32 wraps around. It panics if the lengths
// differ.
func DotInt8(q []int8, row []uint8) int32 {
	if len(q) != len(row) {
		panic(errLengths)
	}
	return dotInt8(q, row)
}

// DotInt8Batch fills out with the inner products of q and the first len(out) rows: out[i] =
// DotInt8(q, rows[i*stride:i*stride+len(q)]). It panics if stride < len(q), or if rows ends
// before the last row does.
func DotInt8Batch(out []int32, q []int8, rows []uint8, stride int) {
	checkRows(len(rows), len(out), len(q), stride)
	dotInt8Batch(out, q, rows, stride)
}

// DotInt8Gather fills out with the inner products of q and the rows called ids, with the
// shapes and panics of [DotGather].
func DotInt8Gather(out []int32, q []int8, rows []uint8, stride int, ids []uint32) {
	if stride < len(q) {
		panic(errStride)
	}
	if len(out) < len(ids) {
		panic(errOut)
	}
	dotInt8Gather(out, q, rows, stride, ids)
}

// DotInt8Above computes the inner products of q and the first n rows and keeps those above
// the threshold, with the shapes and panics of [DotAbove].
func DotInt8Above(ids []uint32, scores []int32, q []int8, rows []uint8, stride, n int, threshold int32, base uint32) int {
	if n < 0 {
		panic(errCount)
	}
	checkRows(len(rows), n, len(q), stride)
	if len(ids) < n+selectPad || len(scores) < n+selectPad {
		panic(errKeep)
	}
	return dotInt8Above(ids, scores, q, rows, stride, n, threshold, base)
}
