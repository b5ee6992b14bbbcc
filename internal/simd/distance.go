package simd

// Dot returns the inner product of a and b: Σ a[i]·b[i]. It panics if their lengths differ.
func Dot(a, b []float32) float32 {
	if len(a) != len(b) {
		panic(errLengths)
	}
	return dot(a, b)
}

// L2Sq returns the squared Euclidean distance of a and b: Σ (a[i]-b[i])². It panics if
// their lengths differ.
func L2Sq(a, b []float32) float32 {
	if len(a) != len(b) {
		panic(errLengths)
	}
	return l2sq(a, b)
}

// CosineSums returns the three sums that a cosine is made of, in one pass: Σ a[i]·b[i],
// Σ a[i]² and Σ b[i]², each with the bits of [Dot]. It panics if the lengths differ.
func CosineSums(a, b []float32) (ab, aa, bb float32) {
	if len(a) != len(b) {
		panic(errLengths)
	}
	return cosineSums(a, b)
}

// DotBatch fills out with the inner products of q and the first len(out) rows: out[i] =
// Dot(q, rows[i*stride:i*stride+len(q)]). It panics if stride < len(q), or if rows ends
// before the last row does.
func DotBatch(out, q, rows []float32, stride int) {
	checkRows(len(rows), len(out), len(q), stride)
	dotBatch(out, q, rows, stride)
}

// L2SqBatch fills out with the squared distances of q to the first len(out) rows, with
// the shapes of [DotBatch].
func L2SqBatch(out, q, rows []float32, stride int) {
	checkRows(len(rows), len(out), len(q), stride)
	l2sqBatch(out, q, rows, stride)
}

// DotGather fills out with the inner products of q and the rows called ids: out[i] =
// Dot(q, rows[ids[i]*stride:]). While it works on some rows it fetches the next ones into
// the cache. It panics if out is shorter than ids, if stride < len(q), or if rows ends
// before one of the rows does; out then holds some of the products. Elements of out after
// len(ids) are left alone.
func DotGather(out, q, rows []float32, stride int, ids []uint32) {
	if stride < len(q) {
		panic(errStride)
	}
	if len(out) < len(ids) {
		panic(errOut)
	}
	dotGather(out, q, rows, stride, ids)
}

// L2SqGather fills out with the squared distances of q to the rows called ids, as
// [DotGather] does with products.
func L2SqGather(out, q, rows []float32, stride int, ids []uint32) {
	if stride < len(q) {
		panic(errStride)
	}
	if len(out) < len(ids) {
		panic(errOut)
	}
	l2sqGather(out, q, rows, stride, ids)
}

// SelectAbove keeps the scores above the threshold, in order: it writes each to dst and its
// index plus base to ids, and returns how many it kept. A NaN is not above anything. Beyond
// the kept ones it may write as well: it panics unless ids and dst hold len(scores)+16
// elements each.
func SelectAbove(ids []uint32, dst, scores []float32, threshold float32, base uint32) int {
	if len(ids) < len(scores)+selectPad || len(dst) < len(scores)+selectPad {
		panic(errKeep)
	}
	return selectAbove(ids, dst, scores, threshold, base)
}

// DotAbove computes the inner products of q and the first n rows, as [DotBatch] does, and
// keeps those above the threshold, as [SelectAbove] does: the product goes to scores and the
// number of the row, plus base, to ids. It returns how many it kept. It panics for the
// reasons of either.
func DotAbove(ids []uint32, scores, q, rows []float32, stride, n int, threshold float32, base uint32) int {
	if n < 0 {
		panic(errCount)
	}
	checkRows(len(rows), n, len(q), stride)
	if len(ids) < n+selectPad || len(scores) < n+selectPad {
		panic(errKeep)
	}
	return dotAbove(ids, scores, q, rows, stride, n, threshold, base)
}
