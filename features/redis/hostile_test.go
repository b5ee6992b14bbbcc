package redis_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
	"github.com/recsyskit/recsys/features/redis/internal/server"
)

// What the near-cache has is served while the server is stopped; what it has not degrades within the budget.
func TestPausedServerBehindNearCache(t *testing.T) {
	srv := server.Start(t)
	config := redis.Config{Client: client(srv.Addr), View: statsView(), Breaker: quick, Near: redis.Near{Bytes: 1 << 20, Life: time.Hour}, Clock: time.Now}
	s := open(t, config)
	config.Near = redis.Near{}
	writer := open(t, config)
	put(t, writer, features.Written{Stored: 5}, five()...)
	p := pipeline(t, s, 300*time.Millisecond)
	untilClean(t, p)
	srv.Pause(t)
	for range 20 {
		if ok, seen := ask(t, p); !ok {
			t.Errorf("rows of the near-cache were not served: %v", seen)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := tryHydrate(ctx, s, noon, 1, 2, 99); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a row that is not there: %v; want a deadline", err)
	}
	srv.Resume(t)
	r := statsRow(3, noon.Add(time.Second))
	r.Floats[1] = 33
	server.Until(t, "a write", func() (bool, any) {
		w, err := writer.PutBatch(context.Background(), []features.Row{r})
		return err == nil && w.Stored == 1, err
	})
	server.Until(t, "the row that was written since", func() (bool, any) {
		b, err := tryHydrate(context.Background(), s, noon, 3, 99)
		return err == nil && b.FloatRow(0)[1] == 33 && b.Missing.Has(1), err
	})
	untilClean(t, p)
}

// deaf is a connection on which no invalidation is heard.
type deaf struct{ net.Conn }

func (c deaf) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for at := bytes.Index(p[:n], []byte("invalidate")); at >= 0; at = bytes.Index(p[:n], []byte("invalidate")) {
		p[at] = 'X' // a push of which the client knows nothing
	}
	return n, err
}

// A store reads what it has written, although the invalidation of its near-cache comes when it comes: here never.
func TestStoreReadsItsOwnWritesPastTheNearCache(t *testing.T) {
	for name, addrs := range map[string][]string{"single": {server.Start(t).Addr}, "cluster": theCluster(t).Addrs()} {
		options := client(addrs...)
		options.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			c, err := d.DialContext(ctx, "tcp", addr)
			return deaf{c}, err
		}
		config := redis.Config{Client: options, View: statsView(), Prefix: "own:", Near: redis.Near{Bytes: 1 << 20, Life: time.Hour}}
		s := open(t, config)
		for i := range 50 {
			r := statsRow(1, noon.Add(time.Duration(i)))
			r.Floats[1] = float32(i)
			put(t, s, features.Written{Stored: 1}, r)
			if got := hydrate(t, s, noon, 1).FloatRow(0)[1]; got != float32(i) {
				t.Fatalf("%s: read %v after writing %d", name, got, i)
			}
		}
		if _, err := s.Delete(context.Background(), []uint64{1}); err != nil {
			t.Fatal(err)
		}
		rows(t, hydrate(t, s, noon, 1), "[NaN -1] 0 [0 0 0] missing")
		// Another store's write is not heard of: the test's connection is deaf indeed.
		config.Near = redis.Near{}
		put(t, open(t, config), features.Written{Stored: 1}, statsRow(1, noon))
		rows(t, hydrate(t, s, noon, 1), "[NaN -1] 0 [0 0 0] missing")
	}
}

// Under keys of the view there may be anything.
func TestForeignValuesOfEveryTypeAreMissingAndKept(t *testing.T) {
	srv := server.Start(t)
	for _, near := range []int64{0, 1 << 20} {
		srv.Must(t, "FLUSHALL")
		s := open(t, redis.Config{Client: client(srv.Addr), View: statsView(), Near: redis.Near{Bytes: near}, Prefix: "\x00\xff\r\n \"'*?[a]:"})
		put(t, s, features.Written{Stored: 1}, statsRow(1, noon))
		for i, words := range [][]string{{"HSET", "a", "b"}, {"RPUSH", "a"}, {"SADD", "a"}, {"ZADD", "1", "a"}, {"XADD", "*", "a", "b"}, {"SETBIT", "70000", "1"}, {"PFADD", "a"}} {
			key := uint64(i + 2)
			srv.Must(t, append([]string{words[0], s.Name(key)}, words[1:]...)...)
		}
		srv.Must(t, "SET", s.Name(9), strings.Repeat("x", 8<<20))
		kinds := func() (all string) {
			for key := range uint64(10) {
				all += srv.Must(t, "TYPE", s.Name(key)) + " "
			}
			return all
		}
		before := kinds()
		for range 2 {
			b := hydrate(t, s, noon, 1, 2, 3, 4, 5, 6, 7, 8, 9)
			for i := range 9 {
				if b.Missing.Has(i) != (i > 0) {
					t.Errorf("near %d: key %d is %s", near, i+1, show(b, i))
				}
			}
		}
		if st := s.Stats(); st.Foreign != 6 || st.Missing != 16 {
			t.Errorf("near %d: counts %+v; want twice 3 foreign strings, 8 missing", near, st)
		}
		for key := uint64(2); key < 10; key++ {
			_, err := s.PutBatch(context.Background(), []features.Row{statsRow(key, noon)})
			var refused *redis.WriteError
			if !errors.As(err, &refused) || refused.Key != s.Name(key) {
				t.Errorf("near %d: a write over key %d: %v", near, key, err)
			}
		}
		if after := kinds(); after != before {
			t.Errorf("near %d: the keys were %s; are %s", near, before, after)
		}
		if st := s.Stats().Near; st.Bytes > near {
			t.Errorf("the near-cache holds %d bytes; at most %d", st.Bytes, near)
		}
	}
}

