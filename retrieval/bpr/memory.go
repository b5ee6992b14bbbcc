package bpr

import (
	"fmt"
	"runtime/debug"

	"github.com/recsyskit/recsys/retrieval"
)

// checkMemory returns an error that says how many bytes training takes when that is more than
// allowed.
func checkMemory(cfg *Config, in *retrieval.Interactions) error {
	limit := cfg.MaxBytes
	if limit == 0 {
		limit = debug.SetMemoryLimit(-1)
	}
	users, items, factors := float64(in.NumUsers()), float64(in.NumItems()), float64(cfg.Factors)
	// Vectors, the last whole epoch and the model; what stands beside them by row; the grid.
	need := (users+items)*(3*4*(factors+1)+40) + 4*mostPerItem*items + 24*float64(in.Len())
	if need <= float64(limit) {
		return nil
	}
	return fmt.Errorf("bpr: training takes %.0f bytes (%d users, %d items, %d interactions, %d factors), and the limit is %d; lower Factors, or raise MaxBytes or the memory limit of the runtime",
		need, in.NumUsers(), in.NumItems(), in.Len(), cfg.Factors, limit)
}
