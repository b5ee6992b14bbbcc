package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/features"
)

const (
	soakHours  = 24
	soakTTL    = 2 * time.Hour
	soakWarmUp = 4 // hours, after which the heap counts
)

// soak turns the clock by a day, in minutes: rows of old and new keys are written, late and early ones among them, rows are read, some
// deleted, and expired ones swept each ten minutes. The heap of each hour is that after a collection.
func (o *options) soak(ctx context.Context, out io.Writer) error {
	view := o.view(orElse(o.columns, 50))
	view.TTL = soakTTL
	now := noon
	s, err := features.NewStore(features.StoreConfig{View: view, MaxRows: min(o.rows, 50*o.perMinute), Clock: func() time.Time { return now }})
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(o.seed, 3))
	row := features.Row{Floats: make([]float32, len(view.Columns))}
	items := make([]recsys.ItemID, orElse(o.batch, 500))
	block := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
	low, high := 0.0, 0.0
	for minute := range soakHours * 60 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		now = now.Add(time.Minute)
		first := uint64(minute * o.perMinute / 2) // the keys move on
		for range o.perMinute {
			fillRow(&row, first+rng.Uint64N(uint64(60*o.perMinute)))
			row.Time = now.Add(time.Duration(rng.IntN(1000)-600) * time.Second)
			if _, err := s.Put(row); err != nil {
				return err
			}
		}
		q := recsys.NewQuery(&recsys.Request{K: 1, Now: now, Seed: uint64(minute)}, nil, "soak")
		for range 10 {
			for i := range items {
				items[i] = recsys.ItemID(first + rng.Uint64N(uint64(60*o.perMinute)))
			}
			if err := s.Hydrate(ctx, q, items, block); err != nil {
				return err
			}
			s.Delete(uint64(items[0]))
		}
		if minute%10 == 9 {
			if _, err := s.Sweep(ctx, now); err != nil {
				return err
			}
		}
		if minute%60 == 59 {
			mb := heap()
			if minute/60+1 > soakWarmUp {
				if low == 0 {
					low, high = mb, mb
				}
				low, high = min(low, mb), max(high, mb)
			}
			if err := o.hour(out, minute/60+1, mb, s.Stats()); err != nil {
				return err
			}
		}
	}
	runtime.KeepAlive(s)
	spread := 100 * (high/low - 1)
	if err := o.line(out, cli.Object{cli.F("work", "soak"), cli.F("heap_spread_percent", spread)},
		"heap between %.2f and %.2f MB after hour %d: %.2f %%", low, high, soakWarmUp, spread); err != nil {
		return err
	}
	if spread > 5 {
		return fmt.Errorf("the heap is not flat: %.2f %%", spread)
	}
	return nil
}

func (o *options) hour(out io.Writer, hour int, mb float64, st features.Stats) error {
	return o.line(out, cli.Object{
		cli.F("work", "soak"), cli.F("hour", hour), cli.F("heap_mb", mb), cli.F("rows", st.Rows), cli.F("stored", st.Stored), cli.F("late", st.Late),
		cli.F("early", st.Early), cli.F("swept", st.Swept), cli.F("evicted", st.Evicted), cli.F("expired_reads", st.Expired),
	}, "hour %2d: heap %7.2f MB, %d rows, %d stored, %d late, %d early, %d swept, %d evicted, %d reads of expired rows",
		hour, mb, st.Rows, st.Stored, st.Late, st.Early, st.Swept, st.Evicted, st.Expired)
}

// heap returns the megabytes that are in use after a collection.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}
