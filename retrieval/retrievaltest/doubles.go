package retrievaltest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/recsyskit/recsys"
)

// The doubles below are retrievers that go wrong in one way. Those with a field Retriever do
// it around that retriever, whose Bind they pass on; without one they propose the items 1 to
// 100, item i with score 1/i. All are safe for concurrent use if the inner one is.
var (
	_ recsys.Retriever = Slow{}
	_ recsys.Retriever = Hanging{}
	_ recsys.Retriever = Panicking{}
	_ recsys.Retriever = Erroring{}
	_ recsys.Retriever = Duplicating{}
	_ recsys.Retriever = NaN{}
)

// ErrFaulty is the error of an [Erroring] retriever that has no other.
var ErrFaulty = errors.New("retrievaltest: faulty retriever")

// hundred proposes the items 1 to 100.
func hundred(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
	for i := recsys.ItemID(1); i <= 100; i++ {
		if !out.Add(i, 1/float32(i)) {
			break
		}
	}
	return nil
}

// orHundred returns r, or the retriever of a double that has none.
func orHundred(r recsys.Retriever) recsys.Retriever {
	if r == nil {
		return recsys.RetrieverFunc(hundred)
	}
	return r
}

// proposals returns what the inner retriever proposes to a sink with room for n.
func proposals(ctx context.Context, r recsys.Retriever, q *recsys.Query, n int) ([]recsys.ItemID, []float32, error) {
	aside := recsys.NewSink(n)
	err := orHundred(r).Retrieve(ctx, q, aside)
	items, scores := aside.Items()
	return items, scores, err
}

// Slow waits before it retrieves. When ctx is done first it returns an error that wraps ctx.Err().
type Slow struct {
	Retriever recsys.Retriever
	Delay     time.Duration
}

// Bind binds the inner retriever.
func (r Slow) Bind(s *recsys.Schema) (_ recsys.Retriever, err error) {
	r.Retriever, err = recsys.Bind(orHundred(r.Retriever), s)
	return r, err
}

// Retrieve waits, then retrieves.
func (r Slow) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	wait := time.NewTimer(r.Delay)
	defer wait.Stop()
	select {
	case <-wait.C:
		return orHundred(r.Retriever).Retrieve(ctx, q, out)
	case <-ctx.Done():
		return fmt.Errorf("retrievaltest: slow retriever: %w", ctx.Err())
	}
}

// Hanging does not return until Release is closed, whatever ctx says; then it returns
// [ErrFaulty].
type Hanging struct{ Release <-chan struct{} }

// Retrieve waits for Release.
func (r Hanging) Retrieve(context.Context, *recsys.Query, *recsys.Sink) error {
	<-r.Release
	return ErrFaulty
}

// Panicking panics with Value, or with [ErrFaulty] if it is nil.
type Panicking struct{ Value any }

// Retrieve panics.
func (r Panicking) Retrieve(context.Context, *recsys.Query, *recsys.Sink) error {
	if r.Value == nil {
		panic(ErrFaulty)
	}
	panic(r.Value)
}

// Erroring proposes the first After candidates of the inner retriever and returns Err, or
// [ErrFaulty] if it is nil: what it proposed must not count.
type Erroring struct {
	Retriever recsys.Retriever
	After     int
	Err       error
}

// Bind binds the inner retriever.
func (r Erroring) Bind(s *recsys.Schema) (_ recsys.Retriever, err error) {
	r.Retriever, err = recsys.Bind(orHundred(r.Retriever), s)
	return r, err
}

// Retrieve fails on the way.
func (r Erroring) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	items, scores, err := proposals(ctx, r.Retriever, q, r.After)
	for i, id := range items {
		out.Add(id, scores[i])
	}
	switch {
	case err != nil:
		return err
	case r.Err != nil:
		return r.Err
	}
	return ErrFaulty
}

// Duplicating proposes each candidate of the inner retriever twice in a row.
type Duplicating struct{ Retriever recsys.Retriever }

// Bind binds the inner retriever.
func (r Duplicating) Bind(s *recsys.Schema) (_ recsys.Retriever, err error) {
	r.Retriever, err = recsys.Bind(orHundred(r.Retriever), s)
	return r, err
}

// Retrieve doubles.
func (r Duplicating) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	items, scores, err := proposals(ctx, r.Retriever, q, out.Room())
	for i, id := range items {
		for range 2 {
			if !out.Add(id, scores[i]) {
				return err
			}
		}
	}
	return err
}

// NaN gives a NaN score to every candidate of the inner retriever whose place in the list,
// from 0, divided by Every leaves 0, and leaves the order as it is. An Every of 0 or 1
// means all.
type NaN struct {
	Retriever recsys.Retriever
	Every     int
}

// Bind binds the inner retriever.
func (r NaN) Bind(s *recsys.Schema) (_ recsys.Retriever, err error) {
	r.Retriever, err = recsys.Bind(orHundred(r.Retriever), s)
	return r, err
}

// Retrieve spoils scores.
func (r NaN) Retrieve(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
	items, scores, err := proposals(ctx, r.Retriever, q, out.Room())
	for i, id := range items {
		score := scores[i]
		if i%max(r.Every, 1) == 0 {
			score = float32(math.NaN())
		}
		if !out.Add(id, score) {
			break
		}
	}
	return err
}
