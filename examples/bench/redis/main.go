// Command redis times batches of rows from a Redis server of its own on the loopback interface: the store of features/redis, and
// Feast's layout (a hash with a field for each feature, HMGETs in a pipeline) read by the same client. It also compares memory.
//
//	go run ./redis -entities 10000 -batch 500 -columns 50
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis"
)

func main() {
	entities := flag.Int("entities", 10000, "rows in the store")
	batch := flag.Int("batch", 500, "rows of a batch")
	columns := flag.Int("columns", 50, "float columns")
	rounds := flag.Int("rounds", 100, "rounds, in which every reader reads the same batch")
	flag.Parse()
	if err := run(*entities, *batch, *columns, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "redis:", err)
		os.Exit(1)
	}
}

// lane is a reader that is timed.
type lane struct {
	name   string
	source recsys.FeatureSource
	bytes  float64 // of memory per entity
	times  []float64
}

func run(entities, batch, columns, rounds int) error {
	if entities < 1 || batch < 1 || columns < 1 || rounds < 1 {
		return errors.New("want positive numbers")
	}
	addr, stop, err := start()
	if err != nil {
		return err
	}
	defer stop()
	view := features.View{Name: "item.stats"}
	for i := range columns {
		view.Columns = append(view.Columns, features.Column{Name: fmt.Sprintf("feature_%02d", i)})
	}
	options := rueidis.ClientOption{InitAddress: []string{addr}, ConnWriteTimeout: 30 * time.Second}
	client, err := rueidis.NewClient(options)
	if err != nil {
		return err
	}
	defer client.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([]features.Row, entities)
	for k := range rows {
		rows[k] = features.Row{Key: uint64(k), Time: time.Unix(1_700_000_000, 0), Floats: make([]float32, columns)}
		for j := range rows[k].Floats {
			rows[k].Floats[j] = rng.Float32()
		}
	}
	var lanes []*lane
	add := func(name string, source recsys.FeatureSource, fill func() error) error {
		before, err := memory(client)
		if err == nil && fill != nil {
			err = fill()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		after, err := memory(client)
		lanes = append(lanes, &lane{name: name, source: source, bytes: float64(after-before) / float64(entities)})
		return err
	}
	feast, err := redis.OpenFeast(redis.FeastConfig{Client: options, View: view, Project: "my_project", Join: "item_id"})
	if err != nil {
		return err
	}
	defer feast.Close()
	if err := add("Feast's layout", feast, func() error { return fillFeast(client, feast, rows) }); err != nil {
		return err
	}
	for _, c := range []struct {
		name   string
		config redis.Config
		fill   bool
	}{
		{"float32", redis.Config{}, true},
		{"float16", redis.Config{Prefix: "h", Half: true}, true},
		{"float32, near-cache", redis.Config{Near: redis.Near{Bytes: 1 << 30}}, false},
	} {
		c.config.Client, c.config.View, c.config.Timeout = options, view, 30*time.Second
		s, err := redis.Open(c.config)
		if err != nil {
			return err
		}
		defer s.Close()
		fill := func() error {
			_, err := s.PutBatch(context.Background(), rows)
			return err
		}
		if !c.fill {
			fill = nil
		}
		if err := add(c.name, s, fill); err != nil {
			return err
		}
	}
	if err := measure(lanes, entities, batch, rounds, rng); err != nil {
		return err
	}
	report(lanes, batch, columns, entities)
	return nil
}

// measure has every lane read the same batches in turn.
func measure(lanes []*lane, entities, batch, rounds int, rng *rand.Rand) error {
	schema, err := recsys.NewSchema(recsys.SchemaConfig{})
	if err != nil {
		return err
	}
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: time.Unix(1_700_000_001, 0)}, schema, "bench")
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	items := make([]recsys.ItemID, batch)
	for round := range rounds {
		for i := range items {
			items[i] = recsys.ItemID(rng.IntN(entities))
		}
		for j := range lanes {
			l := lanes[(round+j)%len(lanes)]
			b := recsys.NewBlock(l.source.Columns(), recsys.PerItem, batch)
			for range 2 {
				start := time.Now()
				if err := l.source.Hydrate(ctx, q, items, b); err != nil {
					return fmt.Errorf("%s: %w", l.name, err)
				}
				l.times = append(l.times, float64(time.Since(start).Nanoseconds())/1e3)
				if n := b.Missing.Count(); n > 0 {
					return fmt.Errorf("%s: %d rows are missing", l.name, n)
				}
			}
		}
	}
	return nil
}

func report(lanes []*lane, batch, columns, entities int) {
	fmt.Printf("%d entities x %d floats of %d; medians of wall time\n", batch, columns, entities)
	fmt.Printf("%-22s %10s %10s %12s %10s\n", "", "us/batch", "speed-up", "bytes/entity", "of Feast's")
	first := median(lanes[0].times)
	for _, l := range lanes {
		m := median(l.times)
		size, share := "", ""
		if l.bytes > 0 {
			size, share = fmt.Sprintf("%.0f", l.bytes), fmt.Sprintf("%.3f", l.bytes/lanes[0].bytes)
		}
		fmt.Printf("%-22s %10.0f %10.1f %12s %10s\n", l.name, m, first/m, size, share)
	}
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// fillFeast writes rows as Feast does: a float_val of feast.types.Value in each field, and the event time.
func fillFeast(client rueidis.Client, f *redis.Feast, rows []features.Row) error {
	fields := f.Fields()
	for part := range slices.Chunk(rows, 500) {
		var commands []rueidis.Completed
		for _, r := range part {
			key, _ := f.Key(r.Key)
			c := client.B().Hset().Key(key).FieldValue()
			for j, v := range r.Floats {
				c = c.FieldValue(fields[j], string(binary.LittleEndian.AppendUint32([]byte{0x35}, math.Float32bits(v))))
			}
			at := binary.AppendUvarint([]byte{8}, uint64(r.Time.Unix()))
			commands = append(commands, c.FieldValue(fields[len(r.Floats)], string(at)).Build())
		}
		for _, r := range client.DoMulti(context.Background(), commands...) {
			if err := r.Error(); err != nil {
				return err
			}
		}
	}
	return nil
}

// memory returns the bytes that the server's data takes.
func memory(client rueidis.Client) (int, error) {
	info, err := client.Do(context.Background(), client.B().Info().Section("memory").Build()).ToString()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			return strconv.Atoi(text)
		}
	}
	return 0, errors.New("no used_memory")
}

// start starts a server that writes nothing to disk.
func start() (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("redis-server does not listen on %s", addr)
}
