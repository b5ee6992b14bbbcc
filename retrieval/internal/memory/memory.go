// Package memory bounds what a training may allocate.
package memory

import (
	"fmt"
	"math"
	"runtime/debug"
)

// standard is the bound where nobody gives one.
const standard = 8 << 30

// Check returns an error if a training needs more bytes than limit, which says how many and
// what can be done. A limit of 0 means that of the Go runtime (GOMEMLIMIT), where there is one,
// else 8 GiB.
func Check(need, limit int64, remedy string) error {
	if limit == 0 {
		limit = standard
		if runtime := debug.SetMemoryLimit(-1); runtime < math.MaxInt64 {
			limit = runtime
		}
	}
	if need > limit {
		return fmt.Errorf("training needs %d bytes and may take %d: raise Config.MaxBytes, %s", need, limit, remedy)
	}
	return nil
}
