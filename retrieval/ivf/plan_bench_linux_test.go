package ivf

import (
	"context"
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
// reading lists and by scoring all that pass, in turn on one thread. "chosen" is the time of
// the plan that searches choose over that of the better one.
func BenchmarkPlans(b *testing.B) {
	const n, k = 41_000, 10
	for _, c := range []struct {
		dim    int
		spread float32
	}{{64, 0.5}, {64, 1}, {32, 1}, {128, 1}} {
		base := benchVectors(n+100, c.dim, c.spread)
		queries := base.Slice(n, n+100)
		items := make([]recsys.ItemID, n)
		for i := range items {
			items[i] = recsys.ItemID(i)
		}
		for _, codes := range []Codes{Int8, PQ} {
			ix, err := Build(context.Background(), Config{Metric: retrieval.Cosine, Codes: codes}, items, base.Slice(0, n))
			if err != nil {
				b.Fatal(err)
			}
			for _, percent := range []uint64{2, 5, 10, 15, 20, 30, 50} {
				b.Run(fmt.Sprintf("dim=%d/spread=%v/codes=%v/percent=%d", c.dim, c.spread, codes, percent), func(b *testing.B) {
					opt := retrieval.SearchOptions{Filter: retrieval.Where(func(item recsys.ItemID) bool {
						return uint64(item)*0x9e3779b97f4a7c15>>32*100>>32 < percent
					})}
					benchPlans(b, ix, queries, k, &opt)
				})
			}
		}
	}
}

func benchPlans(b *testing.B, ix *Index, queries vector.Matrix, k int, opt *retrieval.SearchOptions) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := ix.readers.enter()
	defer ix.readers.leave(s)
	st := ix.open(s, opt, true)
	pays, lists, listed, scanned := false, 0, 0, 0
	run := func(plan func(r *search, e effort)) time.Duration {
		start := threadTime()
		scanned = 0
		for i := range queries.Rows {
			ix.open(s, opt, true)
			r := search{scratch: s, ix: ix, state: st, gated: true, limit: st.limit(ix.dim)}
			r.begun(r.prepare(queries.Row(i), ix.metric), k)
			e := r.filtered(k, 0)
			pays, lists, listed = r.listPays(&e), e.lists, r.gate.Count()
			plan(&r, e)
			scanned += r.scanned
		}
		return threadTime() - start
	}
	var probes, alls []time.Duration
	read := 0
	for b.Loop() {
		alls = append(alls, run(func(r *search, _ effort) { r.allowed(r.passed()) }))
		probes = append(probes, run(func(r *search, e effort) { r.read(k, e) }))
		read = scanned
	}
	slices.Sort(probes)
	slices.Sort(alls)
	probe, all := float64(probes[len(probes)/2]), float64(alls[len(alls)/2])
	chosen := probe
	if pays {
		chosen = all
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(probe/float64(queries.Rows), "ns/probe")
	b.ReportMetric(all/float64(queries.Rows), "ns/allowed")
	b.ReportMetric(all/float64(queries.Rows*listed), "ns/allowed-row")
	b.ReportMetric(float64(read)/float64(queries.Rows), "read/probe")
	b.ReportMetric(float64(lists)/float64(ix.Lists())*float64(ix.Len()), "planned/probe")
	b.ReportMetric(chosen/min(probe, all), "chosen")
}

// benchVectors returns vectors around 500 centres.
func benchVectors(n, dim int, spread float32) vector.Matrix {
	rng := rand.New(rand.NewPCG(1, uint64(dim)))
	centres, m := vector.NewMatrix(500, dim), vector.NewMatrix(n, dim)
	for i := range centres.Data {
		centres.Data[i] = float32(rng.NormFloat64())
	}
	for i := range n {
		for j, v := range centres.Row(rng.IntN(centres.Rows)) {
			m.Row(i)[j] = v + spread*float32(rng.NormFloat64())
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
