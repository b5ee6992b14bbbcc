//go:build !purego

package simd

import "testing"

// WithoutVNNI runs the rest of the test as on a processor with AVX-512 that lacks VNNI.
func WithoutVNNI(tb testing.TB) {
	old := vnni
	vnni = false
	tb.Cleanup(func() { vnni = old })
}
