package main

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
)

// maxTuned is the number of tests that a trial is measured by.
const maxTuned = 20_000

// tune returns the best settings that the trials found, and tells of each.
func (p *program) tune(ctx context.Context, in *retrieval.Interactions) (hyper.Settings, error) {
	rnd := rand.New(rand.NewPCG(p.common.Seed, 0x7475_6e65)) // "tune"
	d, err := heldOut(in, p.options, rnd)
	if err != nil {
		return nil, err
	}
	if len(d.tests) == 0 || d.train.Len() == 0 {
		return nil, cli.Usagef("-tune needs sequences of two items or more to hold out, and others to train on")
	}
	progress := cli.NewProgress(p.log, "tune", p.trials, nil)
	search := hyper.Search{Params: p.model.params, Start: p.settings, Fixed: p.given, Trials: p.trials}
	var best hyper.Settings
	bestScore := math.Inf(-1)
	for trial := range p.trials {
		s := search.Draw(rnd, trial, best)
		score, seconds, err := p.try(ctx, d, s)
		if err != nil {
			return nil, err
		}
		if score > bestScore {
			best, bestScore = s, score
		}
		progress.Add(1)
		fields := append(p.model.params.Fields(s), cli.F(p.tuned(), score), cli.F("seconds", seconds))
		if err := p.event("trial", append([]cli.Field{cli.F("trial", trial)}, fields...)...); err != nil {
			return nil, err
		}
	}
	progress.Done()
	return best, p.event("tuned", append(p.model.params.Fields(best), cli.F(p.tuned(), bestScore))...)
}

// tuned returns the name of the metric that tuning raises.
func (p *program) tuned() string { return p.tuneMetric + "@" + strconv.Itoa(p.cutoffs[0]) }

// try trains a model and returns its metric on the tests.
func (p *program) try(ctx context.Context, d *data, s hyper.Settings) (score, seconds float64, err error) {
	start := time.Now()
	m, err := p.model.train(ctx, d.train, s, p.env(nil))
	if err != nil {
		return 0, 0, err
	}
	task := d.task(p.options)
	task.Cutoffs = p.cutoffs[:1]
	r, err := task.Evaluate(ctx, m)
	if err != nil {
		return 0, 0, err
	}
	score = map[string][]float64{"ndcg": r.NDCG, "hr": r.HitRate, "mrr": r.ReciprocalRank}[p.tuneMetric][0]
	return score, time.Since(start).Seconds(), nil
}
