package annset

import (
	"syscall"
	"time"
	"unsafe"
)

// CPUTime says whether clocks count CPU time.
const CPUTime = true

// Clocks of clock_gettime(2).
const (
	processClock = 2
	threadClock  = 3
)

func threadTime() time.Duration { return clock(threadClock) }

func processTime() time.Duration { return clock(processClock) }

func clock(id uintptr) time.Duration {
	var ts syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic("annset: clock_gettime: " + errno.Error())
	}
	return time.Duration(ts.Nano())
}
