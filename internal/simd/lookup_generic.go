package simd

func lookupAtLeastGeneric(sums []uint16, kept []uint64, table, codes []uint8, threshold uint16) {
	pairs := len(table) / 32
	for b := range kept {
		var acc [lookupRows]uint16
		for p := range pairs {
			t := (*[32]uint8)(table[32*p:])
			for r, c := range (*[lookupRows]uint8)(codes[(b*pairs+p)*lookupRows:]) {
				acc[r] += uint16(t[c&15] + t[16+c>>4])
			}
		}
		var set uint64
		for r, s := range acc {
			if s >= threshold {
				set |= 1 << r
			}
		}
		if kept[b] = set; set != 0 {
			copy(sums[b*lookupRows:], acc[:])
		}
	}
}
