package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"reflect"
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

func TestMain(m *testing.M) {
	code := m.Run()
	if c := cluster.c; c != nil {
		c.Stop()
	}
	os.Exit(code)
}

// cluster is the one cluster of all tests: making it takes seconds.
var cluster struct {
	once sync.Once
	c    *server.Cluster
	err  error
}

func theCluster(t *testing.T) *server.Cluster {
	t.Helper()
	server.Need(t)
	cluster.once.Do(func() { cluster.c, cluster.err = server.StartCluster() })
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
	return cluster.c
}

// client returns options that leave a slow machine time, but dial quickly.
func client(addrs ...string) rueidis.ClientOption {
	return rueidis.ClientOption{InitAddress: addrs, ConnWriteTimeout: 20 * time.Second, Dialer: net.Dialer{Timeout: 20 * time.Second}}
}

// stats is the view of most tests.
func statsView() features.View {
	return features.View{
		Name: "item.stats",
		Columns: []features.Column{
			{Name: "ctr"},
			{Name: "price", Default: new(float32(-1)), MaxAge: time.Hour},
			{Name: "creator", Kind: recsys.ID},
			{Name: "emb", Kind: recsys.Vector, Dim: 3},
		},
	}
}

func statsRow(key uint64, at time.Time) features.Row {
	x := float32(key)
	return features.Row{Key: key, Time: at, Floats: []float32{x / 4, x + .5}, IDs: []uint64{key * 10}, Vectors: []float32{x, -x, 1}}
}

// open opens a store that is closed with the test. The clock stands at noon.
func open(t testing.TB, config redis.Config) *redis.Store {
	t.Helper()
	if config.Clock == nil {
		config.Clock = func() time.Time { return noon }
	}
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	s, err := redis.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *redis.Store, want features.Written, rows ...features.Row) {
	t.Helper()
	w, err := s.PutBatch(context.Background(), rows)
	if err != nil || w != want {
		t.Fatalf("PutBatch: %+v, %v; want %+v", w, err, want)
	}
}

