package nn

import (
	"github.com/recsyskit/recsys/internal/hash"
)

// Dropout sets each element of x to 0 with probability rate, in [0, 1), and divides the
// others by 1 - rate. What is dropped is a function of key and the element's index, so
// that the same call on the gradient is the way back. The rate is rounded to a multiple
// of 2^-16.
//
// Source: Srivastava et al., JMLR 15 (2014), in the inverted form.
func Dropout(x []float32, rate float64, key uint64) {
	limit := uint64(rate * 65536)
	if limit == 0 {
		return
	}
	keep := 65536 / float32(65536-limit)
	for block := uint64(0); len(x) > 0; block++ {
		bits := hash.Mix64(key + block*0x9e3779b97f4a7c15)
		n := min(len(x), 4)
		for i := range x[:n] {
			if bits&0xffff < limit {
				x[i] = 0
			} else {
				x[i] *= keep
			}
			bits >>= 16
		}
		x = x[n:]
	}
}
