package rerank

import (
	"fmt"
	"math"
)

// Apportionment is how places are dealt out by shares.
type Apportionment uint8

const (
	// LargestRemainder gives each group the whole part of its share of the places, and the places left to
	// the groups with the largest remainders (Hamilton, Hare quota). No group is a whole place off its share.
	LargestRemainder Apportionment = iota
	// DHondt gives place after place to the group with the largest share per place held and one more (D'Hondt, Jefferson). More
	// places never take one from a group; large groups gain.
	DHondt
)

// String returns "largest-remainder" or "dhondt".
func (m Apportionment) String() string {
	switch m {
	case LargestRemainder:
		return "largest-remainder"
	case DHondt:
		return "dhondt"
	}
	return fmt.Sprintf("Apportionment(%d)", uint8(m))
}

// Apportion deals places out to groups by their shares and returns how many each gets; they sum to places. Shares are weights >= 0 of
// any sum. Ties go to the first group. It is an error if places < 0, if the method is unknown, or if a share is
// negative or not finite, or none is above 0 (then nothing can be dealt out). It costs O(places·groups) at most.
//
// Source: Balinski and Young, "Fair Representation", 1982.
func Apportion[F float32 | float64](shares []F, places int, method Apportionment) ([]int, error) {
	if places < 0 {
		return nil, fmt.Errorf("rerank: Apportion: places is %d; want >= 0", places)
	}
	if method > DHondt {
		return nil, fmt.Errorf("rerank: Apportion: method is %v; want LargestRemainder or DHondt", method)
	}
	p := make([]float64, len(shares))
	for i, x := range shares {
		if p[i] = float64(x); !(p[i] >= 0) || math.IsInf(p[i], 0) {
			return nil, fmt.Errorf("rerank: Apportion: shares[%d] is %v; want a finite number >= 0", i, x)
		}
	}
	if !normalize(p) {
		return nil, fmt.Errorf("rerank: Apportion: none of %d shares is above 0", len(shares))
	}
	return apportion(make([]int, len(p)), p, places, method), nil
}

// apportion fills seats for shares that sum to 1.
func apportion(seats []int, shares []float64, places int, method Apportionment) []int {
	clear(seats)
	left := places
	if method == LargestRemainder {
		for g, s := range shares {
			seats[g] = int(float64(s*float64(places)) + slack)
			left -= seats[g]
		}
	}
	for ; left > 0; left-- {
		seats[next(seats, shares, places, method)]++
	}
	return seats
}

// next returns the group that gets the next place. By largest remainders no group has more than one of these.
func next(seats []int, shares []float64, places int, method Apportionment) int {
	at, most := 0, math.Inf(-1)
	for g, s := range shares {
		claim := float64(s*float64(places)) - float64(seats[g])
		if method == DHondt {
			claim = s / float64(seats[g]+1)
		}
		if s > 0 && claim > most+float64(slack*math.Abs(claim)) {
			at, most = g, claim
		}
	}
	return at
}

// turns is the state of a list whose places go to groups in turn: each group gets the seats of an apportionment, spread over the list
// so that every prefix is near its shares.
type turns struct {
	shares []float64
	seats  []int // what each group may have; more only when no other group has rows
	held   []int
	places int // filled
}

// reset begins a list of places for shares that sum to 1.
func (t *turns) reset(shares []float64, places int, method Apportionment) {
	t.shares, t.places = shares, 0
	t.seats, t.held = resize(t.seats, len(shares)), resize(t.held, len(shares))
	clear(t.held)
	apportion(t.seats, shares, places, method)
}

// turn returns the group whose turn it is among those that are ready, -1 if none is: the one that is the furthest behind its share,
// if it has seats left or no group that is ready has.
func (t *turns) turn(ready []bool) int {
	at, most, seated := -1, 0.0, false
	for g, ok := range ready {
		if !ok {
			continue
		}
		has := t.held[g] < t.seats[g]
		due := float64(t.shares[g]*float64(t.places+1)) - float64(t.held[g])
		if at < 0 || has && !seated || has == seated && due > most+slack {
			at, most, seated = g, due, has
		}
	}
	return at
}

// take notes that group g got a place, -1 for none.
func (t *turns) take(g int) {
	t.places++
	if g >= 0 {
		t.held[g]++
	}
}

// SelectInterleaved returns k items so that groups take turns by their shares, each giving its best item left. rel holds the relevance
// of n items, group the group of each, in [0, len(shares)), or -1 for an item of none, which comes when
// all groups are empty; items of groups of share 0 come last. Each group gets the places that [Apportion] gives it of k, spread evenly; where one has
// too few items the others share its places.
//
// Ties of relevance go to the smallest index, those between groups to the first. Fewer than k items give all of them, k <= 0 none.
// Errors are those of Apportion, and a relevance that is not finite, lengths that differ, a group out of range. It costs O(n log n + k·groups).
func SelectInterleaved[F float32 | float64](rel []F, group []int, shares []F, k int, method Apportionment) (order []int32, err error) {
	if len(rel) != len(group) {
		return nil, fmt.Errorf("rerank: SelectInterleaved: rel has %d items and group %d", len(rel), len(group))
	}
	if err := finite("SelectInterleaved", "rel", rel); err != nil {
		return nil, err
	}
	k = max(0, min(k, len(rel)))
	if _, err := Apportion(shares, k, method); err != nil {
		return nil, err
	}
	p := make([]float64, len(shares))
	for i, x := range shares {
		p[i] = float64(x)
	}
	normalize(p)
	queues := make([][]int32, len(shares)+1) // the last one: of no group
	for _, i := range byRelevance(rel) {
		g := group[i]
		if g < -1 || g >= len(shares) {
			return nil, fmt.Errorf("rerank: SelectInterleaved: group[%d] is %d; want -1 to %d", i, g, len(shares)-1)
		}
		if g < 0 {
			g = len(shares)
		}
		queues[g] = append(queues[g], i)
	}
	var t turns
	t.reset(p, k, method)
	ready := make([]bool, len(shares))
	for len(order) < k {
		for g := range ready {
			ready[g] = len(queues[g]) > 0 && p[g] > 0
		}
		g := t.turn(ready)
		t.take(g)
		if g < 0 {
			for g = len(shares); len(queues[g]) == 0; g-- { // none, and then those of share 0
				continue
			}
		}
		order, queues[g] = append(order, queues[g][0]), queues[g][1:]
	}
	return order, nil
}
