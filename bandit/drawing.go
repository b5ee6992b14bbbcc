package bandit

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
)

// places walks a slate for explorers without a state: at each place, what may come and its chances.
type places struct {
	rows []int32   // of the table, that may come at the place, in the order of the slate's window
	p    []float64 // parallel to rows
}

// chancer is such an explorer at work on one slate.
type chancer interface {
	// chances writes the probabilities of w.rows, of which there are at least two, into w.p.
	chances(w *places)
	// picked tells which of w.rows was taken.
	picked(w *places, at int)
}

// ready takes up the place that s.Next readied. One row that may come has chance 1.
func (w *places) ready(s *recsys.Slate, x chancer) {
	admissible := s.Admissible()
	w.rows = w.rows[:0]
	for _, row := range s.Order()[:s.Window()] {
		if admissible.Has(int(row)) {
			w.rows = append(w.rows, row)
		}
	}
	if len(w.rows) == 0 { // from below the window
		w.rows = append(w.rows, s.Best())
	}
	w.p = sized(w.p, len(w.rows))
	if len(w.rows) > 1 {
		x.chances(w)
		return
	}
	w.p[0] = 1
}

// explore fills s.
func (w *places) explore(ctx context.Context, q *recsys.Query, s *recsys.Slate, x chancer) error {
	rng := q.Rand()
	for s.Next() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("bandit: after %d places: %w", len(s.Rows()), err)
		}
		w.ready(s, x)
		at := drawn(w.p, unit(rng.Uint64()))
		x.picked(w, at)
		s.Pick(w.rows[at], w.p[at])
	}
	return s.Err()
}

// judge writes the probability of each place of slate.
func (w *places) judge(ctx context.Context, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64, x chancer) error {
	for i, row := range slate {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("bandit: after %d places: %w", i, err)
		}
		if !comes(s, c.Len(), row) {
			break
		}
		w.ready(s, x)
		at := 0
		for w.rows[at] != row {
			at++
		}
		if w.p[at] == 0 {
			break
		}
		dst[i] = w.p[at]
		x.picked(w, at)
		s.Pick(row, dst[i])
	}
	return s.Err()
}
