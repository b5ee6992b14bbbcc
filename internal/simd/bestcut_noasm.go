//go:build purego || !amd64

package simd

func bestCut(h []int64, left, total, least int64, l2 float64) (int, float64) {
	return bestCutGeneric(h, left, total, least, l2)
}
