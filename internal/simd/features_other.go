//go:build !(amd64 || arm64)

package simd

// Features returns the names of the processor's extensions that matter to kernels: none
// are known here.
func Features() []string { return nil }
