// Ope times off-policy estimates: milliseconds of CPU time of one thread for a log.
//
//	go run ./ope
//	OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=1 go run ./ope -peer '/usr/bin/python3 ope/estimate.py'
//
// Ours is [ope.Evaluate] with everything that it does beside the formula: it checks each value, and tells standard errors, intervals, effective
// sample sizes, tails of the weights, support and a verdict. With -peer, a program that computes the same estimates takes turns with
// it, round by round, in one run; estimate.py is that with numpy: the bare formulas, the same with standard errors, and as Open Bandit Pipeline
// writes them. It says how it is started and what it answers. Values that differ by more than 1e-9 of themselves end the run.
//
// The logger and the target have probabilities between 0.5 and 1.5 over the number of actions before they are normalised.
package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/examples/bench/internal/command"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/ope"
)

func main() { cli.Main(run) }

// options is what the command line says.
type options struct {
	rows, actions, rounds int
	workers               int
	peer                  string
	seed                  uint64
	json                  bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := &options{}
	fs := cli.NewFlagSet("ope", "ope [-peer COMMAND] [flags]")
	fs.IntVar(&o.rows, "rows", 1_000_000, "`decisions` of the log")
	fs.IntVar(&o.actions, "actions", 20, "`actions`")
	fs.IntVar(&o.rounds, "rounds", 7, "`rounds`; the median of their times counts")
	fs.IntVar(&o.workers, "workers", 1, "`goroutines` of two more lanes of ours, by the clock on the wall; 1 for none")
	fs.StringVar(&o.peer, "peer", "", "`command` of a program that takes turns")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the log")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil && (o.rows < 2 || o.actions < 2 || o.rounds < 1 || o.workers < 1) {
		err = cli.Usagef("-rows and -actions want numbers >= 2, -rounds and -workers numbers >= 1")
	}
	if err == nil {
		err = o.race(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// lane is an implementation: do estimates once.
type lane struct {
	name, group string
	do          func() (seconds float64, values []float64, err error)
	times       []float64
}

func (o *options) race(ctx context.Context, out, log io.Writer) error {
	data := o.log()
	lanes := []*lane{
		ours("ips", "ours", 1, data, ope.IPS(), ope.SNIPS()),
		ours("dr", "ours", 1, data, ope.DR()),
		ours("ips", "ours, float32", 1, narrow(data), ope.IPS(), ope.SNIPS()),
		ours("dr", "ours, float32", 1, narrow(data), ope.DR()),
	}
	if o.workers > 1 {
		name := fmt.Sprintf("ours, %d workers", o.workers)
		lanes = append(lanes, ours("ips", name, o.workers, data, ope.IPS(), ope.SNIPS()), ours("dr", name, o.workers, data, ope.DR()))
	}
	if o.peer == "" {
		fmt.Fprintln(log, "ope: no -peer: ours alone")
	} else {
		p, err := start(ctx, log, o, data)
		if err != nil {
			return err
		}
		defer p.Stop()
		for _, name := range []string{"ips", "ips+se", "ips-obp", "dr", "dr+se", "dr-einsum", "dr-obp"} {
			group, _, _ := strings.Cut(strings.ReplaceAll(name, "-", "+"), "+")
			lanes = append(lanes, &lane{name: "peer, " + name, group: group, do: func() (float64, []float64, error) { return ask(p, name) }})
		}
	}
	want := map[string][]float64{}
	for round := range o.rounds + 1 { // the first one warms up
		for i := range lanes {
			l := lanes[(i+round)%len(lanes)]
			seconds, values, err := l.do()
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			if round > 0 {
				l.times = append(l.times, seconds)
			}
			if strings.HasPrefix(l.name, "ours, float32") {
				continue // its log is another one
			}
			if want[l.group] == nil {
				want[l.group] = values
			}
			for j, v := range want[l.group] {
				if j >= len(values) || !(math.Abs(values[j]-v) <= 1e-9*math.Abs(v)) {
					return fmt.Errorf("%s: estimates %v; another lane has %v", l.name, values, want[l.group])
				}
			}
		}
	}
	return o.print(out, lanes)
}

// log draws a log.
func (o *options) log() ope.Log[float64] {
	r := rand.New(rand.NewPCG(o.seed, 2))
	n, a := o.rows, o.actions
	log := ope.Log[float64]{
		Actions: a, Reward: make([]float64, n), Action: make([]int32, n), Propensity: make([]float64, n),
		Target: make([]float64, n*a), Model: make([]float64, n*a),
	}
	logger := make([]float64, a)
	for i := range n {
		row := log.Target[i*a : (i+1)*a]
		uneven(logger, r)
		uneven(row, r)
		u, at := r.Float64(), 0
		for at+1 < a && u >= logger[at] {
			u -= logger[at]
			at++
		}
		log.Action[i], log.Propensity[i], log.Reward[i] = int32(at), logger[at], float64(r.IntN(2))
		for k := range row {
			log.Model[i*a+k] = r.Float64()
		}
	}
	return log
}

// uneven draws probabilities.
func uneven(p []float64, r *rand.Rand) {
	sum := 0.0
	for i := range p {
		p[i] = 0.5 + r.Float64()
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
}

func narrow(log ope.Log[float64]) ope.Log[float32] {
	to := func(x []float64) []float32 {
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = float32(v)
		}
		return y
	}
	return ope.Log[float32]{
		Actions: log.Actions, Reward: to(log.Reward), Action: log.Action, Propensity: to(log.Propensity), Target: to(log.Target), Model: to(log.Model),
	}
}

func ours[F ope.Float](group, name string, workers int, log ope.Log[F], estimators ...ope.Estimator) *lane {
	return &lane{name: name + ", " + group, group: group, do: func() (float64, []float64, error) {
		clock := annset.StartStopwatch()
		report, err := ope.Evaluate(log, ope.Options{Workers: workers}, estimators...)
		wall, seconds := clock.Seconds()
		if workers > 1 {
			seconds = wall
		}
		var values []float64
		for _, e := range report.Estimates {
			values = append(values, e.Value)
		}
		return seconds, values, err
	}}
}

func (o *options) print(out io.Writer, lanes []*lane) error {
	if !o.json {
		fmt.Fprintf(out, "%d decisions among %d actions; ratio: how many times as long as ours in float64\n", o.rows, o.actions)
	}
	base := map[string]float64{}
	for _, l := range lanes {
		slices.Sort(l.times)
		t := l.times[len(l.times)/2]
		if base[l.group] == 0 {
			base[l.group] = t
		}
		var err error
		if o.json {
			err = cli.WriteJSON(out, cli.Object{cli.F("lane", l.name), cli.F("ms", t*1e3), cli.F("ratio", t/base[l.group])})
		} else {
			_, err = fmt.Fprintf(out, "%-22s %8.2f ms  %6.2f\n", l.name, t*1e3, t/base[l.group])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// start starts the peer with the log.
func start(ctx context.Context, stderr io.Writer, o *options, log ope.Log[float64]) (*command.Peer, error) {
	actions := make([]float64, len(log.Action))
	for i, a := range log.Action {
		actions[i] = float64(a)
	}
	return command.Start(ctx, stderr, o.peer, []any{o.rows, o.actions}, log.Reward, log.Propensity, actions, log.Target, log.Model)
}

// ask lets the peer estimate.
func ask(p *command.Peer, lane string) (seconds float64, values []float64, err error) {
	answer, err := p.Ask(2, lane)
	if err != nil {
		return 0, nil, err
	}
	return answer[0], answer[1:], nil
}