func TestForeignKeyDoesNotFailFeastsBatch(t *testing.T) {
	srv := server.Start(t)
	f, err := redis.OpenFeast(redis.FeastConfig{
		Client: client(srv.Addr), View: features.View{Name: "stats", Columns: []features.Column{{Name: "ctr", Default: new(float32(-1))}}},
		Project: "shop", Join: "item_id",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	good, _ := f.Key(1)
	bad, _ := f.Key(2)
	srv.Must(t, "HSET", good, f.Fields()[0], "\x35\x00\x00\x80\x3e") // a float of 0.25, as Feast writes it
	srv.Must(t, "SET", bad, "no hash")
	b := hydrate(t, f, noon, 2, 1)
	if b.FloatRow(0)[0] != -1 || !b.Missing.Has(0) || b.FloatRow(1)[0] != 0.25 || b.Missing.Has(1) {
		t.Errorf("rows %s and %s; want a missing one and 0.25", show(b, 0), show(b, 1))
	}
	if st := f.Stats(); st.Foreign != 1 {
		t.Errorf("counts %+v; want 1 foreign", st)
	}
}

// Calls whose deadline is over before anything can answer return its error, and leave a store that works.
func TestDeadlinesOfAMillisecond(t *testing.T) {
	for name, addrs := range map[string][]string{"single": {server.Start(t).Addr}, "cluster": theCluster(t).Addrs()} {
		for _, near := range []int64{0, 1 << 20} {
			t.Run(fmt.Sprint(name, " near=", near), func(t *testing.T) {
				s := open(t, redis.Config{
					Client: client(addrs...), View: statsView(), Prefix: "short:", Near: redis.Near{Bytes: near, Life: time.Nanosecond},
					Breaker: redis.Breaker{Failures: -1}, Clock: time.Now,
				})
				var group sync.WaitGroup
				for g := range 8 {
					group.Go(func() {
						for n := range 50 {
							ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n%4)*500*time.Microsecond)
							_, err := tryHydrate(ctx, s, noon, 1, 2, 3, recsys.ItemID(g+n))
							if err != nil && !errors.Is(err, context.DeadlineExceeded) {
								t.Errorf("Hydrate: %v", err)
							}
							if _, err := s.PutBatch(ctx, five()); err != nil && !errors.Is(err, context.DeadlineExceeded) {
								t.Errorf("PutBatch: %v", err)
							}
							cancel()
						}
					})
				}
				group.Wait()
				server.Until(t, "a store that works", func() (bool, any) {
					w, err := s.PutBatch(context.Background(), five())
					if err != nil || w.Stored != 5 {
						return false, fmt.Sprint(w, err)
					}
					b, err := tryHydrate(context.Background(), s, noon, 1, 5)
					return err == nil && !b.Missing.Has(0) && !b.Missing.Has(1), err
				})
			})
		}
	}
}

// valve is a dialer that can be closed: then connections are begun and do not come to be, whatever the context says.
type valve struct {
	mu      sync.Mutex
	shut    chan bool // nil: open
	waiting atomic.Int64
}

func (v *valve) dial(_ context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	v.mu.Lock()
	shut := v.shut
	v.mu.Unlock()
	if shut != nil {
		v.waiting.Add(1)
		<-shut
		v.waiting.Add(-1)
	}
	return d.Dial("tcp", addr)
}

func (v *valve) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shut = make(chan bool)
}

func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.shut)
	v.shut = nil
}

