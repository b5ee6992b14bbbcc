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
	var acc [16]float32
	for len(x) >= 16 {
		for j, v := range (*[16]float32)(x) {
			acc[j] += v
		}
		x = x[16:]
	}
	for j, v := range x {
		acc[j] += v
	}
	return foldSum(&acc)
}

// foldSum adds the partial sums in halves.
func foldSum(acc *[16]float32) float32 {
	for w := 8; w > 0; w /= 2 {
		for j := range w {
			acc[j] += acc[j+w]
		}
	}
	return acc[0]
}
