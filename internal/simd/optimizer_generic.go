package simd

import "math"

// The root of a float32, computed in float64 and rounded again, is the correctly rounded
// one: 53 digits are more than 2·24 + 2. (Figueroa, "When is double rounding innocuous?",
// SIGNUM Newsletter 30(3), 1995.)
func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func adamGeneric(w, g, m, v []float32, c *[8]float32) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i, x := range g {
		m[i] = float32(c[0]*m[i]) + float32(c[1]*x)
		v[i] = float32(c[2]*v[i]) + float32(c[3]*float32(x*x))
		root := float32(sqrt32(v[i])*c[4]) + c[5]
		w[i] = float32(c[7]*w[i]) - float32(c[6]*m[i])/root
	}
}

func adaGradGeneric(w, g, s []float32, c *[2]float32) {
	g, s = g[:len(w)], s[:len(w)]
	for i, x := range g {
		s[i] += float32(x * x)
		w[i] -= float32(c[0]*x) / (sqrt32(s[i]) + c[1])
	}
}
