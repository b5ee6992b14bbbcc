//go:build !amd64 || purego || race

package features

import (
	"sync/atomic"
	"unsafe"
)

// straddle is 0: no line is touched that does not begin in the row.
const straddle = 0

// fetchBuckets reads a word of each cache line of an index, with no branch that waits for it.
func fetchBuckets(words **uint64, n int) {
	sum := uint64(0)
	for _, w := range unsafe.Slice(words, n) {
		sum += atomic.LoadUint64(w)
	}
	consume(sum)
}

// fetchLines reads a word of each cache line of each row. The processor looks further ahead in this loop than in one that
// copies.
func fetchLines(words **uint64, n, lines int) {
	sum := uint64(0)
	for _, row := range unsafe.Slice(words, n) {
		for j := range lines {
			sum += *(*uint64)(unsafe.Add(unsafe.Pointer(row), 64*j))
		}
	}
	consume(sum)
}

// consume keeps what was read from being optimized away.
//
//go:noinline
func consume(uint64) {}

// copyRows copies bytes of each row, and fetches others before; see the assembly's declaration.
func copyRows(dst unsafe.Pointer, stride int, rows **uint64, offset, bytes, n int, ahead **uint64, lines int) {
	fetchLines(ahead, n, lines)
	for i, row := range unsafe.Slice(rows, n) {
		to := unsafe.Slice((*float32)(unsafe.Add(dst, i*stride)), bytes/4)
		copy(to, unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(row), offset)), bytes/4))
	}
}

// matchTags compares each hash with the tags of a bucket, without branches; see the assembly's declaration.
func matchTags(match *uint8, home **uint64, hash *uint64, n int) {
	hashes, matches := unsafe.Slice(hash, n), unsafe.Slice(match, n)
	for i, first := range unsafe.Slice(home, n) {
		want, m := hashes[i]|liveBit, uint64(0)
		for j := range bucketWords {
			e := atomic.LoadUint64((*uint64)(unsafe.Add(unsafe.Pointer(first), 8*j)))
			differ := (e ^ want) & (tagBits | liveBit)
			m |= (differ - 1) &^ differ >> 63 << j // 1 if nothing differs
		}
		matches[i] = uint8(m)
	}
}
