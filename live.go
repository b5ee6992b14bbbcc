package recsys

import (
	"context"
	"errors"
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
// bounds the wait; see [Pipeline.Close].
func (l *Live) Swap(ctx context.Context, next *Pipeline) error {
	if next == nil {
		return errors.New("recsys: Live.Swap: the next pipeline is nil")
	}
	old := l.p.Swap(next)
	if old == nil || old == next {
		return nil
	}
	return old.closeExcept(ctx, next)
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
		err := p.RecommendInto(ctx, req, res)
		if errors.Is(err, ErrClosed) && l.p.Load() != p {
			continue // swapped between Load and the first step
		}
		return err
	}
}
