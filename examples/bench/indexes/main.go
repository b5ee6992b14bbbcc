// Indexes times our vector indexes beside those of other libraries, in one process
// and in turn, at equal recall.
//
//	go run -tags hnswlib,openblas ./indexes -base base.fvecs -query query.fvecs
//	go run -tags hnswlib,openblas ./indexes -synthetic 100000x64 -index flat,hnsw -peers hnswlib -report page.html
//
// The flags for the vectors are those of examples/ann; package peer says which build tags
// there are. Each index is built on one thread. Then, round after round, every index
// answers all queries with every effort; the rate is that of the thread's CPU time, and
// the median of the rounds counts. Rates at a recall are interpolated, and compared with
// those of the peer that -reference names.
//
// A row in which a peer is faster stands there like any other.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/examples/bench/internal/peer"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs, o := newFlags()
	err := o.parse(fs, args)
	if err == nil {
		err = (&program{options: o, out: stdout, log: stderr}).run(ctx)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// program is one run with valid options.
type program struct {
	*options
	out, log io.Writer
	set      *annset.Set
	sample   vector.Matrix // queries that are not in the race
}

func (p *program) run(ctx context.Context) error {
	var err error
	if p.set, err = p.source.Load(ctx, p.k, p.common.Seed, p.common.Workers, p.log); err != nil {
		return err
	}
	if p.holdout >= p.set.Queries.Rows {
		return cli.Usagef("-holdout is %d and leaves none of %d queries", p.holdout, p.set.Queries.Rows)
	}
	p.sample = p.set.HoldOut(p.holdout)
	truth, err := p.set.TrueItems(ctx, p.metric, p.k, p.common.Workers, nil, p.log)
	if err != nil {
		return err
	}
	contestants, err := p.enter(ctx)
	if err != nil {
		return err
	}
	defer func() {
		for _, c := range contestants {
			c.close()
		}
	}()
	if err := race(ctx, contestants, p.set.Queries.Rows, p.k, truth, p.rounds, p.log); err != nil {
		return err
	}
	if p.report != "" {
		if err := p.writeReport(contestants); err != nil {
			return err
		}
	}
	if p.svg != "" {
		if err := os.WriteFile(p.svg, []byte(page.Image(p.chart(contestants))), 0o644); err != nil {
			return err
		}
	}
	return p.print(contestants)
}

// enter builds our indexes and the peers', in that order.
func (p *program) enter(ctx context.Context) ([]*contestant, error) {
	var all []*contestant
	for _, k := range p.kinds {
		for _, quant := range p.quants {
			if !slices.Contains(k.Quants, quant) {
				continue
			}
			fmt.Fprintf(p.log, "build %s\n", k.Name)
			c, err := p.ours(ctx, k, quant)
			if err != nil {
				return all, err
			}
			all = append(all, c)
		}
	}
	if p.metric != retrieval.L2 && len(p.kinds) > 0 {
		all = append(all, p.batched())
	}
	base, queries := p.set.Base, p.set.Queries
	if p.metric == retrieval.Cosine {
		base, queries = annset.Normalized(base), annset.Normalized(queries)
	}
	for _, k := range p.peers {
		fmt.Fprintf(p.log, "build %s\n", k.Name)
		watch := annset.StartStopwatch()
		index, err := k.Build(base, peer.Config{Metric: p.metric, M: p.links, Pool: p.efc})
		if err != nil {
			fmt.Fprintf(p.log, "without %s: %v\n", k.Name, err)
			continue
		}
		c := &contestant{name: k.Name, efforts: k.Efforts, first: int32(p.set.Items[0]), close: index.Close}
		c.wall, c.cpu = watch.Seconds()
		c.search = func(ids []int32, effort int) error {
			index.Search(ids, queries, p.k, effort)
			return nil
		}
		all = append(all, c)
	}
	return all, nil
}

// print writes a line per index and effort, or a table of rates at a recall.
func (p *program) print(contestants []*contestant) error {
	if p.json {
		for _, c := range contestants {
			for _, point := range c.curve.Points {
				if err := cli.WriteJSON(p.out, cli.Object{
					cli.F("index", c.name), cli.F("ef", point.Effort), cli.F("recall", point.Recall), cli.F("qps", point.QPS),
					cli.F("build_s", c.wall), cli.F("build_cpu_s", c.cpu), cli.F("bytes", c.bytes),
				}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	reference := named(contestants, p.reference)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d × %d, %s, %d queries, k = %d, %s\n", p.set.Name, p.set.Base.Rows, p.set.Base.Dim, p.metric, p.set.Queries.Rows, p.k, vector.Info().Tier)
	fmt.Fprintf(&b, "%-18s %9s", "queries/s at", "build s")
	for _, level := range annset.RecallLevels {
		fmt.Fprintf(&b, " %16.2f", level)
	}
	fmt.Fprintf(&b, " %9s\n", "largest")
	for _, c := range contestants {
		fmt.Fprintf(&b, "%-18s %9.2f", c.name, c.cpu)
		for _, level := range annset.RecallLevels {
			qps, ratio := c.curve.QPSAt(level), ""
			if reference != nil && qps > 0 {
				if r := reference.curve.QPSAt(level); r > 0 {
					ratio = fmt.Sprintf("%.2f×", qps/r)
				}
			}
			fmt.Fprintf(&b, " %9.0f %6s", qps, ratio)
		}
		fmt.Fprintf(&b, " %9.4f\n", c.curve.MaxRecall())
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

func named(contestants []*contestant, name string) *contestant {
	for _, c := range contestants {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (p *program) writeReport(contestants []*contestant) error {
	doc := page.Page{
		Title:    "Vector indexes beside their peers",
		Subtitle: p.set.Name,
		Facts: []page.Fact{
			{Name: "Items", Value: page.Count(float64(p.set.Base.Rows))},
			{Name: "Queries", Value: page.Count(float64(p.set.Queries.Rows))},
			{Name: "Dimension", Value: fmt.Sprint(p.set.Base.Dim)},
			{Name: "Metric", Value: p.metric.String()},
			{Name: "Neighbours", Value: fmt.Sprint(p.k)},
			{Name: "Kernels", Value: vector.Info().Tier},
		},
		Footer: "indexes " + strings.Join(os.Args[1:], " "),
	}
	builds := page.Table{Columns: []page.Column{{Name: "Index"}, {Name: "Build", Unit: "CPU s", Format: page.Number, Best: page.Lowest}}}
	for _, c := range contestants {
		builds.Rows = append(builds.Rows, []any{c.name, c.cpu})
	}
	doc.Add("Recall against speed", p.chart(contestants), annset.RecallTable(curves(contestants)))
	doc.Add("Building", builds)
	return doc.Save(p.report)
}

func (p *program) chart(contestants []*contestant) page.Chart {
	note := fmt.Sprintf("One thread's CPU time, all indexes in turn, the median of %d rounds. Up and to the right is better.", p.rounds)
	return annset.RecallChart("Recall against speed", note, p.k, curves(contestants))
}

func curves(contestants []*contestant) []annset.Curve {
	var all []annset.Curve
	for _, c := range contestants {
		all = append(all, c.curve)
	}
	return all
}
