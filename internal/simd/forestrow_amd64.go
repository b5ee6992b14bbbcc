//go:build !purego

package simd

func (f *ForestRow) find(found []uint32, row []int32, from, to int) {
	if tier != AVX512 || f.start[from] == f.start[len(f.start)-1] {
		f.findGeneric(found, row, from, to)
		return
	}
	at := f.start[from]
	steps, places, counts, n := &f.steps[2*at*f.stepWords()], &f.places[at*placeWords], &f.counts[2*from], to-from
	switch {
	case f.wide && f.sets:
		forestRowWideSetsAVX512(&found[0], &row[0], steps, places, counts, n)
	case f.wide:
		forestRowWideAVX512(&found[0], &row[0], steps, places, counts, n)
	case f.sets:
		forestRowSetsAVX512(&found[0], &row[0], steps, places, counts, n)
	default:
		forestRowAVX512(&found[0], &row[0], steps, places, counts, n)
	}
}

func (f *ForestRow) sum(sum float64, row []int32, from, to int) float64 {
	if tier != AVX512 || f.start[from] == f.start[len(f.start)-1] {
		return f.sumGeneric(sum, row, from, to)
	}
	at := f.start[from]
	steps, places, counts, n := &f.steps[2*at*f.stepWords()], &f.places[at*placeWords], &f.counts[2*from], to-from
	leaves, first := &f.leaves[0], &f.first[RowTrees*from]
	switch {
	case f.wide && f.sets:
		return forestRowSumWideSetsAVX512(&row[0], steps, places, counts, n, leaves, first, sum)
	case f.wide:
		return forestRowSumWideAVX512(&row[0], steps, places, counts, n, leaves, first, sum)
	case f.sets:
		return forestRowSumSetsAVX512(&row[0], steps, places, counts, n, leaves, first, sum)
	}
	return forestRowSumAVX512(&row[0], steps, places, counts, n, leaves, first, sum)
}
