package simd

func axpyGeneric(alpha float32, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += float32(alpha * v)
	}
}

func scaleGeneric(alpha float32, x []float32) {
	for i := range x {
		x[i] *= alpha
	}
}

func sumGeneric(x []float32) float32 {
	var acc accum
	for len(x) >= lanes {
		for j, v := range (*[lanes]float32)(x) {
			acc[j] += v
		}
		x = x[lanes:]
	}
	for j, v := range x {
		acc[j] += v
	}
	return acc.sum()
}
