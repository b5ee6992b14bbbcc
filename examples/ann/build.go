package main

import (
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// built is an index with what it took to make it.
type built struct {
	kind  *annindex.Kind
	index retrieval.Index
	cost  annindex.Cost
}

func (p *program) build(ctx context.Context, k *annindex.Kind, items []recsys.ItemID, base vector.Matrix) (*built, error) {
	index, cost, err := k.Build(ctx, annindex.Config{
		Metric:         p.metric,
		Quant:          p.quant,
		M:              p.links,
		EfConstruction: p.efc,
		Lists:          p.lists,
		K:              p.k,
		Recall:         p.recall,
		Sample:         p.sample,
		MaxBytes:       p.maxBytes,
		Seed:           p.common.Seed,
		Workers:        p.common.Workers,
		Progress:       p.progress(k.Name),
	}, items, base)
	return &built{k, index, cost}, err
}

// progress returns a function that reports the building of an index: a line per stage, and one
// a second while the stage says how far it is.
func (p *program) progress(name string) func(stage string, done, total int) {
	var now string
	var line *cli.Progress
	var before int
	return func(stage string, done, total int) {
		if stage != now {
			now, line, before = stage, nil, 0
			if total > 0 {
				line = cli.NewProgress(p.log, name+": "+stage, total, nil)
			} else {
				fmt.Fprintf(p.log, "%s: %s\n", name, stage)
			}
		}
		line.Add(done - before)
		before = done
	}
}

// subjects returns the settings of an index to measure under a filter, with their first
// answers and recall. A sweep that the user did not set ends where all is found.
func (p *program) subjects(ctx context.Context, b *built, f *filter, truth annset.Lists, m *meter) ([]*subject, error) {
	var all []*subject
	for _, e := range p.effortsOf(b.kind) {
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

// effortsOf returns the efforts to search a kind with.
func (p *program) effortsOf(k *annindex.Kind) []int {
	if p.efforts == nil || !k.Tunes() {
		return k.Efforts
	}
	return p.efforts
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
			all = append(all, annset.Curve{Name: s.built.kind.Name})
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
		cli.F("index", s.built.kind.Name),
		cli.F("ef", s.effort),
	}
	if s.filter.items != nil {
		o = append(o, cli.F("filter", s.filter.share))
	}
	return append(o,
		cli.F("recall", s.recall),
		cli.F("qps", s.qps()),
		cli.F("build_s", s.built.cost.Wall),
		cli.F("bytes", s.built.cost.Bytes),
		cli.F("resident_bytes", s.built.cost.Resident),
		cli.F("build_cpu_s", s.built.cost.CPU),
		cli.F("p50_us", micros(s.p50)),
		cli.F("p99_us", micros(s.p99)),
		cli.F("plan", s.plan),
		cli.F("scored", s.scored),
	)
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
