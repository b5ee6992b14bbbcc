//go:build !purego

package simd

func (f *ForestRow) find(found []uint32, row []int32, from, to int) {
	if tier != AVX512 || f.start[from] == f.start[len(f.counts)] {
		f.findGeneric(found, row, from, to)
		return
	}
	at := f.start[from]
	steps, places, counts, n := &f.steps[at*f.stepWords()], &f.places[at*placeWords], &f.counts[from], to-from
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
