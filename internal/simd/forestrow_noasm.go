//go:build purego || !amd64

package simd

func (f *ForestRow) find(found []uint32, row []int32, from, to int) {
	f.findGeneric(found, row, from, to)
}

func (f *ForestRow) sum(sum float64, row []int32, from, to int) float64 {
	return f.sumGeneric(sum, row, from, to)
}
