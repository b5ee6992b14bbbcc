//go:build purego || !amd64

package simd

func lookupAtLeast(sums []uint16, kept []uint64, table, codes []uint8, threshold uint16) {
	lookupAtLeastGeneric(sums, kept, table, codes, threshold)
}
