package auto

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// ErrNoneFits means that no candidate meets the configuration; the error's text has the trials.
var ErrNoneFits = errors.New("no index fits")

// Choice is the index that was taken, and what was measured.
type Choice struct {
	// Index is the fastest candidate that meets the configuration.
	Index retrieval.MutableIndex
	// Trials has an entry for each candidate, in the order of preference.
	Trials []Trial
	// Taken is the position of Index in Trials.
	Taken int

	drawn bool // queries were drawn from the items
	k     int
}

// Why returns the reason for the choice and a table of the trials, for people.
func (c *Choice) Why() string {
	if len(c.Trials) == 0 {
		return ""
	}
	t := c.Trials[c.Taken]
	s := fmt.Sprintf("%s: %s; recall@%d is %.4f in %v a query\n", t.Index, t.Verdict, c.k, t.Recall, t.Query.Round(100*time.Nanosecond))
	if c.drawn {
		s += "queries were drawn from the items: give real ones for a choice that fits users\n"
	}
	return s + table(c.Trials)
}

// Build tries the candidates on vectors, row i of which belongs to items[i], and returns
// the best. It takes the time of building each of them, and while it runs their memory
// together.
//
// The error wraps [ErrNoneFits] when none has the recall within the memory, [context.Canceled] or
// [context.DeadlineExceeded] when ctx ends, and what the index packages say of vectors that they
// refuse; a field out of its domain is named.
func Build(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (*Choice, error) {
	if err := cfg.check(vectors); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	exact, took, err := build(ctx, cfg, flatCandidate, items, vectors)
	if err != nil {
		return nil, err
	}
	queries, drawn := cfg.sample(vectors)
	cfg.Progress("exact answers")
	b, err := newBench(ctx, cfg, queries, exact)
	if err != nil {
		return nil, err
	}
	choice := &Choice{drawn: drawn, k: cfg.K}
	var indexes []retrieval.MutableIndex
	for _, c := range candidates {
		if !cfg.wants(c.name) {
			continue
		}
		x, t := sized(exact), Trial{Index: c.name, Build: took}
		if c.name != flatCandidate.name {
			if x, t.Build, err = build(ctx, cfg, c, items, vectors); err != nil {
				return nil, err
			}
		}
		cfg.Progress("trying " + c.name)
		if err := b.try(x, c, &t); err != nil {
			return nil, fmt.Errorf("auto: %s: %w", c.name, err)
		}
		indexes, choice.Trials = append(indexes, x), append(choice.Trials, t)
	}
	cfg.Progress("timing")
	if err := b.race(ctx, indexes, choice.Trials); err != nil {
		return nil, err
	}
	if choice.Taken = judge(cfg, choice.Trials); choice.Taken < 0 {
		return nil, fmt.Errorf("auto: %w recall %v in %s\n%s", ErrNoneFits, cfg.Recall, bound(cfg.MaxBytes), table(choice.Trials))
	}
	choice.Index = indexes[choice.Taken]
	return choice, nil
}

// try sets the effort of an index and measures its recall.
func (b *bench) try(x sized, c candidate, t *Trial) error {
	if c.efforts != nil {
		effort, err := b.tune(x, c.efforts(x, b.cfg.K))
		if err != nil {
			return err
		}
		x.(effortful).SetEffort(effort)
		t.Effort = effort
	}
	var err error
	if t.Recall, _, err = b.recall(x, 0, 0, 1); err != nil {
		return err
	}
	t.Filtered = 1
	for f := range shares {
		r, _, err := b.recall(x, 1+f, 0, 1)
		if err != nil {
			return err
		}
		t.Filtered = min(t.Filtered, r)
	}
	t.Bytes = int64(x.Resident())
	return nil
}

// slack is how much faster a less simple index must be.
const slack = 1.1

// judge returns the position of the trial to take, -1 for none, and writes the verdicts.
func judge(cfg Config, trials []Trial) int {
	// What the effort was set for on one half of the queries must hold on the other but for
	// chance: half a point, and as much under filters.
	const chance = 0.005
	best := -1
	for i := range trials {
		t := &trials[i]
		switch want := cfg.Recall - chance; {
		case cfg.MaxBytes > 0 && t.Bytes > cfg.MaxBytes:
			t.Verdict = "too large"
		case t.Recall < want && t.Recall < 1:
			t.Verdict = fmt.Sprintf("recall below %v", cfg.Recall)
		case t.Filtered < want && t.Filtered < 1:
			t.Verdict = fmt.Sprintf("recall under filters below %v", cfg.Recall)
		case best < 0 || float64(t.Query)*slack < float64(trials[best].Query):
			best = i
			t.Verdict = "fits"
		default:
			t.Verdict = "fits"
		}
	}
	if best < 0 {
		return best
	}
	for i := range trials {
		if t := &trials[i]; i != best && t.Verdict == "fits" {
			t.Verdict = fmt.Sprintf("fits, takes %.2f times as long", float64(t.Query)/float64(trials[best].Query))
		}
	}
	trials[best].Verdict = "taken"
	return best
}

func bound(bytes int64) string {
	if bytes == 0 {
		return "any memory"
	}
	return fmt.Sprintf("%d bytes", bytes)
}

func (c Config) wants(name string) bool {
	for _, n := range c.Candidates {
		if n == name {
			return true
		}
	}
	return false
}

// sample returns the queries to use, and whether they were drawn from the items.
func (c Config) sample(vectors vector.Matrix) (_ vector.Matrix, drawn bool) {
	from := c.Queries
	if from.Rows == 0 {
		from, drawn = vectors, true
	}
	n := min(c.Samples, from.Rows)
	r := rand.New(rand.NewPCG(c.Seed, 0x9e3779b97f4a7c15))
	queries := vector.NewMatrix(n, from.Dim)
	for i, row := range r.Perm(from.Rows)[:n] {
		copy(queries.Row(i), from.Row(row))
	}
	return queries, drawn
}

func build(ctx context.Context, cfg Config, c candidate, items []recsys.ItemID, vectors vector.Matrix) (sized, time.Duration, error) {
	cfg.Progress("building " + c.name)
	start := time.Now()
	x, err := c.build(ctx, cfg, items, vectors)
	if err != nil {
		return nil, 0, fmt.Errorf("auto: %w", err)
	}
	return x, time.Since(start), nil
}
