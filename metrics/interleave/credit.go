package interleave

import (
	"cmp"
	"fmt"
	"math"
)

// Credit is what the clicks on one list gave each ranking, both finite and >= 0. With several clicks there are three ways to
// tell by it who is preferred, and by how much: [Credit.Preference], [Credit.Share] and [Credit.Difference].
//
// Source: Chapelle, Joachims, Radlinski, Yue, TOIS 2012, on scoring.
type Credit struct{ A, B float64 }

// Preference returns +1 if B has more, -1 if A has, 0 for a tie: one vote for each list, however many clicks.
func (c Credit) Preference() int { return cmp.Compare(c.B, c.A) }

// Share returns (B - A) / (A + B), in [-1, 1], or 0 without clicks: a list counts for one, and a close result less.
func (c Credit) Share() float64 {
	if c.A+c.B == 0 {
		return 0
	}
	return (c.B - c.A) / (c.A + c.B)
}

// Difference returns B - A: each click counts for one, so that whoever clicks much counts much.
func (c Credit) Difference() float64 { return c.B - c.A }

// ClickError says what is wrong with clicks.
type ClickError struct {
	Place  int // from 0; -1: it is about all of them
	Reason string
}

// Error returns "interleave: clicks: place 2: -1; want a finite number >= 0".
func (e *ClickError) Error() string {
	if e.Place < 0 {
		return "interleave: clicks: " + e.Reason
	}
	return fmt.Sprintf("interleave: clicks: place %d: %s", e.Place, e.Reason)
}

func checkClicks(clicks []float64, places int) error {
	if len(clicks) != places {
		return &ClickError{-1, fmt.Sprintf("there are %d for %d places", len(clicks), places)}
	}
	for i, n := range clicks {
		if !(n >= 0) || math.IsInf(n, 0) {
			return &ClickError{i, fmt.Sprintf("%v; want a finite number >= 0", n)}
		}
	}
	return nil
}

// TeamCredit returns the clicks on the items of each team. teams is [Draft].Teams, and clicks belongs to [Draft].List; a weight of
// a click, such as seconds or a price, serves as well. To count an item once, give it 1 however often it was clicked. The
// error is a [*ClickError].
//
// Source: Radlinski, Kurup, Joachims, CIKM 2008.
func TeamCredit(teams []Team, clicks []float64) (Credit, error) {
	if err := checkClicks(clicks, len(teams)); err != nil {
		return Credit{}, err
	}
	var c Credit
	for i, n := range clicks {
		if teams[i] == A {
			c.A += n
		} else {
			c.B += n
		}
	}
	return c, nil
}
