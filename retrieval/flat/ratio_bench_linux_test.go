package flat_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// The benchmarks of this file compare two things that take turns on one thread, by the time
// that the thread runs, so that others on the machine disturb them little. What is
// reported are medians of ratios.

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// ratios runs all in turn and returns the median, over the rounds, of the time of the first
// over that of each.
func ratios(b *testing.B, rounds int, all ...func()) []float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	of := make([][]float64, len(all))
	took := make([]time.Duration, len(all))
	for range rounds {
		for i, f := range all {
			start := threadTime()
			f()
			took[i] = threadTime() - start
		}
		for i := range all {
			of[i] = append(of[i], float64(took[0])/float64(took[i]))
		}
	}
	medians := make([]float64, len(all))
	for i := range all {
		slices.Sort(of[i])
		medians[i] = of[i][rounds/2]
	}
	return medians
}

// searchAll returns a function that searches for all queries.
func searchAll(b *testing.B, x *flat.Index, queries vector.Matrix, opt retrieval.SearchOptions) func() {
	dst := make([]retrieval.Neighbor, 0, 10)
	return func() {
		for i := range queries.Rows {
			var err error
			if dst, err = x.Search(dst[:0], queries.Row(i), 10, opt); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// forRatio runs a benchmark for each set, metric and quantisation.
func forRatio(b *testing.B, run func(b *testing.B, cfg flat.Config, base, queries vector.Matrix)) {
	for _, set := range benchSets {
		b.Run("set="+set.name, func(b *testing.B) {
			base, queries := set.load(b)
			base, queries = base.Slice(0, min(base.Rows, 41_000)), queries.Slice(0, 200)
			for _, metric := range []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine} {
				for _, quantize := range quantizes {
					if set.name == "sphere" && metric == retrieval.InnerProduct {
						continue
					}
					b.Run("metric="+metric.String()+"/quantize="+quantize.String(), func(b *testing.B) {
						run(b, flat.Config{Metric: metric, Quantize: quantize, Workers: 1}, base, queries)
					})
				}
			}
		})
	}
}

// changing is an index whose items come and go.
type changing struct {
	b          *testing.B
	x          *flat.Index
	cfg        flat.Config
	base       vector.Matrix
	live, rest []int
	rng        *rand.Rand
}

func newChanging(b *testing.B, cfg flat.Config, base vector.Matrix) *changing {
	rng := rand.New(rand.NewPCG(1, 7))
	order := rng.Perm(base.Rows)
	c := &changing{b: b, cfg: cfg, base: base, rng: rng, live: order[:len(order)/2], rest: order[len(order)/2:]}
	c.x = c.fresh()
	return c
}

// fresh returns a new index of the live items.
func (c *changing) fresh() *flat.Index {
	items := make([]recsys.ItemID, len(c.live))
	m := vector.NewMatrix(len(c.live), c.base.Dim)
	for i, row := range c.live {
		items[i] = recsys.ItemID(row)
		copy(m.Row(i), c.base.Row(row))
	}
	x, err := flat.New(c.cfg, items, m)
	if err != nil {
		c.b.Fatal(err)
	}
	return x
}

// turn replaces the items of live[from:to].
func (c *changing) turn(from, to int) {
	for i := from; i < to; i++ {
		in, out := c.rest[i%len(c.rest)], c.live[i]
		if err := c.x.Delete(recsys.ItemID(out)); err != nil {
			c.b.Fatal(err)
		}
		if err := c.x.Insert(recsys.ItemID(in), c.base.Row(in)); err != nil {
			c.b.Fatal(err)
		}
		c.live[i], c.rest[i%len(c.rest)] = in, out
	}
}

// BenchmarkChurn compares the speed of a changed index, that nobody compacted, with that of
// a fresh one of the same items: after three turnovers, at the end and on average over
// the moments of the last; then when half of the items are deleted.
func BenchmarkChurn(b *testing.B) {
	forRatio(b, func(b *testing.B, cfg flat.Config, base, queries vector.Matrix) {
		c := newChanging(b, cfg, base)
		for range 2 {
			c.turn(0, len(c.live))
		}
		compare := func(rounds int) float64 {
			return ratios(b, rounds, searchAll(b, c.fresh(), queries, retrieval.SearchOptions{}), searchAll(b, c.x, queries, retrieval.SearchOptions{}))[1]
		}
		var during []float64
		const parts = 14
		for i := range parts {
			c.turn(len(c.live)*i/parts, len(c.live)*(i+1)/parts)
			during = append(during, compare(5))
		}
		slices.Sort(during)
		turned := compare(15)
		n := len(c.live)
		var deleted []float64
		const steps = 9
		for i := range steps {
			to := n - n*(i+1)/(2*steps)
			for _, row := range c.live[to:] {
				if err := c.x.Delete(recsys.ItemID(row)); err != nil {
					b.Fatal(err)
				}
			}
			c.live = c.live[:to]
			deleted = append(deleted, compare(5))
		}
		half := compare(15)
		slices.Sort(deleted)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(turned, "turned/fresh")
		b.ReportMetric(during[parts/2], "turning/fresh")
		b.ReportMetric(during[0], "turning-min/fresh")
		b.ReportMetric(half, "half/fresh")
		b.ReportMetric(deleted[0], "deleting-min/fresh")
	})
}

// BenchmarkSearchWhileChanging compares the times of a search beside a goroutine that inserts
// and deletes all the time with those beside one that does nothing but burn CPU: the 99th
// percentile on the wall, which counts the wait for a core too, and the median and the
// 99th percentile of the time that the thread runs. It reports the time that the longest
// insertion takes of its thread as well.
func BenchmarkSearchWhileChanging(b *testing.B) {
	forRatio(b, func(b *testing.B, cfg flat.Config, base, queries vector.Matrix) {
		cfg.Workers = 0
		reports := map[string][]float64{}
		for range 7 {
			c := newChanging(b, cfg, base)
			burning := c.latencies(queries, func(stop *atomic.Bool) {
				for !stop.Load() {
				}
			})
			var worst time.Duration
			changing := c.latencies(queries, func(stop *atomic.Bool) {
				for i := 0; !stop.Load(); i++ {
					start := threadTime()
					if err := c.x.Insert(recsys.ItemID(base.Rows+i), base.Row(c.rest[i%len(c.rest)])); err != nil {
						b.Error(err)
					}
					worst = max(worst, threadTime()-start)
					if old := i - 200; old >= 0 {
						if err := c.x.Delete(recsys.ItemID(base.Rows + old)); err != nil {
							b.Error(err)
						}
					}
				}
			})
			for name, v := range map[string]float64{
				"p99-wall/burning":  changing.wall99 / burning.wall99,
				"p99-cpu/burning":   changing.cpu99 / burning.cpu99,
				"p50-cpu/burning":   changing.cpu50 / burning.cpu50,
				"longest-insert-ms": worst.Seconds() * 1e3,
			} {
				reports[name] = append(reports[name], v)
			}
		}
		b.ReportMetric(0, "ns/op")
		for name, v := range reports {
			slices.Sort(v)
			b.ReportMetric(v[len(v)/2], name)
		}
	})
}

// percentiles of the time of a search.
type percentiles struct{ wall99, cpu50, cpu99 float64 }

// latencies searches beside a goroutine. Both have a thread of their own.
func (c *changing) latencies(queries vector.Matrix, beside func(stop *atomic.Bool)) percentiles {
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		beside(&stop)
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var wall, cpu []time.Duration
	dst := make([]retrieval.Neighbor, 0, 10)
	for began := time.Now(); time.Since(began) < 200*time.Millisecond; {
		for i := range queries.Rows {
			start, clock := time.Now(), threadTime()
			var err error
			if dst, err = c.x.Search(dst[:0], queries.Row(i), 10, retrieval.SearchOptions{}); err != nil {
				c.b.Fatal(err)
			}
			cpu, wall = append(cpu, threadTime()-clock), append(wall, time.Since(start))
		}
	}
	stop.Store(true)
	<-done
	slices.Sort(wall)
	slices.Sort(cpu)
	at := len(cpu) * 99 / 100
	return percentiles{wall99: wall[at].Seconds(), cpu50: cpu[len(cpu)/2].Seconds(), cpu99: cpu[at].Seconds()}
}

// BenchmarkChange takes steps on an index of 41,000 × 64: an update, an insertion, or a
// deletion, with all that they put in order. It reports the time that the thread runs.
func BenchmarkChange(b *testing.B) {
	const n = 41_000
	rng := rand.New(rand.NewPCG(1, 2))
	m := vector.NewMatrix(n, 64)
	each(m, func(int, int) float64 { return rng.NormFloat64() })
	items := make([]recsys.ItemID, n)
	for i := range items {
		items[i] = recsys.ItemID(i)
	}
	for _, c := range []struct {
		name string
		step func(x *flat.Index, i int) error
	}{
		{"insert", func(x *flat.Index, i int) error { return x.Insert(recsys.ItemID(n+i), m.Row(i)) }},
		{"update", func(x *flat.Index, i int) error { return x.Update(recsys.ItemID(i*7919%n), m.Row(i)) }},
		{"delete", func(x *flat.Index, i int) error { return x.Delete(recsys.ItemID(i * 7919 % n)) }},
	} {
		b.Run("op="+c.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var total time.Duration
			steps := 0
			for b.Loop() {
				x, err := flat.New(flat.Config{Workers: 1}, items, m)
				if err != nil {
					b.Fatal(err)
				}
				start := threadTime()
				for i := range n {
					if err := c.step(x, i); err != nil {
						b.Fatal(err)
					}
				}
				total += threadTime() - start
				steps += n
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(total.Seconds()*1e6/float64(steps), "cpu-us/step")
		})
	}
}
