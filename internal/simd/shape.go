package simd

import "math/bits"

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

// rowsPerCall returns how many rows of d elements of the given size one call takes: a
// multiple of 8, so that no block is cut, and not so many that little d makes it long.
func rowsPerCall(d, size int) int { return min(max(callBytes/(d*size+1)&^7, 8), 8192) }

// rowsPerGather is rowsPerCall for rows at random places, where main memory takes longer.
func rowsPerGather(d, size int) int { return min(max(callBytes/2/(d*size+1)&^7, 8), 512) }

// maxLines is how many cache lines of a row a gather fetches ahead. The rest of a longer row
// follows by the processor's own prefetching.
const maxLines = 16

// lines returns how many cache lines a gather fetches of a row.
func lines(bytes int) int { return min((bytes+63)/64, maxLines) }
