// Command redis times batches of rows from a Redis server of its own on the loopback interface: the store of features/redis, and
// Feast's layout (a hash with a field for each feature, HMGETs in a pipeline) read by the same client, and read as the server of Feast
// in Go reads it, with its libraries. It also compares memory.
//
//	go run ./redis -entities 10000 -batch 500 -columns 50
//
// Readers take turns, in an order that is drawn anew in each round, so noise of the machine meets all alike. A turn has
// many batches, so that each reader pays for the garbage it makes. Wall time is the median batch. CPU time is that
// of this process and of the server, by the kernel's count. The ratios are medians of those within a round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
)

func main() {
	var c config
	flag.IntVar(&c.entities, "entities", 10000, "rows in the store")
	flag.IntVar(&c.batch, "batch", 500, "rows of a batch")
	flag.IntVar(&c.columns, "columns", 50, "float columns")
	flag.IntVar(&c.rounds, "rounds", 40, "rounds, in which every reader has a turn")
	flag.DurationVar(&c.turn, "turn", 50*time.Millisecond, "how long a turn is")
	flag.Parse()
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "redis:", err)
		os.Exit(1)
	}
}

type config struct {
	entities, batch, columns, rounds int
	turn                             time.Duration
}

// bench is the server and what reads from it.
type bench struct {
	config
	server *server
	client rueidis.Client
	query  *recsys.Query
	rows   []features.Row
	lanes  []*lane
}

func run(c config) error {
	if c.entities < 1 || c.batch < 1 || c.columns < 1 || c.rounds < 1 || c.turn <= 0 {
		return errors.New("want positive numbers")
	}
	srv, err := start()
	if err != nil {
		return err
	}
	defer srv.stop()
	b := &bench{config: c, server: srv}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	options := rueidis.ClientOption{InitAddress: []string{srv.addr}, ConnWriteTimeout: 30 * time.Second, DisableCache: true}
	if b.client, err = rueidis.NewClient(options); err != nil {
		return err
	}
	defer b.client.Close()
	schema, err := recsys.NewSchema(recsys.SchemaConfig{})
	if err != nil {
		return err
	}
	b.query = recsys.NewQuery(&recsys.Request{K: 1, Now: time.Unix(1_700_000_001, 0)}, schema, "bench")
	rng := rand.New(rand.NewPCG(1, 2))
	b.rows = make([]features.Row, c.entities)
	for k := range b.rows {
		b.rows[k] = features.Row{Key: uint64(k), Time: time.Unix(1_700_000_000, 0), Floats: make([]float32, c.columns)}
		for j := range b.rows[k].Floats {
			b.rows[k].Floats[j] = rng.Float32()
		}
	}
	closers, err := b.open(ctx, options)
	defer func() {
		for _, f := range closers {
			f()
		}
	}()
	if err != nil {
		return err
	}
	b.rows = nil // the collector need not look at them
	if err := b.measure(ctx, rng); err != nil {
		return err
	}
	b.report()
	return nil
}

