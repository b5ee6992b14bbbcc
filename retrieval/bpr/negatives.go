package bpr

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
)

// mostPerItem is how many entries a list to draw from has for each item, in the mean.
const mostPerItem = 32

// repeats returns how often each item stands in the lists that negatives are drawn from: in
// proportion to the number of its users to the power, rounded, and once at least.
func repeats(byUser *retrieval.CSR, power float64) []uint16 {
	users := make([]int64, byUser.Cols)
	for _, i := range byUser.Index {
		users[i]++
	}
	all := make([]float64, len(users))
	total := 0.0
	for i, n := range users {
		all[i] = 1
		if power > 0 {
			all[i] = fmath.Pow(float64(max(n, 1)), power)
		}
		total += all[i]
	}
	scale := min(1, float64(mostPerItem*len(users))/total)
	times := make([]uint16, len(users))
	for i, x := range all {
		times[i] = uint16(min(max(math.Round(x*scale), 1), math.MaxUint16))
	}
	return times
}

// repeated appends item i to a list to draw from.
func repeated(list []int32, repeats []uint16, i int32) []int32 {
	for range repeats[i] {
		list = append(list, i)
	}
	return list
}
