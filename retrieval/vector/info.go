package vector

import (
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
)

// Platform says what the kernels run on.
type Platform struct {
	// Tier is the instruction set in use: "avx512", "avx2", "neon" or "purego". It is the
	// best one that the processor has, or what the environment variable RECSYS_SIMD named
	// when the program started. Results do not depend on it.
	Tier string
	// Tiers are those that could be in use, the fastest first.
	Tiers []string
	// Features are the extensions of the processor that matter to kernels, in
	// alphabetical order: "avx2", "avx512vnni", …; none where they are not known.
	Features []string
}

// Info returns what the kernels run on.
func Info() Platform {
	p := Platform{Tier: simd.Active().String(), Features: slices.Sorted(slices.Values(simd.Features()))}
	for _, t := range simd.Available() {
		p.Tiers = append(p.Tiers, t.String())
	}
	return p
}
