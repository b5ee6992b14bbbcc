//go:build !purego

package simd

func lookupAtLeast(sums []uint16, kept []uint64, table, codes []uint8, threshold uint16) {
	pairs := len(table) / 32
	if tier == PureGo || pairs == 0 {
		lookupAtLeastGeneric(sums, kept, table, codes, threshold)
		return
	}
	for per := max(1, callBytes/(lookupRows*pairs)); len(kept) > 0; {
		n := min(len(kept), per)
		if tier == AVX512 {
			lookupAtLeastAVX512(&sums[0], &kept[0], &table[0], &codes[0], pairs, n, threshold)
		} else {
			lookupAtLeastAVX2(&sums[0], &kept[0], &table[0], &codes[0], pairs, n, threshold)
		}
		sums, kept, codes = sums[n*lookupRows:], kept[n:], codes[n*pairs*lookupRows:]
	}
}
