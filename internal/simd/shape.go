package simd

import (
	"math"
	"math/bits"
)

// Messages of the panics.
const (
	errLengths = "simd: lengths differ"
	errStride  = "simd: stride is less than the dimension"
	errRows    = "simd: rows is too short"
	errOut     = "simd: out is too short"
	errID      = "simd: id is out of range"
	errCount   = "simd: row count is negative"
	errKeep    = "simd: ids or scores are shorter than the rows and 16 more"
)

// selectPad is how many elements beyond the last kept one a select kernel may write: it
// stores whole registers.
const selectPad = 16

// checkRows panics unless size elements hold n rows of d elements, stride apart.
func checkRows(size, n, d, stride int) {
	if stride < d {
		panic(errStride)
	}
	if n > 0 {
		hi, lo := bits.Mul64(uint64(n-1), uint64(stride))
		if size < d || hi != 0 || lo > uint64(size-d) {
			panic(errRows)
		}
	}
}

// gathered returns the row called id of d elements, and panics if rows does not hold it.
func gathered[T any](rows []T, stride, d int, id uint32) []T {
	hi, at := bits.Mul64(uint64(id), uint64(stride))
	if len(rows) < d || hi != 0 || at > uint64(len(rows)-d) {
		panic(errID)
	}
	return rows[at : at+uint64(d)]
}

// callBytes is how much memory one call into assembly reads at most: a few microseconds,
// and ten or so if all of it comes from main memory. A goroutine cannot be preempted within.
const callBytes = 128 << 10

// rowsPerCall returns how many of n rows of the given size the next call takes: all of
// them, or a multiple of 8, so that no block is cut. Few bytes are no reason for many rows.
func rowsPerCall(n, bytes int) int {
	if n <= 8 || n*(bytes+8) <= callBytes {
		return n
	}
	return min(n, max(callBytes/(bytes+8)&^7, 8))
}

// rowsPerGather is rowsPerCall for rows at random places, each of which may keep the
// processor waiting for main memory.
func rowsPerGather(n, bytes int) int {
	if n <= 8 || n*(bytes+128) <= callBytes/2 {
		return n
	}
	return min(n, max(callBytes/2/(bytes+128)&^7, 8))
}

// longDim is the dimension from which on rows are taken one by one, in pieces: a block of
// eight would be too long for one call.
const longDim = 4096

// longInt8 is what longDim is for int8.
const longInt8 = 16384

// pieceLen is how many elements of a long vector one call reads.
const pieceLen = callBytes / 8

// gatherable reports whether the offset of every id fits in 64 bits. Otherwise only id 0 can
// be in range, and the reference deals with it.
func gatherable(stride int) bool { return stride <= math.MaxInt32/4 }

// maxLines is how many cache lines of a row a gather fetches ahead. The rest of a longer row
// follows by the processor's own prefetching.
const maxLines = 16

// lines returns how many cache lines a gather fetches of a row.
func lines(bytes int) int { return min((bytes+63)/64, maxLines) }
