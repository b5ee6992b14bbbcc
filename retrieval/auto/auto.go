package auto

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	Index retrieval.StoredIndex
	// Trials has an entry for each candidate, in the order of preference.
	Trials []Trial
	// Taken is the position of Index in Trials.
	Taken int

	k     int
	about string // the queries
}

// Save writes the index to a file, which [Open] or the package of the index opens.
func (c *Choice) Save(path string) error { return c.Index.Save(path) }

// Why returns the reason for the choice and a table of the trials, for people.
func (c *Choice) Why() string {
	if len(c.Trials) == 0 {
		return ""
	}
	t := c.Trials[c.Taken]
	var s strings.Builder
	fmt.Fprintf(&s, "%s: ", t.Index)
	switch {
	case exact(t.Index):
		fmt.Fprintf(&s, "exact")
	case t.unsure():
		fmt.Fprintf(&s, "recall@%d is %.4f on %s, too few to say more", c.k, t.Recall, count(t.queries, "query", "queries"))
	default:
		fmt.Fprintf(&s, "recall@%d is %.4f, at least %.4f but for bad luck", c.k, t.Recall, t.Bound)
	}
	fmt.Fprintf(&s, "; a search takes %v\n%s\n%s", tenths(t.Query), c.about, table(c.Trials))
	return s.String()
}

// count writes a number of things.
func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// about says for people where the queries come from.
func about(groups []*group) string {
	if len(groups) == 0 {
		return "there was nothing to search for"
	}
	var kinds []string
	for _, g := range groups {
		kinds = append(kinds, fmt.Sprintf("%d %s", g.queries.Rows, g.kind))
	}
	s := "queries: " + strings.Join(kinds, ", ")
	switch {
	case len(groups) == 1:
	case groups[0].few:
		s += "\nthe given ones are too few to show the recall, so it holds for made-up ones as well"
	default:
		s += "\nthey are made up, and the recall holds for each kind: real ones may allow a faster index"
	}
	return s
}

// Build tries the candidates on vectors, row i of which belongs to items[i], and returns
// the best.
//
// It takes the time of building each of them, that of "ivf" up to three times, and of a few
// thousand searches of each; and while it runs their memory together. An exact index, which
// takes next to no time to build, is among them even if the configuration leaves it out,
// to compare with. What cannot be taken is not built: with a Recall of 1 all but "flat", and
// what is sure to exceed the memory.
//
// The error wraps [ErrNoneFits] when none has the recall within the memory, [context.Canceled] or
// [context.DeadlineExceeded] when ctx ends, and what the index packages say of vectors that they
// refuse; a field out of its domain is named.
func Build(ctx context.Context, cfg Config, items []recsys.ItemID, vectors vector.Matrix) (*Choice, error) {
	if err := cfg.check(vectors); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	choice, err := cfg.build(ctx, items, vectors)
	if err != nil {
		return nil, fmt.Errorf("auto: %w", err)
	}
	return choice, nil
}

func (c *Config) build(ctx context.Context, items []recsys.ItemID, vectors vector.Matrix) (*Choice, error) {
	truth, took, err := c.construct(ctx, &candidates[0], c.Recall, items, vectors)
	if err != nil {
		return nil, err
	}
	b, err := newBench(ctx, c, c.groups(vectors), truth)
	if err != nil {
		return nil, err
	}
	choice := &Choice{k: c.K, about: about(b.groups), Trials: make([]Trial, 0, len(candidates))}
	for i := range candidates {
		x := &candidates[i]
		if !c.wants(x, choice.Trials) {
			continue
		}
		t := Trial{Index: x.name}
		switch {
		case x.exact:
			t = Trial{Index: x.name, Recall: 1, Bound: 1, Filtered: 1, Build: took, index: truth}
		case c.Recall == 1:
			t.Verdict = "not exact"
		case c.MaxBytes > 0 && int64(vectors.Rows)*int64(x.floor(vectors.Dim)) > c.MaxBytes:
			t.Verdict = "too large"
		default:
			if err := b.try(ctx, x, &t, items, vectors); err != nil {
				return nil, err
			}
		}
		c.weigh(&t)
		choice.Trials = append(choice.Trials, t)
	}
	if err := b.race(ctx, choice.Trials); err != nil {
		return nil, err
	}
	if choice.Taken = judge(choice.Trials); choice.Taken < 0 {
		return nil, fmt.Errorf("%w recall %v in %s\n%s\n%s", ErrNoneFits, c.Recall, bound(c.MaxBytes), choice.about, strings.TrimRight(table(choice.Trials), "\n"))
	}
	for i := range choice.Trials {
		t := &choice.Trials[i]
		if i == choice.Taken {
			choice.Index = t.index
		}
		t.index = nil // lets the memory go
	}
	return choice, nil
}

