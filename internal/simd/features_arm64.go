package simd

// Features returns the names of the processor's extensions that matter to kernels, whether
// this build uses them or not.
func Features() []string { return []string{"asimd"} }
