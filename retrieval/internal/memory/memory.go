// Package memory bounds what a training may allocate.
package memory

import (
	"math"
	"runtime/debug"

	"github.com/recsyskit/recsys/retrieval"
)

// standard is the bound where nobody gives one.
const standard = 8 << 30

// Check returns a *[retrieval.MemoryError] if a training needs more bytes than limit, with what
// can be done. A limit of 0 means that of the Go runtime (GOMEMLIMIT), where there is one, else
// 8 GiB.
func Check(need, limit int64, remedy string) error {
	if limit == 0 {
		limit = standard
		if runtime := debug.SetMemoryLimit(-1); runtime < math.MaxInt64 {
			limit = runtime
		}
	}
	if need > limit {
		return &retrieval.MemoryError{Need: need, Limit: limit, Remedy: remedy}
	}
	return nil
}

// Bytes returns an estimate as [Check] takes it: rounded up, and the largest int64 at most.
func Bytes(estimate float64) int64 {
	if !(estimate < 1<<62) {
		return math.MaxInt64
	}
	return int64(math.Ceil(estimate))
}
