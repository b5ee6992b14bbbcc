// Als times implicit matrix factorisation: the CPU time of the epochs, and the loss after
// them, which says whether the work was done.
//
//	go run ./als -synthetic 6040x3706x1000000
//	go run ./als -synthetic 6040x3706x1000000 -write DIR
//	go run ./als -data DIR -solver exact,cg -workers 1,2 -rounds 5
//
// The matrix has weights of 1 and no times. -write leaves it in a folder, in a form that other
// programs read as easily: meta.txt with the numbers of users, items and interactions, and a
// matrix in compressed rows of little-endian int32, indptr.i32 and indices.i32.
//
// All pairs count: the confidence is 1 + alpha in an interaction and 1 elsewhere, λ is the
// same for all, as in Hu, Koren and Volinsky, ICDM 2008, and in the library implicit, whose
// loss is the one that is printed. Setting up, which is the transposing of the matrix, counts.
// With the build tag eigen, an exact solver on Eigen runs along, and with -peer a command that
// is given folder, factors, epochs, solver, alpha and λ, as implicit.py is.
package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval/als"
)

func main() { cli.Main(run) }

// options is what the command line says.
type options struct {
	data, write, command string
	users, items, cells  int
	seed                 uint64
	factors, epochs      int
	alpha, lambda        float64
	solvers              []als.Solver
	workers              []int
	steps, block, rounds int
	json                 bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := &options{solvers: []als.Solver{als.Exact, als.ConjugateGradient}, workers: []int{1}}
	fs := cli.NewFlagSet("als", "als -synthetic UxIxN [-write DIR] | als -data DIR [flags]")
	fs.StringVar(&o.data, "data", "", "`folder` with a matrix")
	fs.Func("synthetic", "draw a matrix: `users x items x interactions`, such as 6040x3706x1000000", o.parseSize)
	fs.StringVar(&o.write, "write", "", "write the matrix to a `folder`, and nothing else")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the matrix and the model")
	fs.IntVar(&o.factors, "factors", 64, "`components` of a vector")
	fs.IntVar(&o.epochs, "epochs", 10, "`epochs`")
	fs.Float64Var(&o.alpha, "alpha", 9, "`slope` of the confidence")
	fs.Float64Var(&o.lambda, "regularization", 0.05, "`λ`")
	fs.Func("solver", "`names`: exact, cg, blocks, separated by commas (default exact,cg)", o.parseSolvers)
	fs.Func("workers", "`numbers` of goroutines, separated by commas (default 1)", o.parseWorkers)
	fs.IntVar(&o.steps, "steps", 3, "`steps` of cg")
	fs.IntVar(&o.block, "block", 64, "`factors` in a block of blocks")
	fs.IntVar(&o.rounds, "rounds", 3, "`rounds`, in each of which all solvers have their turn; the median counts")
	fs.StringVar(&o.command, "peer", "", "`command` that trains a peer on -data; see implicit.py")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil {
		err = o.check()
	}
	if err == nil {
		err = o.race(ctx, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func (o *options) parseSize(text string) error {
	_, err := fmt.Sscanf(text, "%dx%dx%d", &o.users, &o.items, &o.cells)
	if err != nil || min(o.users, o.items, o.cells) < 1 || o.cells > 1<<30 || o.cells > o.users*o.items/2 {
		return fmt.Errorf("%q; want users x items x interactions, such as 6040x3706x1000000, at most half of all pairs", text)
	}
	return nil
}

func (o *options) parseSolvers(text string) error {
	o.solvers = nil
	for name := range strings.SplitSeq(text, ",") {
		var s als.Solver
		if err := s.UnmarshalText([]byte(name)); err != nil {
			return err
		}
		o.solvers = append(o.solvers, s)
	}
	return nil
}

func (o *options) parseWorkers(text string) error {
	o.workers = nil
	for name := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 {
			return fmt.Errorf("%q; want numbers >= 1", text)
		}
		o.workers = append(o.workers, n)
	}
	return nil
}

func (o *options) check() error {
	switch {
	case (o.data == "") == (o.users == 0):
		return cli.Usagef("one of -data and -synthetic is wanted")
	case o.command != "" && o.data == "":
		return cli.Usagef("-peer wants -data")
	case min(o.rounds, o.epochs, o.factors) < 1:
		return cli.Usagef("-rounds, -epochs and -factors are %d, %d and %d; want >= 1", o.rounds, o.epochs, o.factors)
	}
	return nil
}

// lane is a way to train, and what it took.
type lane struct {
	name      string
	workers   int
	train     func(ctx context.Context) (result, error)
	cpu, wall []float64 // by round
	loss      float64
}

func (o *options) race(ctx context.Context, out io.Writer) error {
	m, err := o.matrix()
	if err != nil {
		return err
	}
	if o.write != "" {
		return m.write(o.write)
	}
	lanes := o.lanes(m)
	for range o.rounds {
		for _, l := range lanes {
			r, err := l.train(ctx)
			if err != nil {
				return err
			}
			l.cpu, l.wall, l.loss = append(l.cpu, r.CPU), append(l.wall, r.Wall), r.Loss
		}
	}
	for _, l := range lanes {
		if err := o.print(l, out); err != nil {
			return err
		}
	}
	return nil
}

func (o *options) matrix() (*matrix, error) {
	if o.data != "" {
		return read(o.data)
	}
	return synthetic(o.users, o.items, o.cells, o.seed), nil
}

func (o *options) lanes(m *matrix) []*lane {
	var all []*lane
	for _, s := range o.solvers {
		for _, n := range o.workers {
			all = append(all, &lane{name: s.String(), workers: n, train: func(ctx context.Context) (result, error) {
				return o.ours(ctx, m, s, n)
			}})
		}
	}
	if withEigen {
		all = append(all, &lane{name: "eigen", workers: 1, train: func(context.Context) (r result, err error) {
			watch := annset.StartStopwatch()
			r.Loss = o.eigen(m)
			r.Wall, r.CPU = watch.Seconds()
			return r, nil
		}})
	}
	if o.command != "" {
		for _, s := range o.solvers {
			all = append(all, &lane{name: "peer " + s.String(), workers: 1, train: func(ctx context.Context) (result, error) {
				return o.peer(ctx, s.String())
			}})
		}
	}
	return all
}

// ours trains once with this library.
func (o *options) ours(ctx context.Context, m *matrix, solver als.Solver, workers int) (r result, err error) {
	in, err := m.interactions() // new each time, so that it has not been transposed
	if err != nil {
		return r, err
	}
	runtime.GC()
	watch := annset.StartStopwatch()
	_, err = als.Train(ctx, in, als.Config{
		Factors: o.factors, Regularization: o.lambda, Uniform: true, Unobserved: 1, Alpha: o.alpha,
		Epochs: o.epochs, Solver: solver, Steps: o.steps, Block: o.block, Seed: o.seed, Workers: workers,
		Progress: func(_, _ int, loss float64) { r.Loss = loss },
	})
	r.Wall, r.CPU = watch.Seconds()
	return r, err
}

func (o *options) print(l *lane, out io.Writer) error {
	slices.Sort(l.cpu)
	slices.Sort(l.wall)
	cpu, wall := l.cpu[len(l.cpu)/2], l.wall[len(l.wall)/2]
	if o.json {
		return cli.WriteJSON(out, cli.Object{
			cli.F("solver", l.name), cli.F("workers", l.workers), cli.F("factors", o.factors), cli.F("epochs", o.epochs),
			cli.F("cpu_s", cpu), cli.F("wall_s", wall), cli.F("loss", l.loss),
		})
	}
	_, err := fmt.Fprintf(out, "%-10s workers %d  factors %d  epochs %d  cpu %.3f s  wall %.3f s  loss %.6f\n", l.name, l.workers, o.factors, o.epochs, cpu, wall, l.loss)
	return err
}