// Callers keep their deadlines while a connection is being made, those also who wait for the one that makes it.
func TestDeadlinesHoldWhileDialling(t *testing.T) {
	for _, near := range []int64{0, 1 << 20} {
		for _, lazy := range []bool{false, true} {
			t.Run(fmt.Sprint("near=", near, " lazy=", lazy), func(t *testing.T) {
				srv := server.Start(t)
				v := &valve{}
				options := client(srv.Addr)
				options.DialCtxFn = v.dial
				if lazy {
					v.close() // not even the first one comes to be
				}
				s := open(t, redis.Config{
					Client: options, View: statsView(), Near: redis.Near{Bytes: near}, Clock: time.Now, Lazy: lazy, Breaker: redis.Breaker{Failures: -1},
				})
				if !lazy {
					put(t, s, features.Written{Stored: 5}, five()...)
					v.close()
					srv.Must(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
				}
				server.Until(t, "a call that finds no connection", func() (bool, any) {
					ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
					defer cancel()
					_, err := tryHydrate(ctx, s, noon, 2)
					return err != nil && v.waiting.Load() > 0, err
				})
				var over atomic.Int64
				var group sync.WaitGroup
				for i := range 20 {
					group.Go(func() {
						ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
						defer cancel()
						_, err := tryHydrate(ctx, s, noon, recsys.ItemID(i), 3)
						_, putErr := s.PutBatch(ctx, five())
						for _, err := range []error{err, putErr} {
							switch { // not all find out that the old connection is gone before others do
							case err == nil:
								t.Error("a call without a connection has an answer")
							case errors.Is(err, context.DeadlineExceeded):
								over.Add(1)
							}
						}
					})
				}
				group.Wait() // returns, although the valve is closed
				if over.Load() == 0 {
					t.Error("no call was there when its deadline was over")
				}
				v.open()
				server.Until(t, "an answer", func() (bool, any) {
					w, err := s.PutBatch(context.Background(), five())
					return err == nil && w.Stored == 5, err
				})
				b := hydrate(t, s, noon, 5)
				rows(t, b, "[1.25 5.5] 50 [5 -5 1]")
			})
		}
	}
}

// A connection that takes longer than requests wait comes to be all the same.
func TestSlowDiallingIsNotStartedOverByEachRequest(t *testing.T) {
	srv := server.Start(t)
	var slow atomic.Bool
	options := client(srv.Addr)
	options.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
		if slow.Load() {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
		}
		return d.DialContext(ctx, "tcp", addr)
	}
	s := open(t, redis.Config{Client: options, View: statsView(), Breaker: quick, Clock: time.Now})
	put(t, s, features.Written{Stored: 5}, five()...)
	slow.Store(true)
	srv.Must(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	failed := 0
	server.Until(t, "an answer within 20 ms", func() (bool, any) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		_, err := tryHydrate(ctx, s, noon, 1)
		if err != nil {
			failed++
		}
		return err == nil && failed > 0, err
	})
}

