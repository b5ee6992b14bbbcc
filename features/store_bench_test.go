package features_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/hash"
)

// What BenchmarkStoreRead reads: 500 of a million rows of 50 floats.
const (
	benchRows    = 1_000_000
	benchColumns = 50
	benchBatch   = 500
)

// BenchmarkStoreRead reads batches of random rows, from the store and from what one
// writes without it: maps under a lock in 64 shards. The maps know neither event
// times nor staleness. With rows=hot the batches come from 500 keys, which stay in the
// cache. The median over batches tells more than the mean where other work
// shares the machine. With -short there are a tenth of the rows.
//
//	go test -run - -bench StoreRead -count 10 ./features | benchstat -col /impl -
func BenchmarkStoreRead(b *testing.B) {
	rows := uint64(benchRows)
	if testing.Short() {
		rows /= 10
	}
	for _, impl := range []struct {
		name string
		load func(rows uint64) func(items []recsys.ItemID, out *recsys.Block)
	}{
		{"store", loadStore},
		{"map-of-slices", loadMapOfSlices},
		{"map-of-maps", loadMapOfMaps},
	} {
		load := sync.OnceValue(func() func([]recsys.ItemID, *recsys.Block) { return impl.load(rows) })
		for _, set := range []struct {
			name string
			keys uint64
		}{{"cold", rows}, {"hot", benchBatch}} {
			b.Run(fmt.Sprintf("rows=%s/impl=%s", set.name, impl.name), func(b *testing.B) {
				read, batches := load(), benchBatches(set.keys)
				out := recsys.NewBlock(benchmarkColumns(), recsys.PerItem, benchBatch)
				b.ReportAllocs()
				timeEach(b, func(i int) { read(batches[i%len(batches)], out) })
			})
		}
	}
}

// timeEach calls f with 0, 1, 2, … and reports the median time.
func timeEach(b *testing.B, f func(i int)) {
	took := make([]time.Duration, 0, 1<<16)
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		f(i)
		if len(took) < cap(took) {
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns/op")
}

// benchBatches draws enough batches to touch each of a million rows once on average.
func benchBatches(keys uint64) [][]recsys.ItemID {
	rng := rand.New(rand.NewPCG(1, 2))
	batches := make([][]recsys.ItemID, benchRows/benchBatch)
	for i := range batches {
		batches[i] = make([]recsys.ItemID, benchBatch)
		for j := range batches[i] {
			batches[i][j] = recsys.ItemID(rng.Uint64N(keys))
		}
	}
	return batches
}

func benchmarkColumns() []features.Column {
	columns := make([]features.Column, benchColumns)
	for j := range columns {
		columns[j] = features.Column{Name: fmt.Sprintf("feature_%d", j)}
	}
	return columns
}

func benchValue(key uint64, column int) float32 { return float32(key%1000) + float32(column) }

// inShuffledOrder calls f with the keys 0 to rows-1 in random order.
func inShuffledOrder(rows uint64, f func(key uint64)) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, key := range rng.Perm(int(rows)) {
		f(uint64(key))
	}
}

var benchNow = time.Unix(1_700_000_000, 0)

func loadStore(rows uint64) func([]recsys.ItemID, *recsys.Block) { return reading(benchStore(rows)) }

func benchStore(rows uint64) *features.Store {
	columns := benchmarkColumns()
	columns[0].MaxAge = time.Hour
	s, err := features.NewStore(features.StoreConfig{View: features.View{Name: "test", Columns: columns}, Capacity: int(rows)})
	if err != nil {
		panic(err)
	}
	row := features.Row{Time: benchNow, Floats: make([]float32, benchColumns)}
	inShuffledOrder(rows, func(key uint64) {
		row.Key = key
		for j := range row.Floats {
			row.Floats[j] = benchValue(key, j)
		}
		if _, err := s.Put(row); err != nil {
			panic(err)
		}
	})
	return s
}

