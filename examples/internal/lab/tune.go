package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
)

// Tune returns the best settings of a model that the trials found on the split, and the model
// with them, and tells of each. The label tells apart the sources of a blend.
func (l *Lab) Tune(ctx context.Context, d Split, x *Part) (best hyper.Settings, kept Trained, err error) {
	var label []cli.Field
	what := "tune"
	if x.Label != "" {
		label, what = []cli.Field{cli.F("source", x.Label)}, "tune "+x.Label
	}
	rnd := rand.New(rand.NewPCG(l.Seed, 0x7365_6172_6368)) // "search"
	s := hyper.NewSearch(rnd, x.Model.Params, x.Settings, x.Given, l.Trials)
	progress := cli.NewProgress(l.Log, what, l.Trials, nil)
	start, bestScore := time.Now(), math.Inf(-1)
	var failure error
	for trial := range l.Trials {
		values := s.Next()
		var end time.Time
		if trial > 0 && l.TuneTime > 0 { // the first must come to something
			end = start.Add(l.TuneTime)
		}
		score, seconds, m, err := l.try(ctx, d, x, values, end)
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if errors.Is(err, errOutOfTime) {
			break
		}
		if err != nil {
			score = math.NaN()
			fmt.Fprintf(l.Log, "%s: trial %d failed: %v\n", what, trial, err)
			failure = cmp.Or(failure, err)
		}
		s.Tell(values, score)
		if score > bestScore {
			best, bestScore, kept = values, score, m
		}
		progress.Add(1)
		fields := append(append(label[:len(label):len(label)], cli.F("trial", trial)), x.Model.Params.Fields(values)...)
		if err := l.Event("trial", append(fields, cli.F(l.metric(), score), cli.F("seconds", seconds))...); err != nil {
			return nil, nil, err
		}
	}
	progress.Done()
	if best == nil {
		return nil, nil, fmt.Errorf("no trial worked: %w", failure)
	}
	fields := append(label[:len(label):len(label)], x.Model.Params.Fields(best)...)
	return best, kept, l.Event("tuned", append(fields, cli.F(l.metric(), bestScore))...)
}

// errOutOfTime ends a search whose time is over.
var errOutOfTime = errors.New("-tune-time is over")

// try trains a model and returns its metric on what is held out. After end, if not zero, it
// fails with errOutOfTime.
func (l *Lab) try(ctx context.Context, d Split, x *Part, s hyper.Settings, end time.Time) (score, seconds float64, m Trained, err error) {
	start := time.Now()
	if !end.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, end, errOutOfTime)
		defer cancel()
	}
	m, err = x.Model.Train(ctx, d.Train(), s, io.Discard, "")
	if err == nil {
		score, err = d.Score(ctx, m)
	}
	if context.Cause(ctx) == errOutOfTime {
		err = errOutOfTime
	}
	if err != nil {
		return 0, 0, nil, err
	}
	return score, time.Since(start).Seconds(), m, nil
}
