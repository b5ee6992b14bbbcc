//go:build !linux

package annset

import "time"

// CPUTime says whether clocks count CPU time.
const CPUTime = false

var start = time.Now()

func threadTime() time.Duration { return time.Since(start) }

func processTime() time.Duration { return time.Since(start) }
