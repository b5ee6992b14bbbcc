package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
)

// split holds out what tuning and blending learn from.
func (p *program) split(in *retrieval.Interactions) (*data, error) {
	d, err := validation(in, p.sampled, rand.New(rand.NewPCG(p.common.Seed, 0x7475_6e65))) // "tune"
	if err == nil && len(d.tests) == 0 {
		what := "-tune"
		if p.trials == 0 {
			what = "-model blend"
		}
		err = cli.Usagef("%s needs users with two items or more, and %s has none", what, p.trainFile)
	}
	return d, err
}

// tune returns the best settings of a model that the trials found on the split, and the model
// with them, and tells of each. The label tells apart the sources of a blend.
func (p *program) tune(ctx context.Context, d *data, x *part) (best settings, kept trained, err error) {
	var label []cli.Field
	what := "tune"
	if x.label != "" {
		label, what = []cli.Field{cli.F("source", x.label)}, "tune "+x.label
	}
	rnd := rand.New(rand.NewPCG(p.common.Seed, 0x7365_6172_6368)) // "search"
	s := newSearch(rnd, x.model.params, x.settings, x.given, p.trials)
	progress := cli.NewProgress(p.log, what, p.trials, nil)
	start, bestScore := time.Now(), math.Inf(-1)
	var failure error
	for trial := range p.trials {
		values := s.next()
		var end time.Time
		if trial > 0 && p.tuneTime > 0 { // the first must come to something
			end = start.Add(p.tuneTime)
		}
		score, seconds, m, err := p.try(ctx, d, x, values, end)
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if errors.Is(err, errOutOfTime) {
			break
		}
		if err != nil {
			score = math.NaN()
			fmt.Fprintf(p.log, "%s: trial %d failed: %v\n", what, trial, err)
			failure = cmp.Or(failure, err)
		}
		s.tell(values, score)
		if score > bestScore {
			best, bestScore, kept = values, score, m
		}
		progress.Add(1)
		fields := append(append(label[:len(label):len(label)], cli.F("trial", trial)), x.model.fields(values)...)
		if err := p.event("trial", append(fields, cli.F(p.tuned(), score), cli.F("seconds", seconds))...); err != nil {
			return nil, nil, err
		}
	}
	progress.Done()
	if best == nil {
		return nil, nil, fmt.Errorf("no trial worked: %w", failure)
	}
	fields := append(label[:len(label):len(label)], x.model.fields(best)...)
	return best, kept, p.event("tuned", append(fields, cli.F(p.tuned(), bestScore))...)
}

// tuned returns the name of the metric that tuning raises.
func (p *program) tuned() string { return p.tuneMetric + "@" + strconv.Itoa(p.cutoffs[0]) }

// errOutOfTime ends a search whose time is over.
var errOutOfTime = errors.New("-tune-time is over")

// try trains a model and returns its metric on the tests. After end, if not zero, it fails with
// errOutOfTime.
func (p *program) try(ctx context.Context, d *data, x *part, s settings, end time.Time) (score, seconds float64, m trained, err error) {
	start := time.Now()
	if !end.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, end, errOutOfTime)
		defer cancel()
	}
	m, err = x.model.train(ctx, d.train, s, p.env(nil))
	if err == nil {
		score, err = p.score(ctx, d, m)
	}
	if context.Cause(ctx) == errOutOfTime {
		err = errOutOfTime
	}
	if err != nil {
		return 0, 0, nil, err
	}
	return score, time.Since(start).Seconds(), m, nil
}

// score returns the metric of a model on the tests.
func (p *program) score(ctx context.Context, d *data, m trained) (float64, error) {
	task := d.task(p.options)
	task.Cutoffs = p.cutoffs[:1]
	r, err := task.Evaluate(ctx, m)
	if err != nil {
		return 0, err
	}
	return map[string][]float64{"ndcg": r.NDCG, "recall": r.Recall, "hr": r.HitRate}[p.tuneMetric][0], nil
}
