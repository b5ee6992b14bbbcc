package reranktest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys"
)

// The re-rankers below break one rule each. They serve tests of pipelines, and show
// that [Check] finds them out. The zero value of each is ready to use. Concurrent calls of all
// but Sharing are free of data races.
type (
	// Doubling gives the best row twice, in place of the last.
	Doubling struct{}
	// Inventing appends a row that the table does not have.
	Inventing struct{}
	// Rising reverses the order and leaves the utilities as they are.
	Rising struct{}
	// Scribbling writes into the scores.
	Scribbling struct{}
	// Overrunning writes behind the end of the order.
	Overrunning struct{}
	// Panicking panics.
	Panicking struct{}
	// Careless panics when the order is empty.
	Careless struct{}
	// Deaf returns an error that hides ctx.Err() when the context is done.
	Deaf struct{}
	// Unconstrained leaves the order as it is, whatever constraints say.
	Unconstrained struct{}
)

// Erroring returns Err, or an error of its own if that is nil, after it has reversed
// the order: what it wrote must not count.
type Erroring struct{ Err error }

// Slow waits for Delay, or until the context is done, before it leaves the order as it is.
type Slow struct{ Delay time.Duration }

// Stateful reverses the order, sorted utilities included, in every second call.
type Stateful struct{ calls atomic.Int64 }

// Sharing returns memory that the next call overwrites.
type Sharing struct {
	mu   sync.Mutex
	rows []int32
}

// Crosstalk keeps the order of a call where concurrent calls keep theirs.
type Crosstalk struct {
	mu   sync.Mutex
	rows []int32
}

var (
	_ recsys.ReRanker = Doubling{}
	_ recsys.ReRanker = Inventing{}
	_ recsys.ReRanker = Rising{}
	_ recsys.ReRanker = Scribbling{}
	_ recsys.ReRanker = Overrunning{}
	_ recsys.ReRanker = Panicking{}
	_ recsys.ReRanker = Careless{}
	_ recsys.ReRanker = Deaf{}
	_ recsys.ReRanker = Unconstrained{}
	_ recsys.ReRanker = Erroring{}
	_ recsys.ReRanker = Slow{}
	_ recsys.ReRanker = (*Stateful)(nil)
	_ recsys.ReRanker = (*Sharing)(nil)
	_ recsys.ReRanker = (*Crosstalk)(nil)
)

// ReRank doubles the best row.
func (Doubling) ReRank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	if len(order) > 1 {
		order[len(order)-1] = order[0]
	}
	return order, nil
}

// ReRank invents a row.
func (Inventing) ReRank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	return append(slices.Clone(order), int32(c.Len())), nil
}

// ReRank reverses the order.
func (Rising) ReRank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	slices.Reverse(order)
	return order, nil
}

// ReRank writes into the scores.
func (Scribbling) ReRank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	for i := range c.Scores() {
		c.Scores()[i] = 42
	}
	return order, nil
}

// ReRank writes behind the order.
func (Overrunning) ReRank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	for i := range order[len(order):cap(order)] {
		order[:cap(order)][len(order)+i] = 0
	}
	return order, nil
}

// ReRank panics.
func (Panicking) ReRank(context.Context, *recsys.Query, *recsys.Candidates, []int32) ([]int32, error) {
	panic("reranktest: this re-ranker panics")
}

// ReRank panics when the order is empty.
func (Careless) ReRank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	_ = order[0]
	return order, nil
}

// ReRank returns an error that hides ctx.Err().
func (Deaf) ReRank(ctx context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	if ctx.Err() != nil {
		return nil, errors.New("reranktest: something went wrong")
	}
	return order, nil
}

// ReRank leaves the order as it is.
func (Unconstrained) ReRank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	return order, nil
}

// ReRank returns an error.
func (e Erroring) ReRank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	slices.Reverse(order)
	if e.Err != nil {
		return nil, e.Err
	}
	return nil, errors.New("reranktest: this re-ranker fails")
}

// ReRank waits.
func (s Slow) ReRank(ctx context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	timer := time.NewTimer(s.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return order, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("reranktest: slow re-ranker: %w", ctx.Err())
	}
}

// ReRank reverses in every second call.
func (s *Stateful) ReRank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
	if s.calls.Add(1)%2 == 0 {
		ladder := make([]float32, len(order))
		for i, row := range order {
			ladder[i] = c.Utility()[row]
		}
		slices.Reverse(order)
		for i, row := range order {
			c.Utility()[row] = ladder[i]
		}
	}
	return order, nil
}

// ReRank returns the memory of all calls.
func (s *Sharing) ReRank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows[:0], order...)
	return s.rows, nil
}

// ReRank keeps the order where other calls keep theirs, lets them run, and reads it back.
func (x *Crosstalk) ReRank(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
	x.mu.Lock()
	x.rows = slices.Clone(order)
	x.mu.Unlock()
	for range 20 {
		runtime.Gosched()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.rows), nil
}
