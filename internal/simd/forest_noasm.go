//go:build purego || !amd64

package simd

func (f *Forest) sum(sums []float64, block []int32, from, to int) {
	f.sumGeneric(sums, block, from, to)
}

func (f *Forest) sum32(sums []float32, block []int32, from, to int) {
	f.sum32Generic(sums, block, from, to)
}

func (f *Forest) find(found []uint32, block []int32, from, to int) {
	f.findGeneric(found, block, from, to)
}
