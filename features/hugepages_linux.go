package features

import (
	"syscall"
	"unsafe"
)

// preferHugePages asks the system to back memory that was just allocated with pages of 2 MiB, where it leaves that to programs: a
// slab is read at random, and each row of it is in another page of 4 KiB, whose address is looked up for longer than the row
// takes. The pages at both ends are asked for too, as slabs of shards lie side by side.
//
// Measured with examples/bench, "stores read": 14.3 us without, 12.1 us with.
func preferHugePages(words []uint64) {
	const huge = 2 << 20
	if 8*len(words) < huge {
		return
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(words)))
	end := (start + uintptr(8*len(words)) + huge - 1) &^ (huge - 1)
	start &^= huge - 1
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, start, end-start, syscall.MADV_HUGEPAGE) // a hint
}
