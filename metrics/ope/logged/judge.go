package logged

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
)

// JudgeConfig says under what an explorer is judged.
type JudgeConfig struct {
	// Logger is the explorer that made the log. On each record its propensities are computed
	// anew and must be those that were logged, within 1e-9: that proves that the record's rows,
	// Depth and Constraints are what the explorer chose from. A record on which they are not is a
	// [*MismatchError]. It is required unless Unproven is set.
	Logger recsys.Judge
	// Unproven goes without the proof, for a logger that has learned since. The estimates are
	// right only if no filter, re-ranker or constraint kept a row from the explorer. Only what
	// cannot be is refused: a record that shows a row beyond Depth is a [*WindowError].
	Unproven bool
	// Depth is the explorer's window, as [recsys.Depth]. 0 means 4 K.
	Depth int
	// Constraints are those of the pipeline, in its order. They bind to the schema of the records.
	// None is ever given up here: where the pipeline relaxed one, take the pipeline as target.
	Constraints []recsys.Constraint
}

// JudgePolicy is an explorer as a [Policy]: in the place of the one that made the log, on the same
// rows in the same order. It is not safe for concurrent use.
type JudgePolicy struct {
	target recsys.Judge
	cfg    JudgeConfig
	bound  map[uint64]*boundJudges // by schema
	x      *recsys.Exposure        // of the table
	table  *table
	dst    []float64
	slate  []int32
	rows   []int32
}

var (
	_ Policy  = (*JudgePolicy)(nil)
	_ Chooser = (*JudgePolicy)(nil)
	_ Placer  = (*JudgePolicy)(nil)
)

// boundJudges are stages that know a schema.
type boundJudges struct {
	target, logger recsys.Judge
	constraints    []recsys.Constraint
}

// Judge returns the policy that lets an explorer choose: bandit.PlackettLuce(0.1), Uniform or one
// of your own. The error is a [*ope.FieldError] for a field of cfg, or what the explorer's
// Validate returned.
func Judge(target recsys.Judge, cfg JudgeConfig) (*JudgePolicy, error) {
	switch {
	case target == nil:
		return nil, fieldError("Judge's target", "nil", "an explorer that is a recsys.Judge")
	case cfg.Logger == nil && !cfg.Unproven:
		return nil, fieldError("JudgeConfig.Logger", "nil", "the explorer that made the log, or Unproven")
	case cfg.Depth < 0:
		return nil, fieldError("JudgeConfig.Depth", fmt.Sprint(cfg.Depth), ">= 0 (0 means 4 K)")
	}
	for _, j := range []recsys.Judge{target, cfg.Logger} {
		if v, ok := j.(recsys.Validator); ok {
			if err := v.Validate(); err != nil {
				return nil, err
			}
		}
	}
	return &JudgePolicy{target: target, cfg: cfg, bound: map[uint64]*boundJudges{}}, nil
}

// bind returns the stages for a schema.
func (p *JudgePolicy) bind(s *recsys.Schema) (*boundJudges, error) {
	var key uint64
	if s != nil {
		key = s.Hash()
	}
	if b := p.bound[key]; b != nil {
		return b, nil
	}
	b := &boundJudges{}
	var err error
	if b.target, err = bindJudge(p.target, s); err != nil {
		return nil, err
	}
	if p.cfg.Logger != nil {
		if b.logger, err = bindJudge(p.cfg.Logger, s); err != nil {
			return nil, err
		}
	}
	for _, c := range p.cfg.Constraints {
		if c, err = recsys.Bind(c, s); err != nil {
			return nil, err
		}
		b.constraints = append(b.constraints, c)
	}
	p.bound[key] = b
	return b, nil
}

// bindJudge binds an explorer that reads columns.
func bindJudge(j recsys.Judge, s *recsys.Schema) (recsys.Judge, error) {
	e, ok := j.(recsys.Explorer)
	if !ok {
		return j, nil
	}
	e, err := recsys.Bind(e, s)
	if err != nil {
		return nil, err
	}
	j, ok = recsys.AbilityOf[recsys.Judge](e)
	if !ok {
		return nil, fmt.Errorf("logged: %T is no recsys.Judge once it is bound", e)
	}
	return j, nil
}

