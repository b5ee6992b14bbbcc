//go:build !linux

package hnsw

// alloc returns zeros.
func alloc[T float32 | uint8 | uint32](n int) []T { return make([]T, n) }
