package ensemble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys"
)

// Errors of an ensemble.
var (
	// ErrMissing is wrapped by the error for a source that is not there, or has no retriever.
	ErrMissing = errors.New("ensemble: source is missing")
	// ErrNoCases is wrapped by the error of Learn when the cases teach nothing: there are fewer
	// than two with answers, or no source proposes any of the answers.
	ErrNoCases = errors.New("ensemble: nothing to learn from")
)

// Learn returns the blend of the sources that is best on the cases; see the package's
// documentation for how. Quotas and weights that the sources carry play no part.
//
// Each case is asked for twice. Learn keeps 8 bytes per candidate, source and case: 36 MB for
// 5,000 cases, three sources and the default budget. The result, but for latencies, is the same
// for any number of workers.
//
// The errors name the fields of cfg and the sources that are not valid, wrap [ErrNoCases], an
// error of a source, with its name, or the cause of ctx.
func Learn(ctx context.Context, sources []Source, cases []Case, cfg Config) (*Ensemble, error) {
	sources = slices.Clone(sources)
	for i := range sources {
		sources[i].Quota, sources[i].Weight = 1, 0
	}
	cfg, err := cfg.withDefaults(len(sources))
	if err := errors.Join(check(sources, true), err); err != nil {
		return nil, err
	}
	l := &learner{Config: cfg, sources: sources}
	if l.Workers == 0 {
		l.Workers = runtime.GOMAXPROCS(0)
	}
	for i := range cases {
		if c := cases[i]; len(c.Relevant) > 0 {
			c.Relevant = sorted(c.Relevant)
			if c.Candidates = sorted(c.Candidates); len(c.Candidates) == 0 {
				c.Candidates = nil
			}
			l.cases = append(l.cases, c)
		}
	}
	if len(l.cases) < 2 {
		return nil, fmt.Errorf("%w: %d cases with answers; want 2 at least", ErrNoCases, len(l.cases))
	}
	l.split()
	l.report = &Report{Metric: cfg.Metric, K: cfg.K, Budget: cfg.Budget, Cases: len(l.cases), Folds: len(l.folds)}
	l.report.Sources = make([]SourceReport, len(sources))
	for i := range sources {
		l.report.Sources[i].Name = sources[i].Name
	}
	if err := l.learnQuotas(ctx); err != nil {
		return nil, err
	}
	if err := l.learnWeights(ctx); err != nil {
		return nil, err
	}
	return newEnsemble(l.sources, l.merge, l.report), nil
}

// learner is the state of one Learn.
type learner struct {
	Config
	sources []Source
	cases   []Case
	folds   [][]int // cases, ascending; each in one
	done    atomic.Int64
	merge   []float64
	report  *Report
}

// manyCases is how many are judged in two folds, if not said otherwise, in place of five.
const manyCases = 5000

// split draws the folds.
func (l *learner) split() {
	if l.Folds == 0 {
		l.Folds = 5
		if len(l.cases) >= manyCases {
			l.Folds = 2
		}
	}
	rnd := rand.New(rand.NewPCG(l.Seed, 0x656e_7365_6d62_6c65)) // "ensemble"
	order := rnd.Perm(len(l.cases))
	l.folds = make([][]int, min(l.Folds, len(l.cases)))
	for k, i := range order {
		f := k % len(l.folds)
		l.folds[f] = append(l.folds[f], i)
	}
	for _, fold := range l.folds {
		slices.Sort(fold)
	}
}

// all returns all cases.
func (l *learner) all() []int {
	list := make([]int, len(l.cases))
	for i := range list {
		list[i] = i
	}
	return list
}

// without returns the cases that are not in a fold, ascending.
func (l *learner) without(fold int) []int {
	list, held := l.all()[:0], l.folds[fold]
	for i := range l.cases {
		if _, in := slices.BinarySearch(held, i); !in {
			list = append(list, i)
		}
	}
	return list
}

// each calls do for every case, concurrently, with the scratch of the goroutine. It returns the
// error of the first case that failed, or the cause of ctx.
func (l *learner) each(ctx context.Context, do func(i int, q *recsys.Query, s *scratch) error) error {
	failed := make([]error, len(l.cases))
	var next atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range min(l.Workers, len(l.cases)) {
		wg.Go(func() {
			s := newScratch(len(l.sources))
			for !stop.Load() && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(l.cases) {
					return
				}
				q := recsys.NewQuery(&l.cases[i].Request, nil, "ensemble")
				if failed[i] = do(i, q, s); failed[i] != nil {
					stop.Store(true)
				}
				if done := int(l.done.Add(1)); l.Progress != nil {
					l.Progress(done, 2*len(l.cases))
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("ensemble: learning stopped: %w", context.Cause(ctx))
	}
	return cmp.Or(failed...)
}

// timed calls do and returns how long it took, 0 without a clock.
func (l *learner) timed(do func() error) (time.Duration, error) {
	if l.Clock == nil {
		return 0, do()
	}
	start := l.Clock()
	err := do()
	return l.Clock().Sub(start), err
}
