//go:build !purego

package simd

// first returns where the nodes of a tree and of those after it begin, and the block; nil
// if there are no more nodes: then neither is read.
func (f *Forest) first(tree int, block []int32) (*ForestNode, *int32) {
	if len(f.nodes) == 0 || f.start[tree] == len(f.nodes) {
		return nil, nil
	}
	return &f.nodes[f.start[tree]], &block[0]
}

func (f *Forest) sum(sums []float64, block []int32, from, to int) {
	if tier == PureGo {
		f.sumGeneric(sums, block, from, to)
		return
	}
	nodes, words := f.first(from, block)
	leaves, n := &f.leaves[from*f.slots()], to-from
	switch {
	case tier == AVX512 && f.wide:
		forestSumWideAVX512(&sums[0], words, &f.trees[from], nodes, leaves, n)
	case tier == AVX512:
		forestSumAVX512(&sums[0], words, &f.trees[from], nodes, leaves, n)
	case f.wide:
		forestSumWideAVX2(&sums[0], words, &f.trees[from], nodes, leaves, n)
	default:
		forestSumAVX2(&sums[0], words, &f.trees[from], nodes, leaves, n)
	}
}

func (f *Forest) sum32(sums []float32, block []int32, from, to int) {
	if tier == PureGo {
		f.sum32Generic(sums, block, from, to)
		return
	}
	nodes, words := f.first(from, block)
	leaves, n := &f.leaves32[from*f.slots()], to-from
	switch {
	case tier == AVX512 && f.wide:
		forestSum32WideAVX512(&sums[0], words, &f.trees[from], nodes, leaves, n)
	case tier == AVX512:
		forestSum32AVX512(&sums[0], words, &f.trees[from], nodes, leaves, n)
	case f.wide:
		forestSum32WideAVX2(&sums[0], words, &f.trees[from], nodes, leaves, n)
	default:
		forestSum32AVX2(&sums[0], words, &f.trees[from], nodes, leaves, n)
	}
}

func (f *Forest) find(found []uint32, block []int32, from, to int) {
	if tier == PureGo {
		f.findGeneric(found, block, from, to)
		return
	}
	nodes, words := f.first(from, block)
	n := to - from
	switch {
	case tier == AVX512 && f.wide:
		forestFindWideAVX512(&found[0], words, &f.trees[from], nodes, n)
	case tier == AVX512:
		forestFindAVX512(&found[0], words, &f.trees[from], nodes, n)
	case f.wide:
		forestFindWideAVX2(&found[0], words, &f.trees[from], nodes, n)
	default:
		forestFindAVX2(&found[0], words, &f.trees[from], nodes, n)
	}
}
