//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// vnni says whether the AVX-512 tier multiplies bytes with VPDPBUSD. Without it
// (Skylake-X) int8 takes the AVX2 kernels, whose results are the same.
var vnni = cpu.X86.HasAVX512VNNI

// detect returns the tiers with assembly, the best one first.
func detect() []Tier {
	x := &cpu.X86
	var have []Tier
	avx2 := x.HasAVX2 && x.HasFMA && x.HasBMI1 && x.HasBMI2 && x.HasPOPCNT
	if avx2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		have = append(have, AVX512)
	}
	if avx2 {
		have = append(have, AVX2)
	}
	return have
}
