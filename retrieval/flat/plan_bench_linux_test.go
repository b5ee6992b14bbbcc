package flat

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// BenchmarkPlans takes the time of a search under a filter that some of the rows pass, by
// the scan and by the list, in turn on one thread, and reports what a row costs each: of
// all rows in the scan, of those that pass in the list. "chosen" is the time of the plan
// that a search would choose over that of the better one.
func BenchmarkPlans(b *testing.B) {
	const n, k = 41_000, 10
	for _, c := range []struct {
		dim      int
		quantize Quantize
	}{{16, None}, {32, Int8}, {64, Int8}, {128, Int8}, {256, Int8}, {64, None}, {128, None}} {
		base, queries := clustered(n, c.dim), clustered(100, c.dim)
		items := make([]recsys.ItemID, n)
		for i := range items {
			items[i] = recsys.ItemID(i)
		}
		x, err := New(Config{Metric: retrieval.Cosine, Quantize: c.quantize}, items, base)
		if err != nil {
			b.Fatal(err)
		}
		for _, percent := range []uint64{5, 10, 20, 35, 50, 65, 80} {
			b.Run(fmt.Sprintf("dim=%d/quantize=%v/percent=%d", c.dim, c.quantize, percent), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				opt := retrieval.SearchOptions{Filter: retrieval.Where(func(item recsys.ItemID) bool {
					return uint64(item)*0x9e3779b97f4a7c15>>32*100>>32 < percent
				})}
				list := opt.Filter.Select(x.epoch.Load().rows).List()
				s := new(search)
				s.door = &s.own
				s.opt = opt
				pays := false
				run := func(plan func()) time.Duration {
					start := threadTime()
					for i := range queries.Rows {
						s.begin(x, x.epoch.Load().view(), queries.Row(i), k)
						s.pass()
						pays = s.listPays(s.gate.Selection())
						plan()
					}
					return threadTime() - start
				}
				var scans, lists []time.Duration
				for b.Loop() {
					scans = append(scans, run(func() { s.scan() }))
					lists = append(lists, run(func() { s.allowed(list) }))
				}
				slices.Sort(scans)
				slices.Sort(lists)
				scan, listed := float64(scans[len(scans)/2]), float64(lists[len(lists)/2])
				chosen := scan
				if pays {
					chosen = listed
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(scan/float64(queries.Rows*n), "ns/scan-row")
				b.ReportMetric(listed/float64(queries.Rows*len(list)), "ns/list-row")
				b.ReportMetric(chosen/min(scan, listed), "chosen")
			})
		}
	}
}

// clustered returns vectors around 500 centres.
func clustered(n, dim int) vector.Matrix {
	rng := rand.New(rand.NewPCG(1, uint64(dim)))
	centres, m := vector.NewMatrix(500, dim), vector.NewMatrix(n, dim)
	for i := range centres.Data {
		centres.Data[i] = float32(rng.NormFloat64())
	}
	for i := range n {
		for j, v := range centres.Row(rng.IntN(centres.Rows)) {
			m.Row(i)[j] = v + 0.5*float32(rng.NormFloat64())
		}
	}
	return m
}

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
