package bandit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// Bag is an explorer over an ensemble of rankers, whose disagreement stands for what is not known: bagging, or bootstrap Thompson
// sampling. Each member votes for the row that it scores highest of those that may come at a place:
//
//	P(row | picks above) = votes for the row / votes
//
// The propensities are exact, given the members. All members vote at every place, or, with WholeSlates, only those whose votes
// would have led to the picks above: as if one member had been drawn for the slate and filled it alone. A row that no
// member prefers has propensity 0: mix with [Uniform] ([Mixture]) where an estimator needs support.
//
// Members should be alike but for what they have learned from. Those that learn online ([recsys.Learner]) are given
// feedback as often as Bootstrap says, by decision and member; for those that are trained from logs [Bootstrap.Weight] has the
// same weights. Ties go to the row that comes first in the order; NaN scores lose.
//
// A Bag is safe for concurrent use as far as its members are. A slate costs one call of each member, over the whole table.
//
// Source: Agarwal et al., "Taming the Monster", ICML 2014, and Bietti et al., "A Contextual Bandit Bake-off", JMLR
// 22, 2021 (Bag); Eckles and Kaptein, "Bootstrap Thompson Sampling and Sequential Decision Problems in
// the Behavioral Sciences", SAGE Open 9, 2019.
type Bag struct {
	// Members are the rankers, at least one; their heads play no part.
	Members []recsys.Ranker
	// Bootstrap is how feedback is dealt out to members that learn.
	Bootstrap Bootstrap
	// Seed makes other weights.
	Seed uint64
	// WholeSlates lets one member fill the slate, instead of one each place.
	WholeSlates bool
}

var (
	_ recsys.Explorer                = Bag{}
	_ recsys.Judge                   = Bag{}
	_ recsys.Learner                 = Bag{}
	_ recsys.Versioned               = Bag{}
	_ recsys.Validator               = Bag{}
	_ recsys.ExplorationKinder       = Bag{}
	_ recsys.Binder[recsys.Explorer] = Bag{}
	_ io.Closer                      = Bag{}
)

