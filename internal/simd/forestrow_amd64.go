//go:build !purego

package simd

func (f *ForestRow) find(found []uint32, row []int32, from, to int) {
	if tier != AVX512 || f.words == 0 || f.start[from] == len(f.steps) {
		f.findGeneric(found, row, from, to)
		return
	}
	var few [rowFew]int32
	words := &row[0]
	if f.words <= rowFew {
		copy(few[:], row[:f.words])
		words = &few[0]
	}
	steps, counts, n := &f.steps[f.start[from]], &f.counts[from], to-from
	switch {
	case f.wide && f.sets && f.words <= rowFew:
		forestRowWideSetsFewAVX512(&found[0], words, steps, counts, n)
	case f.wide && f.sets:
		forestRowWideSetsAVX512(&found[0], words, steps, counts, n)
	case f.wide && f.words <= rowFew:
		forestRowWideFewAVX512(&found[0], words, steps, counts, n)
	case f.wide:
		forestRowWideAVX512(&found[0], words, steps, counts, n)
	case f.sets && f.words <= rowFew:
		forestRowSetsFewAVX512(&found[0], words, steps, counts, n)
	case f.sets:
		forestRowSetsAVX512(&found[0], words, steps, counts, n)
	case f.words <= rowFew:
		forestRowFewAVX512(&found[0], words, steps, counts, n)
	default:
		forestRowAVX512(&found[0], words, steps, counts, n)
	}
}