func reading(s *features.Store) func([]recsys.ItemID, *recsys.Block) {
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: benchNow}, nil, "bench")
	return func(items []recsys.ItemID, out *recsys.Block) {
		if err := s.Hydrate(context.Background(), q, items, out); err != nil {
			panic(err)
		}
	}
}

type mapShard[V any] struct {
	mu   sync.RWMutex
	rows map[uint64]V
	_    [64]byte
}

func newMapShards[V any]() []mapShard[V] {
	shards := make([]mapShard[V], 64)
	for k := range shards {
		shards[k].rows = map[uint64]V{}
	}
	return shards
}

func loadMapOfSlices(rows uint64) func([]recsys.ItemID, *recsys.Block) {
	shards := newMapShards[[]float32]()
	inShuffledOrder(rows, func(key uint64) {
		row := make([]float32, benchColumns)
		for j := range row {
			row[j] = benchValue(key, j)
		}
		shards[hash.Mix64(key)>>58].rows[key] = row
	})
	return func(items []recsys.ItemID, out *recsys.Block) {
		for i, id := range items {
			s := &shards[hash.Mix64(uint64(id))>>58]
			s.mu.RLock()
			row, ok := s.rows[uint64(id)]
			if !ok {
				out.Miss(i)
			} else {
				copy(out.FloatRow(i), row)
			}
			s.mu.RUnlock()
		}
	}
}

func loadMapOfMaps(rows uint64) func([]recsys.ItemID, *recsys.Block) {
	shards := newMapShards[map[string]float32]()
	columns := benchmarkColumns()
	inShuffledOrder(rows, func(key uint64) {
		row := make(map[string]float32, benchColumns)
		for j := range columns {
			row[columns[j].Name] = benchValue(key, j)
		}
		shards[hash.Mix64(key)>>58].rows[key] = row
	})
	return func(items []recsys.ItemID, out *recsys.Block) {
		for i, id := range items {
			s := &shards[hash.Mix64(uint64(id))>>58]
			s.mu.RLock()
			row, ok := s.rows[uint64(id)]
			if !ok {
				out.Miss(i)
			}
			dst := out.FloatRow(i)
			for j := range columns {
				if v, ok := row[columns[j].Name]; ok {
					dst[j] = v
				}
			}
			s.mu.RUnlock()
		}
	}
}

// BenchmarkStorePut replaces random rows of 50 floats among a million, in one goroutine.
func BenchmarkStorePut(b *testing.B) {
	s := benchStore(benchRows)
	rng := rand.New(rand.NewPCG(5, 6))
	row := features.Row{Time: benchNow, Floats: make([]float32, benchColumns)}
	b.ReportAllocs()
	for b.Loop() {
		row.Key = rng.Uint64N(benchRows)
		if _, err := s.Put(row); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStoreReadBesideWriter is BenchmarkStoreRead/rows=cold while another goroutine replaces rows as
// fast as it can.
func BenchmarkStoreReadBesideWriter(b *testing.B) {
	s := benchStore(benchRows)
	var done atomic.Bool
	var writer sync.WaitGroup
	writes := 0
	writer.Go(func() {
		rng := rand.New(rand.NewPCG(5, 6))
		row := features.Row{Time: benchNow, Floats: make([]float32, benchColumns)}
		for ; !done.Load(); writes++ {
			row.Key = rng.Uint64N(benchRows)
			if _, err := s.Put(row); err != nil {
				panic(err)
			}
		}
	})
	read, batches := reading(s), benchBatches(benchRows)
	out := recsys.NewBlock(benchmarkColumns(), recsys.PerItem, benchBatch)
	b.ReportAllocs()
	timeEach(b, func(i int) { read(batches[i%len(batches)], out) })
	done.Store(true)
	writer.Wait()
	b.ReportMetric(float64(writes)/b.Elapsed().Seconds(), "writes/s")
}
