package simd

// lookupRows is how many rows a block of codes has.
const lookupRows = 64

const (
	errTable  = "simd: table is not a whole number of 32 bytes, or longer than 258 of them"
	errBlocks = "simd: codes or sums do not fit the blocks"
)

// LookupAtLeast sums what the codes of rows name in tables of 16 entries, for the rows of
// len(kept) blocks of 64. Product quantisation with 4-bit codes is made of it: an entry is
// the part of a score that a subspace adds.
//
// table holds pairs of tables, 32 bytes each, of entries below 128; at most 258 pairs. A
// row has a byte for each pair, whose low nibble names an entry of the first table, the
// high one an entry of the second. Byte p of row r of block b is
// codes[(b*pairs+p)*64+r]: rows stand side by side, so that one shuffle looks up a nibble
// of 64 rows. The length of codes is that of all blocks.
//
// Bit r of kept[b] tells whether the sum of row r of block b is at least threshold; if a
// block has such a row, its sums are in sums[64*b:64*b+64], else they are left alone. (An
// entry of 128 or more makes the two entries of a pair add up modulo 256.)
//
// It panics if a length does not fit.
//
// Source: André, Kermarrec and Le Scouarnec, "Cache locality is not enough: high-performance
// nearest neighbor search with product quantization fast scan", VLDB 2015.
func LookupAtLeast(sums []uint16, kept []uint64, table, codes []uint8, threshold uint16) {
	pairs := len(table) / 32
	if len(table)%32 != 0 || pairs > 258 {
		panic(errTable)
	}
	if len(codes) != len(kept)*pairs*lookupRows || len(sums) < len(kept)*lookupRows {
		panic(errBlocks)
	}
	lookupAtLeast(sums, kept, table, codes, threshold)
}
