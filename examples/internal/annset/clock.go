package annset

import "time"

// Clock measures the CPU time of the calling thread. A goroutine that uses one
// locks itself to its thread first, with [runtime.LockOSThread].
//
// CPU time leaves out the time during which other programs had the core; where
// the system cannot tell it, which [CPUTime] says, the clock on the wall counts.
type Clock struct{ start time.Duration }

// StartClock returns a clock that counts from now.
func StartClock() Clock { return Clock{threadTime()} }

// Elapsed returns the time since the clock was started.
func (c Clock) Elapsed() time.Duration { return threadTime() - c.start }

// ProcessTime returns the CPU time that all threads of the process have taken
// so far, or the time on the wall where the system cannot tell.
func ProcessTime() time.Duration { return processTime() }
