//go:build !purego

package simd

import "unsafe"

// int8InGo reports whether vectors of d elements are left to Go: the kernels
// read 16 elements at least.
func int8InGo(d int) bool { return tier == PureGo || d < 16 }

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
	return dotInt8NEON(unsafe.SliceData(q), unsafe.SliceData(row), len(q))
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
		dotInt8BatchNEON(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, stride, n)
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
		ok := dotInt8GatherNEON(&out[0], unsafe.SliceData(q), unsafe.SliceData(rows), d, stride, &ids[0], n, limit, ahead)
		if !ok {
			panic(errID)
		}
		out, ids = out[n:], ids[n:]
	}
}

// dotInt8Above computes some products and selects among them while they are in the cache.
func dotInt8Above(ids []uint32, scores []int32, q []int8, rows []uint8, stride, n int, threshold int32, base uint32) int {
	if int8InGo(len(q)) || len(q) > longInt8 {
		return dotInt8AboveRows(ids, scores, q, rows, stride, n, threshold, base)
	}
	var block [256]int32
	kept := 0
	for n > 0 {
		m := min(n, len(block))
		dotInt8Batch(block[:m], q, rows, stride)
		for i, s := range block[:m] {
			if s > threshold {
				ids[kept], scores[kept] = base+uint32(i), s
				kept++
			}
		}
		rows = rows[min(m*stride, len(rows)):]
		n -= m
		base += uint32(m)
	}
	return kept
}