// wants reports whether a candidate is to be tried, after some others.
func (c *Config) wants(x *candidate, before []Trial) bool {
	if c.Candidates != nil {
		return slices.Contains(c.Candidates, x.name)
	}
	return !x.lastResort || c.MaxBytes > 0 && !slices.ContainsFunc(before, func(t Trial) bool { return t.index != nil })
}

// try builds a candidate, sets its effort and measures its recall.
func (b *bench) try(ctx context.Context, x *candidate, t *Trial, items []recsys.ItemID, vectors vector.Matrix) error {
	// An index that calibrates itself is asked for the recall and, if that was not enough for
	// some kind of queries, for more.
	const attempts = 3
	ask := b.cfg.Recall
	for attempt := 1; ; attempt++ {
		t.index = nil // lets the memory of the attempt before go
		var took time.Duration
		var err error
		if t.index, took, err = b.cfg.construct(ctx, x, ask, items, vectors); err != nil {
			return err
		}
		t.Build += took
		if b.cfg.tooLarge(t) {
			return nil
		}
		if x.tune != nil {
			b.cfg.stage("tuning " + x.name)
			if t.Effort, err = x.tune(ctx, b, t.index); err != nil {
				return err
			}
		}
		b.cfg.stage("measuring " + x.name)
		plain, err := b.worst(ctx, t.index, unfiltered, 0, false)
		if err != nil {
			return err
		}
		narrow, err := b.worst(ctx, t.index, filtered, 0, false)
		if err != nil {
			return err
		}
		t.Recall, t.Bound, t.Filtered = plain.mean, plain.bound, narrow.mean
		if plain.group != nil {
			t.queries = plain.group.queries.Rows
		}
		switch {
		case !plain.holds(b.cfg.Recall):
			t.Verdict = short("recall", b.cfg.Recall, plain)
		case !narrow.holds(b.cfg.Recall):
			t.Verdict = short("recall under filters", b.cfg.Recall, narrow)
		default:
			t.Verdict = ""
			return nil
		}
		if !x.calibrated || attempt == attempts {
			return nil
		}
		ask = more(ask, b.cfg.Recall, min(plain.bound+tolerance, plain.mean, narrow.mean))
	}
}

// more returns what recall to ask for, above ask, after asking for that gave less than wanted.
func more(ask, want, got float64) float64 {
	part := 0.7 * (1 - want) / max(1-got, 1e-6)
	return 1 - (1-ask)*min(max(part, 0.05), 0.6)
}

// short says for people that an estimate does not hold.
func short(what string, want float64, e estimate) string {
	if e.mean >= want {
		return fmt.Sprintf("%s of %v not certain (%s)", what, want, e.group.kind)
	}
	return fmt.Sprintf("%s below %v (%s)", what, want, e.group.kind)
}

// tooLarge reports whether an index exceeds the memory, and then says so.
func (c *Config) tooLarge(t *Trial) bool {
	t.Bytes = int64(t.index.Resident())
	if c.MaxBytes == 0 || t.Bytes <= c.MaxBytes {
		return false
	}
	t.Verdict = "too large"
	return true
}

// weigh drops the index of a trial that is out of question.
func (c *Config) weigh(t *Trial) {
	if t.index != nil && c.tooLarge(t) || t.Verdict != "" {
		t.index = nil
	}
}

// slack is how much faster a less simple index must be.
const slack = 1.1

// judge returns the position of the trial to take, -1 for none, and writes the verdicts.
func judge(trials []Trial) int {
	best := -1
	for i, t := range trials {
		if t.index != nil && (best < 0 || float64(t.Query)*slack < float64(trials[best].Query)) {
			best = i
		}
	}
	for i := range trials {
		switch t := &trials[i]; {
		case t.index == nil:
		case i == best:
			t.Verdict = "taken"
		default:
			t.Verdict = fmt.Sprintf("fits, takes %.2f times as long", float64(t.Query)/max(1, float64(trials[best].Query)))
		}
	}
	return best
}

func bound(bytes int64) string {
	if bytes == 0 {
		return "any memory"
	}
	return fmt.Sprintf("%d bytes; lower Recall or raise MaxBytes", bytes)
}

// construct builds a candidate once.
func (c *Config) construct(ctx context.Context, x *candidate, recall float64, items []recsys.ItemID, vectors vector.Matrix) (sized, time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	name := "building " + x.name
	c.stage(name)
	one := *c
	one.Recall = recall
	one.Progress = func(stage string, done, total int) {
		if stage != "" {
			stage = ": " + stage
		}
		c.Progress(name+stage, done, total)
	}
	start := time.Now()
	index, err := x.build(ctx, one, items, vectors)
	if err != nil {
		return nil, 0, err
	}
	return index, max(1, time.Since(start)), nil
}
