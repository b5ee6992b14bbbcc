package twotower

import (
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
)

// stream holds the examples of a training: each is an item that a user took, with the rest
// of the user's list, or what is before it there, as the history.
type stream struct {
	start  []int64 // of each user's list
	items  []int32 // the lists one behind the other: rows of the catalogue
	user   []int32 // of each example
	last   int
	before bool
}

// newStream returns the examples of the interactions whose weight is > 0: with before a list
// is the user's history in order, otherwise every item of the user once, in random order.
// rows says where in the catalogue the items of in are.
func newStream(in *retrieval.Interactions, rows []int32, cfg *Config) *stream {
	s := &stream{start: make([]int64, in.NumUsers()+1), last: cfg.Last, before: cfg.Before}
	for u := range in.NumUsers() {
		from := len(s.items)
		if cfg.Before {
			at := from
			s.items = in.AppendItemRows(s.items, u)
			for _, i := range s.items[from:] {
				if w, _ := in.ByUser().At(u, int(i)); w > 0 {
					s.items[at] = rows[i]
					at++
				}
			}
			s.items = s.items[:at]
		} else {
			items, weights := in.ByUser().Row(u)
			for k, i := range items {
				if weights[k] > 0 {
					s.items = append(s.items, rows[i])
				}
			}
			list := s.items[from:]
			rng := rand.New(rand.NewPCG(cfg.Seed, hash.Combine(listSeed, uint64(in.Users()[u]))))
			rng.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
		}
		for range s.items[from:] {
			s.user = append(s.user, int32(u))
		}
		s.start[u+1] = int64(len(s.items))
	}
	return s
}

// What streams of random numbers are drawn for.
const (
	listSeed = iota + 1
	orderSeed
	stepSeed
	weightSeed
)

// counts returns how many examples have each of n items.
func (s *stream) counts(n int) []int32 {
	counts := make([]int32, n)
	for _, i := range s.items {
		counts[i]++
	}
	return counts
}

// order fills dst with the examples in the order of an epoch.
func (s *stream) order(dst []int32, seed uint64, epoch int) {
	for i := range dst {
		dst[i] = int32(i)
	}
	rng := rand.New(rand.NewPCG(seed, hash.Combine(orderSeed, uint64(epoch))))
	rng.Shuffle(len(dst), func(a, b int) { dst[a], dst[b] = dst[b], dst[a] })
}

// history appends the items that an example's user tower sees: at most last, those just
// before it, or all others, of which the key chooses when they are too many.
func (s *stream) history(dst []int32, example int32, key uint64) []int32 {
	at := int64(example)
	from, to := s.start[s.user[example]], s.start[s.user[example]+1]
	if s.before {
		return append(dst, s.items[max(from, at-int64(s.last)):at]...)
	}
	if to-from-1 <= int64(s.last) {
		return append(append(dst, s.items[from:at]...), s.items[at+1:to]...)
	}
	// The list is in random order, so that any piece of it is a random part.
	n := to - from - 1
	skip := int64(hash.Combine(key, uint64(example)) % uint64(n))
	for k := range int64(s.last) {
		i := from + (at-from+1+(skip+k)%n)%(n+1)
		dst = append(dst, s.items[i])
	}
	return dst
}
