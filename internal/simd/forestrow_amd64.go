//go:build !purego

package simd

func (f *ForestRow) find(found []uint32, row []int32, from, to int) {
	if tier != AVX512 || f.start[from] == len(f.windows) {
		f.findGeneric(found, row, from, to)
		return
	}
	at := f.start[from]
	steps, windows, counts, n := &f.steps[at*f.stepWords()], &f.windows[at], &f.counts[from], to-from
	switch {
	case f.wide && f.sets:
		forestRowWideSetsAVX512(&found[0], &row[0], steps, windows, counts, n)
	case f.wide:
		forestRowWideAVX512(&found[0], &row[0], steps, windows, counts, n)
	case f.sets:
		forestRowSetsAVX512(&found[0], &row[0], steps, windows, counts, n)
	default:
		forestRowAVX512(&found[0], &row[0], steps, windows, counts, n)
	}
}
