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

// Member is an explorer in a [Mixture].
type Member struct {
	Explorer recsys.Explorer // a recsys.Judge as well
	Weight   float64         // > 0 and finite; shares are proportional to it
}

// Mixture is an explorer that lets one of its members fill each slate, drawn by weight: several
// loggers behind one pipeline. What it logs is the propensity of the mixture, not that of the
// member that was drawn:
//
//	P(row | picks above) = Σ share[j]·P_j(row | picks above)
//
// where the shares start as the weights and follow Bayes's rule down the slate: after a pick share[j]
// is multiplied by P_j(pick) and all are scaled to sum to 1. So the product over the slate is
// Σ weight[j]·P_j(slate), and the propensities support whatever one member supports. A log
// of a Mixture is a log of one policy; estimators for several loggers are for logs without it.
//
// Every member must be a [recsys.Judge]; what a member that is a [recsys.Wrapper] cannot do is asked of the one within. Feedback goes to all members that learn; a [Policy]
// learns from the decisions that it made itself, and counts the others as unmatched.
//
// The propensities are exact where those of all members are. Else they carry the standard error
// √(Σ share[j]²·se_j²), which leaves out the error of the shares themselves. Members that take
// one slate for certain support it, and one another's: only a Mixture of one such member is
// deterministic.
//
// A Mixture is safe for concurrent use as far as its members are. A slate costs one exploration and the judgements of
// all members.
type Mixture struct {
	Members []Member
}

var (
	_ recsys.Explorer                = Mixture{}
	_ recsys.Judge                   = Mixture{}
	_ recsys.Learner                 = Mixture{}
	_ recsys.Versioned               = Mixture{}
	_ recsys.Validator               = Mixture{}
	_ recsys.ExplorationKinder       = Mixture{}
	_ recsys.Binder[recsys.Explorer] = Mixture{}
	_ io.Closer                      = Mixture{}
)

// mixtures holds the memory of slates that are done; nothing in it outlives a request.
var mixtures = sync.Pool{New: func() any { return new(mixing) }}

// mixing is the memory of one slate.
type mixing struct {
	slate recsys.Slate
	rows  []int32
	p, se []float64 // member by member
	share []float64
	mixed []float64
	error []float64
}

