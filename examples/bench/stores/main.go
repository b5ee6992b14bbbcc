// Stores times the feature store that is in the process, [features.Store]: reads by CPU time beside what one writes without it, restarts
// by the clock on the wall, and what a day does to its memory.
//
//	go run ./stores read       500 random rows of a million with 50 columns, beside maps of slices under locks in 64 shards
//	go run ./stores pipeline   a request with 1,000 candidates and 100 columns, from the call of Recommend to its slate
//	go run ./stores restart    a snapshot of a million rows with 50 columns: how long it takes to save and to load
//	go run ./stores soak       24 hours of a clock that is turned: new keys, expiry, sweeps, evictions, snapshots
//
// The maps know no event times, ages or bounds.
package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/features"
)

func main() { cli.Main(run) }

// options is what the command line says.
type options struct {
	rows, columns, batch, rounds int
	perMinute                    int
	folder                       string
	seed                         uint64
	json                         bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := &options{}
	fs := cli.NewFlagSet("stores", "stores read|pipeline|restart|soak [flags]")
	fs.IntVar(&o.rows, "rows", 1_000_000, "`rows` of the store; of soak: its bound")
	fs.IntVar(&o.columns, "columns", 0, "float `columns`; 0: 100 for pipeline, else 50")
	fs.IntVar(&o.batch, "batch", 0, "`rows` that are read at once; 0: 1,000 for pipeline, else 500")
	fs.IntVar(&o.rounds, "rounds", 0, "`rounds` whose median counts; 0: 5 for restart, else 31")
	fs.IntVar(&o.perMinute, "per-minute", 2000, "`writes` a minute of soak")
	fs.StringVar(&o.folder, "folder", "", "`folder` of the snapshots, which are removed; empty: that of temporary files")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of keys and batches")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	works := map[string]func(context.Context, io.Writer) error{
		"read": o.read, "pipeline": o.pipeline, "restart": o.restart, "soak": o.soak,
	}
	var work func(context.Context, io.Writer) error
	if len(args) > 0 {
		if work = works[args[0]]; work != nil {
			args = args[1:]
		}
	}
	err := cli.Parse(fs, args)
	switch {
	case err != nil:
	case work == nil:
		err = cli.Usagef("want read, pipeline, restart or soak first")
	case o.rows < 1 || o.columns < 0 || o.batch < 0 || o.rounds < 0 || o.perMinute < 1:
		err = cli.Usagef("want numbers >= 1, or 0 for a default")
	default:
		err = work(ctx, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// orElse returns n, or the default if it is 0.
func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// noon is when all rows are of, and the queries about them.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func (o *options) view(columns int) features.View {
	v := features.View{Name: "bench", TTL: 24 * time.Hour}
	for j := range columns {
		v.Columns = append(v.Columns, features.Column{Name: fmt.Sprintf("f%d", j), MaxAge: time.Hour})
	}
	return v
}

// value is what stands in a column of a key.
func value(key uint64, column int) float32 { return float32(key%1000) + float32(column) }

// fillRow writes the values of a key.
func fillRow(r *features.Row, key uint64) {
	r.Key = key
	for j := range r.Floats {
		r.Floats[j] = value(key, j)
	}
}

// load returns a store of all keys, which come in random order.
func (o *options) load(config features.StoreConfig) (*features.Store, error) {
	config.Clock = func() time.Time { return noon }
	s, err := features.NewStore(config)
	if err != nil {
		return nil, err
	}
	r := features.Row{Time: noon, Floats: make([]float32, len(config.View.Columns))}
	for _, key := range o.keys() {
		fillRow(&r, uint64(key))
		if _, err := s.Put(r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (o *options) keys() []int { return rand.New(rand.NewPCG(o.seed, 1)).Perm(o.rows) }

// line writes a result: fields for programs, or text.
func (o *options) line(out io.Writer, fields cli.Object, format string, args ...any) error {
	if o.json {
		return cli.WriteJSON(out, fields)
	}
	_, err := fmt.Fprintf(out, format+"\n", args...)
	return err
}
