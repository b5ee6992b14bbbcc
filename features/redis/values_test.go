package redis_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
	"github.com/recsyskit/recsys/features/redis/internal/server"
)

func TestForeignBytesAreNamedCountedAndMissing(t *testing.T) {
	srv := server.Start(t)
	var mu sync.Mutex
	var reported []*redis.ValueError
	s := open(t, redis.Config{Client: client(srv.Addr), View: statsView(), Report: func(e *redis.ValueError) {
		mu.Lock()
		defer mu.Unlock()
		reported = append(reported, e)
	}})
	put(t, s, features.Written{Stored: 4}, statsRow(1, noon), statsRow(2, noon), statsRow(3, noon), statsRow(4, noon))
	good := srv.Must(t, "GET", s.Name(1))
	srv.Must(t, "SET", s.Name(2), "hello, this is something else altogether")
	srv.Must(t, "SET", s.Name(3), good[:5]+"\x00\x00"+good[7:]) // another hash
	srv.Must(t, "SET", s.Name(4), good)                         // the row of another key
	srv.Must(t, "SET", s.Name(5), good[:len(good)-1])
	srv.Must(t, "SET", s.Name(6), "")
	srv.Must(t, "HSET", s.Name(7), "a", "b")
	b := hydrate(t, s, noon, 1, 2, 3, 4, 5, 6, 7)
	for i := range 7 {
		if b.Missing.Has(i) != (i > 0) {
			t.Errorf("row %d is %s", i, show(b, i))
		}
	}
	if st := s.Stats(); st.Foreign != 4 || st.Version != 1 || st.Missing != 6 || st.Fresh != 1 {
		t.Errorf("counts %+v; want 4 foreign, 1 of another version, 6 missing", st)
	}
	for i, want := range []error{redis.ErrForeign, redis.ErrVersion, redis.ErrForeign, redis.ErrForeign, redis.ErrForeign} {
		if e := reported[i]; e.Key != uint64(i+2) || !errors.Is(e, want) || !strings.Contains(e.Error(), e.Name) || !strings.Contains(e.Error(), "item.stats") {
			t.Errorf("reported %v; want %v for key %d", e, want, i+2)
		}
	}
	// A write takes the place of a row, of whatever version, and of nothing else.
	w, err := s.PutBatch(context.Background(), []features.Row{statsRow(2, noon), statsRow(3, noon), statsRow(7, noon)})
	var refused *redis.WriteError
	if !errors.As(err, &refused) || refused.Refused != 2 || refused.Key != s.Name(2) || w != (features.Written{Stored: 1}) {
		t.Errorf("PutBatch: %+v, %v; want key 3 stored, 2 and 7 refused", w, err)
	}
	if st := s.Stats(); st.Replaced != 1 || st.Refused != 2 {
		t.Errorf("counts %+v", st)
	}
}

func TestVersionsOfAViewLieSideBySide(t *testing.T) {
	srv := server.Start(t)
	old := open(t, redis.Config{Client: client(srv.Addr), View: statsView()})
	v := statsView()
	v.Columns[0].Name = "ctr.7d"
	fresh := open(t, redis.Config{Client: client(srv.Addr), View: v})
	put(t, old, features.Written{Stored: 1}, statsRow(1, noon))
	rows(t, hydrate(t, fresh, noon, 1), "[NaN -1] 0 [0 0 0] missing")
	put(t, fresh, features.Written{Stored: 1}, statsRow(1, noon.Add(-time.Hour)))
	rows(t, hydrate(t, fresh, noon, 1), "[0.25 1.5] 10 [1 -1 1]")
	rows(t, hydrate(t, old, noon, 1), "[0.25 1.5] 10 [1 -1 1]")
	if key, ok := old.ParseName(old.Name(17)); !ok || key != 17 {
		t.Errorf("%q is the key %d", old.Name(17), key)
	}
}