// Validate returns an error if there is no member, a weight is not finite and > 0, or a member is no Judge
// or not valid itself. It joins all of them.
func (m Mixture) Validate() error {
	if len(m.Members) == 0 {
		return errors.New("bandit: Mixture.Members is empty; want at least one")
	}
	var errs []error
	for i, x := range m.Members {
		if !(x.Weight > 0) || math.IsInf(x.Weight, 1) {
			errs = append(errs, fmt.Errorf("bandit: Mixture.Members[%d].Weight is %v; want > 0 and finite", i, x.Weight))
		}
		if _, ok := recsys.AbilityOf[recsys.Judge](x.Explorer); !ok {
			errs = append(errs, fmt.Errorf("bandit: Mixture.Members[%d].Explorer is a %T, which is no recsys.Judge: the propensities "+
				"of the mixture could not be known", i, x.Explorer))
		}
		if v, ok := x.Explorer.(recsys.Validator); ok {
			if err := v.Validate(); err != nil {
				errs = append(errs, fmt.Errorf("bandit: Mixture.Members[%d]: %w", i, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Bind binds the members and returns the mixture of what they became. The error joins theirs.
func (m Mixture) Bind(s *recsys.Schema) (recsys.Explorer, error) {
	bound := Mixture{make([]Member, len(m.Members))}
	var errs []error
	for i, x := range m.Members {
		e, err := recsys.Bind(x.Explorer, s)
		if err != nil {
			errs = append(errs, fmt.Errorf("bandit: Mixture.Members[%d]: %w", i, err))
		}
		bound.Members[i] = Member{e, x.Weight}
	}
	return bound, errors.Join(errs...)
}

// Version names the weights and the versions of the members: "mixture/1 [0.9 thompson/1; 0.1 uniform/1]".
func (m Mixture) Version() string {
	var b strings.Builder
	b.WriteString("mixture/1 [")
	for i, x := range m.Members {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(strconv.FormatFloat(x.Weight, 'g', -1, 64))
		b.WriteByte(' ')
		if v, ok := recsys.AbilityOf[recsys.Versioned](x.Explorer); ok {
			b.WriteString(v.Version())
		} else {
			fmt.Fprintf(&b, "%T", x.Explorer)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// Exploration returns estimated if a member's propensities are, else exact; of one member it is that member's.
func (m Mixture) Exploration() recsys.Exploration {
	kind := recsys.ExplorationExact
	for _, x := range m.Members {
		k, ok := recsys.AbilityOf[recsys.ExplorationKinder](x.Explorer)
		if ok && len(m.Members) == 1 {
			return k.Exploration()
		}
		if ok && k.Exploration() == recsys.ExplorationEstimated {
			kind = recsys.ExplorationEstimated
		}
	}
	return kind
}

// Learn hands feedback to every member that is a [recsys.Learner]. The error joins theirs.
func (m Mixture) Learn(ctx context.Context, feedback []recsys.Feedback) error {
	var errs []error
	for i, x := range m.Members {
		if l, ok := recsys.AbilityOf[recsys.Learner](x.Explorer); ok {
			if err := l.Learn(ctx, feedback); err != nil {
				errs = append(errs, fmt.Errorf("bandit: Mixture.Members[%d]: %w", i, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Close closes the members that can be closed. The error joins theirs.
func (m Mixture) Close() error {
	var errs []error
	for _, x := range m.Members {
		if c, ok := recsys.AbilityOf[io.Closer](x.Explorer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// Explore lets one member choose, and logs the propensities of the mixture. The error is that of Validate, of a member, or of the
// slate.
func (m Mixture) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	if err := m.Validate(); err != nil {
		return err
	}
	w := mixtures.Get().(*mixing)
	defer mixtures.Put(w)
	w.weigh(m.Members)
	// The member draws from the same source afresh, and may be a mixture itself: the choice takes a hash of the first
	// number that is another at each depth.
	rng := q.Rand()
	at := drawn(w.share, unit(hash.Combine(rng.Uint64(), mixtureSalt, m.depth())))
	if err := m.Members[at].Explorer.Explore(ctx, q, c, s.Fork(&w.slate)); err != nil {
		return err
	}
	w.rows = append(w.rows[:0], w.slate.Rows()...)
	if err := w.judge(ctx, m.Members, at, q, c, s, w.rows); err != nil {
		return err
	}
	for i, row := range w.rows {
		if !s.Next() {
			break
		}
		s.PickEstimated(row, w.mixed[i], w.error[i])
	}
	return s.Err()
}

// depth returns how many mixtures are below each other, from m down.
func (m Mixture) depth() uint64 {
	below := uint64(0)
	for _, x := range m.Members {
		if inner, ok := recsys.AbilityOf[interface{ depth() uint64 }](x.Explorer); ok {
			below = max(below, inner.depth())
		}
	}
	return below + 1
}

const mixtureSalt = 0x6d69787475726573

// Propensities writes the probability of each place of slate, given those above it; see [recsys.Judge]. They are the numbers that
// Explore logs, to the bit. The error is that of Explore, or tells that dst and slate differ in length.
func (m Mixture) Propensities(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	if err := m.Validate(); err != nil {
		return err
	}
	if len(dst) != len(slate) {
		return errLengths
	}
	clear(dst)
	w := mixtures.Get().(*mixing)
	defer mixtures.Put(w)
	w.weigh(m.Members)
	if err := w.judge(ctx, m.Members, -1, q, c, s, slate); err != nil {
		return err
	}
	for i, row := range slate {
		if w.mixed[i] == 0 || !comes(s, c.Len(), row) {
			break
		}
		dst[i] = w.mixed[i]
		s.PickEstimated(row, dst[i], w.error[i])
	}
	return s.Err()
}

// weigh sets the shares to the weights.
func (w *mixing) weigh(members []Member) {
	w.share = sized(w.share, len(members))
	sum := 0.0
	for _, x := range members {
		sum += x.Weight
	}
	for i, x := range members {
		w.share[i] = x.Weight / sum
	}
}

// judge mixes what the members say of the rows. The slate of member drawn, if not below 0, is in w.slate already; the others are
// asked.
func (w *mixing) judge(ctx context.Context, members []Member, drawn int, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, rows []int32) error {
	n := len(rows)
	w.p, w.se = sized(w.p, n*len(members)), sized(w.se, n*len(members))
	clear(w.se)
	if drawn >= 0 {
		copy(w.p[drawn*n:drawn*n+n], w.slate.Propensities())
		copy(w.se[drawn*n:drawn*n+n], w.slate.StandardErrors())
	}
	for j, x := range members {
		if j == drawn {
			continue
		}
		judge, _ := recsys.AbilityOf[recsys.Judge](x.Explorer)
		if err := judge.Propensities(ctx, q, c, s.Fork(&w.slate), rows, w.p[j*n:j*n+n]); err != nil {
			return fmt.Errorf("bandit: Mixture.Members[%d]: %w", j, err)
		}
		copy(w.se[j*n:j*n+n], w.slate.StandardErrors())
	}
	w.mix(n)
	return nil
}

// mix writes the propensities of the mixture at n places.
func (w *mixing) mix(n int) {
	w.mixed, w.error = sized(w.mixed, n), sized(w.error, n)
	clear(w.mixed)
	clear(w.error)
	for i := range n {
		sum, square := 0.0, 0.0
		for j, share := range w.share {
			sum += float64(share * w.p[j*n+i])
			e := float64(share * w.se[j*n+i])
			square += float64(e * e)
		}
		if !(sum > 0) {
			return
		}
		w.mixed[i], w.error[i] = min(sum, 1), math.Sqrt(square)
		for j := range w.share {
			w.share[j] = float64(w.share[j]*w.p[j*n+i]) / sum
		}
	}
}
