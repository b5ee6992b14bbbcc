package redis_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys/features/redis"
)

func TestBreakerOpensProbesAndCloses(t *testing.T) {
	now := time.Unix(0, 0)
	b, err := redis.NewTestBreaker(redis.Breaker{Failures: 3, Pause: time.Second}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	call := func(outcome error) error {
		probe, err := b.Enter()
		if err == nil {
			b.Leave(probe, outcome)
		}
		return err
	}
	state := func(want redis.BreakerState) {
		t.Helper()
		if got := b.Stats().State; got != want {
			t.Fatalf("the breaker is %v; want %v", got, want)
		}
	}
	// Failures that are not in a row do not open it, nor what says nothing of the server.
	for _, e := range []error{io.EOF, io.EOF, nil, io.EOF, io.EOF, context.Canceled} {
		if err := call(e); err != nil {
			t.Fatal(err)
		}
	}
	state(redis.BreakerClosed)
	call(context.DeadlineExceeded)
	state(redis.BreakerOpen)
	err = call(nil)
	if !errors.Is(err, redis.ErrOpen) || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "deadline exceeded") {
		t.Fatalf("a refused call gets %v; want ErrOpen with the cause as text only", err)
	}
	now = now.Add(time.Second)
	state(redis.BreakerHalfOpen)
	probe, err := b.Enter()
	if err != nil || !probe {
		t.Fatalf("after the pause: probe %v, %v", probe, err)
	}
	if err := call(nil); !errors.Is(err, redis.ErrOpen) {
		t.Fatalf("a second call beside the probe: %v", err)
	}
	b.Leave(probe, io.EOF)
	state(redis.BreakerOpen)
	now = now.Add(time.Second)
	probe, _ = b.Enter()
	b.Leave(probe, context.Canceled) // says nothing: the next one probes
	state(redis.BreakerHalfOpen)
	if err := call(nil); err != nil {
		t.Fatal(err)
	}
	state(redis.BreakerClosed)
	if s := b.Stats(); s.Opened != 2 || s.Refused != 2 || s.Probes != 3 {
		t.Fatalf("counts %+v; want 2 opened, 2 refused, 3 probes", s)
	}
}

func TestBreakerIgnoresLateFailuresOfOldCalls(t *testing.T) {
	now := time.Unix(0, 0)
	b, _ := redis.NewTestBreaker(redis.Breaker{Failures: 1, Pause: time.Second}, func() time.Time { return now })
	first, _ := b.Enter()
	second, _ := b.Enter()
	b.Leave(first, io.EOF)
	now = now.Add(time.Second)
	b.Leave(second, io.EOF) // it began while the breaker was closed
	if probe, err := b.Enter(); err != nil || !probe {
		t.Fatalf("the pause began anew: %v", err)
	}
}

func TestBreakerThatIsOffNeverOpens(t *testing.T) {
	b, err := redis.NewTestBreaker(redis.Breaker{Failures: -1}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		probe, err := b.Enter()
		if err != nil {
			t.Fatal(err)
		}
		b.Leave(probe, io.EOF)
	}
}
