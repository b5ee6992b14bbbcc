package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// benchmark is one run of bench.
type benchmark struct {
	data, format string
	header       bool
	rows         int
	seconds      float64
	seed         uint64
	model        *gbdt.Model
}

func bench(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("gbdt bench", "gbdt bench -model F [flags]")
	common := cli.AddCommon(fs)
	asJSON := cli.AddJSON(fs)
	m := addModel(fs)
	b := new(benchmark)
	fs.StringVar(&b.data, "data", "", "`file` of rows, as for predict; without it values are drawn at random")
	fs.StringVar(&b.format, "format", "", "`format` of -data: csv or libsvm (default: as its first line looks)")
	fs.BoolVar(&b.header, "header", false, "the first line of a CSV file names the columns")
	fs.IntVar(&b.rows, "rows", 500, "`number` of rows that are ranked at once")
	fs.Float64Var(&b.seconds, "seconds", 1, "CPU `seconds` to measure each figure for")
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Require(fs, "model")
	}
	switch {
	case err != nil:
	case b.rows < 1:
		err = cli.Usagef("-rows is %d; want >= 1", b.rows)
	case !(b.seconds > 0 && b.seconds <= 3600):
		err = cli.Usagef("-seconds is %v; want more than 0, at most 3600", b.seconds)
	default:
		err = checkFormat(b.format)
	}
	if err == nil {
		b.seed = common.Seed
		b.model, err = m.load()
	}
	if err == nil {
		err = b.run(ctx, *asJSON, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func (b *benchmark) run(ctx context.Context, asJSON bool, stdout io.Writer) error {
	rows, err := b.values()
	if err != nil {
		return err
	}
	many, err := b.measure(ctx, rows, b.rows)
	if err != nil {
		return err
	}
	single, err := b.measure(ctx, rows[:len(b.model.Features())], 1)
	if err != nil {
		return err
	}
	perSecond := float64(b.rows) / many.Seconds()
	if asJSON {
		return cli.WriteJSON(stdout, cli.Object{
			cli.F("model", b.model.Version()), cli.F("trees", b.model.Trees()), cli.F("features", len(b.model.Features())),
			cli.F("rows", b.rows), cli.F("us", float64(many.Nanoseconds())/1e3), cli.F("rows_per_s", perSecond),
			cli.F("single_row_us", float64(single.Nanoseconds())/1e3), cli.F("cpu_time", annset.CPUTime),
		})
	}
	_, err = fmt.Fprintf(stdout, "%v\n%d rows in %v, %.0f rows/s; a single row in %v (one thread)\n", b.model, b.rows, many, perSecond, single)
	return err
}

// values returns the rows to rank: those of the file, again and again, or random ones.
func (b *benchmark) values() ([]float64, error) {
	features := b.model.Features()
	var rows []float64
	if b.data != "" {
		in, err := cli.Open(b.data)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		x, err := newRowReader(b.data, b.format, in, b.header, b.model)
		for n := 0; err == nil && n < b.rows; n++ {
			rows, err = x.next(rows)
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, cli.Inputf(b.data, 0, "there are no rows")
		}
		for len(rows) < b.rows*len(features) {
			rows = append(rows, rows[:min(len(rows), b.rows*len(features)-len(rows))]...)
		}
		return rows, nil
	}
	rng := rand.New(rand.NewPCG(b.seed, 0))
	for range b.rows {
		for _, f := range features {
			v := rng.NormFloat64()
			if f.Categorical {
				v = float64(rng.IntN(max(len(f.IDs), 32)))
			}
			if rng.IntN(20) == 0 {
				v = math.NaN()
			}
			rows = append(rows, v)
		}
	}
	return rows, nil
}

// measure returns the median time of ranking n rows as a pipeline does.
func (b *benchmark) measure(ctx context.Context, rows []float64, n int) (time.Duration, error) {
	ranker, table, err := b.table(rows, n)
	if err != nil {
		return 0, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out := recsys.NewScores(n, len(b.model.Heads()))
	var times []time.Duration
	all := annset.StartClock()
	for repeat := 1; all.Elapsed().Seconds() < b.seconds || len(times) < 5; {
		clock := annset.StartClock()
		for range repeat {
			if err := ranker.Rank(ctx, nil, table, out); err != nil {
				return 0, err
			}
		}
		took := clock.Elapsed()
		if took < time.Millisecond { // too short for the clock
			repeat *= 2
			continue
		}
		times = append(times, took/time.Duration(repeat))
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// table binds the model and lays rows out for it.
func (b *benchmark) table(rows []float64, n int) (recsys.Ranker, *recsys.Candidates, error) {
	features := b.model.Features()
	var columns []recsys.Column
	for _, f := range features {
		c := recsys.Column{Name: f.Name}
		if f.IDs != nil {
			c.Kind = recsys.ID
		}
		columns = append(columns, c)
	}
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns})
	if err != nil {
		return nil, nil, err
	}
	items := make([]recsys.ItemID, n)
	for i := range items {
		items[i] = recsys.ItemID(i)
	}
	c := recsys.NewCandidates(schema, items)
	for j, f := range features {
		at, _ := schema.Field(f.Name)
		for i := range n {
			v := rows[i*len(features)+j]
			switch {
			case f.IDs == nil:
				c.Row(i)[at.Index] = float32(v)
			case v >= 0 && int(v) < len(f.IDs):
				c.IDColumn(at.Index)[i] = f.IDs[int(v)]
			}
		}
	}
	ranker, err := b.model.Bind(schema)
	return ranker, c, err
}