func TestNearCacheFollowsTheServer(t *testing.T) {
	for name, addrs := range map[string][]string{"single": {server.Start(t).Addr}, "cluster": theCluster(t).Addrs()} {
		t.Run(name, func(t *testing.T) {
			config := redis.Config{Client: client(addrs...), View: statsView(), Prefix: t.Name() + ":", Near: redis.Near{Bytes: 1 << 20, Life: time.Hour}}
			s := open(t, config)
			config.Near = redis.Near{}
			writer := open(t, config)
			// A row that is not there is kept as missing until it comes.
			rows(t, hydrate(t, s, noon, 1), "[NaN -1] 0 [0 0 0] missing")
			put(t, writer, features.Written{Stored: 1}, statsRow(1, noon))
			follows := func(want string) {
				t.Helper()
				server.Until(t, want, func() (bool, any) {
					got := show(hydrate(t, s, noon, 1), 0)
					return got == want, got
				})
			}
			follows("[0.25 1.5] 10 [1 -1 1]")
			for i := range 20 {
				r := statsRow(1, noon.Add(time.Duration(i)))
				r.Floats[1] = float32(i)
				put(t, writer, features.Written{Stored: 1}, r)
				follows(strings.Replace("[0.25 X] 10 [1 -1 1]", "X", strings.Trim(show(&recsys.Block{Rows: 1, Floats: 1, Stride: 1, Float: []float32{float32(i)}, Missing: recsys.MakeBits(1), Stale: recsys.MakeBits(1)}, 0), "[]"), 1))
			}
			if _, err := writer.Delete(context.Background(), []uint64{1}); err != nil {
				t.Fatal(err)
			}
			follows("[NaN -1] 0 [0 0 0] missing")
			before := s.Stats().Near.Hits
			for range 10 {
				hydrate(t, s, noon, 1)
			}
			if st := s.Stats().Near; st.Hits < before+10 || st.Invalidated == 0 || st.HitRate() <= 0 {
				t.Errorf("counts %+v; want 10 more hits, and invalidations", st)
			}
		})
	}
}

