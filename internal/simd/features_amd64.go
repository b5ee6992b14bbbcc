package simd

import "golang.org/x/sys/cpu"

// Features returns the names of the processor's extensions that matter to kernels, whether
// this build uses them or not.
func Features() []string {
	x := &cpu.X86
	var names []string
	for _, f := range []struct {
		has  bool
		name string
	}{
		{x.HasAVX2, "avx2"},
		{x.HasFMA, "fma"},
		{x.HasBMI2, "bmi2"},
		{x.HasAVX512F, "avx512f"},
		{x.HasAVX512BW, "avx512bw"},
		{x.HasAVX512DQ, "avx512dq"},
		{x.HasAVX512VL, "avx512vl"},
		{x.HasAVX512VNNI, "avx512vnni"},
		{x.HasAVX512BF16, "avx512bf16"},
	} {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}
