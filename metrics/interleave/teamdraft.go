package interleave

import (
	"fmt"
	"math/rand/v2"
)

// Team is one of the two rankings.
type Team uint8

// The two rankings.
const (
	A Team = iota
	B
)

// String returns "A" or "B".
func (t Team) String() string {
	if t == A {
		return "A"
	}
	return "B"
}

// Draft is a list that two teams have put together.
type Draft[T comparable] struct {
	List  []T
	Teams []Team // whose pick each item of List is
	// Shared is how many items at the top both rankings have at the same places. Whose picks they are is chance alone.
	Shared int
}

// TeamDraft returns a list of the two rankings, made as captains choose teams: in each round a coin says who goes first, and
// each ranking picks its best item that is not in the list yet. If a ranking has no item left, the other goes on alone. The list
// is as long as k and the rankings allow; k <= 0 means all items.
//
// The coins are a function of seed, of which every value is one: seed each impression with a hash of its request. It
// costs O(k) expected time and memory; a and b are not kept.
//
// Source: Radlinski, Kurup, Joachims, CIKM 2008, algorithm 2.
func TeamDraft[T comparable](a, b []T, k int, seed uint64) Draft[T] {
	rng := rand.New(rand.NewPCG(seed, 0x7465616d))
	d, _ := teamDraft(a, b, k, func() (Team, error) { return Team(rng.Uint64() >> 63), nil })
	return d
}

// TeamDraftBits is [TeamDraft] with given coins: bits[r] says who goes first in the round r, 0 for A and else B. A
// round begins whenever both teams have as many items. If there are more rounds than bits, the error is a [*CoinError];
// (n+1)/2 bits always suffice for a list of n items.
func TeamDraftBits[T comparable](a, b []T, k int, bits []byte) (Draft[T], error) {
	next := 0
	return teamDraft(a, b, k, func() (Team, error) {
		if next == len(bits) {
			return A, &CoinError{len(bits)}
		}
		next++
		return Team(min(bits[next-1], 1)), nil
	})
}

// CoinError says that a draft had more rounds than coins.
type CoinError struct {
	Coins int
}

// Error returns "interleave: the draft takes more than 3 coins".
func (e *CoinError) Error() string {
	return fmt.Sprintf("interleave: the draft takes more than %d coins", e.Coins)
}

func teamDraft[T comparable](a, b []T, k int, toss func() (Team, error)) (Draft[T], error) {
	var d Draft[T]
	if k <= 0 {
		k = len(a) + len(b)
	}
	left, size, taken := [2][]T{a, b}, [2]int{}, map[T]bool{}
	for len(d.List) < k {
		for t := range left { // to the best item that is not taken
			for len(left[t]) > 0 && taken[left[t][0]] {
				left[t] = left[t][1:]
			}
		}
		if len(left[A]) == 0 && len(left[B]) == 0 {
			break
		}
		turn := A
		switch {
		case size[A] > size[B]:
			turn = B
		case size[A] == size[B]:
			var err error
			if turn, err = toss(); err != nil {
				return Draft[T]{}, err
			}
		}
		if len(left[turn]) == 0 {
			turn = 1 - turn
		}
		item := left[turn][0]
		taken[item] = true
		size[turn]++
		d.List, d.Teams = append(d.List, item), append(d.Teams, turn)
	}
	for d.Shared < min(len(a), len(b), len(d.List)) && a[d.Shared] == b[d.Shared] && a[d.Shared] == d.List[d.Shared] {
		d.Shared++
	}
	return d, nil
}

// Decisive returns clicks without those on the shared top, on which neither ranking is better. For [TeamCredit], they are
// noise without bias: leaving them out takes fewer impressions for the same certainty.
//
// Source: Chapelle, Joachims, Radlinski, Yue, TOIS 2012 (identical top results).
func (d Draft[T]) Decisive(clicks []float64) []float64 {
	out := append([]float64(nil), clicks...)
	clear(out[:min(d.Shared, len(out))])
	return out
}
