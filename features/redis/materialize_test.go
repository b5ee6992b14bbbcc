package redis_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/redis"
	"github.com/recsyskit/recsys/features/redis/internal/server"
	"github.com/recsyskit/recsys/features/window"
)

// counted is a view of what events were counted; version 2 has a column more.
func counted(version int) features.View {
	v := features.View{Name: "item.counts", Columns: []features.Column{
		{Name: "clicks.5m"}, {Name: "clicks.1h"}, {Name: "sales.1h"}, {Name: "last.1", Kind: recsys.ID}, {Name: "last.2", Kind: recsys.ID},
	}}
	if version > 1 {
		v.Columns = append(v.Columns, features.Column{Name: "users.1h"})
	}
	return v
}

func countedWindows(version int) window.Config {
	c := window.Config{Lateness: time.Minute, Aggregates: []window.Aggregate{
		{Name: "clicks", Kinds: []recsys.EventKind{recsys.Click}, Windows: []time.Duration{5 * time.Minute, time.Hour}},
		{Name: "sales", Func: window.Sum, Kinds: []recsys.EventKind{recsys.Purchase}, Windows: []time.Duration{time.Hour}},
		{Name: "last", Func: window.LastK, K: 2, Windows: []time.Duration{time.Hour}},
	}}
	if version > 1 {
		c.Aggregates = append(c.Aggregates, window.Aggregate{Name: "users", Func: window.Distinct, Windows: []time.Duration{time.Hour}})
	}
	return c
}

// story returns n lines of a log: events of some 200 items in the half hour before noon.
func story(n int) []string {
	rng := rand.New(rand.NewPCG(5, 6))
	lines := make([]string, n)
	for i := range lines {
		at := noon.Add(-30*time.Minute + time.Duration(i)*(30*time.Minute/time.Duration(n)))
		lines[i] = fmt.Sprintf(`{"time":%d,"user":%d,"item":%d,"kind":%q,"value":%d,"id":"e%d"}`+"\n",
			at.UnixNano(), rng.IntN(100), 1+rng.IntN(200), []string{"click", "purchase", "impression"}[rng.IntN(3)], rng.IntN(50), i)
	}
	return lines
}

// book is a log in a file, and where checkpoints go.
type book struct{ path, checkpoints string }

func newBook(t *testing.T) book {
	dir := t.TempDir()
	return book{filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "checkpoints")}
}

func (b book) write(t *testing.T, lines []string) {
	t.Helper()
	if err := os.WriteFile(b.path, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (b book) config(targets ...materialize.Target) materialize.Config {
	return materialize.Config{
		Log: materialize.Log{Paths: []string{b.path}}, Targets: targets, Checkpoints: b.checkpoints, FlushEvents: 200, CheckpointEvents: 500,
		Retry: materialize.Retry{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond}, Now: func() time.Time { return noon },
	}
}

func target(s features.OnlineStore, version int) materialize.Target {
	return materialize.Target{Store: s, Aggregates: countedWindows(version)}
}

// equalsBatch holds every row of the store against a batch computation of the whole log.
func (b book) equalsBatch(t *testing.T, s *redis.Store, version int) {
	t.Helper()
	batches, counts, err := materialize.Batches(context.Background(), b.config(target(s, version)))
	if err != nil || counts.Events == 0 {
		t.Fatalf("%+v, %v", counts, err)
	}
	batch := batches[0]
	keys := batch.Keys()
	var rows []features.Row
	server.Until(t, "a look-up", func() (bool, any) { // on a connection that may have died with a server
		var err error
		rows, err = s.Lookup(context.Background(), keys, nil)
		return err == nil, err
	})
	if len(rows) != len(keys) || len(keys) < 150 {
		t.Fatalf("%d rows for %d keys", len(rows), len(keys))
	}
	var want window.Row
	newest := rows[0].Time
	for i := range rows {
		r := &rows[i]
		if d := r.Time.Sub(newest); d < -time.Millisecond || d > time.Millisecond { // nanoseconds tell versions of a row apart
			t.Fatalf("key %d is of %v, key %d of %v", r.Key, r.Time, rows[0].Key, newest)
		}
		batch.Read(r.Key, r.Time.UnixNano(), &want)
		for j, v := range r.Floats {
			if w := want.Floats[j]; math.Abs(float64(v)-w) > 1e-6*max(1, math.Abs(w)) {
				t.Fatalf("key %d, %s: the store has %v, the batch %v", r.Key, batch.Columns()[j].Name, v, w)
			}
		}
		for j, v := range r.IDs {
			if v != want.IDs[j] {
				t.Fatalf("key %d: the store has the ids %v, the batch %v", r.Key, r.IDs, want.IDs)
			}
		}
	}
}

// runLosing runs a Materializer to the end of the log; in between, when some flushes have been acknowledged, lose loses them.
func runLosing(t *testing.T, config materialize.Config, lose func()) *materialize.Materializer {
	t.Helper()
	reached, resume := make(chan bool), make(chan bool)
	flushes := 0
	config.Progress = func(materialize.Progress) {
		if flushes++; flushes == 4 {
			reached <- true
			<-resume
		}
	}
	m, err := materialize.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Run(context.Background()) }()
	select {
	case <-reached:
	case err := <-ended:
		t.Fatalf("the run ended before it lost anything: %v", err)
	}
	lose()
	close(resume)
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(server.Patience):
		t.Fatalf("the run has not ended in %v", server.Patience)
	}
	return m
}

