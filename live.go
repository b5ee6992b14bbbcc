package recsys

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// Live holds the pipeline that serves now. Requests and swaps may run at once: each
// request is answered by one pipeline from start to end.
type Live struct{ p atomic.Pointer[Pipeline] }

// NewLive returns a Live that serves through p.
func NewLive(p *Pipeline) *Live {
	l := new(Live)
	l.p.Store(p)
	return l
}

// Pipeline returns the pipeline that serves now.
func (l *Live) Pipeline() *Pipeline { return l.p.Load() }

// Swap lets next serve all later requests, waits until the old pipeline has answered
// its last one, and closes the stages of the old one that next does not use. ctx
// bounds the wait; when it ends too early, Close of the old pipeline finishes the work. A
// pipeline that was swapped out is closed and cannot come back: build it again.
func (l *Live) Swap(ctx context.Context, next *Pipeline) error {
	if next == nil {
		return errors.New("recsys: Live.Swap: the next pipeline is nil")
	}
	if next.gate.closed.Load() {
		return fmt.Errorf("recsys: Live.Swap: the next pipeline is closed, perhaps by an earlier swap; build it again: %w", ErrClosed)
	}
	old := l.p.Swap(next)
	if old == nil || old == next {
		return nil
	}
	old.next.Store(next)
	next.prev.Store(old)
	err := old.Close(ctx)
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		next.prev.Store(nil)
	}
	return err
}

// Recommend answers req through the pipeline that serves now; see [Pipeline.Recommend].
func (l *Live) Recommend(ctx context.Context, req *Request) (*Result, error) {
	res := new(Result)
	return res, l.RecommendInto(ctx, req, res)
}

// RecommendInto is Recommend into a result that is used again.
func (l *Live) RecommendInto(ctx context.Context, req *Request, res *Result) error {
	for {
		p := l.p.Load()
		if p == nil {
			return ErrClosed
		}
		err := p.RecommendInto(ctx, req, res)
		if errors.Is(err, ErrClosed) && l.p.Load() != p {
			continue // swapped between Load and the first step
		}
		return err
	}
}

// Learn hands feedback to the pipeline that serves now; see [Pipeline.Learn].
func (l *Live) Learn(ctx context.Context, feedback []Feedback) error {
	for {
		p := l.p.Load()
		if p == nil {
			return ErrClosed
		}
		err := p.Learn(ctx, feedback)
		if errors.Is(err, ErrClosed) && l.p.Load() != p {
			continue
		}
		return err
	}
}
