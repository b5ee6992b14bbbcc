package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// ErrOpen is wrapped by the error of a call that was refused because the circuit breaker is open: Redis was not asked.
var ErrOpen = errors.New("redis: circuit breaker is open")

// Breaker configures the circuit breaker of a store. While Redis does not answer, calls that would wait for
// their deadline are refused at once, so that requests get their fallback without delay and a server that comes back is not
// buried under calls. It is in one of three states:
//
//	closed     every call goes to Redis; Failures calls in a row that fail open it
//	open       no call goes to Redis, each gets an error that wraps ErrOpen; after Pause it is half open
//	half open  one call at a time goes to Redis as a probe, others are refused; a probe that succeeds closes the breaker,
//	           one that fails opens it for another Pause
//
// A call fails when Redis does not answer in time, the connection breaks, or the answer is that the server cannot
// serve now (LOADING, CLUSTERDOWN, MASTERDOWN, TRYAGAIN). Any other answer, an error too, shows that Redis works. A call whose context
// the caller cancels says nothing of Redis.
type Breaker struct {
	// Failures is how many calls in a row must fail. The default 0 means 5; -1 turns the breaker off.
	Failures int

	// Pause is how long the breaker stays open before it lets a probe through. The default 0 means 500 ms.
	Pause time.Duration
}

func (b *Breaker) check() error {
	var errs []error
	if b.Failures < -1 {
		errs = append(errs, fmt.Errorf("Breaker.Failures is %d; want > 0, 0 for 5, or -1 for no breaker", b.Failures))
	}
	if b.Pause < 0 {
		errs = append(errs, fmt.Errorf("Breaker.Pause is %v; want > 0, or 0 for 500ms", b.Pause))
	}
	if b.Failures == 0 {
		b.Failures = 5
	}
	if b.Pause == 0 {
		b.Pause = 500 * time.Millisecond
	}
	return errors.Join(errs...)
}

// BreakerState is a state of the circuit breaker, see [Breaker].
type BreakerState uint8

// The states.
const (
	BreakerClosed BreakerState = iota
	BreakerOpen
	BreakerHalfOpen
)

// String returns "closed", "open" or "half open".
func (s BreakerState) String() string {
	switch s {
	case BreakerClosed:
		return "closed"
	case BreakerOpen:
		return "open"
	case BreakerHalfOpen:
		return "half open"
	}
	return fmt.Sprintf("BreakerState(%d)", uint8(s))
}

// openError is the error of a refused call.
type openError struct{ cause string }

func (e *openError) Error() string { return ErrOpen.Error() + "; the last failure: " + e.cause }
func (e *openError) Unwrap() error { return ErrOpen } // the cause is of another call: its deadline was not ours

// breaker is the machine. While it is closed a call costs two atomic loads.
type breaker struct {
	config Breaker
	now    func() time.Time

	closed atomic.Bool
	run    atomic.Int64 // calls in a row that failed

	mu      sync.Mutex
	until   time.Time // when the pause ends
	probing bool
	refusal *openError

	opened, refused, probes atomic.Uint64
}

func newBreaker(config Breaker, now func() time.Time) *breaker {
	b := &breaker{config: config, now: now}
	b.closed.Store(true)
	return b
}

// enter asks whether a call may go to Redis. If the error is nil the call must tell leave how it ended.
func (b *breaker) enter() (probe bool, err error) {
	if b.closed.Load() {
		return false, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed.Load():
		return false, nil
	case b.probing || b.now().Before(b.until):
		b.refused.Add(1)
		return false, b.refusal
	}
	b.probing = true
	b.probes.Add(1)
	return true, nil
}

// leave tells how a call ended. Calls that began before the breaker opened change nothing unless they succeed.
func (b *breaker) leave(probe bool, err error) {
	switch verdict(err) {
	case works:
		if b.run.Load() != 0 {
			b.run.Store(0)
		}
		if probe {
			b.mu.Lock()
			b.probing = false
			b.closed.Store(true)
			b.mu.Unlock()
		}
	case unknown:
		if probe {
			b.mu.Lock()
			b.probing = false // another one probes
			b.mu.Unlock()
		}
	case fails:
		run := b.run.Add(1)
		if !probe && (b.config.Failures < 0 || run < int64(b.config.Failures)) {
			return
		}
		b.mu.Lock()
		if probe || b.closed.Load() {
			b.until = b.now().Add(b.config.Pause)
			b.refusal = &openError{err.Error()}
			b.opened.Add(1)
			b.closed.Store(false)
		}
		if probe {
			b.probing = false
		}
		b.mu.Unlock()
	}
}

func (b *breaker) state() BreakerState {
	if b.closed.Load() {
		return BreakerClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed.Load():
		return BreakerClosed
	case b.probing || !b.now().Before(b.until):
		return BreakerHalfOpen
	}
	return BreakerOpen
}

// What the end of a call says of Redis.
const (
	works = iota
	unknown
	fails
)

func verdict(err error) int {
	switch {
	case err == nil || rueidis.IsRedisNil(err):
		return works
	case errors.Is(err, context.Canceled):
		return unknown
	}
	if reply, ok := rueidis.IsRedisErr(err); ok {
		if reply.IsLoading() || reply.IsClusterDown() || reply.IsTryAgain() || strings.HasPrefix(reply.Error(), "MASTERDOWN") {
			return fails
		}
		return works
	}
	return fails
}