// hydrate reads items at a time.
func hydrate(t testing.TB, s recsys.FeatureSource, now time.Time, items ...recsys.ItemID) *recsys.Block {
	t.Helper()
	b, err := tryHydrate(context.Background(), s, now, items...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tryHydrate(ctx context.Context, s recsys.FeatureSource, now time.Time, items ...recsys.ItemID) (*recsys.Block, error) {
	b := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
	for i := range b.Float {
		b.Float[i] = 12345 // a store overwrites
	}
	schema, err := recsys.NewSchema(recsys.SchemaConfig{})
	if err != nil {
		return nil, err
	}
	return b, s.Hydrate(ctx, recsys.NewQuery(&recsys.Request{K: 1, Now: now}, schema, "test"), items, b)
}

// show prints row i of a block of statsView.
func show(b *recsys.Block, i int) string {
	s := fmt.Sprint(b.FloatRow(i))
	for j := range b.ID {
		s += fmt.Sprint(" ", b.ID[j][i])
	}
	for j := range b.Vector {
		s += fmt.Sprint(" ", b.VectorAt(j, i))
	}
	if b.Missing.Has(i) {
		s += " missing"
	}
	if b.Stale.Has(i) {
		s += " stale"
	}
	return s
}

func rows(t *testing.T, b *recsys.Block, want ...string) {
	t.Helper()
	for i, w := range want {
		if got := show(b, i); got != w {
			t.Errorf("row %d is %s; want %s", i, got, w)
		}
	}
}

func TestStoreServesWhatWasWritten(t *testing.T) {
	s := open(t, redis.Config{Client: client(server.Start(t).Addr), View: statsView()})
	put(t, s, features.Written{Stored: 3}, statsRow(1, noon), statsRow(2, noon), statsRow(math.MaxUint64, noon))
	b := hydrate(t, s, noon, 2, 9, 1, 2)
	rows(t, b, "[0.5 2.5] 20 [2 -2 1]", "[NaN -1] 0 [0 0 0] missing", "[0.25 1.5] 10 [1 -1 1]", "[0.5 2.5] 20 [2 -2 1]")

	got, err := s.Lookup(context.Background(), []uint64{math.MaxUint64, 5, 1}, nil)
	if err != nil || !reflect.DeepEqual(got, []features.Row{statsRow(math.MaxUint64, noon), statsRow(1, noon)}) {
		t.Errorf("Lookup: %v, %v", got, err)
	}
	n, err := s.Delete(context.Background(), []uint64{1, 5})
	if err != nil || n != 1 {
		t.Errorf("Delete: %d, %v; want 1", n, err)
	}
	rows(t, hydrate(t, s, noon, 1), "[NaN -1] 0 [0 0 0] missing")
	if st := s.Stats(); st.Fresh != 3 || st.Missing != 2 || st.Stored != 3 {
		t.Errorf("counts %+v; want 3 fresh, 2 missing, 3 stored", st)
	}
}

func TestStoreRefusesLateAndFutureRows(t *testing.T) {
	s := open(t, redis.Config{Client: client(server.Start(t).Addr), View: statsView()})
	at := func(d time.Duration, ctr float32) features.Row {
		r := statsRow(1, noon.Add(d))
		r.Floats[0] = ctr
		return r
	}
	// One batch, one key: its order counts.
	put(t, s, features.Written{Stored: 2, Late: 1, Future: 1}, at(0, 1), at(-1, 2), at(6*time.Minute, 3), at(0, 4))
	rows(t, hydrate(t, s, noon, 1), "[4 1.5] 10 [1 -1 1]")
	put(t, s, features.Written{Stored: 1}, at(5*time.Minute, 5)) // within the tolerance
	put(t, s, features.Written{Late: 1}, at(5*time.Minute-1, 6))
	// Nanoseconds on both sides of what a Lua number holds exactly, and of the sign.
	for _, base := range []time.Time{time.Unix(0, 0), time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)} {
		r := statsRow(uint64(base.Unix()), base)
		put(t, s, features.Written{Stored: 1}, r)
		r.Time = base.Add(-1)
		put(t, s, features.Written{Late: 1}, r)
		r.Time = base.Add(1)
		put(t, s, features.Written{Stored: 1}, r)
		r.Time = base
		put(t, s, features.Written{Late: 1}, r)
	}
	if st := s.Stats(); st.Late != 8 || st.Ahead != 1 {
		t.Errorf("counts %+v; want 8 late, 1 ahead", st)
	}
}

func TestRowsExpireByTheQuerysClock(t *testing.T) {
	v := statsView()
	v.TTL = 2 * time.Hour
	v.Age = "age"
	srv := server.Start(t)
	s := open(t, redis.Config{Client: client(srv.Addr), View: v})
	put(t, s, features.Written{Stored: 1}, statsRow(1, noon))
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{0, "[0.25 1.5 0] 10 [1 -1 1]"},
		{time.Hour, "[0.25 1.5 3600] 10 [1 -1 1]"},
		{time.Hour + 1, "[0.25 1.5 3600] 10 [1 -1 1] stale"},
		{2 * time.Hour, "[0.25 1.5 7200] 10 [1 -1 1] stale"},
		{2*time.Hour + 1, "[NaN -1 NaN] 0 [0 0 0] missing"},
	} {
		rows(t, hydrate(t, s, noon.Add(c.after), 1), c.want)
	}
	if st := s.Stats(); st.Expired != 1 || st.Stale != 2 || st.Fresh != 2 {
		t.Errorf("counts %+v", st)
	}
	// Redis keeps the row for TTL and tolerance from when it came.
	var ms int64
	fmt.Sscan(srv.Must(t, "PTTL", s.Name(1)), &ms)
	if most := int64((2*time.Hour + features.DefaultFuture) / time.Millisecond); ms > most || ms < most-int64(2*server.Patience/time.Millisecond) {
		t.Errorf("Redis removes the row after %d ms; want %d", ms, most)
	}
}

func TestWrongRowsAreNamedAndNothingIsWritten(t *testing.T) {
	s := open(t, redis.Config{Client: client(server.Start(t).Addr), View: statsView()})
	for what, spoil := range map[string]func(*features.Row){
		"ctr":    func(r *features.Row) { r.Floats[0] = float32(math.Inf(1)) },
		"emb":    func(r *features.Row) { r.Vectors[1] = float32(math.NaN()) },
		"floats": func(r *features.Row) { r.Floats = r.Floats[:1] },
		"ids":    func(r *features.Row) { r.IDs = append(r.IDs, 1) },
		"event":  func(r *features.Row) { r.Time = time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		good, bad := statsRow(1, noon), statsRow(77, noon)
		spoil(&bad)
		w, err := s.PutBatch(context.Background(), []features.Row{good, bad})
		var row *features.RowError
		if !errors.As(err, &row) || row.Key != 77 || w != (features.Written{}) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "rows[1]") {
			t.Errorf("%s: %+v, %v; want a RowError of key 77", what, w, err)
		}
	}
	rows(t, hydrate(t, s, noon, 1), "[NaN -1] 0 [0 0 0] missing")
}

