//go:build !purego

package simd

import "unsafe"

// tileHeight returns how many rows of a tile of w columns are worked on at a time.
func tileHeight(w int) int {
	if tier == NEON {
		return 6
	}
	return panel
}

// run computes mr <= tileHeight(t.w) rows of C; t.k > 0, t.w > 0. The kernel does 16 columns
// at a time; Go does what is left of them.
func (t *tile) run(mr int, a, c []float32) {
	if tier != NEON {
		t.runGeneric(mr, a, c)
		return
	}
	for j := 0; j < t.w; j += 16 {
		if t.w-j < 16 {
			rest := *t
			rest.b, rest.w = t.b[j:], t.w-j
			rest.runGeneric(mr, a, c[j:])
			return
		}
		gemmTileNEON(mr, t.k, unsafe.SliceData(a), 4*t.rs, 4*t.cs, unsafe.SliceData(t.b[j:]), 4*t.ldb,
			unsafe.SliceData(c[j:]), 4*t.ldc, 16, t.mode)
	}
}
