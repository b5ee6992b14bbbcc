//go:build !purego

package simd

import "unsafe"

// useVNNI reports whether int8 takes the kernels of AVX-512. They need VNNI, which the
// first processors with AVX-512 lack; the kernels of AVX2 give the same results.
func useVNNI() bool { return tier == AVX512 && vnni }

// int8InGo reports whether vectors of d elements are left to Go: the kernels of AVX2 read
// 16 elements at least.
func int8InGo(d int) bool { return tier == PureGo || d == 0 || d < 16 && !useVNNI() }

func dotInt8(q []int8, row []uint8) int32 {
	if int8InGo(len(q)) {
		return dotInt8Generic(q, row)
	}
	var sum int32
	for len(q) > callBytes/2 { // leaves more than 16 elements for the last piece
		n := callBytes / 4
		sum += dotInt8Piece(q[:n], row[:n])
		q, row = q[n:], row[n:]
	}
	return sum + dotInt8Piece(q, row)
}

func dotInt8Piece(q []int8, row []uint8) int32 {
	if useVNNI() {
		return dotInt8AVX512(unsafe.SliceData(q), unsafe.SliceData(row), len(q))
	}
	return dotInt8AVX2(unsafe.SliceData(q), unsafe.SliceData(row), len(q))
}

func dotInt8Batch(out []int32, q []int8, rows []uint8, stride int) {
	d := len(q)
	if int8InGo(d) {
		dotInt8BatchGeneric(out, q, rows, stride)
		return
	}
	if d > longInt8 {
		for i := range out {
			out[i] = dotInt8(q, rows[i*stride:i*stride+d])
		}
		return
	}
	for len(out) > 0 {
		n := rowsPerCall(len(out), d)
		if useVNNI() {
			dotInt8BatchAVX512(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, stride, n)
		} else {
			dotInt8BatchAVX2(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, stride, n)
		}
		out, rows = out[n:], rows[min(n*stride, len(rows)):]
	}
}

func dotInt8Gather(out []int32, q []int8, rows []uint8, stride int, ids []uint32) {
	d := len(q)
	if int8InGo(d) || !gatherable(stride) {
		dotInt8GatherGeneric(out, q, rows, stride, ids)
		return
	}
	if d > longInt8 {
		for i, id := range ids {
			out[i] = dotInt8(q, gathered(rows, stride, d, id))
		}
		return
	}
	if len(rows) < d && len(ids) > 0 {
		panic(errID)
	}
	ahead, limit := lines(d), len(rows)-d
	for len(ids) > 0 {
		n := rowsPerGather(len(ids), d)
		var ok bool
		if useVNNI() {
			ok = dotInt8GatherAVX512(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, stride, &ids[0], n, limit, ahead)
		} else {
			ok = dotInt8GatherAVX2(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, stride, &ids[0], n, limit, ahead)
		}
		if !ok {
			panic(errID)
		}
		out, ids = out[n:], ids[n:]
	}
}

func dotInt8Above(ids []uint32, scores []int32, q []int8, rows []uint8, stride, n int, threshold int32, base uint32) int {
	d := len(q)
	if int8InGo(d) || d > longInt8 {
		return dotInt8AboveRows(ids, scores, q, rows, stride, n, threshold, base)
	}
	kept := 0
	for n > 0 {
		m := rowsPerCall(n, d)
		if useVNNI() {
			kept += dotInt8AboveAVX512(&ids[kept], &scores[kept], unsafe.SliceData(q), unsafe.SliceData(rows), d, stride, m, threshold, base)
		} else {
			kept += dotInt8AboveAVX2(&ids[kept], &scores[kept], unsafe.SliceData(q), unsafe.SliceData(rows), d, stride, m, threshold, base)
		}
		rows = rows[min(m*stride, len(rows)):]
		n -= m
		base += uint32(m)
	}
	return kept
}
