package redis_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// A server without a file loses all that it acknowledged when it is killed. A run of materialize that writes to it waits until it is
// back, finds out what is lost, and writes it again: in the end Redis has what a batch computes of the whole log.
func TestMaterializeMakesARedisWholeThatLostItsRows(t *testing.T) {
	s := server.Start(t)
	stats := materializeThrough(t, redis.Config{Client: client(s.Addr)}, s.Kill, func() { s.Restart(t) })
	if stats.Retries == 0 || stats.Verified.Lost == 0 {
		t.Errorf("%d retries, %d rows lost; want some: the server was killed", stats.Retries, stats.Verified.Lost)
	}
}

// A replica that takes over may lack what the master had acknowledged last.
func TestMaterializeMakesAClusterWholeThatFailedOver(t *testing.T) {
	c := theCluster(t)
	defer c.Heal(t)
	materializeThrough(t, redis.Config{Client: client(c.Addrs()...), Prefix: "materialize:", Breaker: quick}, func() { c.FailOver(t, c.Masters(t)[0]) }, func() {})
}

// materializeThrough fills a store of Redis from a log, in the middle of which something happens, and holds what is there in the end against a
// batch. mend is called at the first error after it.
func materializeThrough(t *testing.T, config redis.Config, happens, mend func()) materialize.ViewStats {
	t.Helper()
	config.View = features.View{Name: "item.pulse", Columns: []features.Column{{Name: "clicks.10m"}, {Name: "clicks.1h"}, {Name: "last.1", Kind: recsys.ID}}}
	store := open(t, config)

	rng := rand.New(rand.NewPCG(1, 5))
	var log strings.Builder
	at := noon.Add(-3 * time.Hour)
	const events = 4000
	for i := range events {
		at = at.Add(time.Duration(rng.IntN(4000)) * time.Millisecond)
		fmt.Fprintf(&log, `{"time":%d,"user":%d,"item":%d,"kind":"click","id":"%d"}`+"\n", at.UnixNano(), rng.IntN(50), rng.IntN(300), i)
	}
	seen, down := 0, false
	filling := func() materialize.Config {
		return materialize.Config{
			Log:         materialize.Log{Reader: strings.NewReader(log.String())},
			FlushEvents: 200, Batch: 64,
			Targets: []materialize.Target{{Store: store, Aggregates: window.Config{Aggregates: []window.Aggregate{
				{Name: "clicks", Windows: []time.Duration{10 * time.Minute, time.Hour}},
				{Name: "last", Func: window.LastK, K: 1, Windows: []time.Duration{time.Hour}},
			}}}},
			Now: func() time.Time { return noon },
		}
	}
	cfg := filling()
	cfg.Each = func(*materialize.Event) {
		if seen++; seen == events/2 {
			happens()
			down = true
		}
	}
	cfg.Retry = materialize.Retry{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond, Report: func(error) {
		if down {
			down = false
			mend()
		}
	}}
	ctx, cancel := context.WithTimeout(context.Background(), server.Patience)
	defer cancel()
	stats, err := materialize.Materialize(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	batches, _, err := materialize.Batches(ctx, filling())
	if err != nil {
		t.Fatal(err)
	}
	keys := batches[0].Keys()
	rows, err := store.Lookup(ctx, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A key whose windows were empty before the crash may have gone with it: nothing is what it says.
	have := map[uint64]features.Row{}
	for _, r := range rows {
		have[r.Key] = r
	}
	var want window.Row
	for _, key := range keys {
		known := batches[0].Read(key, at.UnixNano(), &want)
		r, ok := have[key]
		if !ok {
			if known {
				t.Errorf("key %d has no row", key)
			}
			continue
		}
		if got, want := fmt.Sprint(r.Floats, r.IDs), fmt.Sprint([]float32{float32(want.Floats[0]), float32(want.Floats[1])}, want.IDs); got != want {
			t.Errorf("key %d: %s; want %s", key, got, want)
		}
	}
	return stats.Views[0]
}
