//go:build !purego

package simd

import "unsafe"

func dot(a, b []float32) float32 {
	if len(a) > pieceLen {
		return dotPieces(a, b)
	}
	switch tier {
	case AVX512:
		return dotAVX512(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	case AVX2:
		return dotAVX2(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	}
	return dotGeneric(a, b)
}

func l2sq(a, b []float32) float32 {
	if len(a) > pieceLen {
		return l2sqPieces(a, b)
	}
	switch tier {
	case AVX512:
		return l2sqAVX512(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	case AVX2:
		return l2sqAVX2(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	}
	return l2sqGeneric(a, b)
}

func dotPieces(a, b []float32) float32 {
	var acc accum
	for len(a) > 0 {
		n := min(len(a), pieceLen)
		switch tier {
		case AVX512:
			dotLongAVX512(&acc[0], &a[0], &b[0], n)
		case AVX2:
			dotLongAVX2(&acc[0], &a[0], &b[0], n)
		default:
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
		switch tier {
		case AVX512:
			l2sqLongAVX512(&acc[0], &a[0], &b[0], n)
		case AVX2:
			l2sqLongAVX2(&acc[0], &a[0], &b[0], n)
		default:
			acc.l2sq(a[:n], b[:n], true)
		}
		a, b = a[n:], b[n:]
	}
	return acc.sum(true)
}

func cosineSums(a, b []float32) (ab, aa, bb float32) {
	if len(a) > pieceLen {
		return dotPieces(a, b), dotPieces(a, a), dotPieces(b, b)
	}
	switch tier {
	case AVX512:
		return cosineSumsAVX512(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	case AVX2:
		return cosineSumsAVX2(unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	}
	return dotGeneric(a, b), dotGeneric(a, a), dotGeneric(b, b)
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
		if tier == AVX512 {
			dotBatchAVX512(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, n)
		} else {
			dotBatchAVX2(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, n)
		}
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
		if tier == AVX512 {
			l2sqBatchAVX512(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, n)
		} else {
			l2sqBatchAVX2(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, n)
		}
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
		var ok bool
		if tier == AVX512 {
			ok = dotGatherAVX512(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, &ids[0], n, limit, ahead)
		} else {
			ok = dotGatherAVX2(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, &ids[0], n, limit, ahead)
		}
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
		var ok bool
		if tier == AVX512 {
			ok = l2sqGatherAVX512(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, &ids[0], n, limit, ahead)
		} else {
			ok = l2sqGatherAVX2(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, &ids[0], n, limit, ahead)
		}
		if !ok {
			panic(errID)
		}
		out, ids = out[n:], ids[n:]
	}
}

func dotAbove(ids []uint32, scores, q, rows []float32, stride, n int, threshold float32, base uint32) int {
	d := len(q)
	if tier == PureGo || d == 0 || d > longDim {
		return dotAboveRows(ids, scores, q, rows, stride, n, threshold, base)
	}
	kept := 0
	for n > 0 {
		m := rowsPerCall(n, 4*d)
		if tier == AVX512 {
			kept += dotAboveAVX512(&ids[kept], &scores[kept], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, m, threshold, base)
		} else {
			kept += dotAboveAVX2(&ids[kept], &scores[kept], unsafe.SliceData(q), unsafe.SliceData(rows), d, 4*stride, m, threshold, base)
		}
		rows = rows[min(m*stride, len(rows)):]
		n -= m
		base += uint32(m)
	}
	return kept
}
