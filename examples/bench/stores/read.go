package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/bench/internal/lap"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/features"
)

// reader reads a batch of rows into a block.
type reader struct {
	name string
	read func(items []recsys.ItemID, out *recsys.Block) error
}

// read times batches of random rows, lane by lane in turn.
func (o *options) read(_ context.Context, out io.Writer) error {
	columns, n := orElse(o.columns, 50), orElse(o.batch, 500)
	view := o.view(columns)
	free, err := o.load(features.StoreConfig{View: view, Capacity: o.rows})
	if err != nil {
		return err
	}
	bounded, err := o.load(features.StoreConfig{View: view, Capacity: o.rows, MaxRows: o.rows})
	if err != nil {
		return err
	}
	readers := []reader{ours("store", free), ours("store, bounded", bounded), o.maps(columns)}
	batches := o.batches(n)
	block := recsys.NewBlock(view.Columns, recsys.PerItem, n)
	lanes := make([]lap.Lane, len(readers))
	for i, r := range readers {
		for j, items := range batches { // once all, so that rows in use are known to be
			if err := r.read(items, block); err != nil {
				return err
			}
			if j == 0 {
				if err := check(r, items, block); err != nil {
					return err
				}
			}
		}
		at := 0
		lanes[i] = lap.Lane{Name: r.name, Do: func() {
			if at++; at == len(batches) {
				at = 0
			}
			if failed := r.read(batches[at], block); failed != nil {
				err = failed
			}
		}}
	}
	times := lap.Run(orElse(o.rounds, 31), lanes)
	if err != nil {
		return err
	}
	maps := times[len(times)-1]
	for i, t := range times {
		allocations := testing.AllocsPerRun(100, lanes[i].Do)
		err := o.line(out, cli.Object{
			cli.F("work", "read"), cli.F("lane", t.Name), cli.F("rows", o.rows), cli.F("columns", columns), cli.F("batch", n),
			cli.F("us", t.Nanos/1e3), cli.F("ratio", maps.Nanos/t.Nanos), cli.F("allocations", allocations),
		}, "%-16s %8.1f us for %d of %d rows × %d, %5.1f times as fast as maps, %v allocations",
			t.Name, t.Nanos/1e3, n, o.rows, columns, maps.Nanos/t.Nanos, allocations)
		if err != nil {
			return err
		}
	}
	return nil
}

// check looks at every value of a batch that was read.
func check(r reader, items []recsys.ItemID, block *recsys.Block) error {
	for i, id := range items {
		for j, v := range block.FloatRow(i) {
			if want := value(uint64(id), j); v != want {
				return fmt.Errorf("%s: item %d, column %d: %v; want %v", r.name, id, j, v, want)
			}
		}
	}
	return nil
}

func ours(name string, s *features.Store) reader {
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: noon}, nil, "bench")
	return reader{name, func(items []recsys.ItemID, out *recsys.Block) error {
		return s.Hydrate(context.Background(), q, items, out)
	}}
}

// batches draws enough of them to touch each row twice on average, but at most a million rows.
func (o *options) batches(n int) [][]recsys.ItemID {
	rng := rand.New(rand.NewPCG(o.seed, 2))
	batches := make([][]recsys.ItemID, max(2, 2*min(o.rows, 1_000_000)/n))
	for i := range batches {
		batches[i] = make([]recsys.ItemID, n)
		for j := range batches[i] {
			batches[i][j] = recsys.ItemID(rng.IntN(o.rows))
		}
	}
	return batches
}

// maps is a store as one writes it first: 64 maps of slices, each under a lock of its own.
func (o *options) maps(columns int) reader {
	type shard struct {
		mu   sync.RWMutex
		rows map[recsys.ItemID][]float32
		_    [64]byte
	}
	const bits = 6
	shards := make([]shard, 1<<bits)
	of := func(id recsys.ItemID) *shard { return &shards[uint64(id)*0x9e3779b97f4a7c15>>(64-bits)] }
	for k := range shards {
		shards[k].rows = map[recsys.ItemID][]float32{}
	}
	for _, key := range o.keys() {
		r := features.Row{Floats: make([]float32, columns)}
		fillRow(&r, uint64(key))
		of(recsys.ItemID(key)).rows[recsys.ItemID(key)] = r.Floats
	}
	return reader{"maps of slices", func(items []recsys.ItemID, out *recsys.Block) error {
		for i, id := range items {
			s := of(id)
			s.mu.RLock()
			row, ok := s.rows[id]
			if ok {
				copy(out.FloatRow(i), row)
			}
			s.mu.RUnlock()
			if !ok {
				out.Miss(i)
			}
		}
		return nil
	}}
}

// pipeline times requests whose candidates are drawn before, and the hydration within them.
func (o *options) pipeline(ctx context.Context, out io.Writer) error {
	columns, n := orElse(o.columns, 100), orElse(o.batch, 1000)
	s, err := o.load(features.StoreConfig{View: o.view(columns), Capacity: o.rows})
	if err != nil {
		return err
	}
	batches := o.distinct(n)
	at := 0
	proposal := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, to *recsys.Sink) error {
		for _, id := range batches[at%len(batches)] {
			if !to.Add(id, 1) {
				break
			}
		}
		return nil
	})
	p, err := recsys.NewPipeline(recsys.Retrieve("drawn", proposal, recsys.Quota(n)), recsys.Features(s)).Build()
	if err != nil {
		return err
	}
	block := recsys.NewBlock(s.Columns(), recsys.PerItem, n)
	hydrate := ours("hydration alone", s)
	var failed error
	note := func(err error) {
		if err != nil {
			failed = err
		}
	}
	lanes := []lap.Lane{
		{Name: "request", Do: func() {
			at++
			_, err := p.Recommend(ctx, &recsys.Request{K: 20, Now: noon, Seed: uint64(at), ID: "bench"})
			note(err)
		}},
		{Name: hydrate.name, Do: func() {
			at++
			note(hydrate.read(batches[at%len(batches)], block))
		}},
	}
	for _, t := range lap.Run(orElse(o.rounds, 31), lanes) {
		if failed != nil {
			return failed
		}
		err := o.line(out, cli.Object{
			cli.F("work", "pipeline"), cli.F("lane", t.Name), cli.F("rows", o.rows), cli.F("columns", columns), cli.F("candidates", n), cli.F("us", t.Nanos/1e3),
		}, "%-16s %8.1f us for %d candidates × %d columns of %d rows", t.Name, t.Nanos/1e3, n, columns, o.rows)
		if err != nil {
			return err
		}
	}
	return nil
}

// distinct draws batches without doubles.
func (o *options) distinct(n int) [][]recsys.ItemID {
	batches := o.batches(n)
	for _, b := range batches {
		seen := map[recsys.ItemID]bool{}
		for j := range b {
			for seen[b[j]] {
				b[j] = (b[j] + 1) % recsys.ItemID(max(o.rows, n))
			}
			seen[b[j]] = true
		}
	}
	return batches
}
