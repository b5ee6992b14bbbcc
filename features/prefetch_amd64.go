//go:build amd64 && !purego && !race

package features

import "unsafe"

// straddle is how many words of a line may lie before a row.
const straddle = 7

// fetchLines is
//
//	for i := range n {
//		for j := range lines {
//			prefetch(words[i] + 64*j bytes)
//		}
//	}
//
// A prefetch never faults.
//
//go:noescape
func fetchLines(words **uint64, n, lines int)

// fetchBuckets begins to load the cache lines of an index.
func fetchBuckets(words **uint64, n int) { fetchLines(words, n, 1) }

// copyRows copies bytes of each row, n > 0, and fetches another one meanwhile if lines > 0:
//
//	for i := range n {
//		copy(dst[i*stride:][:bytes], rows[i][offset:])
//		for j := range lines {
//			prefetch(ahead[i] + 64*j bytes)
//		}
//	}
//
// All but the counts are in bytes, which are a multiple of 4.
//
//go:noescape
func copyRows(dst unsafe.Pointer, stride int, rows **uint64, offset, bytes, n int, ahead **uint64, lines int)

// matchTags is
//
//	for i := range n {
//		match[i] = 0
//		for j := range 8 {
//			if tagged(home[i][j], hash[i]) {
//				match[i] |= 1 << j
//			}
//		}
//	}
//
// The words of a bucket are loaded in pairs, each of them as it was at some moment.
//
//go:noescape
func matchTags(match *uint8, home **uint64, hash *uint64, n int)
