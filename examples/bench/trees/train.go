package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/examples/bench/internal/lightgbm"
	"github.com/recsyskit/recsys/examples/bench/internal/xgboost"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics"
	"github.com/recsyskit/recsys/ranking"
)

// training is what the command line of train says.
type training struct {
	rows, held, features int
	leaves, trees        int
	rate                 float64
	peers                []string // further parameters of LightGBM, one lane each
	rounds               int
	seed                 uint64
	json                 bool
}

func runTrain(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	t := &training{peers: []string{"", "use_quantized_grad=true"}}
	fs := cli.NewFlagSet("trees train", "trees train [flags]")
	fs.IntVar(&t.rows, "rows", 500_000, "`rows` to train on")
	fs.IntVar(&t.held, "held", 100_000, "further `rows`, on which AUC and log loss are taken")
	fs.IntVar(&t.features, "features", 50, "`features`, of which one in five has missing values")
	fs.IntVar(&t.leaves, "leaves", 63, "`leaves` of a tree")
	fs.IntVar(&t.trees, "trees", 100, "`trees`")
	fs.Float64Var(&t.rate, "lr", 0.1, "learning `rate`")
	fs.Func("peer", "further `parameters` of LightGBM, separated by commas; a lane for each flag (default \"\" and \"use_quantized_grad=true\")", t.parsePeer())
	fs.IntVar(&t.rounds, "rounds", 3, "`rounds`, in each of which all lanes have their turn; the median counts")
	fs.Uint64Var(&t.seed, "seed", 1, "`seed` of the data and the model")
	fs.BoolVar(&t.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil {
		err = t.check()
	}
	if err == nil {
		err = t.race(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// parsePeer returns what adds a lane; the first call drops those of the default.
func (t *training) parsePeer() func(string) error {
	first := true
	return func(text string) error {
		if first {
			t.peers, first = nil, false
		}
		t.peers = append(t.peers, strings.ReplaceAll(text, ",", " "))
		return nil
	}
}

func (t *training) check() error {
	switch {
	case min(t.rows, t.held) < 100:
		return cli.Usagef("-rows and -held are %d and %d; want >= 100", t.rows, t.held)
	case min(t.features, t.trees, t.rounds) < 1 || t.leaves < 2:
		return cli.Usagef("-features, -trees, -rounds and -leaves are %d, %d, %d and %d; want >= 1, and two leaves", t.features, t.trees, t.rounds, t.leaves)
	case !(t.rate > 0 && t.rate <= 1):
		return cli.Usagef("-lr is %v; want a number in (0, 1]", t.rate)
	}
	return nil
}

// model is what was trained.
type model struct {
	score func(dst []float64, d *ranking.Dataset) error // probabilities
	close func()
}

// lane is a way to train, and what it took.
type lane struct {
	name string
	// train trains once, setting up included.
	train        func(ctx context.Context) (model, error)
	cpu          []float64 // seconds, by round
	auc, logLoss float64
}

func (t *training) race(ctx context.Context, out, log io.Writer) error {
	data, held := draw(t.rows, t.features, t.seed, 1), draw(t.held, t.features, t.seed, 2)
	lanes := []*lane{t.ours(data)}
	if lightgbm.Linked {
		for _, params := range t.peers {
			lanes = append(lanes, t.lightGBM(data, params))
		}
	} else {
		fmt.Fprintln(log, "trees:", lightgbm.ErrNotLinked)
	}
	if xgboost.Linked {
		lanes = append(lanes, t.xgBoost(data))
	} else {
		fmt.Fprintln(log, "trees:", xgboost.ErrNotLinked)
	}
	for range t.rounds {
		for _, l := range lanes {
			if err := l.run(ctx, held); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
		}
	}
	for _, l := range lanes {
		slices.Sort(l.cpu)
	}
	for _, l := range lanes {
		if err := t.print(l, lanes[0], out); err != nil {
			return err
		}
	}
	return nil
}

// run trains, takes the time, and judges the model.
func (l *lane) run(ctx context.Context, held *ranking.Dataset) error {
	runtime.GC()
	watch := annset.StartStopwatch()
	m, err := l.train(ctx)
	if err != nil {
		return err
	}
	_, cpu := watch.Seconds()
	defer m.close()
	l.cpu = append(l.cpu, cpu)
	p := make([]float64, held.Len())
	if err := m.score(p, held); err != nil {
		return err
	}
	labels := make([]float64, len(p))
	for i, y := range held.Labels {
		labels[i] = float64(y)
	}
	l.auc, l.logLoss = metrics.AUC(p, labels, nil), metrics.LogLoss(p, labels, nil)
	return nil
}

func (l *lane) median() float64 { return l.cpu[len(l.cpu)/2] }

// print writes the lane's row; ratio is its time over that of ours.
func (t *training) print(l, ours *lane, out io.Writer) error {
	if t.json {
		return cli.WriteJSON(out, cli.Object{
			cli.F("trainer", l.name), cli.F("rows", t.rows), cli.F("features", t.features), cli.F("leaves", t.leaves), cli.F("trees", t.trees),
			cli.F("cpu_s", l.median()), cli.F("fastest_s", l.cpu[0]), cli.F("auc", l.auc), cli.F("logloss", l.logLoss), cli.F("ratio", ours.median()/l.median()),
		})
	}
	_, err := fmt.Fprintf(out, "%-36s cpu %.2f s (fastest %.2f)  auc %.5f  log loss %.5f  ours takes %.2f of it\n",
		l.name, l.median(), l.cpu[0], l.auc, l.logLoss, ours.median()/l.median())
	return err
}
