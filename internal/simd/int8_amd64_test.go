//go:build !purego

package simd_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

func TestInt8WithoutVNNIIsExact(t *testing.T) {
	if !slices.Contains(simd.Available(), simd.AVX512) {
		t.Skip("no AVX-512")
	}
	simd.Use(t, simd.AVX512)
	simd.WithoutVNNI(t)
	r := rand.New(rand.NewPCG(6, 7))
	for d := range 100 {
		checkInt8(t, r, d, d%11, d+d%3)
	}
}
