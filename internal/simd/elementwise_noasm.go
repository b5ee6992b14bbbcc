//go:build purego || !amd64

package simd

func axpy(alpha float32, x, y []float32)           { axpyGeneric(alpha, x, y) }
func scale(alpha float32, x []float32)             { scaleGeneric(alpha, x) }
func sum(x []float32) float32                      { return sumGeneric(x) }
func adamStep(w, g, m, v []float32, c *[8]float32) { adamGeneric(w, g, m, v, c) }
func adaGradStep(w, g, s []float32, c *[2]float32) { adaGradGeneric(w, g, s, c) }
