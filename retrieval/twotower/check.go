package twotower

import (
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// check measures recall on what is held out.
type check struct {
	users  []int32   // of the stream
	seen   [][]int32 // rows of the catalogue that are not ranked, ascending
	past   [][]int32 // the history
	wanted [][]int32 // ascending
}

// How recall is measured.
const (
	checkedUsers = 2000
	checkedItems = 20
)

// newCheck takes users who have something held out, at most checkedUsers, chosen by a hash.
func newCheck(train, held *retrieval.Interactions, rows []int32, cfg *Config) *check {
	var order []uint64
	for u := range held.NumUsers() {
		if items, _ := held.ByUser().Row(u); len(taken(held, u, items)) > 0 {
			order = append(order, hash.Combine(cfg.Seed, uint64(u))>>32<<32|uint64(u))
		}
	}
	slices.Sort(order)
	c := &check{}
	for _, key := range order[:min(len(order), checkedUsers)] {
		u := int(uint32(key))
		seen, _ := train.ByUser().Row(u)
		wanted, _ := held.ByUser().Row(u)
		wanted = taken(held, u, wanted)
		past := taken(train, u, train.AppendItemRows(nil, u))
		c.users = append(c.users, int32(u))
		c.past = append(c.past, in(rows, past[max(0, len(past)-cfg.Last):]))
		c.seen = append(c.seen, in(rows, seen))
		c.wanted = append(c.wanted, in(rows, wanted))
	}
	return c
}

// taken returns those of a user's items whose weight is > 0: examples, and the history of
// examples, have no others.
func taken(in *retrieval.Interactions, u int, items []int32) []int32 {
	var out []int32
	for _, i := range items {
		if w, _ := in.ByUser().At(u, int(i)); w > 0 {
			out = append(out, i)
		}
	}
	return out
}

// in returns rows[i] for each i.
func in(rows, places []int32) []int32 {
	out := make([]int32, len(places))
	for k, i := range places {
		out[k] = rows[i]
	}
	return out
}

// recall returns the mean share of what is held out among the best items, those that the
// user took left out.
func (c *check) recall(t *trainer) float64 {
	if len(c.users) == 0 {
		return 0
	}
	t.net.user.pack(false)
	shares := make([]float64, len(c.users))
	const each = 64
	nn.Each(t.workers, (len(c.users)+each-1)/each, func(i int) {
		var a activations
		var hits []vector.Hit
		var weights []float32
		x := make([]float32, t.cfg.Dim)
		for k := i * each; k < min((i+1)*each, len(c.users)); k++ {
			weights = grow(weights, len(c.past[k]))
			for j := range weights {
				weights[j] = 1
			}
			u := c.users[k]
			values, cats := t.userFeatures.row(t.userRow[u])
			t.net.user.resize(&a, 1, false)
			t.net.userInput(a.in, t.userAt[u], c.past[k], weights, t.userFeatures, values, cats)
			t.net.user.forward(&a, x, !t.cfg.Dot, 0, 0)
			hits = vector.TopK(hits[:0], x, t.vectors, checkedItems+len(c.seen[k]))
			found, ranked := 0, 0
			for _, h := range hits {
				if _, is := slices.BinarySearch(c.seen[k], int32(h.Row)); is && !t.cfg.Before {
					continue
				}
				if ranked++; ranked > checkedItems {
					break
				}
				if _, is := slices.BinarySearch(c.wanted[k], int32(h.Row)); is {
					found++
				}
			}
			shares[k] = float64(found) / float64(len(c.wanted[k]))
		}
	})
	sum := 0.0
	for _, s := range shares {
		sum += s
	}
	return sum / float64(len(shares))
}
