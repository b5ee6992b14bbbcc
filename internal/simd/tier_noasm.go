//go:build purego || !(amd64 || arm64)

package simd

// detect returns the tiers with assembly: none.
func detect() []Tier { return nil }
