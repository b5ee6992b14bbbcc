package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recsyskit/recsys/features/redis"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

type fetched = map[uint64]string

func TestNearAsksOncePerRow(t *testing.T) {
	n := redis.NewTestNear(redis.Near{Bytes: 1 << 20, Life: time.Minute})
	ctx := context.Background()
	asked := 0
	get := func(now time.Time, keys ...uint64) []string {
		t.Helper()
		got, err := n.Values(ctx, now, keys, func(keys []uint64) (fetched, error) {
			asked += len(keys)
			return fetched{1: "one", 2: "two"}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := get(noon, 1, 3, 1, 2); !slices.Equal(got, []string{"one", "-", "one", "two"}) || asked != 3 {
		t.Fatalf("%q after asking for %d; doubled keys are asked for once", got, asked)
	}
	if got := get(noon, 2, 3, 1); !slices.Equal(got, []string{"two", "-", "one"}) || asked != 3 {
		t.Fatalf("%q after asking for %d; a key without a row is kept too", got, asked)
	}
	get(noon.Add(time.Minute+1), 2)
	if asked != 4 {
		t.Fatal("a copy was served beyond its life")
	}
	n.Drop(2)
	get(noon.Add(time.Minute+1), 2)
	n.Flush()
	get(noon.Add(time.Minute+1), 2)
	if s := n.Stats(); asked != 6 || s.Misses != 6 || s.Hits != 3 || s.Joined != 1 || s.Invalidated != 1 || s.Flushed != 1 || s.HitRate() != .4 {
		t.Fatalf("asked %d, %+v", asked, s)
	}
}

// A reply that was sent before the row changed may be seen after the invalidation. It must not be kept.
func TestNearKeepsNothingThatWasInvalidatedInFlight(t *testing.T) {
	for _, flush := range []bool{false, true} {
		n := redis.NewTestNear(redis.Near{Bytes: 1 << 20})
		ctx := context.Background()
		got, err := n.Values(ctx, noon, []uint64{1}, func([]uint64) (fetched, error) {
			if flush {
				n.Flush()
			} else {
				n.Drop(1)
			}
			return fetched{1: "old"}, nil
		})
		if err != nil || got[0] != "old" {
			t.Fatalf("%q, %v", got, err)
		}
		got, _ = n.Values(ctx, noon, []uint64{1}, func([]uint64) (fetched, error) { return fetched{1: "new"}, nil })
		if got[0] != "new" {
			t.Fatalf("flush %v: the old value was served after its invalidation", flush)
		}
	}
}

func TestNearJoinsAFlightAndAsksItselfWhenThatFails(t *testing.T) {
	for _, fails := range []bool{false, true} {
		n := redis.NewTestNear(redis.Near{Bytes: 1 << 20})
		begun, answer := make(chan bool), make(chan bool)
		var asked atomic.Int64
		var group sync.WaitGroup
		group.Go(func() {
			_, err := n.Values(context.Background(), noon, []uint64{7}, func([]uint64) (fetched, error) {
				asked.Add(1)
				close(begun)
				<-answer
				if fails {
					return nil, context.DeadlineExceeded
				}
				return fetched{7: "seven"}, nil
			})
			if (err != nil) != fails {
				t.Errorf("the leader's error is %v", err)
			}
		})
		<-begun
		for range 3 {
			group.Go(func() {
				got, err := n.Values(context.Background(), noon, []uint64{7}, func([]uint64) (fetched, error) {
					asked.Add(1)
					return fetched{7: "seven"}, nil
				})
				if err != nil || got[0] != "seven" {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		for n.Stats().Joined < 3 {
			time.Sleep(time.Millisecond)
		}
		cancelled, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := n.Values(cancelled, noon, []uint64{7}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a call that joins and is cancelled gets %v", err)
		}
		close(answer)
		group.Wait()
		if want := map[bool]int64{false: 1, true: 4}[fails]; asked.Load() != want {
			t.Errorf("fails %v: asked %d times; want %d", fails, asked.Load(), want)
		}
	}
}

func TestNearStaysWithinItsBytes(t *testing.T) {
	const most = 1 << 20
	n := redis.NewTestNear(redis.Near{Bytes: most})
	rng := rand.New(rand.NewPCG(1, 2))
	text := strings.Repeat("x", 200)
	hot := make([]uint64, 100)
	for i := range hot {
		hot[i] = uint64(i)
	}
	asked := 0
	fetch := func(keys []uint64) (fetched, error) {
		m := fetched{}
		for _, k := range keys {
			m[k] = fmt.Sprint(k, text)
			if k < 100 {
				asked++
			}
		}
		return m, nil
	}
	for range 500 {
		keys := slices.Clone(hot)
		for range 100 {
			keys = append(keys, 100+rng.Uint64N(1_000_000))
		}
		got, err := n.Values(context.Background(), noon, keys, fetch)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range keys {
			if got[i] != fmt.Sprint(k, text) {
				t.Fatalf("key %d has the value %q", k, got[i])
			}
		}
		if s := n.Stats(); s.Bytes > most || int64(s.Rows)*200 > most {
			t.Fatalf("%d rows of %d bytes; want at most %d", s.Rows, s.Bytes, most)
		}
	}
	s := n.Stats()
	if s.Evicted == 0 || s.Rows < most/400/2 {
		t.Fatalf("%+v: it does not evict, or keeps too little", s)
	}
	if asked > 150 {
		t.Fatalf("hot rows were asked for %d times in 500 rounds: what is read often is evicted", asked)
	}
}

// Against a plain map as the truth, with writers, readers and invalidations at once: what is read is never older than what was written when the
// last invalidation that had arrived before the read.
func TestNearIsNeverStaleBeyondAnInvalidation(t *testing.T) {
	n := redis.NewTestNear(redis.Near{Bytes: 1 << 16})
	const keys = 50
	var truth, told [keys]atomic.Int64 // what the server has; what readers have been told of
	stop := make(chan bool)
	var group sync.WaitGroup
	group.Go(func() {
		rng := rand.New(rand.NewPCG(3, 4))
		for i := range 20000 {
			k := rng.IntN(keys)
			v := truth[k].Add(1)
			n.Drop(uint64(k))
			told[k].Store(v)
			if i%1000 == 0 {
				n.Flush()
			}
		}
		close(stop)
	})
	for g := range 3 {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(5, uint64(g)))
			for done := false; !done; {
				select {
				case <-stop:
					done = true
				default:
				}
				var ask []uint64
				var least []int64
				for range 8 {
					k := rng.Uint64N(keys)
					ask = append(ask, k)
					least = append(least, told[k].Load())
				}
				got, err := n.Values(context.Background(), noon, ask, func(keys []uint64) (fetched, error) {
					m := fetched{}
					for _, k := range keys {
						m[k] = fmt.Sprint(truth[k].Load())
					}
					return m, nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				for i := range ask {
					var v int64
					fmt.Sscan(got[i], &v)
					if v < least[i] {
						t.Errorf("key %d: read %d after the invalidation for %d", ask[i], v, least[i])
						return
					}
				}
			}
		})
	}
	group.Wait()
}