// A batch larger than one command, one script and one round trip.
func TestLargeBatches(t *testing.T) {
	for name, addrs := range map[string][]string{"single": {server.Start(t).Addr}, "cluster": theCluster(t).Addrs()} {
		t.Run(name, func(t *testing.T) {
			s := open(t, redis.Config{Client: client(addrs...), View: statsView(), Prefix: t.Name() + ":"})
			const n = 2500
			var batch []features.Row
			var items []recsys.ItemID
			for k := range uint64(n) {
				batch = append(batch, statsRow(k, noon))
				items = append(items, recsys.ItemID(n-1-k))
			}
			put(t, s, features.Written{Stored: n}, batch...)
			b := hydrate(t, s, noon, items...)
			for i := range n {
				if k := n - 1 - i; b.ID[0][i] != uint64(k*10) || b.Missing.Has(i) {
					t.Fatalf("row %d is %s; want that of item %d", i, show(b, i), k)
				}
			}
			put(t, s, features.Written{Late: 1, Stored: 1}, statsRow(7, noon.Add(-time.Second)), statsRow(8, noon))
		})
	}
}

func TestSlotsAreThoseOfTheCluster(t *testing.T) {
	c := theCluster(t)
	for _, key := range []string{"123456789", "", "item.stats@00000000:18446744073709551615", "ü"} {
		if got, want := fmt.Sprint(redis.SlotOf(key)), c.Servers[0].Must(t, "CLUSTER", "KEYSLOT", key); got != want {
			t.Errorf("slot of %q is %s; want %s", key, got, want)
		}
	}
}

func TestConfigurationErrorsNameTheField(t *testing.T) {
	s := server.Start(t)
	for want, spoil := range map[string]func(*redis.Config){
		"InitAddress":         func(c *redis.Config) { c.Client.InitAddress = nil },
		"OnInvalidations":     func(c *redis.Config) { c.Client.OnInvalidations = func([]rueidis.RedisMessage) {} },
		"replicas":            func(c *redis.Config) { c.Client.ReplicaOnly = true },
		"RESP3":               func(c *redis.Config) { c.Client.AlwaysRESP2, c.Near.Bytes = true, 1 },
		"View.Name":           func(c *redis.Config) { c.View.Name = "{item}" },
		"Prefix":              func(c *redis.Config) { c.Prefix = "a}" },
		"Timeout":             func(c *redis.Config) { c.Timeout = -1 },
		"Breaker.Failures":    func(c *redis.Config) { c.Breaker.Failures = -2 },
		"Breaker.Pause":       func(c *redis.Config) { c.Breaker.Pause = -1 },
		"Near.Bytes":          func(c *redis.Config) { c.Near.Bytes = -1 },
		"Near.Life":           func(c *redis.Config) { c.Near.Life = -1 },
		"no Columns":          func(c *redis.Config) { c.View.Columns = nil },
		"connect to [127.0.0": func(c *redis.Config) { c.Client.InitAddress = []string{"127.0.0.1:1"} },
	} {
		c := redis.Config{Client: client(s.Addr), View: statsView()}
		spoil(&c)
		if _, err := redis.Open(c); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "redis: store") {
			t.Errorf("%v; want an error that names %s", err, want)
		}
	}
}

// The columns of two definitions of an aggregate are the same, and their rows share one Redis.
func TestRowsOfRedefinedColumnsLieApart(t *testing.T) {
	srv := server.Start(t)
	store := func(computed uint64) *redis.Store {
		v := statsView()
		v.Computed = computed
		return open(t, redis.Config{Client: client(srv.Addr), View: v})
	}
	old, redefined := store(1), store(2)
	put(t, old, features.Written{Stored: 1}, statsRow(7, noon))
	if b := hydrate(t, redefined, noon, 7); !b.Missing.Has(0) {
		t.Errorf("the new definition is served the old one's row: %s", show(b, 0))
	}
	changed := statsRow(8, noon)
	changed.Key = 7
	put(t, redefined, features.Written{Stored: 1}, changed)
	if a, b := show(hydrate(t, old, noon, 7), 0), show(hydrate(t, redefined, noon, 7), 0); a == b || !strings.HasPrefix(a, "[1.75 ") || !strings.HasPrefix(b, "[2 ") {
		t.Errorf("old %s, redefined %s", a, b)
	}
}

// A store that no budget bounds would hold up every request while Redis does not answer.
func TestBuildTakesStoresWithABudgetOnly(t *testing.T) {
	options := client("127.0.0.1:1")
	store := open(t, redis.Config{Client: options, View: statsView(), Lazy: true})
	flat := statsView()
	flat.Columns = flat.Columns[:1]
	feast, err := redis.OpenFeast(redis.FeastConfig{Client: options, View: flat, Project: "test", Join: "item_id", Lazy: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { feast.Close() })
	none := recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return nil })
	for _, s := range []recsys.FeatureSource{store, feast} {
		_, err := recsys.NewPipeline(recsys.Retrieve("none", none), recsys.Features(s, recsys.Name("far"))).Build()
		if err == nil || !strings.Contains(err.Error(), "features/far: asks another machine; mark it Remote(budget)") {
			t.Errorf("%T without a budget: %v", s, err)
		}
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("none", none), recsys.Features(store, recsys.Remote(time.Second))).Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
