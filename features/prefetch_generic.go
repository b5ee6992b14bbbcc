//go:build !amd64 || purego || race

package features

import (
	"sync/atomic"
	"unsafe"
)

// straddle is 0: no line is touched that does not begin in the row.
const straddle = 0

// fetchLines does nothing: the loads that follow are close enough together for the
// processor to overlap them.
func fetchLines(_ **uint64, _, _ int) {}

// copyRows copies bytes of each row; see the assembly's declaration.
func copyRows(dst unsafe.Pointer, stride int, rows **uint64, offset, bytes, n int, _ **uint64, _ int) {
	for i, row := range unsafe.Slice(rows, n) {
		to := unsafe.Slice((*float32)(unsafe.Add(dst, i*stride)), bytes/4)
		copy(to, unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(row), offset)), bytes/4))
	}
}

// matchTags compares each hash with the tags of a bucket; see the assembly's declaration.
func matchTags(match *uint8, home **uint64, hash *uint64, n int) {
	hashes, matches := unsafe.Slice(hash, n), unsafe.Slice(match, n)
	for i, first := range unsafe.Slice(home, n) {
		m := uint8(0)
		for j := range unsafe.Slice(first, bucketWords) {
			if e := atomic.LoadUint64((*uint64)(unsafe.Add(unsafe.Pointer(first), 8*j))); tagged(e, hashes[i]) {
				m |= 1 << j
			}
		}
		matches[i] = m
	}
}