func lost(m *materialize.Materializer) int64 { return m.Stats().Views[0].Verified.Lost }

// A server without persistence forgets everything that it has acknowledged, in the middle of a run and between two.
func TestMaterializeRestoresWhatAServerForgot(t *testing.T) {
	srv := server.Start(t)
	s := open(t, redis.Config{Client: client(srv.Addr), View: counted(1), Breaker: quick, Clock: time.Now})
	forget := func() { srv.Kill(); srv.Restart(t) }
	lines, b := story(4000), newBook(t)

	b.write(t, lines[:2500])
	if m := runLosing(t, b.config(target(s, 1)), forget); lost(m) == 0 || s.Losses() == 0 {
		t.Errorf("the run found %d lost rows; the store %d losses", lost(m), s.Losses())
	}
	b.equalsBatch(t, s, 1)

	forget()
	b.write(t, lines)
	m := runLosing(t, b.config(target(s, 1)), func() {})
	if lost(m) == 0 || m.Stats().Views[0].Counts.Lines != 4000 {
		t.Errorf("the run from the checkpoint: %+v", m.Stats())
	}
	b.equalsBatch(t, s, 1)

	// After a run, without a line more.
	forget()
	var found materialize.Verified
	server.Until(t, "a comparison", func() (bool, any) {
		var err error
		found, err = m.Verify(context.Background())
		return err == nil, err
	})
	if found.Lost != found.Keys || found.Lost < 150 {
		t.Errorf("%+v; want all rows lost", found)
	}
	b.equalsBatch(t, s, 1)
}

// A replica that has not what its master acknowledged takes over.
func TestMaterializeRestoresWhatAFailoverLost(t *testing.T) {
	c := theCluster(t)
	t.Cleanup(func() { c.Heal(t) })
	s := open(t, redis.Config{Client: client(c.Addrs()...), View: counted(1), Prefix: "lost:", Breaker: quick, Clock: time.Now})
	master := c.Masters(t)[0]
	replica := c.Replica(t, master)
	replica.Pause(t)
	master.Must(t, "CLIENT", "KILL", "TYPE", "replica") // nothing waits for it in a socket
	before := 0
	b := newBook(t)
	b.write(t, story(4000))
	m := runLosing(t, b.config(target(s, 1)), func() {
		fmt.Sscan(master.Must(t, "DBSIZE"), &before)
		master.Kill()
		replica.Resume(t)
		replica.Must(t, "CLUSTER", "FAILOVER", "TAKEOVER")
		server.Until(t, "a new master", func() (bool, any) {
			info := replica.Must(t, "INFO", "replication")
			return strings.Contains(info, "role:master"), info
		})
	})
	if lost(m) == 0 || before == 0 {
		t.Errorf("the run found %d lost rows of %d that the master had: %+v", lost(m), before, m.Stats())
	}
	b.equalsBatch(t, s, 1)
}

// The new version of a view is filled from the log while the old one serves and goes on, from the same server, in the same run.
func TestNewVersionIsFilledWhileTheOldOneServes(t *testing.T) {
	for name, addrs := range map[string][]string{"single": {server.Start(t).Addr}, "cluster": theCluster(t).Addrs()} {
		t.Run(name, func(t *testing.T) {
			store := func(version int) *redis.Store {
				return open(t, redis.Config{Client: client(addrs...), View: counted(version), Prefix: t.Name() + ":"})
			}
			old, fresh := store(1), store(2)
			lines, b := story(4000), newBook(t)
			b.write(t, lines[:3000])
			if _, err := materialize.Materialize(context.Background(), b.config(target(old, 1))); err != nil {
				t.Fatal(err)
			}
			b.equalsBatch(t, old, 1)
			served := show(hydrate(t, old, noon, 17), 0)
			rows(t, hydrate(t, fresh, noon, 17), "[NaN NaN NaN NaN] 0 0 missing")

			b.write(t, lines)
			switched, during := 0, 0
			next := target(fresh, 2)
			next.CaughtUp = func(context.Context) error {
				switched++
				if b, err := tryHydrate(context.Background(), fresh, noon, 17); err != nil || b.Missing.Has(0) {
					t.Errorf("the new version has caught up, but lacks a row: %v", err)
				}
				return nil
			}
			config := b.config(target(old, 1), next)
			config.Progress = func(materialize.Progress) {
				during++
				if b, err := tryHydrate(context.Background(), old, noon, 17); err != nil || b.Missing.Has(0) {
					t.Errorf("the old version lacks a row: %v; before it was %s", err, served)
				}
			}
			if _, err := materialize.Materialize(context.Background(), config); err != nil {
				t.Fatal(err)
			}
			if switched != 1 || during == 0 {
				t.Errorf("caught up %d times, looked %d times", switched, during)
			}
			b.equalsBatch(t, old, 1)
			b.equalsBatch(t, fresh, 2)
			if st := fresh.Stats(); st.Version != 0 || st.Foreign != 0 || st.Replaced != 0 {
				t.Errorf("the versions are in each other's way: %+v", st)
			}
		})
	}
}
