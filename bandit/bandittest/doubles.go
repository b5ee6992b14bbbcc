package bandittest

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/recsyskit/recsys"
)

// The doubles below are explorers that go wrong in one way and are greedy otherwise: they
// take the best admissible row with propensity 1. All are safe for concurrent use.
var (
	_ recsys.Explorer = StopsEarly{}
	_ recsys.Explorer = PicksTwice{}
	_ recsys.Explorer = NaNPropensity{}
	_ recsys.Explorer = Panicking{}
	_ recsys.Explorer = Erroring{}
	_ recsys.Explorer = Slow{}
	_ recsys.Explorer = Hanging{}
)

// ErrFaulty is the error of an [Erroring] explorer that has no other.
var ErrFaulty = errors.New("bandittest: faulty explorer")

// greedy picks the best row for at most n places.
func greedy(s *recsys.Slate, n int) {
	for ; n > 0 && s.Next(); n-- {
		s.Pick(s.Best(), 1)
	}
}

// StopsEarly fills After places and returns nil, though more rows may come.
type StopsEarly struct{ After int }

// Explore fills After places.
func (e StopsEarly) Explore(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	greedy(s, e.After)
	return nil
}

// PicksTwice picks the first row for every place.
type PicksTwice struct{}

// Explore picks one row again and again.
func (PicksTwice) Explore(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	greedy(s, 1)
	for s.Next() {
		s.Pick(s.Rows()[0], 1)
	}
	return nil
}

// NaNPropensity logs a NaN for every pick.
type NaNPropensity struct{}

// Explore picks with propensity NaN.
func (NaNPropensity) Explore(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	for s.Next() {
		s.Pick(s.Best(), math.NaN())
	}
	return nil
}

// Panicking panics after it has filled After places.
type Panicking struct{ After int }

// Explore panics.
func (e Panicking) Explore(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	greedy(s, e.After)
	panic("bandittest: faulty explorer")
}

// Erroring returns Err, or [ErrFaulty] when that is nil, after it has filled After places.
type Erroring struct {
	After int
	Err   error
}

// Explore returns an error.
func (e Erroring) Explore(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	greedy(s, e.After)
	if e.Err != nil {
		return e.Err
	}
	return ErrFaulty
}

// Slow fills the slate after Delay. It returns an error that is ctx.Err() when ctx is
// done earlier.
type Slow struct{ Delay time.Duration }

// Explore waits and explores.
func (e Slow) Explore(ctx context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	timer := time.NewTimer(e.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		greedy(s, math.MaxInt)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hanging fills the slate when Release is closed, whatever happens to ctx. With a nil
// channel it never returns.
type Hanging struct{ Release <-chan struct{} }

// Explore waits and explores.
func (e Hanging) Explore(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	<-e.Release
	greedy(s, math.MaxInt)
	return nil
}
