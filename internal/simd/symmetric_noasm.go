//go:build purego || !amd64

package simd

func quadForm(m, v, x []float64, nb int) (dot, s float64)   { return quadFormGeneric(m, v, x, nb) }
func symv(y, m, x []float64, nb int)                        { symvGeneric(y, m, x, nb) }
func rank1(m []float64, alpha float64, x []float64, nb int) { rank1Generic(m, alpha, x, nb) }
func dot64(x, y []float64) float64                          { return dot64Generic(x, y) }
func axpy64(alpha float64, x, y []float64)                  { axpy64Generic(alpha, x, y) }
