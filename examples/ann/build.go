package main

import (
	"context"
	"runtime"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// built is an index with what it took to make it.
type built struct {
	kind  *kind
	index retrieval.Index
	wall  time.Duration
	cpu   time.Duration // of all threads
	bytes int64         // memory that it holds
}

func build(ctx context.Context, o *options, k *kind, m retrieval.Metric, items []recsys.ItemID, base vector.Matrix) (*built, error) {
	before := heapInUse()
	b := &built{kind: k}
	start, cpu := time.Now(), annset.ProcessTime()
	var err error
	if b.index, err = k.build(ctx, o, m, items, base); err != nil {
		return nil, err
	}
	b.wall, b.cpu = time.Since(start), annset.ProcessTime()-cpu
	b.bytes = heapInUse() - before
	return b, nil
}

// heapInUse returns the bytes that are reachable.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // the first one may leave what finalizers and pools held
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// subjects returns the settings of an index to measure under a filter, with their first
// answers and recall. A sweep that the user did not set ends where all is found.
func (p *program) subjects(ctx context.Context, b *built, f *filter, truth annset.Lists, m *meter) ([]*subject, error) {
	efforts := p.efforts
	if efforts == nil {
		efforts = b.kind.efforts
	}
	var all []*subject
	for _, e := range efforts {
		s := &subject{built: b, effort: e, filter: f}
		if err := m.first(ctx, s); err != nil {
			return nil, err
		}
		s.recall = annset.Recall(truth, p.k, m.found(s))
		all = append(all, s)
		if p.efforts == nil && s.recall >= enough {
			break
		}
	}
	return all, nil
}

// enough is the recall at which a sweep ends.
const enough = 0.9995

// curves returns what was measured under a filter as one curve per index.
func curves(subjects []*subject, f *filter) []annset.Curve {
	var all []annset.Curve
	var last *built
	for _, s := range subjects {
		if s.filter != f {
			continue
		}
		if s.built != last {
			all = append(all, annset.Curve{Name: s.built.kind.name})
			last = s.built
		}
		c := &all[len(all)-1]
		c.Points = append(c.Points, annset.Point{Effort: s.effort, Recall: s.recall, QPS: s.qps()})
	}
	return all
}

// fields returns a result line without what belongs to one program run.
func (s *subject) fields() cli.Object {
	o := cli.Object{
		cli.F("index", s.built.kind.name),
		cli.F("ef", s.effort),
	}
	if s.filter.items != nil {
		o = append(o, cli.F("filter", s.filter.share))
	}
	return append(o,
		cli.F("recall", s.recall),
		cli.F("qps", s.qps()),
		cli.F("build_s", s.built.wall.Seconds()),
		cli.F("bytes", s.built.bytes),
		cli.F("build_cpu_s", s.built.cpu.Seconds()),
		cli.F("p50_us", micros(s.p50)),
		cli.F("p99_us", micros(s.p99)),
		cli.F("plan", s.plan),
		cli.F("scored", s.scored),
	)
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
