package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
	"github.com/recsyskit/recsys/features/redis/internal/server"
)

// pipeline ranks five items by the float column "ctr" of the source.
func pipeline(t *testing.T, source recsys.FeatureSource, budget time.Duration) *recsys.Pipeline {
	t.Helper()
	p, err := recsys.NewPipeline(
		recsys.Retrieve("popular", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for id := recsys.ItemID(1); id <= 5 && out.Add(id, 1/float32(id)); id++ {
			}
			return nil
		})),
		recsys.Features(source, recsys.Name("redis"), recsys.Remote(budget)),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			for i := range out.Score {
				out.Score[i] = 0
				if v := c.Row(i)[0]; v == v {
					out.Score[i] = v
				}
			}
			return nil
		})),
	).Build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// clean is the slate with features, best ctr first; degraded the one without: order of the merge by item.
var clean, degraded = "[5 4 3 2 1]", "[1 2 3 4 5]"

// ask asks the pipeline once. It fails the test unless the answer is whole: either with features, or without and saying so.
func ask(t *testing.T, p *recsys.Pipeline) (bool, any) {
	res, err := p.Recommend(context.Background(), &recsys.Request{K: 5, Now: noon})
	if err != nil {
		t.Errorf("the pipeline failed: %v", err)
		return false, err
	}
	var ids []recsys.ItemID
	for _, item := range res.Items {
		ids = append(ids, item.ID)
	}
	switch slate := fmt.Sprint(ids); {
	case len(res.Degraded) == 0 && slate == clean:
		return true, slate
	case len(res.Degraded) == 1 && res.Degraded[0].Stage == "features/redis" && slate == degraded:
		return false, res.Degraded[0]
	default:
		t.Errorf("slate %s, degraded %v; want %s, or %s and features/redis", slate, res.Degraded, clean, degraded)
		return false, nil
	}
}

func five() (rows []features.Row) {
	for k := range uint64(5) {
		rows = append(rows, statsRow(k+1, noon))
	}
	return rows
}

// quick is a breaker that a test does not wait long for.
var quick = redis.Breaker{Failures: 2, Pause: 50 * time.Millisecond}

func untilClean(t *testing.T, p *recsys.Pipeline) {
	t.Helper()
	server.Until(t, "a clean answer", func() (bool, any) { return ask(t, p) })
}

func untilDegraded(t *testing.T, p *recsys.Pipeline) {
	t.Helper()
	server.Until(t, "a degraded answer", func() (bool, any) {
		ok, seen := ask(t, p)
		return !ok, seen
	})
}

func TestKilledServerDegradesAndRecovers(t *testing.T) {
	for _, near := range []int64{0, 1 << 20} {
		t.Run(fmt.Sprint("near=", near), func(t *testing.T) {
			srv := server.Start(t, "--appendonly", "yes", "--appendfsync", "always")
			s := open(t, redis.Config{Client: client(srv.Addr), View: statsView(), Breaker: quick, Near: redis.Near{Bytes: near}, Clock: time.Now})
			put(t, s, features.Written{Stored: 5}, five()...)
			p := pipeline(t, s, 10*time.Second)
			untilClean(t, p)
			// Requests are under way when the server dies.
			stop := make(chan bool)
			var group sync.WaitGroup
			for range 3 {
				group.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							ask(t, p)
						}
					}
				})
			}
			srv.Kill()
			untilDegraded(t, p)
			server.Until(t, "an open breaker", func() (bool, any) {
				st := s.Stats().Reads
				return st.Opened > 0 && st.Refused > 0, st
			})
			srv.Restart(t)
			untilClean(t, p)
			close(stop)
			group.Wait()
			if st := s.Stats(); st.Reads.State != redis.BreakerClosed || st.Reads.Probes == 0 || st.FailedReads == 0 {
				t.Errorf("after recovery the counts are %+v", st)
			}
		})
	}
}

