package simd

func ExpGeneric(dst, x []float32)     { expGeneric(dst, x, 0) }
func SigmoidGeneric(dst, x []float32) { sigmoidGeneric(dst, x) }
