// Package lap times implementations of the same work in turn.
package lap

import (
	"runtime"
	"slices"
	"time"

	"github.com/recsyskit/recsys/examples/internal/annset"
)

// Lane is an implementation of some work.
type Lane struct {
	Name string
	Do   func() // the work, once
}

// Time is what the work takes in a lane.
type Time struct {
	Name    string
	Nanos   float64 // median over the rounds
	Fastest float64 // of a round
}

// slice is how long a lane works in a round, so that the clock's own time does not count.
const slice = 2 * time.Millisecond

// Run does the work in every lane, round after round, and takes the CPU time of the
// process, so that threads of a library count too. A lane that comes first in one round
// comes last in the next.
func Run(rounds int, lanes []Lane) []Time {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	counts := make([]int, len(lanes))
	for i, l := range lanes {
		counts[i] = count(l.Do)
	}
	samples := make([][]float64, len(lanes))
	for round := range rounds {
		for j := range lanes {
			i := (round + j) % len(lanes)
			samples[i] = append(samples[i], nanos(lanes[i].Do, counts[i]))
		}
	}
	times := make([]Time, len(lanes))
	for i, s := range samples {
		slices.Sort(s)
		times[i] = Time{lanes[i].Name, s[len(s)/2], s[0]}
	}
	return times
}

// count returns how often to do the work in a slice.
func count(do func()) int {
	for n := 1; ; n *= 2 {
		if total := nanos(do, n) * float64(n); total >= float64(slice)/4 {
			return max(1, int(float64(n)*float64(slice)/total))
		}
	}
}

// nanos returns the mean time of doing the work n times.
func nanos(do func(), n int) float64 {
	watch := annset.StartStopwatch()
	for range n {
		do()
	}
	_, cpu := watch.Seconds()
	return cpu * 1e9 / float64(n)
}
