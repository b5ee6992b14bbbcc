package journal_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/journal"
)

// BenchmarkLearn is one acknowledged feedback per operation, from so many callers at once.
func BenchmarkLearn(b *testing.B) {
	for _, sync := range []time.Duration{0, time.Second} {
		for _, callers := range []int{1, 8, 64, 512} {
			b.Run(fmt.Sprintf("sync=%v/callers=%d", sync, callers), func(b *testing.B) {
				j := open(b, b.TempDir(), learned(b), journal.Options{SyncEvery: sync})
				shown := show(b, j, "d", epoch)
				run(b, callers, func(i int64) {
					f := recsys.Feedback{ID: fmt.Sprint(i), Request: "d" + fmt.Sprint(i), Item: shown[0], Kind: recsys.Dwell, Value: 1, Time: epoch}
					if err := j.Learn(ctx, []recsys.Feedback{f}); err != nil {
						b.Error(err)
					}
				})
				st := j.Stats()
				b.ReportMetric(float64(b.N)/float64(max(st.Syncs, 1)), "acks/sync")
			})
		}
	}
}

func run(b *testing.B, callers int, f func(i int64)) {
	var work sync.WaitGroup
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	for range callers {
		work.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				f(i)
			}
		})
	}
	work.Wait()
	b.StopTimer()
}

// BenchmarkExplore is what the journal adds to a decision of two items among eight.
func BenchmarkExplore(b *testing.B) {
	for _, kept := range []string{"memory", "journal"} {
		b.Run("kept="+kept, func(b *testing.B) {
			p, err := bandit.New(bandit.Boltzmann{}, bandit.Config{Window: -1, Retention: 1000})
			if err != nil {
				b.Fatal(err)
			}
			if kept == "journal" {
				open(b, b.TempDir(), p, journal.Options{})
			}
			queries := make([]*recsys.Query, 4096)
			for i := range queries {
				queries[i] = query(fmt.Sprint("d", i), epoch)
			}
			c, order := table()
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := p.Explore(ctx, queries[i%len(queries)], c, c.Slate(places, order)); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// BenchmarkOpen is the recovery of 10,000 decisions with feedback, from records alone.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	j := open(b, dir, learned(b), journal.Options{}.On(unsynced{}))
	for i := range 10_000 {
		id := fmt.Sprint("d", i)
		shown := show(b, j, id, epoch)
		if err := j.Learn(ctx, []recsys.Feedback{act("f"+id, id, shown[0], epoch)}); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		j := open(b, dir, learned(b), journal.Options{}.On(unsynced{}))
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(j.Stats().Last), "records")
}
