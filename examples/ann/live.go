package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// liveAll measures for every kind how searches fare while items are inserted.
func (p *program) liveAll(ctx context.Context, d *annset.Set) error {
	if d.Base.Rows < 4 {
		return cli.Usagef("-live needs at least 4 items, and there are %d", d.Base.Rows)
	}
	for _, k := range p.kinds {
		if err := p.liveOne(ctx, d, k); err != nil {
			return fmt.Errorf("live %s: %w", k.Name, err)
		}
	}
	return nil
}

// liveOne builds an index of half of the items, drawn at random. It takes the time of
// searches, first alone, then while another goroutine inserts the other half, and last the
// recall of what came of it beside that of a fresh index.
func (p *program) liveOne(ctx context.Context, d *annset.Set, k *annindex.Kind) error {
	order := rand.New(rand.NewPCG(p.common.Seed, 2)).Perm(d.Base.Rows)
	half := len(order) / 2
	b, err := p.fresh(ctx, d, k, order[:half])
	if err != nil {
		return err
	}
	index, ok := b.index.(retrieval.MutableIndex)
	if !ok {
		return p.event("live", cli.F("index", k.Name), cli.F("inserted", 0))
	}
	effort := p.liveEffort(k)
	idle, err := p.searchOn(ctx, d, index, effort, func(searches int) bool { return searches < 4*d.Queries.Rows })
	if err != nil {
		return err
	}
	var inserting atomic.Bool
	inserting.Store(true)
	var failed error
	start := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer inserting.Store(false)
		for _, row := range order[half:] {
			if failed = ctx.Err(); failed != nil {
				return
			}
			if failed = index.Insert(d.Items[row], d.Base.Row(row)); failed != nil {
				return
			}
		}
	}()
	busy, err := p.searchOn(ctx, d, index, effort, func(int) bool { return inserting.Load() })
	<-done
	took := time.Since(start)
	if err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	grown, fresh, err := p.recallBesideFresh(ctx, d, b, effort)
	if err != nil {
		return err
	}
	fields := []cli.Field{
		cli.F("index", k.Name), cli.F("ef", effort), cli.F("inserted", len(order)-half), cli.F("inserts_per_s", float64(len(order)-half)/took.Seconds()),
		cli.F("searches", len(busy.wall)),
		cli.F("p50_us", percentile(busy.wall, 50)), cli.F("p99_us", percentile(busy.wall, 99)), cli.F("p99_cpu_us", percentile(busy.cpu, 99)),
		cli.F("idle_p50_us", percentile(idle.wall, 50)), cli.F("idle_p99_us", percentile(idle.wall, 99)), cli.F("idle_p99_cpu_us", percentile(idle.cpu, 99)),
		cli.F("recall", grown), cli.F("fresh_recall", fresh),
	}
	if p.metric != retrieval.InnerProduct { // by which an item need not be its own neighbour
		self, err := p.selfRecall(ctx, d, b, effort, order)
		if err != nil {
			return err
		}
		fields = append(fields, cli.F("self_recall", self))
	}
	return p.event("live", fields...)
}

// liveEffort returns the effort to search with: the first of -ef, else one in the middle of the sweep.
func (p *program) liveEffort(k *annindex.Kind) int {
	efforts := p.effortsOf(k)
	if p.efforts != nil {
		return efforts[0]
	}
	return efforts[len(efforts)/2]
}

// latencies holds the times of single searches, ascending: on the wall, which counts the wait for
// a lock and for a core alike, and of the thread, which counts neither.
type latencies struct{ wall, cpu []time.Duration }

// searchOn takes the time of one search after the other, at least of one.
func (p *program) searchOn(ctx context.Context, d *annset.Set, index retrieval.Index, effort int, more func(searches int) bool) (*latencies, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var l latencies
	dst := make([]retrieval.Neighbor, 0, p.k)
	for q := 0; q == 0 || more(q); q++ {
		start, clock := time.Now(), annset.StartClock()
		var err error
		if dst, err = index.Search(dst[:0], d.Queries.Row(q%d.Queries.Rows), p.k, retrieval.SearchOptions{Effort: effort}); err != nil {
			return nil, err
		}
		l.cpu, l.wall = append(l.cpu, clock.Elapsed()), append(l.wall, time.Since(start))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	slices.Sort(l.wall)
	slices.Sort(l.cpu)
	return &l, nil
}

// percentile returns a percentile of sorted times in microseconds.
func percentile(times []time.Duration, percent int) float64 {
	return micros(times[len(times)*percent/100])
}

// recallBesideFresh returns the recall of an index that holds all items, and that of a fresh one.
func (p *program) recallBesideFresh(ctx context.Context, d *annset.Set, b *built, effort int) (grown, fresh float64, err error) {
	truth, err := d.TrueItems(ctx, p.metric, p.k, p.common.Workers, nil, p.log)
	if err != nil {
		return 0, 0, err
	}
	m := &meter{queries: d.Queries, k: p.k, threads: 1}
	s := &subject{built: b, effort: effort}
	if err := m.first(ctx, s); err != nil {
		return 0, 0, err
	}
	grown = annset.Recall(truth, p.k, m.found(s))
	if s.built, err = p.build(ctx, b.kind, d.Items, d.Base); err != nil {
		return 0, 0, err
	}
	if err := m.first(ctx, s); err != nil {
		return 0, 0, err
	}
	return grown, annset.Recall(truth, p.k, m.found(s)), nil
}

// selfRecall returns the share of items that a search for their own vector finds, of
// those that were there from the start and those that came.
func (p *program) selfRecall(ctx context.Context, d *annset.Set, b *built, effort int, order []int) (float64, error) {
	sample := min(len(order), 10000)
	hits := 0
	var vec []float32
	var dst []retrieval.Neighbor
	for i := range sample {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		item := d.Items[order[i*len(order)/sample]]
		vec, _ = b.index.Vector(vec[:0], item)
		var err error
		if dst, err = b.index.Search(dst[:0], vec, p.k, retrieval.SearchOptions{Effort: effort}); err != nil {
			return 0, err
		}
		if slices.ContainsFunc(dst, func(n retrieval.Neighbor) bool { return n.Item == item }) {
			hits++
		}
	}
	return float64(hits) / float64(sample), nil
}
