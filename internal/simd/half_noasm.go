//go:build purego || !amd64

package simd

func encodeF16(dst []uint16, x []float32)  { encodeF16Generic(dst, x) }
func decodeF16(dst []float32, x []uint16)  { decodeF16Generic(dst, x) }
func encodeBF16(dst []uint16, x []float32) { encodeBF16Generic(dst, x) }
func decodeBF16(dst []float32, x []uint16) { decodeBF16Generic(dst, x) }

func addLong(acc *accum, a, b []float32) { acc.dot(a, b, true) }
