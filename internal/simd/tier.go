package simd

import (
	"fmt"
	"os"
)

// Tier is a set of instructions that the kernels are written for.
type Tier uint8

// The tiers, the slower ones first.
const (
	// PureGo is Go alone: the reference that every other tier equals to the bit.
	PureGo Tier = iota
	// NEON is arm64's Advanced SIMD, which every arm64 processor has.
	NEON
	// AVX2 is amd64 with AVX2, FMA, BMI1 and BMI2 (x86-64-v3: Haswell, Zen and later).
	AVX2
	// AVX512 is amd64 with AVX-512 F, BW, DQ and VL (x86-64-v4: Skylake-X, Zen 4 and later).
	AVX512
)

var tierNames = [...]string{PureGo: "purego", NEON: "neon", AVX2: "avx2", AVX512: "avx512"}

// String returns the name of t as RECSYS_SIMD takes it: "purego", "neon", "avx2" or "avx512".
func (t Tier) String() string {
	if int(t) < len(tierNames) {
		return tierNames[t]
	}
	return fmt.Sprintf("Tier(%d)", uint8(t))
}

// EnvVar names the environment variable that overrides the choice of a tier.
const EnvVar = "RECSYS_SIMD"

// tier is the one in use. It is written once, when the package is initialized, and
// by tests. Kernels switch on it: the branch is predicted and, unlike a call through
// a function variable, does not make the caller's slices escape to the heap.
var tier = choose()

// Active returns the tier in use: the best that the processor has, or the one that
// the environment variable RECSYS_SIMD names, if the processor has it. Built with the
// tag purego there is only [PureGo].
func Active() Tier { return tier }

// Available returns the tiers that this build has on this processor, the best one first.
func Available() []Tier { return append(detect(), PureGo) }

// choose returns the tier to use, and warns on standard error about a name that it
// cannot follow: a program must not fail for it, but replays that rest on a tier must not
// go astray in silence either.
func choose() Tier {
	have := Available()
	t, err := parseTier(os.Getenv(EnvVar), have)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return t
}

// parseTier returns the tier called name, or the first one of have, and why, if name is
// unknown or not among them. An empty name asks for the first one.
func parseTier(name string, have []Tier) (Tier, error) {
	if name == "" {
		return have[0], nil
	}
	for _, t := range have {
		if t.String() == name {
			return t, nil
		}
	}
	for _, n := range tierNames {
		if n == name {
			return have[0], fmt.Errorf("simd: %s is %q, which this build or processor does not have; using %s", EnvVar, name, have[0])
		}
	}
	return have[0], fmt.Errorf("simd: %s is %q; want purego, neon, avx2 or avx512; using %s", EnvVar, name, have[0])
}
