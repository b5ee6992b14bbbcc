package simd

import (
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

// gathered returns the row called id of d elements, and whether rows holds it.
func gathered[T any](rows []T, stride, d int, id uint32) (row []T, ok bool) {
	hi, at := bits.Mul64(uint64(id), uint64(stride))
	if len(rows) < d || hi != 0 || at > uint64(len(rows)-d) {
		return nil, false
	}
	return rows[at : at+uint64(d)], true
}
