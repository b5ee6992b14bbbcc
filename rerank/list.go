package rerank

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys"
)

// selector takes items one by one. They are numbered: item i stands in row rows[i] of the list that it serves.
type selector interface {
	// best returns the item to take next among those whose row is open, -1 if there is none.
	best(open recsys.Bits) int
	// pick takes item i.
	pick(i int)
}

// chooser fills a list place by place.
type chooser interface {
	selector
	// add appends an item: that of a row which was not considered before.
	add(row int32, utility float32)
}

// list is the memory of a re-ranker that fills the top of a list place by place.
type list struct {
	rows   []int32     // the rows considered, in the order they had, then those added
	open   recsys.Bits // rows considered and not chosen
	chosen []int32
	taken  recsys.Bits
	ladder []float32
}

// read takes the rows to consider: the first depth that have a score.
func (l *list) read(c *recsys.Candidates, order []int32, depth int) {
	l.rows, l.chosen = l.rows[:0], l.chosen[:0]
	l.open, l.taken = emptyBits(l.open, c.Len()), emptyBits(l.taken, c.Len())
	utility := c.Utility()
	for _, row := range order[:min(depth, len(order))] {
		if utility[row] > float32(math.Inf(-1)) {
			l.rows = append(l.rows, row)
			l.open.Set(int(row))
		}
	}
}

// fill chooses the rows of the top: K places under constraints, then those beyond. A top of 0 is K.
func (l *list) fill(x chooser, q *recsys.Query, c *recsys.Candidates, order []int32, top int) error {
	if top == 0 {
		top = q.K
	}
	s := c.Slate(q.K, order)
	for len(l.chosen) < top && s.Next() {
		i := x.best(s.Admissible())
		if i < 0 { // none of the rows considered may come, or the chooser has no opinion
			i = l.item(x, s.Best(), c.Utility())
		}
		s.Pick(l.rows[i], 1)
		l.take(x, i)
	}
	if err := s.Err(); err != nil {
		return err
	}
	if len(l.chosen) < q.K { // a dead end: what follows stays as it was
		return nil
	}
	for len(l.chosen) < top {
		i := x.best(l.open)
		if i < 0 {
			break
		}
		l.take(x, i)
	}
	return nil
}

// item returns the item of a row, which it adds if the row was not considered.
func (l *list) item(x chooser, row int32, utility []float32) int {
	if i := slices.Index(l.rows, row); i >= 0 {
		return i
	}
	l.rows = append(l.rows, row)
	x.add(row, utility[row])
	return len(l.rows) - 1
}

func (l *list) take(x chooser, i int) {
	row := l.rows[i]
	x.pick(i)
	l.chosen = append(l.chosen, row)
	l.open.Clear(int(row))
	l.taken.Set(int(row))
}

// write puts the chosen rows first and deals the utilities out again: the row at place i gets
// what the row at place i had.
func (l *list) write(c *recsys.Candidates, order []int32) {
	same := true
	for i, row := range l.chosen {
		same = same && order[i] == row
	}
	if same {
		return
	}
	utility := c.Utility()
	l.ladder = l.ladder[:0]
	step := float32(math.Inf(1))
	for _, row := range order {
		if u := utility[row]; u != u {
			step = float32(math.Inf(-1))
		} else {
			step = min(step, u) // a list that was not sorted is levelled
		}
		l.ladder = append(l.ladder, step)
	}
	at := len(order)
	for i := len(order) - 1; i >= 0; i-- { // from below, since chosen rows move up
		if row := order[i]; !l.taken.Has(int(row)) {
			at--
			order[at] = row
		}
	}
	copy(order, l.chosen)
	for i, row := range order {
		utility[row] = l.ladder[i]
	}
}

// emptyBits returns an empty set for n rows, in b's memory where it is large enough.
func emptyBits(b recsys.Bits, n int) recsys.Bits {
	words := (n + 63) / 64
	if cap(b) < words {
		return make(recsys.Bits, words, words+words/4)
	}
	b = b[:words]
	clear(b)
	return b
}

// scale brings utilities to the scale of similarities.
type scale struct {
	lo, hi float64 // range of utility that is mapped to [0, 1]
	unit   bool    // whether it is
}

// newScale finds the range of the utilities of rows.
func newScale(r Relevance, rows []int32, utility []float32) scale {
	s := scale{math.Inf(1), math.Inf(-1), r == MinMax}
	for _, row := range rows {
		if u := float64(utility[row]); !math.IsInf(u, 0) {
			s.lo, s.hi = min(s.lo, u), max(s.hi, u)
		}
	}
	return s
}

// of returns the relevance of a utility. An infinite utility, and a NaN, counts as the best or the worst of the others.
func (s scale) of(u float32) float64 {
	if u != u {
		u = float32(math.Inf(-1))
	}
	x := min(max(float64(u), s.lo), s.hi) // lo > hi if no utility is finite: all are equal then
	switch {
	case !s.unit && s.lo <= s.hi:
		return x
	case s.lo < s.hi:
		return (x - s.lo) / (s.hi - s.lo)
	}
	return 0
}

// top returns the largest relevance that there is, and span how far it is from the smallest.
func (s scale) top() float64 {
	switch {
	case !(s.lo <= s.hi), s.unit && s.lo == s.hi:
		return 0
	case s.unit:
		return 1
	}
	return s.hi
}

func (s scale) span() float64 {
	switch {
	case !(s.lo < s.hi):
		return 0
	case s.unit:
		return 1
	}
	return s.hi - s.lo
}

// resize returns a slice of n elements, in s's memory where it is large enough. Their values are anything.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
