//go:build purego || !(amd64 || arm64)

package simd

func dot(a, b []float32) float32  { return dotGeneric(a, b) }
func l2sq(a, b []float32) float32 { return l2sqGeneric(a, b) }

func cosineSums(a, b []float32) (ab, aa, bb float32) {
	return dotGeneric(a, b), dotGeneric(a, a), dotGeneric(b, b)
}

func dotBatch(out, q, rows []float32, stride int)  { dotBatchGeneric(out, q, rows, stride) }
func l2sqBatch(out, q, rows []float32, stride int) { l2sqBatchGeneric(out, q, rows, stride) }

func dotGather(out, q, rows []float32, stride int, ids []uint32) {
	dotGatherGeneric(out, q, rows, stride, ids)
}

func l2sqGather(out, q, rows []float32, stride int, ids []uint32) {
	l2sqGatherGeneric(out, q, rows, stride, ids)
}

func dotAbove(ids []uint32, scores, q, rows []float32, stride, n int, threshold float32, base uint32) int {
	return dotAboveRows(ids, scores, q, rows, stride, n, threshold, base)
}