func TestFeastsLayoutIsRead(t *testing.T) {
	srv := server.Start(t)
	v := features.View{Name: "item_stats", TTL: time.Hour, Columns: []features.Column{
		{Name: "ctr"},
		{Name: "views", Default: new(float32(-1))},
		{Name: "creator", Kind: recsys.ID},
		{Name: "emb", Kind: recsys.Vector, Dim: 3},
	}}
	f, err := redis.OpenFeast(redis.FeastConfig{Client: client(srv.Addr), View: v, Project: "test", Join: "item_id", Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fields := f.Fields()
	name := func(k uint64) string { s, _ := f.Key(k); return s }
	at := string(binary.AppendUvarint([]byte{8}, uint64(noon.Unix())))
	ctr := string(binary.LittleEndian.AppendUint32([]byte{0x35}, math.Float32bits(1.5)))
	srv.Must(t, "HSET", name(1), fields[0], ctr, fields[1], "\x20\x07", fields[2], "\x12\x04rock",
		fields[3], "\x82\x01\x0e\x0a\x0c\x00\x00\x80\x3f\x00\x00\x20\x40\x00\x00\x40\xc0", fields[4], at)
	srv.Must(t, "HSET", name(2), fields[0], "garbage", fields[1], "\x98\x01\x00", fields[2], "\x20\x09", fields[4], at)
	srv.Must(t, "HSET", name(3), "other", "x")
	srv.Must(t, "HSET", name(4), fields[0], ctr) // no event time: expired, since there is a TTL
	b := hydrate(t, f, noon.Add(time.Minute), 1, 2, 3, 4, 5)
	if want := recsys.HashID("rock"); b.ID[0][0] != want {
		t.Errorf("the ID of text is %d; want %d", b.ID[0][0], want)
	}
	b.ID[0][0] = 0
	none := "[NaN -1] 0 [0 0 0] missing"
	rows(t, b, "[1.5 7] 0 [1 2.5 -3]", "[NaN -1] 9 [0 0 0]", none, none, none)
	rows(t, hydrate(t, f, noon.Add(time.Hour+1), 1), none)
	if st := f.Stats(); st.Foreign != 1 || st.Missing != 2 || st.Expired != 2 || st.Fresh != 2 {
		t.Errorf("counts %+v", st)
	}
}

// Beside what the client allocates, a batch costs the text of its keys.
func TestReadingAllocatesTheKeysAlone(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	srv := server.Start(t)
	s := open(t, redis.Config{Client: client(srv.Addr), View: statsView()})
	var items []recsys.ItemID
	var names []string
	var batch []features.Row
	for k := range uint64(500) {
		items, names = append(items, recsys.ItemID(k)), append(names, s.Name(k))
		batch = append(batch, statsRow(k, noon))
	}
	put(t, s, features.Written{Stored: 500}, batch...)
	c, err := rueidis.NewClient(client(srv.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), server.Patience)
	defer cancel()
	alone := testing.AllocsPerRun(50, func() {
		if _, err := c.Do(ctx, c.B().Mget().Key(names...).Build()).ToArray(); err != nil {
			t.Error(err)
		}
	})
	schema, _ := recsys.NewSchema(recsys.SchemaConfig{})
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: noon}, schema, "test")
	b := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
	ours := math.Inf(1)
	for range 10 { // the garbage collector empties pools now and then, and goroutines of the clients allocate when they please
		ours = min(ours, testing.AllocsPerRun(20, func() {
			if err := s.Hydrate(ctx, q, items, b); err != nil {
				t.Error(err)
			}
		}))
	}
	if ours > alone+2 {
		t.Errorf("Hydrate allocates %v times, the client alone %v; want at most 2 more", ours, alone)
	}
}

// A batch that the near-cache has costs no memory and no question, and what is no row in it is counted each time.
func TestCachedBatchAllocatesNothing(t *testing.T) {
	srv := server.Start(t)
	reported := 0
	s := open(t, redis.Config{
		Client: client(srv.Addr), View: statsView(), Near: redis.Near{Bytes: 1 << 20, Life: time.Hour},
		Report: func(*redis.ValueError) { reported++ },
	})
	var items []recsys.ItemID
	var batch []features.Row
	for k := range uint64(500) {
		items = append(items, recsys.ItemID(k))
		if k != 7 {
			batch = append(batch, statsRow(k, noon))
		}
	}
	put(t, s, features.Written{Stored: 499}, batch...)
	c, err := rueidis.NewClient(client(srv.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), server.Patience)
	defer cancel()
	if err := c.Do(ctx, c.B().Set().Key(s.Name(7)).Value("{}").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	check := func() {
		b := hydrate(t, s, noon, items...)
		for i := range items {
			if b.Missing.Has(i) != (i == 7) || i != 7 && (b.FloatRow(i)[0] != float32(i)/4 || b.ID[0][i] != uint64(i)*10 || b.VectorAt(0, i)[1] != -float32(i)) {
				t.Fatalf("row %d: missing %v, %v", i, b.Missing.Has(i), b.FloatRow(i))
			}
		}
	}
	check()
	check()
	if got := s.Stats(); got.Near.Misses != 500 || got.Near.Hits != 500 || got.Foreign != 2 || reported != 2 {
		t.Fatalf("%+v, %d reported; want 500 misses, 500 hits, 2 foreign", got, reported)
	}
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	schema, _ := recsys.NewSchema(recsys.SchemaConfig{})
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: noon}, schema, "test")
	b := recsys.NewBlock(s.Columns(), recsys.PerItem, 7)
	if n := testing.AllocsPerRun(50, func() {
		if err := s.Hydrate(ctx, q, items[:7], b); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("a cached batch allocates %v times", n)
	}
}
