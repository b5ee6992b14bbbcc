//go:build purego || !amd64

package simd

func quadForm(m, x []float64, nb int) float64               { return quadFormGeneric(m, x, nb) }
func symv(y, m, x []float64, nb int)                        { symvGeneric(y, m, x, nb) }
func rank1(m []float64, alpha float64, x []float64, nb int) { rank1Generic(m, alpha, x, nb) }
func dot64(acc *[16]float64, x, y []float64)                { dot64Generic(acc, x, y) }
func axpy64(alpha float64, x, y []float64)                  { axpy64Generic(alpha, x, y) }
