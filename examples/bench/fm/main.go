// Fm times factorisation machines: rows a second of CPU time of one thread, scored and trained.
//
//	go run ./fm
//	RECSYS_SIMD=purego go run ./fm
//
// The data are synthetic: rows of as many IDs as there are fields, few of them frequent, labels from a
// machine of two factors. All lanes work on the same rows, in turn:
//
//	kernel   rows that are encoded, by the kernels of internal/simd, AdaGrad
//	library  ranking/fm from a Dataset: Predict with its look-up of IDs; an epoch
//	         of Train with shuffling and loss, but not the vocabularies, which are made once
//	scalar   the loop that one writes first, rows encoded, no loss
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys/examples/bench/internal/lap"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

func main() { cli.Main(run) }

type options struct {
	rows, fields, ids, rounds int
	factors                   int
	seed                      uint64
	json                      bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := new(options)
	fs := cli.NewFlagSet("fm", "fm [flags]")
	fs.IntVar(&o.rows, "rows", 50000, "`rows`")
	fs.IntVar(&o.fields, "fields", 20, "`columns` of ids")
	fs.IntVar(&o.ids, "ids", 3000, "`ids` of a column")
	fs.IntVar(&o.factors, "factors", 0, "`length` of the vectors, a multiple of 8; 0 for 8, 16 and 32")
	fs.IntVar(&o.rounds, "rounds", 9, "`rounds`; medians count")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the data")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil && (min(o.rows, o.fields, o.ids, o.rounds) < 1 || o.factors < 0 || o.factors%8 != 0 || o.factors > 256) {
		err = cli.Usagef("want numbers >= 1, and -factors a multiple of 8 up to 256")
	}
	if err == nil {
		err = o.race(ctx, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// data is the same rows in two forms.
type data struct {
	*ranking.Dataset
	starts, slots []int32
	values        []float32
}

func (o *options) data() *data {
	d := &data{Dataset: &ranking.Dataset{Heads: []string{"click"}}, starts: []int32{0}}
	r := rand.New(rand.NewPCG(o.seed, 1))
	secret := make([][2]float64, o.fields*o.ids)
	for i := range secret {
		secret[i] = [2]float64{r.NormFloat64() * 0.4, r.NormFloat64() * 0.4}
	}
	for f := range o.fields {
		d.IDColumns = append(d.IDColumns, fmt.Sprint("field", f))
	}
	for range o.rows {
		var s, q [2]float64
		for f := range o.fields {
			u := r.Float64()
			id := int(u * u * u * float64(o.ids))
			slot := f*o.ids + id
			d.IDs = append(d.IDs, uint64(id))
			d.slots, d.values = append(d.slots, int32(slot)), append(d.values, 1)
			for k, v := range secret[slot] {
				s[k], q[k] = s[k]+v, q[k]+v*v
			}
		}
		d.starts = append(d.starts, int32(len(d.slots)))
		z := 0.5 * (s[0]*s[0] - q[0] + s[1]*s[1] - q[1])
		y := float32(0)
		if r.Float64() < 1/(1+math.Exp(-z)) {
			y = 1
		}
		d.Labels = append(d.Labels, y)
	}
	return d
}

func (o *options) race(ctx context.Context, stdout io.Writer) error {
	runtime.GOMAXPROCS(1)
	d := o.data()
	all := []int{8, 16, 32}
	if o.factors > 0 {
		all = []int{o.factors}
	}
	if !o.json {
		fmt.Fprintf(stdout, "%d rows of %d fields, %d coordinates, %v; million rows a second of CPU time\n", o.rows, o.fields, o.fields*o.ids, simd.Active())
		fmt.Fprintf(stdout, "%3s  %-7s %8s %8s %8s\n", "k", "", "kernel", "library", "scalar")
	}
	for _, k := range all {
		scored, err := o.score(ctx, d, k)
		if err != nil {
			return err
		}
		trained, err := o.train(ctx, d, k)
		if err != nil {
			return err
		}
		if err := errors.Join(o.print(stdout, k, "score", scored), o.print(stdout, k, "train", trained)); err != nil {
			return err
		}
	}
	return nil
}

// print writes million rows a second for the nanoseconds of kernel, library and scalar.
func (o *options) print(w io.Writer, k int, work string, nanos [3]float64) error {
	var r [3]float64
	for i, ns := range nanos {
		r[i] = float64(o.rows) / ns * 1e3
	}
	if o.json {
		return cli.WriteJSON(w, cli.Object{
			cli.F("k", k), cli.F("work", work), cli.F("fields", o.fields), cli.F("tier", simd.Active().String()),
			cli.F("kernel_mrows", r[0]), cli.F("library_mrows", r[1]), cli.F("scalar_mrows", r[2]),
		})
	}
	_, err := fmt.Fprintf(w, "%3d  %-7s %8.2f %8.2f %8.2f\n", k, work, r[0], r[1], r[2])
	return err
}

func (o *options) score(ctx context.Context, d *data, k int) (nanos [3]float64, err error) {
	m, err := fm.Train(ctx, fm.Config{Factors: k, Epochs: 1}, d.Dataset)
	if err != nil {
		return nanos, err
	}
	table, scalar := newTable(o.fields*o.ids, k, 1), newScalar(o.fields*o.ids, k)
	state, dst, predicted := make([]float32, table.StateLen()), make([]float32, o.rows), make([]float32, 0, o.rows)
	times := lap.Run(o.rounds, []lap.Lane{
		{Name: "kernel", Do: func() {
			table.Scores(dst, state, d.starts, d.slots, d.values)
			simd.Sigmoid(dst, dst)
		}},
		{Name: "library", Do: func() {
			if predicted, err = m.Predict(predicted[:0], d.Dataset); err != nil {
				panic(err)
			}
		}},
		{Name: "scalar", Do: func() {
			for i := range dst {
				dst[i] = sigmoid(scalar.score(d.slots[i*o.fields : (i+1)*o.fields]))
			}
		}},
	})
	for i := range nanos {
		nanos[i] = times[i].Nanos
	}
	return nanos, nil
}

func (o *options) train(ctx context.Context, d *data, k int) (nanos [3]float64, err error) {
	table, scalar := newTable(o.fields*o.ids, k, 2), newScalar(o.fields*o.ids, k)
	state := make([]float32, table.StateLen())
	c := [8]float32{2e-5, 0.05, 1e-6}
	kernel := func() {
		for i, y := range d.Labels {
			slots, values := d.slots[i*o.fields:(i+1)*o.fields], d.values[i*o.fields:(i+1)*o.fields]
			clear(state)
			table.Sum(state, slots, values)
			table.Step(simd.FMAdaGrad, &c, state, sigmoid(table.Fold(state))-y, slots, values)
		}
	}
	plain := func() {
		for i, y := range d.Labels {
			scalar.step(d.slots[i*o.fields:(i+1)*o.fields], y)
		}
	}
	var samples [3][]float64
	watch := annset.StartStopwatch()
	take := func(lane int) {
		_, cpu := watch.Seconds()
		samples[lane] = append(samples[lane], cpu*1e9)
		watch = annset.StartStopwatch()
	}
	// Between two epochs of the library the others have their turn. The first epoch, which has what is
	// done once, does not count.
	_, err = fm.Train(ctx, fm.Config{Factors: k, Epochs: o.rounds + 1, Workers: 1, Progress: func(fm.Progress) {
		take(1)
		kernel()
		take(0)
		plain()
		take(2)
	}}, d.Dataset)
	for lane, s := range samples {
		if err == nil {
			s = s[1:]
			slices.Sort(s)
			nanos[lane] = s[len(s)/2]
		}
	}
	return nanos, err
}

// newTable returns a table with small factors.
func newTable(n, k, parts int) *simd.FM {
	t := &simd.FM{K: k, Parts: parts, Linear: make([]float32, n*parts), Factors: make([]float32, n*parts*k)}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range t.Factors {
		if i/k%parts == 0 {
			t.Factors[i] = float32(r.NormFloat64() * 0.05)
		}
	}
	return t
}

func sigmoid(z float32) float32 { return float32(1 / (1 + math.Exp(-float64(z)))) }
