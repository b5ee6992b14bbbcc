//go:build !purego

package simd

import "unsafe"

// tileHeight returns how many rows of a tile of w columns are worked on at a time.
func tileHeight(w int) int {
	switch tier {
	case AVX512:
		return 14
	case AVX2:
		if w == panel {
			return 6
		}
		return 4
	}
	return panel
}

// run computes mr <= tileHeight(t.w) rows of C; t.k > 0, t.w > 0.
func (t *tile) run(mr int, a, c []float32) {
	switch tier {
	case AVX512:
		if t.w <= 16 {
			gemmTileNarrowAVX512(mr, t.k, unsafe.SliceData(a), 4*t.rs, 4*t.cs, unsafe.SliceData(t.b), 4*t.ldb,
				unsafe.SliceData(c), 4*t.ldc, t.w, t.mode)
			return
		}
		gemmTileAVX512(mr, t.k, unsafe.SliceData(a), 4*t.rs, 4*t.cs, unsafe.SliceData(t.b), 4*t.ldb,
			unsafe.SliceData(c), 4*t.ldc, t.w, t.mode)
	case AVX2:
		t.run2(mr, a, c)
	default:
		t.runGeneric(mr, a, c)
	}
}

// run2 does 16 columns at a time: that many sums for 6 rows, or fewer columns for 4 rows,
// fit in the 16 registers of AVX2.
func (t *tile) run2(mr int, a, c []float32) {
	for j := 0; j < t.w; j += 16 {
		w := min(16, t.w-j)
		if w == 16 && mr <= 6 {
			gemmTileAVX2(mr, t.k, unsafe.SliceData(a), 4*t.rs, 4*t.cs, unsafe.SliceData(t.b[j:]), 4*t.ldb,
				unsafe.SliceData(c[j:]), 4*t.ldc, w, t.mode)
			continue
		}
		gemmTileMaskedAVX2(mr, t.k, unsafe.SliceData(a), 4*t.rs, 4*t.cs, unsafe.SliceData(t.b[j:]), 4*t.ldb,
			unsafe.SliceData(c[j:]), 4*t.ldc, w, t.mode)
	}
}
