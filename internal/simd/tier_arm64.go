//go:build !purego

package simd

// detect returns the tiers with assembly, the best one first. Advanced SIMD is part of
// every ARMv8-A processor that Go runs on.
func detect() []Tier { return []Tier{NEON} }
