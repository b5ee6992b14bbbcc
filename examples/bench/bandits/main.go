// Bandits times what a policy does for a request: microseconds of CPU time.
//
//	go run ./bandits
//
// Rows:
//
//	linucb     a decision among K arms and its update, with d features: [bandit.LinearArms] beside the loop that one writes first,
//	           the whole inverse in rows and a division of its own for each product; both count the allocations of a decision
//	thompson   the probability of each of K arms to be the best one, by quadrature, from Beta and from normal posteriors
package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/examples/bench/internal/lap"
	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

type options struct {
	arms, features, few, rounds int
	seed                        uint64
	json                        bool
}

func run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	o := new(options)
	fs := cli.NewFlagSet("bandits", "bandits [flags]")
	fs.IntVar(&o.arms, "arms", 100, "`arms` of linucb")
	fs.IntVar(&o.features, "features", 64, "`features` of linucb")
	fs.IntVar(&o.few, "few", 10, "`arms` of thompson")
	fs.IntVar(&o.rounds, "rounds", 15, "`rounds`; medians count")
	fs.Uint64Var(&o.seed, "seed", 1, "`seed` of the data")
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line")
	err := cli.Parse(fs, args)
	if err == nil && min(o.arms, o.features, o.few, o.rounds) < 1 {
		err = cli.Usagef("want numbers >= 1")
	}
	if err == nil {
		err = o.race(stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func (o *options) race(out io.Writer) error {
	ours, naive, err := o.linear()
	if err != nil {
		return err
	}
	allocations := testing.AllocsPerRun(200, func() { ours() })
	t := lap.Run(o.rounds, []lap.Lane{{Name: "ours", Do: func() { ours() }}, {Name: "naive", Do: func() { naive() }}})
	if o.json {
		err = cli.WriteJSON(out, cli.Object{
			cli.F("work", "linucb"), cli.F("arms", o.arms), cli.F("features", o.features), cli.F("us", t[0].Nanos/1e3),
			cli.F("naive_us", t[1].Nanos/1e3), cli.F("ratio", t[1].Nanos/t[0].Nanos), cli.F("allocations", allocations),
		})
	} else {
		_, err = fmt.Fprintf(out, "linucb, K = %d, d = %d: %.1f us, naive %.1f us, ratio %.1f, %v allocations\n",
			o.arms, o.features, t[0].Nanos/1e3, t[1].Nanos/1e3, t[1].Nanos/t[0].Nanos, allocations)
	}
	for _, c := range o.posteriors() {
		if err != nil {
			return err
		}
		p, failed := c.best(nil, c.a, c.b)
		if failed != nil {
			return failed
		}
		t := lap.Run(o.rounds, []lap.Lane{{Name: c.name, Do: func() { p, failed = c.best(p, c.a, c.b) }}})
		if o.json {
			err = cli.WriteJSON(out, cli.Object{cli.F("work", "thompson"), cli.F("posterior", c.name), cli.F("arms", o.few), cli.F("us", t[0].Nanos/1e3)})
		} else {
			_, err = fmt.Fprintf(out, "thompson, K = %d, %s: %.1f us\n", o.few, c.name, t[0].Nanos/1e3)
		}
	}
	return err
}

// linear returns functions that decide and update once, and the arm taken. All arms have learned something; contexts and rewards of both are the
// same.
func (o *options) linear() (ours, naive func() int, err error) {
	r := rand.New(rand.NewPCG(o.seed, 1))
	x := make([][]float64, 256)
	for i := range x {
		x[i] = make([]float64, o.features)
		for j := range x[i] {
			x[i][j] = r.NormFloat64() / 8
		}
	}
	m, err := bandit.NewLinearArms(o.arms, o.features, bandit.RidgeConfig{})
	if err != nil {
		return nil, nil, err
	}
	n := newNaive(o.arms, o.features)
	for a := range o.arms {
		at := x[a%len(x)]
		if err := m.Update(a, at, at[0]); err != nil {
			return nil, nil, err
		}
		n.update(a, at, at[0])
	}
	i, j := 0, 0
	ours = func() int {
		at := x[i%len(x)]
		i++
		a := m.UCB(at, 1)
		if err := m.Update(a, at, at[0]); err != nil {
			panic(err) // all numbers are finite
		}
		return a
	}
	naive = func() int {
		at := x[j%len(x)]
		j++
		a := n.ucb(at, 1)
		n.update(a, at, at[0])
		return a
	}
	return ours, naive, nil
}

// posterior is a set of arms.
type posterior struct {
	name string
	best func(dst, a, b []float64) ([]float64, error)
	a, b []float64
}

// posteriors returns arms as they are after some hundreds of rounds, after millions, and cold, and normal ones.
func (o *options) posteriors() []posterior {
	r := rand.New(rand.NewPCG(o.seed, 2))
	all := []posterior{
		{name: "Beta, some hundreds of rounds", best: bandit.BestBeta},
		{name: "Beta, millions of rounds", best: bandit.BestBeta},
		{name: "Beta, cold and warm", best: bandit.BestBeta},
		{name: "normal", best: bandit.BestNormal},
	}
	for i := range o.few {
		rate := 0.02 + 0.05*r.Float64()
		for k := range all {
			n := []float64{500, 1e6, []float64{1, 1e5}[i%2], 0}[k] * (0.5 + r.Float64())
			a, b := 0.5+rate*n, 0.5+(1-rate)*n
			if all[k].name == "normal" {
				a, b = r.NormFloat64(), 0.2+r.Float64()
			}
			all[k].a, all[k].b = append(all[k].a, a), append(all[k].b, b)
		}
	}
	return all
}
