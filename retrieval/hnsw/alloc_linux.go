package hnsw

import (
	"syscall"
	"unsafe"
)

// hugePage is the size of a large page on amd64 and arm64 with base pages of 4 KiB.
const hugePage = 2 << 20

// alloc returns zeros. Large arrays ask for large pages: a walk touches rows all over the
// arrays, and with small pages each costs a miss of the TLB.
func alloc[T float32 | uint8 | uint32](n int) []T {
	size := int(unsafe.Sizeof(T(0)))
	if n*size < 2*hugePage {
		return make([]T, n)
	}
	raw := make([]T, n+hugePage/size)
	at := uintptr(unsafe.Pointer(unsafe.SliceData(raw)))
	skip := int(-at&(hugePage-1)) / size
	data := raw[skip : skip+n : skip+n]
	whole := n * size &^ (hugePage - 1)
	// Advice that the system does not take changes nothing but speed.
	_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), whole), syscall.MADV_HUGEPAGE)
	return data
}
