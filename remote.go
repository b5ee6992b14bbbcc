package recsys

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// semaphore bounds the calls of a remote stage without waiting.
type semaphore struct {
	n   atomic.Int64
	max int64
}

func (s *semaphore) acquire() bool {
	for {
		n := s.n.Load()
		if n >= s.max {
			return false
		}
		if s.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *semaphore) release() { s.n.Add(-1) }

// gate counts what uses a pipeline, requests and abandoned calls, so that Close can wait for them.
type gate struct {
	n      atomic.Int64
	closed atomic.Bool
	once   sync.Once
	idle   chan struct{}
}

func (g *gate) enter() bool {
	g.n.Add(1)
	if g.closed.Load() {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.n.Add(-1) == 0 && g.closed.Load() {
		g.once.Do(func() { close(g.idle) })
	}
}

// close turns newcomers away; idle closes when the last user has left.
func (g *gate) close() {
	g.closed.Store(true)
	if g.n.Load() == 0 {
		g.once.Do(func() { close(g.idle) })
	}
}

// The states of a call.
const (
	running int32 = iota
	finished
	abandoned
)

// call is one call of a remote stage: a goroutine and everything that it may touch.
// Nothing in it is shared with the request, so that a call that outlives its
// deadline can do no harm; it goes back to the pool when the stage has returned.
type call struct {
	q       Query
	rule    itemRule
	sink    Sink
	items   []ItemID
	block   Block // what the source sees: the memory below, by other headers
	memory  Block
	given   headers     // of block, as it was given
	outerID [][]uint64  // block.ID as it was given
	outerV  [][]float32 // block.Vector as it was given
	table   Candidates
	out     Scores

	ctx   context.Context
	start time.Time
	took  time.Duration
	state atomic.Int32
	done  chan struct{} // capacity 1
	err   error
}

// work is what a remote stage does with a call; Build makes one per stage.
type work func(ctx context.Context, c *call) error

// launch starts a call that the caller has filled in. It holds a place of sem and of the gate.
func (p *Pipeline) launch(ctx context.Context, c *call, do work, sem *semaphore) {
	c.state.Store(running)
	c.ctx, c.start, c.err = ctx, time.Now(), errExited
	p.gate.n.Add(1) // the request holds the gate open, so this needs no check
	go p.attend(c, do, sem)
}

// errExited is the error of a stage that ended its goroutine (runtime.Goexit).
var errExited = errors.New("the stage ended its goroutine")

func (p *Pipeline) attend(c *call, do work, sem *semaphore) {
	defer func() { // also when the stage ends the goroutine
		c.took = time.Since(c.start)
		sem.release()
		if c.state.CompareAndSwap(running, finished) {
			c.done <- struct{}{}
		} else {
			p.calls.Put(c)
		}
		p.gate.leave()
	}()
	c.err = guarded(c.ctx, c, do)
}

func guarded(ctx context.Context, c *call, do work) (err error) {
	defer catch(&err)
	return do(ctx, c)
}

// wait returns when the call has finished or its context is done. After an abandoned call
// (ok false) c belongs to its goroutine.
func (c *call) wait() (ok bool, err error) {
	select {
	case <-c.done:
		return true, c.err
	default:
	}
	select {
	case <-c.done:
		return true, c.err
	case <-c.ctx.Done():
		err = c.ctx.Err() // before the call can be reused
		if c.state.CompareAndSwap(running, abandoned) {
			return false, err
		}
		<-c.done
		return true, c.err
	}
}

func (p *Pipeline) newCall() *call {
	if c, _ := p.calls.Get().(*call); c != nil {
		return c
	}
	return &call{done: make(chan struct{}, 1)}
}

// fan is a group of remote calls that run at once. Stages of one budget share a context.
type fan struct {
	calls  []*call // by stage; nil: not launched, or taken back
	timers []timer
}

type timer struct {
	budget time.Duration
	ctx    context.Context
	cancel context.CancelFunc
}

func (f *fan) reset(stages int) {
	f.calls = resize(f.calls, stages)
	clear(f.calls)
}

// context returns the context of a budget that starts now.
func (f *fan) context(ctx context.Context, budget time.Duration) context.Context {
	for i := range f.timers {
		if f.timers[i].budget == budget {
			return f.timers[i].ctx
		}
	}
	c, cancel := context.WithTimeout(ctx, budget)
	f.timers = append(f.timers, timer{budget, c, cancel})
	return c
}

// cancel ends the contexts, of abandoned calls too.
func (f *fan) cancel() {
	for i := range f.timers {
		f.timers[i].cancel()
	}
	clear(f.timers)
	f.timers = f.timers[:0]
}