func TestPausedServerDegradesWithinTheBudgetAndRecovers(t *testing.T) {
	for _, near := range []int64{0, 1 << 20} {
		t.Run(fmt.Sprint("near=", near), func(t *testing.T) {
			srv := server.Start(t)
			s := open(t, redis.Config{Client: client(srv.Addr), View: statsView(), Breaker: quick, Near: redis.Near{Bytes: near, Life: time.Nanosecond}, Clock: time.Now})
			put(t, s, features.Written{Stored: 5}, five()...)
			p := pipeline(t, s, 300*time.Millisecond)
			untilClean(t, p)
			srv.Pause(t)
			untilDegraded(t, p)
			server.Until(t, "a breaker that refuses", func() (bool, any) {
				ask(t, p)
				st := s.Stats().Reads
				return st.Refused > 0, st
			})
			srv.Resume(t)
			untilClean(t, p)
		})
	}
}

func TestHydrateReturnsWhenItsDeadlineIsOver(t *testing.T) {
	srv := server.Start(t)
	s := open(t, redis.Config{Client: client(srv.Addr), View: statsView()})
	put(t, s, features.Written{Stored: 5}, five()...)
	srv.Pause(t)
	defer srv.Resume(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := tryHydrate(ctx, s, noon, 1, 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Hydrate: %v; want a deadline exceeded", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.PutBatch(ctx, five()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("PutBatch: %v; want a deadline exceeded", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	if _, err := s.Lookup(ctx, []uint64{1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Lookup: %v; want cancelled", err)
	}
}

func TestFullMemoryRefusesWritesAndServesReads(t *testing.T) {
	srv := server.Start(t, "--maxmemory-policy", "noeviction")
	s := open(t, redis.Config{Client: client(srv.Addr), View: statsView()})
	put(t, s, features.Written{Stored: 5}, five()...)
	p := pipeline(t, s, 20*time.Second)
	srv.Must(t, "CONFIG", "SET", "maxmemory", "1mb") // less than an idle server takes
	w, err := s.PutBatch(context.Background(), []features.Row{statsRow(6, noon), statsRow(1, noon.Add(-1)), statsRow(7, noon)})
	var refused *redis.WriteError
	if !errors.As(err, &refused) || refused.Refused != 2 || w != (features.Written{Late: 1}) || !strings.Contains(err.Error(), "OOM") || !strings.Contains(err.Error(), "item.stats") {
		t.Fatalf("PutBatch: %+v, %v; want 1 late, and a WriteError of 2 rows that names the memory", w, err)
	}
	untilClean(t, p)
	if st := s.Stats(); st.Refused != 2 || st.Writes.State != redis.BreakerClosed || st.Reads.State != redis.BreakerClosed {
		t.Errorf("counts %+v; want 2 refused, and both breakers closed: the server answers", st)
	}
	srv.Must(t, "CONFIG", "SET", "maxmemory", "0")
	put(t, s, features.Written{Stored: 2}, statsRow(6, noon), statsRow(7, noon))
}