// A service starts before its Redis does.
func TestLazyStoreStartsBeforeRedis(t *testing.T) {
	srv := server.Start(t)
	srv.Kill()
	if _, err := redis.Open(redis.Config{Client: client(srv.Addr), View: statsView()}); err == nil || !strings.Contains(err.Error(), srv.Addr) {
		t.Errorf("Open of a server that is down: %v; want an error that names it", err)
	}
	for _, near := range []int64{0, 1 << 20} {
		s := open(t, redis.Config{Client: client(srv.Addr), View: statsView(), Near: redis.Near{Bytes: near}, Breaker: quick, Clock: time.Now, Lazy: true})
		f, err := redis.OpenFeast(redis.FeastConfig{
			Client: client(srv.Addr), View: features.View{Name: "stats", Columns: []features.Column{{Name: "ctr"}}}, Project: "shop", Join: "item_id", Lazy: true, Breaker: quick,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		p := pipeline(t, s, time.Second)
		untilDegraded(t, p)
		if _, err := s.PutBatch(context.Background(), five()); err == nil {
			t.Error("a write without a server is no error")
		}
		server.Until(t, "an open breaker", func() (bool, any) {
			ask(t, p)
			st := s.Stats().Reads
			return st.Refused > 0, st
		})
		srv.Restart(t)
		server.Until(t, "a write", func() (bool, any) {
			w, err := s.PutBatch(context.Background(), five())
			return err == nil && w.Stored == 5, err
		})
		untilClean(t, p)
		server.Until(t, "Feast", func() (bool, any) {
			_, err := tryHydrate(context.Background(), f, noon, 1)
			return err == nil, err
		})
		srv.Kill()
	}
	if _, err := redis.Open(redis.Config{View: statsView(), Lazy: true}); err == nil {
		t.Error("a lazy store does not check its configuration")
	}
}

// clients returns how many goroutines belong to a client or a store.
func clients() (n int, stacks string) {
	text := make([]byte, 4<<20)
	text = text[:runtime.Stack(text, true)]
	for _, stack := range strings.Split(string(text), "\n\n") {
		if strings.Contains(stack, "redis/rueidis") || strings.Contains(stack, "redis.(*session)") {
			n++
			stacks += stack + "\n\n"
		}
	}
	return n, stacks
}

// Close may come at any time and more than once. Nothing stays behind: no goroutine and, in the server, no connection.
func TestCloseLeavesNothing(t *testing.T) {
	single, stopped, down := server.Start(t), server.Start(t), server.Start(t)
	down.Kill()
	server.Until(t, "no clients of other tests", func() (bool, any) {
		n, stacks := clients()
		return n == 0, stacks
	})
	for _, c := range []struct {
		name  string
		addrs []string
		lazy  bool
	}{
		{"single", []string{single.Addr}, false},
		{"cluster", theCluster(t).Addrs(), false},
		{"stopped", []string{stopped.Addr}, false},
		{"down", []string{down.Addr}, true},
	} {
		for _, near := range []int64{0, 1 << 20} {
			t.Run(fmt.Sprint(c.name, " near=", near), func(t *testing.T) {
				s := open(t, redis.Config{
					Client: client(c.addrs...), View: statsView(), Prefix: "closed:", Near: redis.Near{Bytes: near, Life: time.Nanosecond},
					Lazy: c.lazy, Clock: time.Now, Breaker: quick, Timeout: 50 * time.Millisecond,
				})
				if c.name == "stopped" {
					stopped.Pause(t)
					defer stopped.Resume(t)
				}
				var group sync.WaitGroup
				stop := make(chan bool)
				for range 4 {
					group.Go(func() {
						for {
							select {
							case <-stop:
								return
							default:
								tryHydrate(context.Background(), s, noon, 1, 2, 3)
								s.PutBatch(context.Background(), five())
							}
						}
					})
				}
				server.Until(t, "some calls", func() (bool, any) {
					st := s.Stats()
					return st.Missing+st.Fresh+st.FailedReads > 20, st
				})
				var closing sync.WaitGroup
				for range 3 {
					closing.Go(func() {
						if err := s.Close(); err != nil {
							t.Error(err)
						}
					})
				}
				closing.Wait()
				if _, err := tryHydrate(context.Background(), s, noon, 77); err == nil {
					t.Error("a closed store reads")
				}
				close(stop)
				group.Wait()
				server.Until(t, "an end of all goroutines", func() (bool, any) {
					n, stacks := clients()
					return n == 0, stacks
				})
			})
		}
	}
	server.Until(t, "an end of all connections", func() (bool, any) {
		list := single.Must(t, "CLIENT", "LIST", "TYPE", "normal")
		return strings.Count(list, "id=") == 1, list // the one that asks
	})
}

// A connection that is made when the store is closed does not outlive it.
func TestCloseWhileDialling(t *testing.T) {
	srv := server.Start(t)
	v := &valve{}
	options := client(srv.Addr)
	options.DialCtxFn = v.dial
	v.close()
	s := open(t, redis.Config{Client: options, View: statsView(), Lazy: true, Timeout: 10 * time.Millisecond})
	server.Until(t, "a connection on its way", func() (bool, any) { return v.waiting.Load() > 0, nil })
	s.Close()
	if _, err := tryHydrate(context.Background(), s, noon, 1); err == nil {
		t.Error("a closed store reads")
	}
	v.open()
	server.Until(t, "an end of all goroutines", func() (bool, any) {
		n, stacks := clients()
		return n == 0, stacks
	})
	if _, err := s.Lookup(context.Background(), []uint64{1}, nil); !errors.Is(err, rueidis.ErrClosing) && !errors.Is(err, redis.ErrOpen) {
		t.Errorf("Lookup of a closed store: %v", err)
	}
}

// Clocks of writers and readers differ.
func TestSkewedClocksAreCountedAndHarmless(t *testing.T) {
	v := statsView()
	v.TTL = math.MaxInt64 // and the tolerance of clocks comes on top
	srv := server.Start(t)
	behind := open(t, redis.Config{Client: client(srv.Addr), View: v, Clock: func() time.Time { return noon.Add(-time.Hour) }})
	put(t, behind, features.Written{Future: 5}, five()...)
	s := open(t, redis.Config{Client: client(srv.Addr), View: v})
	put(t, s, features.Written{Stored: 5}, five()...)
	b := hydrate(t, s, noon.Add(-time.Hour), 1) // a reader whose clock is behind
	rows(t, b, "[0.25 1.5] 10 [1 -1 1]")
	if b.Age[0] != -3600 || s.Stats().Future != 1 || behind.Stats().Ahead != 5 {
		t.Errorf("age %v, counts %+v and %+v; want -3600, 1 future, 5 ahead", b.Age[0], s.Stats(), behind.Stats())
	}
	rows(t, hydrate(t, s, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), 1), "[0.25 1.5] 10 [1 -1 1] stale")
	rows(t, hydrate(t, s, time.Time{}, 1), "[0.25 1.5] 10 [1 -1 1]")
}
