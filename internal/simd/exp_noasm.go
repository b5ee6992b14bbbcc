//go:build purego || !amd64

package simd

func exp(dst, x []float32, shift float32) { expGeneric(dst, x, shift) }
func sigmoid(dst, x []float32)            { sigmoidGeneric(dst, x) }