// With appendfsync always, what PutBatch has acknowledged is there after SIGKILL.
func TestNothingAcknowledgedIsLostWithAppendfsyncAlways(t *testing.T) {
	srv := server.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s := open(t, redis.Config{Client: client(srv.Addr), View: statsView(), Breaker: quick, Clock: time.Now})
	acknowledged := map[uint64]time.Time{}
	for round := range 3 {
		killed := make(chan bool)
		var group sync.WaitGroup
		group.Go(func() {
			for n := uint64(0); ; n++ {
				var batch []features.Row
				for k := range uint64(20) {
					batch = append(batch, statsRow(n%50*20+k, noon.Add(time.Duration(round)*time.Hour+time.Duration(n)*time.Second)))
				}
				w, err := s.PutBatch(context.Background(), batch)
				switch {
				case err != nil:
					select {
					case <-killed:
						return
					default: // the connection of the last round, or its breaker
					}
				case w.Stored != len(batch):
					t.Errorf("PutBatch: %+v", w)
				default:
					for _, r := range batch {
						acknowledged[r.Key] = r.Time
					}
				}
			}
		})
		before := s.Stats().Stored
		server.Until(t, "some writes", func() (bool, any) { n := s.Stats().Stored; return n > before+500, n })
		srv.Kill()
		close(killed)
		group.Wait()
		srv.Restart(t)
		var keys []uint64
		for k := range acknowledged {
			keys = append(keys, k)
		}
		var got []features.Row
		server.Until(t, "a look-up", func() (bool, any) {
			var err error
			got, err = s.Lookup(context.Background(), keys, got[:0])
			return err == nil, err
		})
		if len(got) != len(keys) {
			t.Fatalf("round %d: %d rows of %d are there", round, len(got), len(keys))
		}
		for _, r := range got {
			if r.Time.Before(acknowledged[r.Key]) { // later: written, the acknowledgement was lost
				t.Errorf("round %d: key %d has the row of %v; acknowledged was %v", round, r.Key, r.Time, acknowledged[r.Key])
			}
		}
	}
}

func TestClusterFailoverDegradesAndRecovers(t *testing.T) {
	c := theCluster(t)
	s := open(t, redis.Config{Client: client(c.Addrs()...), View: statsView(), Prefix: "failover:", Breaker: quick, Clock: time.Now})
	put(t, s, features.Written{Stored: 5}, five()...)
	p := pipeline(t, s, 10*time.Second)
	untilClean(t, p)
	for _, master := range c.Masters(t)[:2] {
		replica := c.Replica(t, master)
		server.Until(t, "a replica in step", func() (bool, any) {
			want, have := offset(t, master, "master_repl_offset"), offset(t, replica, "slave_repl_offset")
			return have >= want, [2]int64{want, have}
		})
		c.FailOver(t, master)
		untilClean(t, p) // all five rows: nothing that was replicated is lost
		server.Until(t, "a write", func() (bool, any) {
			w, err := s.PutBatch(context.Background(), five())
			return err == nil && w.Stored == 5, err
		})
		c.Heal(t)
	}
	untilClean(t, p)
}

func offset(t *testing.T, s *server.Server, name string) int64 {
	t.Helper()
	for _, line := range strings.Split(s.Must(t, "INFO", "replication"), "\r\n") {
		if text, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s", name)
	return 0
}

func TestSentinelFailoverIsFollowed(t *testing.T) {
	g := server.StartSentinel(t)
	options := client(g.Sentinel.Addr)
	options.Sentinel.MasterSet = "features"
	s := open(t, redis.Config{Client: options, View: statsView(), Breaker: quick, Clock: time.Now})
	put(t, s, features.Written{Stored: 5}, five()...)
	p := pipeline(t, s, 10*time.Second)
	untilClean(t, p)
	server.Until(t, "a replica in step", func() (bool, any) {
		want, have := offset(t, g.Master, "master_repl_offset"), offset(t, g.Replica, "slave_repl_offset")
		return have >= want, [2]int64{want, have}
	})
	server.Until(t, "a failover", func() (bool, any) {
		_, err := g.Sentinel.Do("SENTINEL", "FAILOVER", "features")
		return err == nil, err // it refuses until it knows that the replica is good
	})
	server.Until(t, "a new master", func() (bool, any) {
		info := g.Replica.Must(t, "INFO", "replication")
		return strings.Contains(info, "role:master"), info
	})
	g.Master.Kill()
	server.Until(t, "a write", func() (bool, any) {
		w, err := s.PutBatch(context.Background(), five())
		return err == nil && w.Stored == 5, err
	})
	untilClean(t, p)
	if info := g.Replica.Must(t, "DBSIZE"); info != "5" {
		t.Errorf("the new master has %s rows; want 5", info)
	}
}