// Validate returns an error if there is no member, one is nil or not valid itself, or Bootstrap is unknown. It joins all of them.
func (b Bag) Validate() error {
	if len(b.Members) == 0 {
		return errors.New("bandit: Bag.Members is empty; want at least one ranker")
	}
	var errs []error
	if err := b.Bootstrap.Validate(); err != nil {
		errs = append(errs, err)
	}
	for i, m := range b.Members {
		if m == nil {
			errs = append(errs, fmt.Errorf("bandit: Bag.Members[%d] is nil", i))
		}
		if v, ok := m.(recsys.Validator); ok {
			if err := v.Validate(); err != nil {
				errs = append(errs, fmt.Errorf("bandit: Bag.Members[%d]: %w", i, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Bind binds the members and returns the bag of what they became. The error joins theirs.
func (b Bag) Bind(s *recsys.Schema) (recsys.Explorer, error) {
	members := make([]recsys.Ranker, len(b.Members))
	var errs []error
	for i, m := range b.Members {
		bound, err := recsys.Bind(m, s)
		if err != nil {
			errs = append(errs, fmt.Errorf("bandit: Bag.Members[%d]: %w", i, err))
		}
		members[i] = bound
	}
	b.Members = members
	return b, errors.Join(errs...)
}

// Version names the settings and a hash of the versions of the members.
func (b Bag) Version() string {
	var s strings.Builder
	h := uint64(0)
	for _, m := range b.Members {
		v := fmt.Sprintf("%T", m)
		if x, ok := recsys.AbilityOf[recsys.Versioned](m); ok {
			v = x.Version()
		}
		h = hash.String(h, v)
	}
	fmt.Fprintf(&s, "bag/1 members=%d %016x bootstrap=%v", len(b.Members), h, b.Bootstrap)
	if b.Seed != 0 {
		s.WriteString(" seed=" + strconv.FormatUint(b.Seed, 10))
	}
	if b.WholeSlates {
		s.WriteString(" whole-slates")
	}
	return s.String()
}

// Exploration returns deterministic for one member, else exact.
func (b Bag) Exploration() recsys.Exploration {
	if len(b.Members) == 1 {
		return recsys.ExplorationDeterministic
	}
	return recsys.ExplorationExact
}

// Learn hands each member that is a [recsys.Learner] the feedback as often as [Bootstrap.Weight] says for its decision; copies
// have IDs of their own ("id#2"), since a learner may drop what comes doubled. Feedback of no request is
// weighted by its own ID. The error joins those of the members.
func (b Bag) Learn(ctx context.Context, feedback []recsys.Feedback) error {
	var errs []error
	var dealt []recsys.Feedback
	for i, m := range b.Members {
		l, ok := recsys.AbilityOf[recsys.Learner](m)
		if !ok {
			continue
		}
		dealt = dealt[:0]
		for _, f := range feedback {
			decision := f.Request
			if decision == "" {
				decision = f.ID
			}
			weight := b.Bootstrap.Weight(b.Seed, decision, i)
			for n := 1; n <= weight; n++ {
				copied := f
				if n > 1 && f.ID != "" {
					copied.ID = f.ID + "#" + strconv.Itoa(n)
				}
				dealt = append(dealt, copied)
			}
		}
		if err := l.Learn(ctx, dealt); err != nil {
			errs = append(errs, fmt.Errorf("bandit: Bag.Members[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// Close closes the members that can be closed. The error joins theirs.
func (b Bag) Close() error {
	var errs []error
	for _, m := range b.Members {
		if c, ok := recsys.AbilityOf[io.Closer](m); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// Explore fills s and logs the exact propensities. The error is that of Validate, of a member, of the slate, or wraps ctx.Err().
func (b Bag) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	w, err := b.open(ctx, q, c)
	if err != nil {
		return err
	}
	defer ballots.Put(w)
	return w.explore(ctx, q, s, w)
}

// Propensities writes the probability of each place of slate, given those above it; see [recsys.Judge]. They are the numbers that
// Explore logs, to the bit. The error is that of Explore, or tells that dst and slate differ in length.
func (b Bag) Propensities(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	if len(dst) != len(slate) {
		return errLengths
	}
	clear(dst)
	w, err := b.open(ctx, q, c)
	if err != nil {
		return err
	}
	defer ballots.Put(w)
	return w.judge(ctx, c, s, slate, dst, w)
}

// ballot is a [Bag] at work on one slate.
type ballot struct {
	places
	n       int       // rows of the table
	scores  []float32 // member by member
	heads   []float32
	whole   bool
	out     []bool  // members that would not have led to the picks so far
	favours []int32 // of each member, the row it votes for, as an index
}

var ballots = sync.Pool{New: func() any { return new(ballot) }}

// open asks all members for their scores.
func (b Bag) open(ctx context.Context, q *recsys.Query, c *recsys.Candidates) (*ballot, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	w := ballots.Get().(*ballot)
	w.n, w.whole = c.Len(), b.WholeSlates
	w.scores = sized(w.scores, w.n*len(b.Members))
	w.out, w.favours = sized(w.out, len(b.Members)), sized(w.favours, len(b.Members))
	clear(w.out)
	for i, m := range b.Members {
		heads := 0
		if h, ok := m.(recsys.HeadWriter); ok {
			heads = len(h.Heads())
		}
		w.heads = sized(w.heads, heads*w.n)
		out := recsys.Scores{Score: w.scores[i*w.n : (i+1)*w.n], Heads: w.heads, Stride: heads}
		for j := range out.Score {
			out.Score[j] = float32(math.NaN())
		}
		if err := m.Rank(ctx, q, c, out); err != nil {
			ballots.Put(w)
			return nil, fmt.Errorf("bandit: Bag.Members[%d]: %w", i, err)
		}
	}
	return w, nil
}

func (w *ballot) chances(*places) {
	clear(w.p)
	votes := 0.0
	for m := range w.favours {
		scores, best := w.scores[m*w.n:(m+1)*w.n], 0
		for i, row := range w.rows {
			if x, top := scores[row], scores[w.rows[best]]; x > top || top != top && x == x {
				best = i
			}
		}
		w.favours[m] = int32(best)
		if !w.out[m] {
			w.p[best]++
			votes++
		}
	}
	for i := range w.p {
		w.p[i] /= votes
	}
}

func (w *ballot) picked(_ *places, at int) {
	if !w.whole || len(w.rows) == 1 {
		return
	}
	for m, best := range w.favours {
		w.out[m] = w.out[m] || int(best) != at
	}
}
