package simd

import "testing"

var (
	FMA32         = fma32
	ParseTier     = parseTier
	RowsPerCall   = rowsPerCall
	RowsPerGather = rowsPerGather
)

// CallBytes is how much one call into assembly reads, unless eight rows are more.
const CallBytes = callBytes

// Use runs the rest of the test on tier t.
func Use(tb testing.TB, t Tier) {
	old := tier
	tier = t
	tb.Cleanup(func() { tier = old })
}