// open restores the table of x, unless it is the one at hand, and proves it.
func (p *JudgePolicy) open(ctx context.Context, x *recsys.Exposure) (*boundJudges, error) {
	b, err := p.bind(x.Schema)
	if err != nil || p.x == x {
		return b, err
	}
	p.x = nil
	if p.table, err = restore(x); err != nil {
		return nil, err
	}
	p.table.c.Constrain(b.constraints...)
	if b.logger != nil {
		dst := p.room(x.Shown)
		if err := p.judge(ctx, b.logger, x, p.table.slate, dst); err != nil {
			return nil, fmt.Errorf("JudgeConfig.Logger: %w", err)
		}
		for i, got := range dst {
			if want := x.Rows[i].Propensity; !(math.Abs(got-want) <= 1e-9*want) {
				return nil, &MismatchError{i, want, got}
			}
		}
	} else if err := p.within(x); err != nil {
		return nil, err
	}
	p.x = x
	return b, nil
}

// within returns an error if a shown row is beyond the window.
func (p *JudgePolicy) within(x *recsys.Exposure) error {
	depth := p.depth(x)
	s := p.slateOf(x)
	for i, row := range p.table.slate {
		if !s.Next() {
			return nil
		}
		if !s.Admissible().Has(int(row)) {
			if rank := slices.Index(p.table.order, row); rank >= depth {
				return &WindowError{i, rank, depth}
			}
			return nil // a constraint that the pipeline gave up
		}
		s.Pick(row, 1)
	}
	return nil
}

func (p *JudgePolicy) room(n int) []float64 {
	if cap(p.dst) < n {
		p.dst = make([]float64, n)
	}
	p.dst = p.dst[:n]
	clear(p.dst)
	return p.dst
}

// judge calls j on a fresh slate.
func (p *JudgePolicy) judge(ctx context.Context, j recsys.Judge, x *recsys.Exposure, slate []int32, dst []float64) error {
	return j.Propensities(ctx, p.table.q, p.table.c, p.slateOf(x), slate, dst)
}

// slateOf returns the slate as the explorer got it.
func (p *JudgePolicy) slateOf(x *recsys.Exposure) *recsys.Slate {
	return p.table.c.SlateWithin(x.K, p.table.order, p.depth(x))
}

// depth returns the window on x.
func (p *JudgePolicy) depth(x *recsys.Exposure) int {
	if p.cfg.Depth == 0 {
		return 4 * min(x.K, p.table.c.Len())
	}
	return p.cfg.Depth
}

// Propensities writes what the explorer would have chosen with; see [Policy]. The error wraps
// [recsys.ErrPartialRecord] when the record does not hold all rows, and is a [*MismatchError]
// when it does not hold what the logger chose from, or without a logger a [*WindowError].
func (p *JudgePolicy) Propensities(ctx context.Context, x *recsys.Exposure, dst []float64) error {
	b, err := p.open(ctx, x)
	if err != nil {
		return err
	}
	clear(dst)
	return p.judge(ctx, b.target, x, p.table.slate, dst)
}

// Choices writes the probability of each row at a place; see [Chooser]. It judges a slate for
// each row that may come there.
func (p *JudgePolicy) Choices(ctx context.Context, x *recsys.Exposure, place int, dst []float64) error {
	b, err := p.open(ctx, x)
	if err != nil {
		return err
	}
	return p.choices(ctx, b.target, x, p.table.slate[:place], dst)
}

// choices writes the probability, under j, of each row below the rows above.
func (p *JudgePolicy) choices(ctx context.Context, j recsys.Judge, x *recsys.Exposure, above []int32, dst []float64) error {
	clear(dst)
	s := p.slateOf(x)
	for _, row := range above {
		if !s.Next() || !s.Admissible().Has(int(row)) {
			return nil
		}
		s.Pick(row, 1)
	}
	if !s.Next() {
		return s.Err()
	}
	p.rows = p.rows[:0]
	for _, row := range p.table.order { // the slate's memory is taken again below
		if s.Admissible().Has(int(row)) {
			p.rows = append(p.rows, row)
		}
	}
	place := len(above)
	p.slate = append(append(p.slate[:0], above...), 0)
	for _, row := range p.rows {
		p.slate[place] = row
		judged := p.room(place + 1)
		if err := p.judge(ctx, j, x, p.slate, judged); err != nil {
			return err
		}
		dst[row] = judged[place]
	}
	return nil
}
