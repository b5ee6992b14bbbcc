package interleave

import (
	"errors"
	"math/rand/v2"
	"slices"
)

// ErrForeign is returned where a clicked item of a list is in neither ranking.
var ErrForeign = errors.New("interleave: a clicked item is in neither ranking")

// First returns who begins a [Balanced] list: a fair coin of seed, of which every value is one.
func First(seed uint64) Team {
	return Team(rand.New(rand.NewPCG(seed, 0x66697273)).Uint64() >> 63)
}

// Balanced returns the list whose every prefix holds the top m items of the one ranking and the top m or m-1 of the other: the
// two take turns in showing their next item, and one that is in the list already is passed over. The list
// ends at k items, k <= 0 meaning no bound, or when the next item of either ranking has been looked at to its end: from there
// on it would not be balanced.
//
// Source: Joachims, KDD 2002; Radlinski, Kurup, Joachims, CIKM 2008, algorithm 1.
func Balanced[T comparable](a, b []T, k int, first Team) []T {
	if k <= 0 {
		k = len(a) + len(b)
	}
	var list []T
	taken := map[T]bool{}
	for i, j := 0, 0; len(list) < k && i < len(a) && j < len(b); {
		var item T
		if i < j || i == j && first == A {
			item = a[i]
			i++
		} else {
			item = b[j]
			j++
		}
		if !taken[item] {
			taken[item] = true
			list = append(list, item)
		}
	}
	return list
}

// BalancedCredit returns the clicks on the top m items of each ranking, where m is the least number such that the top m items of
// the one or of the other hold the lowest clicked item. An item that both hold counts for both. list is what was shown, and
// clicks belongs to it. The error is a [*ClickError], or [ErrForeign].
//
// Source: Joachims, KDD 2002; Radlinski, Kurup, Joachims, CIKM 2008.
func BalancedCredit[T comparable](list, a, b []T, clicks []float64) (Credit, error) {
	if err := checkClicks(clicks, len(list)); err != nil {
		return Credit{}, err
	}
	lowest := len(clicks) - 1
	for lowest >= 0 && clicks[lowest] == 0 {
		lowest--
	}
	if lowest < 0 {
		return Credit{}, nil
	}
	m := len(a) + len(b)
	for _, ranking := range [][]T{a, b} {
		if at := slices.Index(ranking, list[lowest]); at >= 0 {
			m = min(m, at+1)
		}
	}
	var c Credit
	topA, topB := a[:min(m, len(a))], b[:min(m, len(b))]
	for i, n := range clicks[:lowest+1] {
		if n == 0 {
			continue
		}
		if !slices.Contains(a, list[i]) && !slices.Contains(b, list[i]) {
			return Credit{}, ErrForeign
		}
		if slices.Contains(topA, list[i]) {
			c.A += n
		}
		if slices.Contains(topB, list[i]) {
			c.B += n
		}
	}
	return c, nil
}
