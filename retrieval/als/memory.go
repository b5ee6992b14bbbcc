package als

import (
	"fmt"
	"math"
	"runtime/debug"

	"github.com/recsyskit/recsys/retrieval"
)

// checkMemory returns an error that says how many bytes training takes when that is more than
// it may.
func checkMemory(cfg *Config, in *retrieval.Interactions) error {
	limit := cfg.MaxBytes
	if limit == 0 {
		limit = debug.SetMemoryLimit(-1)
	}
	need := bytesNeeded(cfg, in.NumUsers(), in.NumItems(), in.Len())
	if need <= float64(limit) && need < math.MaxInt {
		return nil
	}
	return fmt.Errorf("als: training takes %.0f bytes (%d users, %d items, %d interactions, %d factors), and the limit is %d; lower Factors, or raise MaxBytes or the memory limit of the runtime",
		need, in.NumUsers(), in.NumItems(), in.Len(), cfg.Factors, limit)
}

// bytesNeeded is an upper estimate of what training allocates.
func bytesNeeded(cfg *Config, users, items, interactions int) float64 {
	d := float64(cfg.Factors)
	vectors := 8 * d * (float64(users) + float64(items)) // of the last epoch and this one
	cells := 16 * float64(interactions)
	axes := 8 * (gramBlocks + 6) * d * d
	worker := 4*d*d + 4*pieceRows*d + gatherBytes
	return vectors + cells + axes + worker*float64(cfg.Workers)
}
