package simd

import "math"

func weightedRowsGeneric[F float32 | float64](sums, products []float64, weights, values []F, d int) (least float64) {
	for i := range sums {
		w, v := weights[i*d:(i+1)*d], values[i*d:(i+1)*d]
		v = v[:len(w)]
		var s, p [4]float64
		for j, x := range w {
			x := float64(x)
			s[j%4] += x
			p[j%4] += float64(x * float64(v[j]))
			if x < least {
				least = x
			}
		}
		sums[i], products[i] = (s[0]+s[1])+(s[2]+s[3]), (p[0]+p[1])+(p[2]+p[3])
	}
	return least
}

func pickGeneric[F float32 | float64](dst []float64, table []F, column []int32, d int) int {
	at := 0
	for i, c := range column[:len(dst)] {
		if uint(c) >= uint(d) {
			return i
		}
		dst[i] = float64(table[at+int(c)])
		at += d
	}
	return len(dst)
}

func importanceGeneric[F float32 | float64](weights, rewards, target []float64, propensity, reward []F) (good, one bool) {
	good = true
	for i := range weights {
		t, p, r := target[i], float64(propensity[i]), float64(reward[i])
		w := t / p
		// w is NaN for NaN in t or p and for 0/0, r-r for a reward that is not finite.
		if !(p > 0 && p <= 1 && t >= 0 && t <= 1 && w <= math.MaxFloat64 && r-r == 0) {
			good = false
		}
		one = one || p == 1
		weights[i], rewards[i] = w, r
	}
	return good, one
}

func sum64Generic(acc *[8]float64, x []float64) {
	for len(x) >= 8 {
		for j, v := range (*[8]float64)(x) {
			acc[j] += v
		}
		x = x[8:]
	}
}

func spread64Generic(acc *[24]float64, x []float64, mean float64) {
	for len(x) >= 8 {
		for j, v := range (*[8]float64)(x) {
			d := v - mean
			acc[j] += float64(d * d)
			if v < acc[8+j] {
				acc[8+j] = v
			}
			if v > acc[16+j] {
				acc[16+j] = v
			}
		}
		x = x[8:]
	}
}
