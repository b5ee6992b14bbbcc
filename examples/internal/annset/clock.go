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

// Stopwatch takes the time of work that may use several threads.
type Stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

// StartStopwatch returns a stopwatch that counts from now.
func StartStopwatch() Stopwatch { return Stopwatch{time.Now(), processTime()} }

// Seconds returns the seconds since the start on the wall, and those of CPU that all
// threads have taken.
func (s Stopwatch) Seconds() (wall, cpu float64) {
	return time.Since(s.wall).Seconds(), (processTime() - s.cpu).Seconds()
}
