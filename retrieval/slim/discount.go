package slim

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
)

// discounted returns the interactions by user and by item, those of a user divided by the number
// of the user's items to a power. They are scaled so that the sum of their squares stays what it
// was: the penalties keep their unit.
func discounted(in *retrieval.Interactions, power float64) (byUser, byItem *retrieval.CSR) {
	byUser, byItem = in.ByUser(), in.ByItem()
	if power <= 0 {
		return byUser, byItem
	}
	factors := make([]float64, byUser.Rows())
	before, after := 0.0, 0.0
	for u := range factors {
		_, weights := byUser.Row(u)
		n, squares := 0, 0.0
		for _, w := range weights {
			if w > 0 {
				n++
				squares += float64(float64(w) * float64(w))
			}
		}
		factors[u] = fmath.Pow(float64(max(n, 1)), -power)
		before += squares
		after += float64(squares * float64(factors[u]*factors[u]))
	}
	scale := 1.0
	if after > 0 {
		scale = math.Sqrt(before / after)
	}
	a, b := *byUser, *byItem
	a.Weight, b.Weight = make([]float32, len(a.Weight)), make([]float32, len(b.Weight))
	for u := range a.Rows() {
		factors[u] *= scale
		_, from := byUser.Row(u)
		_, to := a.Row(u)
		for k, w := range from {
			to[k] = float32(float64(w) * factors[u])
		}
	}
	for i := range b.Rows() {
		users, from := byItem.Row(i)
		_, to := b.Row(i)
		for k, w := range from {
			to[k] = float32(float64(w) * factors[users[k]])
		}
	}
	return &a, &b
}
