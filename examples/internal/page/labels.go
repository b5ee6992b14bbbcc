package page

import (
	"math"
	"math/rand/v2"
	"slices"
)

// spot is a point, with a label or without.
type spot struct {
	x, y, r float64
	text    string
}

// label is a place for the label of a spot.
type label struct {
	box
	x, y  float64
	class string  // alignment
	cost  float64 // of what lies below it
	text  string
	full  string // the whole text when it was cut
}

// labeller finds places for labels around points, so that no label lies on another and,
// where there is a choice, none on a point or a line.
type labeller struct {
	bounds box
	size   float64 // of the text
	width  float64 // most of a label
	points []spot
	lines  [][4]float64
}

// places is where a label may stand about its point, best first: the label's left end in
// label widths, above (-1), beside (0) or below (1), and its alignment.
var places = [...]struct {
	left  float64
	side  int
	class string
}{
	{0, 0, "start"},
	{-1, 0, "end"},
	{-.5, -1, "mid"},
	{-.5, 1, "mid"},
	{0, -1, "start"},
	{0, 1, "start"},
	{-1, -1, "end"},
	{-1, 1, "end"},
	{-.25, -1, "mid"},
	{-.25, 1, "mid"},
	{-.75, -1, "mid"},
	{-.75, 1, "mid"},
}

// place returns labels for spots, at most one each; those that find no place are left out.
//
// Labels with few choices take their best free place first. Then single labels move at
// random, also to the worse by less than a threshold that falls to zero, and the best
// arrangement of all counts.
//
// Source: Christensen, Marks and Shieber, An Empirical Study of Algorithms for
// Point-Feature Label Placement, 1995, for the cost; Dueck and Scheuer, Threshold
// Accepting, 1990, for the search.
func (l *labeller) place(spots []spot) []label {
	a := arrangement{choices: make([][]label, len(spots)), taken: make([]*label, len(spots))}
	order := make([]int, len(spots))
	for i, s := range spots {
		a.choices[i], order[i] = l.choices(s), i
	}
	slices.SortStableFunc(order, func(i, j int) int { return len(a.choices[i]) - len(a.choices[j]) })
	for _, i := range order {
		for k := range a.choices[i] {
			if c := &a.choices[i][k]; a.costOf(i, c) < overlap {
				a.taken[i] = c
				break
			}
		}
	}
	a.search()
	var placed []label
	for i, t := range a.taken {
		if t != nil && a.costOf(i, t) < overlap {
			placed = append(placed, *t)
		} else {
			a.taken[i] = nil
		}
	}
	return placed
}

// Costs of a label.
const (
	overPoint = 10  // on a point
	overLine  = 3   // on a line
	lost      = 30  // so bad that it is no choice
	missing   = 60  // not shown
	overlap   = 100 // on another label
)

// arrangement is which place each label has taken; nil for none.
type arrangement struct {
	choices [][]label
	taken   []*label
}

// costOf returns what label i costs at c, with the others where they are.
func (a *arrangement) costOf(i int, c *label) float64 {
	if c == nil {
		return missing
	}
	cost := c.cost
	for j, t := range a.taken {
		if t != nil && j != i && c.overlaps(t.box) {
			cost += overlap
		}
	}
	return cost
}

// search moves labels about and leaves them in the best arrangement that it met.
func (a *arrangement) search() {
	const rounds = 400
	n := len(a.taken)
	best := slices.Clone(a.taken)
	now, least := 0.0, 0.0                     // against the beginning
	random := rand.New(rand.NewPCG(1, 1)).IntN // the same labels every time
	for round := range rounds {
		threshold := float64(lost) * float64(rounds-round-1) / rounds
		for range n {
			i := random(n)
			k := random(len(a.choices[i]) + 1)
			var c *label
			if k < len(a.choices[i]) {
				c = &a.choices[i][k]
			}
			change := a.costOf(i, c) - a.costOf(i, a.taken[i])
			if change > threshold {
				continue
			}
			a.taken[i] = c
			if now += change; now < least-1e-9 {
				least = now
				copy(best, a.taken)
			}
		}
	}
	copy(a.taken, best)
}

// choices returns the places that the label of s may have, best first.
func (l *labeller) choices(s spot) []label {
	text, cut := fit(s.text, l.width, l.size)
	w, h, d := textWidth(text, l.size), l.size, s.r+4
	var all []label
	for i, o := range places {
		c := label{x: s.x, y: s.y + float64(h*.36), class: o.class, text: text}
		if cut {
			c.full = s.text
		}
		middle := 0.0
		if o.class == "mid" {
			middle = float64((o.left + .5) * w)
		}
		switch {
		case o.side < 0:
			c.y = s.y - d
			c.x += middle
		case o.side > 0:
			c.y = s.y + d + float64(h*.72)
			c.x += middle
		case o.left < 0:
			c.x -= d
		default:
			c.x += d
		}
		left := c.x - middle + float64(o.left*w)
		c.box = box{left - 2, c.y - float64(h*.85), left + w + 2, c.y + float64(h*.25)}
		c.cost = l.cost(c.box, s) + float64(i)*.1
		if c.cost < lost {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b label) int {
		switch {
		case a.cost < b.cost:
			return -1
		case a.cost > b.cost:
			return 1
		}
		return 0
	})
	return all
}

// cost is how bad a label of s in b is: infinite outside the bounds.
func (l *labeller) cost(b box, s spot) float64 {
	if b.left < l.bounds.left || b.right > l.bounds.right || b.top < l.bounds.top || b.bottom > l.bounds.bottom {
		return math.Inf(1)
	}
	cost := 0.0
	for _, p := range l.points {
		if (p.x != s.x || p.y != s.y) && b.overlaps(box{p.x - p.r, p.y - p.r, p.x + p.r, p.y + p.r}) {
			cost += overPoint
		}
	}
	for _, e := range l.lines {
		if b.crosses(e[0], e[1], e[2], e[3]) {
			cost += overLine
		}
	}
	return cost
}
