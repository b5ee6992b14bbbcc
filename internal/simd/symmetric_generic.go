package simd

import "math"

func quadFormGeneric(m, v, x []float64, nb int) (dot, s float64) {
	var total [2][8]float64
	var product [8]float64
	for i, a := range x {
		product[i&7] = math.FMA(a, v[i], product[i&7])
	}
	for b := range nb {
		xb := (*[8]float64)(x[8*b:])
		var acc [8][8]float64
		tile := func(c int) {
			t, xc := (*[64]float64)(m), (*[8]float64)(x[8*c:])
			for r := range 8 {
				for j := range 8 {
					acc[r][j] = math.FMA(t[8*r+j], xc[j], acc[r][j])
				}
			}
			m = m[64:]
		}
		for c := range b {
			tile(c)
		}
		for r := range 8 {
			for j := range 8 {
				acc[r][j] += acc[r][j]
			}
		}
		tile(b)
		for r := range 8 {
			for j := range 8 {
				total[r&1][j] = math.FMA(acc[r][j], xb[r], total[r&1][j])
			}
		}
	}
	for j := range 8 {
		total[0][j] += total[1][j]
	}
	return foldSum8(&product), foldSum8(&total[0])
}

// foldSum8 adds in halves.
func foldSum8(a *[8]float64) float64 {
	return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]))
}

func symvGeneric(y, m, x []float64, nb int) {
	for b := range nb {
		xb := (*[8]float64)(x[8*b:])
		var acc [8][8]float64
		for c := range b + 1 {
			t, xc, yc := (*[64]float64)(m), (*[8]float64)(x[8*c:]), (*[8]float64)(y[8*c:])
			for r := range 8 {
				for j := range 8 {
					acc[r][j] = math.FMA(t[8*r+j], xc[j], acc[r][j])
				}
			}
			if c < b {
				for r := range 8 {
					for j := range 8 {
						yc[j] = math.FMA(t[8*r+j], xb[r], yc[j])
					}
				}
			}
			m = m[64:]
		}
		for r := range 8 {
			y[8*b+r] = foldSum8(&acc[r])
		}
	}
}

func rank1Generic(m []float64, alpha float64, x []float64, nb int) {
	for b := range nb {
		for c := range b + 1 {
			t, xc := (*[64]float64)(m), (*[8]float64)(x[8*c:])
			for r := range 8 {
				a := float64(alpha * x[8*b+r])
				for j := range 8 {
					t[8*r+j] = math.FMA(a, xc[j], t[8*r+j])
				}
			}
			m = m[64:]
		}
	}
}

func dot64Generic(x, y []float64) float64 {
	var acc [16]float64
	for i, v := range x {
		acc[i&15] = math.FMA(v, y[i], acc[i&15])
	}
	for j := range 8 {
		acc[j] += acc[j+8]
	}
	return foldSum8((*[8]float64)(acc[:]))
}

func axpy64Generic(alpha float64, x, y []float64) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = math.FMA(alpha, v, y[i])
	}
}
