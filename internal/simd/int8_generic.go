package simd

// bias is what a stored code exceeds its value by.
const bias = 128

func dotInt8Generic(q []int8, row []uint8) int32 {
	row = row[:len(q)]
	var s int32
	for i, v := range q {
		s += int32(v) * (int32(row[i]) - bias)
	}
	return s
}

func dotInt8BatchGeneric(out []int32, q []int8, rows []uint8, stride int) {
	for i := range out {
		out[i] = dotInt8Generic(q, rows[i*stride:i*stride+len(q)])
	}
}

func dotInt8GatherGeneric(out []int32, q []int8, rows []uint8, stride int, ids []uint32) {
	for i, id := range ids {
		out[i] = dotInt8Generic(q, gathered(rows, stride, len(q), id))
	}
}

// dotInt8AboveRows is dotInt8Above a row at a time.
func dotInt8AboveRows(ids []uint32, scores []int32, q []int8, rows []uint8, stride, n int, threshold int32, base uint32) int {
	kept := 0
	for i := range n {
		if s := dotInt8(q, rows[i*stride:i*stride+len(q)]); s > threshold {
			ids[kept], scores[kept] = base+uint32(i), s
			kept++
		}
	}
	return kept
}
