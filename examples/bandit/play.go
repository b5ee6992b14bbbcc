package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// game is a policy in an environment.
type game struct {
	env, policy string
	world       world
	reference   map[string]published // rounds -> regret; may be nil
}

// outcome is what a game came to.
type outcome struct {
	game
	points []point // at checkpoints
	curve  []point // at those and between them
}

// point is the regret of the runs after some rounds.
type point struct {
	rounds   int
	mean, se float64
}

// play plays what the command line asks for.
func (o *options) play(ctx context.Context, out, log io.Writer) error {
	f, err := read(o.golden)
	if err != nil {
		return err
	}
	games, err := o.games(f)
	if err != nil {
		return err
	}
	runs := o.runs
	if runs == 0 {
		runs = f.Runs
	}
	if runs < 2 {
		return cli.Inputf(o.golden, 0, "runs is %d; want at least 2, or give -runs", runs)
	}
	checkpoints := f.Checkpoints
	if o.rounds > 0 {
		checkpoints = slices.DeleteFunc(slices.Clone(checkpoints), func(n int) bool { return n > o.rounds })
	}
	if len(checkpoints) == 0 {
		return cli.Usagef("-rounds is %d; want at least %d, the first checkpoint", o.rounds, f.Checkpoints[0])
	}
	progress := cli.NewProgress(log, "runs", runs*len(games), nil)
	var all []outcome
	for _, g := range games {
		r, err := g.play(ctx, checkpoints, runs, o.common, progress)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", g.env, g.policy, err)
		}
		all = append(all, r)
		if err := o.print(out, r, len(all) == 1 || all[len(all)-2].env != r.env, runs); err != nil {
			return err
		}
	}
	progress.Done()
	if err := o.conclude(out, all); err != nil || o.report == "" {
		return err
	}
	return report(all, runs, o.common.Seed).Save(o.report)
}

// games returns the games in the order of the file. With a policy that the file does not have for an
// environment that is named, there is a game without reference.
func (o *options) games(f *file) ([]game, error) {
	envs := f.order
	if o.env != "all" {
		if f.Envs[o.env] == nil {
			return nil, cli.Usagef("-env is %q; want all or one of %s", o.env, strings.Join(f.order, ", "))
		}
		envs = []string{o.env}
	}
	var games []game
	var known []string
	for _, env := range envs {
		e := f.Envs[env]
		w, err := e.Spec.world()
		if err != nil {
			return nil, cli.Inputf(o.golden, 0, "envs.%s.spec: %w", env, err)
		}
		policies := e.order
		if o.policy != "all" && (o.env != "all" || slices.Contains(policies, o.policy)) {
			policies = []string{o.policy}
		} else if o.policy != "all" {
			policies, known = nil, append(known, policies...)
		}
		for _, policy := range policies {
			if _, err := w.start(policy, source(1), source(1)); err != nil {
				if o.policy == "all" {
					return nil, cli.Inputf(o.golden, 0, "envs.%s.cum_regret: %w", env, err)
				}
				return nil, cli.Usagef("-policy: %w", err)
			}
			games = append(games, game{env, policy, w, e.Regret[policy]})
		}
	}
	if len(games) == 0 {
		slices.Sort(known)
		return nil, cli.Usagef("-policy is %q, which no environment of the file has; name one by -env, or want all or one of %s",
			o.policy, strings.Join(slices.Compact(known), ", "))
	}
	return games, nil
}

// source returns random numbers of their own for each list of keys.
func source(seed uint64, keys ...string) *rand.Rand {
	h := fnv.New64a()
	for _, k := range keys {
		fmt.Fprintf(h, "%d:%s", len(k), k)
	}
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// between is how many points of a curve lie between two checkpoints, and before the first.
const between = 10

// stops returns the rounds at which a curve is drawn, checkpoints among them.
func stops(checkpoints []int) []int {
	var at []int
	last := 0
	for _, c := range checkpoints {
		for i := 1; i <= between; i++ {
			if n := last + (c-last)*i/between; n > 0 {
				at = append(at, n)
			}
		}
		last = c
	}
	return slices.Compact(at)
}

// play plays runs side by side. What comes out does not depend on how many workers there are.
func (g game) play(ctx context.Context, checkpoints []int, runs int, c *cli.Common, progress *cli.Progress) (outcome, error) {
	at := stops(checkpoints)
	regret := make([][]float64, runs)
	errs := make([]error, runs)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(c.Workers, runs) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= runs || ctx.Err() != nil {
					return
				}
				regret[i], errs[i] = g.run(ctx, i, at, c.Seed)
				progress.Add(1)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return outcome{}, err
	}
	for _, err := range errs {
		if err != nil {
			return outcome{}, err
		}
	}
	r := outcome{game: g}
	for j, n := range at {
		p := point{rounds: n}
		p.mean, p.se = meanOf(regret, j)
		r.curve = append(r.curve, p)
		if slices.Contains(checkpoints, n) {
			r.points = append(r.points, p)
		}
	}
	return r, nil
}

// run plays one run and returns its regret after each number of rounds.
func (g game) run(ctx context.Context, i int, at []int, seed uint64) ([]float64, error) {
	number := strconv.Itoa(i)
	round, err := g.world.start(g.policy, source(seed, "world", g.env, number), source(seed, "policy", g.env, g.policy, number))
	if err != nil {
		return nil, err
	}
	total, done := 0.0, 0
	var regret []float64
	for _, n := range at {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for ; done < n; done++ {
			r, err := round()
			if err != nil {
				return nil, fmt.Errorf("run %d, round %d: %w", i, done+1, err)
			}
			total += r
		}
		regret = append(regret, total)
	}
	return regret, nil
}

// meanOf returns the mean of a column and its standard error.
func meanOf(rows [][]float64, column int) (mean, se float64) {
	n := float64(len(rows))
	for _, r := range rows {
		mean += r[column]
	}
	mean /= n
	for _, r := range rows {
		d := r[column] - mean
		se += d * d
	}
	return mean, math.Sqrt(se / (n - 1) / n)
}