// open fills the server and makes the lanes; that of Feast's layout is the first.
func (b *bench) open(ctx context.Context, options rueidis.ClientOption) (closers []func(), err error) {
	view := features.View{Name: "item.stats"}
	for i := range b.columns {
		view.Columns = append(view.Columns, features.Column{Name: fmt.Sprintf("feature_%02d", i)})
	}
	feast, err := redis.OpenFeast(redis.FeastConfig{Client: options, View: view, Project: "my_project", Join: "item_id"})
	if err != nil {
		return nil, err
	}
	closers = append(closers, func() { feast.Close() })
	err = b.add("Feast's layout", b.hydrate(feast), feast.Columns(), func() error { return fillFeast(ctx, b.client, feast, b.rows) })
	if err != nil {
		return closers, err
	}
	server := goredis.NewClient(&goredis.Options{Addr: b.server.addr, ReadTimeout: 30 * time.Second})
	closers = append(closers, func() { server.Close() })
	r := &records{client: server, keys: feast}
	for i := range view.Columns {
		r.names = append(r.names, view.Columns[i].Name)
	}
	if err := b.add("Feast's server", r.batch, feast.Columns(), nil); err != nil {
		return closers, err
	}
	for _, c := range []struct {
		name   string
		config redis.Config
		fill   bool
	}{
		{"float32", redis.Config{}, true},
		{"float16", redis.Config{Prefix: "h", Half: true}, true},
		{"near-cache", redis.Config{Near: redis.Near{Bytes: 1 << 30, Life: time.Hour}}, false},
	} {
		c.config.Client, c.config.View, c.config.Timeout = options, view, 30*time.Second
		s, err := redis.Open(c.config)
		if err != nil {
			return closers, err
		}
		closers = append(closers, func() { s.Close() })
		var fill func() error
		if c.fill {
			fill = func() error {
				_, err := s.PutBatch(ctx, b.rows)
				return err
			}
		}
		if err := b.add(c.name, b.hydrate(s), s.Columns(), fill); err != nil {
			return closers, err
		}
		if !c.fill { // every row is read once
			items := make([]recsys.ItemID, b.entities)
			for i := range items {
				items[i] = recsys.ItemID(i)
			}
			if err := s.Hydrate(ctx, b.query, items, recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))); err != nil {
				return closers, err
			}
		}
	}
	return closers, nil
}

// add makes a lane. The memory of its rows is what fill takes.
func (b *bench) add(name string, read reader, columns []recsys.Column, fill func() error) error {
	l := &lane{name: name, read: read, block: recsys.NewBlock(columns, recsys.PerItem, b.batch)}
	if fill != nil {
		before, err := memory(b.client)
		if err == nil {
			err = fill()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		after, err := memory(b.client)
		if err != nil {
			return err
		}
		l.bytes = float64(after-before) / float64(b.entities)
	}
	b.lanes = append(b.lanes, l)
	return nil
}

// hydrate reads from a source.
func (b *bench) hydrate(s recsys.FeatureSource) reader {
	return func(ctx context.Context, items []recsys.ItemID, out *recsys.Block) error {
		if err := s.Hydrate(ctx, b.query, items, out); err != nil {
			return err
		}
		if n := out.Missing.Count(); n > 0 {
			return fmt.Errorf("%d rows are missing", n)
		}
		return nil
	}
}

// measure has the lanes take turns. All read the same batches in a round.
func (b *bench) measure(ctx context.Context, rng *rand.Rand) error {
	for round := range b.rounds + 1 {
		seed := rng.Uint64()
		for _, j := range rng.Perm(len(b.lanes)) {
			l := b.lanes[j]
			runtime.GC() // of what other lanes have left
			t, err := b.turnOf(ctx, l, rand.New(rand.NewPCG(seed, 0)))
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			if round > 0 { // the first warms up
				l.turns = append(l.turns, t)
			}
		}
	}
	return nil
}

func (b *bench) turnOf(ctx context.Context, l *lane, rng *rand.Rand) (t turn, err error) {
	items := make([]recsys.ItemID, b.batch)
	walls := make([]float64, 0, 10_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	client, server := ownCPU(), b.server.cpu()
	for begin := time.Now(); time.Since(begin) < b.config.turn || len(walls) < 3; {
		for i := range items {
			items[i] = recsys.ItemID(rng.IntN(b.entities))
		}
		start := time.Now()
		if err := l.read(ctx, items, l.block); err != nil {
			return t, err
		}
		walls = append(walls, float64(time.Since(start).Nanoseconds())/1e3)
	}
	n := float64(len(walls))
	t.client, t.server = (ownCPU()-client)/n, (b.server.cpu()-server)/n
	runtime.ReadMemStats(&after)
	t.allocs = float64(after.Mallocs-before.Mallocs) / n
	t.wall = median(walls)
	return t, nil
}
