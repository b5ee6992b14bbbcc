//go:build !purego

package simd

import "unsafe"

func dot(a, b []float32) float32 {
	if len(a) > pieceLen {
		return dotPieces(a, b)
	}
	if tier == NEON {
		return dotNEON(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	}
	return dotGeneric(a, b)
}

func l2sq(a, b []float32) float32 {
	if len(a) > pieceLen {
		return l2sqPieces(a, b)
	}
	if tier == NEON {
		return l2sqNEON(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	}
	return l2sqGeneric(a, b)
}

func dotPieces(a, b []float32) float32 {
	var acc accum
	for len(a) > 0 {
		n := min(len(a), pieceLen)
		if tier == NEON {
			dotLongNEON(&acc[0], &a[0], &b[0], n)
		} else {
			acc.dot(a[:n], b[:n], true)
		}
		a, b = a[n:], b[n:]
	}
	return acc.sum(true)
}

func l2sqPieces(a, b []float32) float32 {
	var acc accum
	for len(a) > 0 {
		n := min(len(a), pieceLen)
		if tier == NEON {
			l2sqLongNEON(&acc[0], &a[0], &b[0], n)
		} else {
			acc.l2sq(a[:n], b[:n], true)
		}
		a, b = a[n:], b[n:]
	}
	return acc.sum(true)
}

func cosineSums(a, b []float32) (ab, aa, bb float32) {
	return dot(a, b), dot(a, a), dot(b, b)
}

func dotBatch(out, q, rows []float32, stride int) {
	if tier == PureGo || len(q) == 0 {
		dotBatchGeneric(out, q, rows, stride)
		return
	}
	d := len(q)
	if d > longDim {
		for i := range out {
			out[i] = dot(q, rows[i*stride:i*stride+d])
		}
		return
	}
	for len(out) > 0 {
		n := rowsPerCall(len(out), 4*d)
		dotBatchNEON(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, n)
		out, rows = out[n:], rows[min(n*stride, len(rows)):]
	}
}

func l2sqBatch(out, q, rows []float32, stride int) {
	if tier == PureGo || len(q) == 0 {
		l2sqBatchGeneric(out, q, rows, stride)
		return
	}
	d := len(q)
	if d > longDim {
		for i := range out {
			out[i] = l2sq(q, rows[i*stride:i*stride+d])
		}
		return
	}
	for len(out) > 0 {
		n := rowsPerCall(len(out), 4*d)
		l2sqBatchNEON(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, n)
		out, rows = out[n:], rows[min(n*stride, len(rows)):]
	}
}

func dotGather(out, q, rows []float32, stride int, ids []uint32) {
	d := len(q)
	if tier == PureGo || d == 0 || !gatherable(stride) {
		dotGatherGeneric(out, q, rows, stride, ids)
		return
	}
	if d > longDim {
		for i, id := range ids {
			out[i] = dot(q, gathered(rows, stride, d, id))
		}
		return
	}
	if len(rows) < d && len(ids) > 0 {
		panic(errID)
	}
	ahead, limit := lines(4*d), 4*(len(rows)-d)
	for len(ids) > 0 {
		n := rowsPerGather(len(ids), 4*d)
		ok := dotGatherNEON(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, &ids[0], n, limit, ahead)
		if !ok {
			panic(errID)
		}
		out, ids = out[n:], ids[n:]
	}
}

func l2sqGather(out, q, rows []float32, stride int, ids []uint32) {
	d := len(q)
	if tier == PureGo || d == 0 || !gatherable(stride) {
		l2sqGatherGeneric(out, q, rows, stride, ids)
		return
	}
	if d > longDim {
		for i, id := range ids {
			out[i] = l2sq(q, gathered(rows, stride, d, id))
		}
		return
	}
	if len(rows) < d && len(ids) > 0 {
		panic(errID)
	}
	ahead, limit := lines(4*d), 4*(len(rows)-d)
	for len(ids) > 0 {
		n := rowsPerGather(len(ids), 4*d)
		ok := l2sqGatherNEON(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, &ids[0], n, limit, ahead)
		if !ok {
			panic(errID)
		}
		out, ids = out[n:], ids[n:]
	}
}

// dotAbove computes some products and selects among them while they are in the cache.
func dotAbove(ids []uint32, scores, q, rows []float32, stride, n int, threshold float32, base uint32) int {
	if tier == PureGo || len(q) > longDim {
		return dotAboveRows(ids, scores, q, rows, stride, n, threshold, base)
	}
	var block [256]float32
	kept := 0
	for n > 0 {
		m := min(n, len(block))
		dotBatch(block[:m], q, rows, stride)
		kept += selectAbove(ids[kept:], scores[kept:], block[:m], threshold, base)
		rows = rows[min(m*stride, len(rows)):]
		n -= m
		base += uint32(m)
	}
	return kept
}
