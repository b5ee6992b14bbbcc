//go:build purego || !(amd64 || arm64)

package simd

func dotInt8(q []int8, row []uint8) int32 { return dotInt8Generic(q, row) }

func dotInt8Batch(out []int32, q []int8, rows []uint8, stride int) {
	dotInt8BatchGeneric(out, q, rows, stride)
}

func dotInt8Gather(out []int32, q []int8, rows []uint8, stride int, ids []uint32) {
	dotInt8GatherGeneric(out, q, rows, stride, ids)
}

func dotInt8Above(ids []uint32, scores []int32, q []int8, rows []uint8, stride, n int, threshold int32, base uint32) int {
	return dotInt8AboveRows(ids, scores, q, rows, stride, n, threshold, base)
}
