package nn

// GELUSlope computes y = GELU(x) and its derivative, Φ(x) + x φ(x), in half of the time of
// [GELU] and [GELUBackward]. All have one length; y may be x, slope may not.
func GELUSlope(y, slope, x []float32) {
	const density = 0.3989422804014327 // 1/sqrt(2π)
	var p, e [gelus]float32
	for len(x) > 0 {
		n := min(len(x), gelus)
		normal(p[:n], e[:n], x[:n])
		for i, v := range x[:n] {
			slope[i] = p[i] + float32(v*float32(density*e[i]))
			y[i] = v * p[i]
		}
		x, y, slope = x[n:], y[n:], slope[n:]
	}
}
