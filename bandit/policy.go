package bandit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/recsyskit/recsys"
)

// Policy is an explorer that learns: an [Algorithm] over the arms of a pipeline.
//
//	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{Arm: "creator"})
//	p, err := recsys.NewPipeline(…, recsys.Explore(policy), recsys.Log(sink)).Build()
//	res, err := p.Recommend(ctx, &req)
//	err = p.Learn(ctx, feedback) // Feedback.Request is res.ID
//
// At each place of the slate the algorithm gives the probabilities of all rows of the window that may
// come there; one number is drawn from them by [recsys.Query].Rand, and the row's probability is
// logged. A row that is the only one that may come has propensity 1. Given what has been learned, the
// slate is a function of the request and its seed. Utility plays no part beyond
// the window, except where an algorithm says so.
//
// # Learning
//
// The policy remembers its decisions by request ID. [Policy.Learn] matches feedback to them by
// [recsys.Feedback].Request and Item, late, out of order and doubled: an act counts once, by
// its Feedback.ID, or where that is empty by item and kind. A shown item settles once, by its first feedback that
// counts or, when [Config].Window has passed, with reward 0; whatever comes later corrects the
// reward. Feedback for decisions that are not remembered is counted and never guessed.
//
// A request ID that comes again is the same decision, and a replay is none; see [recsys.Query.Replayed].
//
// # State
//
// Arms come with their first feedback; before it an arm is cold and has the
// prior of its algorithm. An arm that is no longer among the candidates costs its memory until [Policy.Forget].
// [Policy.WriteTo] and [Policy.ReadFrom] save and restore all of it, pending decisions too, to the bit.
// The state is not part of [Policy.Version]: a record replays to the bit against the state that it was served from,
// which [Stats].Version numbers.
//
// A Policy is safe for concurrent use. Binding gives policies that share one state, so the one that New returned can be
// asked and saved while a pipeline serves from it. Explore allocates nothing in steady state.
type Policy struct {
	*store
	alg     Algorithm
	bound   bool
	arm     int  // ID column, -1: the item
	segment int  // ID column of the request, -1: none
	shared  bool // rows may share an arm
	views   *sync.Pool
}

var (
	_ recsys.Explorer                = (*Policy)(nil)
	_ recsys.Judge                   = (*Policy)(nil)
	_ recsys.Learner                 = (*Policy)(nil)
	_ recsys.Versioned               = (*Policy)(nil)
	_ recsys.ExplorationKinder       = (*Policy)(nil)
	_ recsys.Binder[recsys.Explorer] = (*Policy)(nil)
)

// New returns a policy that has learned nothing. The error names the field of the algorithm or of cfg that is out of
// its domain.
func New(alg Algorithm, cfg Config) (*Policy, error) {
	if alg == nil {
		return nil, errors.New("bandit: New: algorithm is nil")
	}
	if err := errors.Join(alg.Validate(), cfg.Validate()); err != nil {
		return nil, err
	}
	_, reads := alg.(contextual)
	p := &Policy{
		store: newStore(alg, cfg.withDefaults()), alg: alg, arm: -1, segment: -1,
		bound: cfg.Arm == "" && cfg.Segment == "" && !reads,
	}
	p.views = &sync.Pool{New: func() any { return new(view) }}
	return p, nil
}

// Bind resolves the columns of the arm, of the segment and of the algorithm's features. The policy that it returns shares
// its state with p. The error joins one error per column.
func (p *Policy) Bind(s *recsys.Schema) (recsys.Explorer, error) {
	b := &Policy{store: p.store, alg: p.alg, bound: true, arm: -1, segment: -1}
	b.views = &sync.Pool{New: func() any { return new(view) }}
	var errs []error
	column := func(field, name string, scope recsys.Scope, at *int) {
		if name == "" {
			return
		}
		f, err := s.ID(name)
		if err == nil && f.Scope != scope {
			err = fmt.Errorf("bandit: Config.%s: column %q has scope %v; want %v", field, name, f.Scope, scope)
		}
		errs = append(errs, err)
		*at = f.Index
	}
	column("Arm", p.cfg.Arm, recsys.PerItem, &b.arm)
	column("Segment", p.cfg.Segment, recsys.PerRequest, &b.segment)
	if x, ok := p.alg.(contextual); ok {
		alg, err := x.bind(s)
		errs = append(errs, err)
		b.alg = alg
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	_, reads := b.alg.(contextual)
	b.shared = b.arm >= 0 && !reads
	return b, p.store.bind(b.alg)
}

// Version names the algorithm and its parameters, the arm and the segment: "ucb1/1 c=2 arm=creator". What has been
// learned is not in it.
func (p *Policy) Version() string {
	v := p.alg.spec().version
	if p.cfg.Arm != "" {
		v += " arm=" + strconv.Quote(p.cfg.Arm)
	}
	if p.cfg.Segment != "" {
		v += " segment=" + strconv.Quote(p.cfg.Segment)
	}
	return v
}

// Exploration returns what the algorithm's propensities are worth.
func (p *Policy) Exploration() recsys.Exploration { return p.alg.spec().class }

// Explore fills s, logs the propensities and remembers the decision. The error is that of the slate, wraps ctx.Err(),
// or says that the policy was not bound though it reads columns.
func (p *Policy) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	v, rng, err := p.open(q, c, s)
	if err != nil {
		return err
	}
	defer p.close(v)
	for s.Next() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("bandit: after %d places: %w", len(s.Rows()), err)
		}
		v.ready(p.alg, s)
		i := 0
		if _, chances, _ := v.rowChances(); len(chances) > 1 {
			i = drawn(chances, unit(rng.Uint64()))
		}
		p.pick(v, s, i)
	}
	if err := s.Err(); err != nil {
		return err
	}
	if !q.Replayed() {
		p.remember(q, c, s, v, p.segmentOf(q))
	}
	return nil
}

// Propensities writes the probability of each place of slate, given those above it; see [recsys.Judge]. Against the
// same state they are the numbers that Explore logs, to the bit. The error is that of Explore, or tells that dst and slate
// differ in length.
func (p *Policy) Propensities(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	if len(dst) != len(slate) {
		return errLengths
	}
	clear(dst)
	v, _, err := p.open(q, c, s)
	if err != nil {
		return err
	}
	defer p.close(v)
	for i, row := range slate {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("bandit: after %d places: %w", i, err)
		}
		if !comes(s, c.Len(), row) {
			break
		}
		v.ready(p.alg, s)
		at := v.find(row)
		_, chances, _ := v.rowChances()
		if chances[at] == 0 {
			break
		}
		dst[i] = min(chances[at], 1)
		p.pick(v, s, at)
	}
	return s.Err()
}

var errUnbound = errors.New("bandit: the policy reads columns and was not bound; see recsys.Bind")

// open takes the window of s and what the policy knows of its arms.
func (p *Policy) open(q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) (*view, rand.PCG, error) {
	rng := q.Rand()
	if !p.bound {
		return nil, rng, errUnbound
	}
	v := p.views.Get().(*view)
	v.reset(q, c)
	if x, reads := p.alg.(contextual); reads {
		v.columns = x.columns()
	}
	v.seed = rng.Uint64()
	v.rows = append(v.rows, s.Order()[:s.Window()]...)
	for _, row := range v.rows {
		v.arms = append(v.arms, p.armOf(c, row))
	}
	if v.arm.on = false; p.shared {
		v.group()
	}
	p.look(v, p.segmentOf(q))
	return v, rng, nil
}

func (p *Policy) close(v *view) {
	v.close()
	p.views.Put(v)
}

func (p *Policy) armOf(c *recsys.Candidates, row int32) uint64 {
	if p.arm < 0 {
		return uint64(c.IDs()[row])
	}
	return c.IDColumn(p.arm)[row]
}

func (p *Policy) segmentOf(q *recsys.Query) uint64 {
	if p.segment < 0 {
		return 0
	}
	return q.IDs()[p.segment]
}

// ready takes up the place that s.Next readied: v.open and v.p.
func (v *view) ready(alg Algorithm, s *recsys.Slate) {
	admissible := s.Admissible()
	v.open = v.open[:0]
	for i, row := range v.rows {
		if admissible.Has(int(row)) {
			v.open = append(v.open, int32(i))
		}
	}
	if v.arm.on {
		v.unite()
	}
	v.chances()
	if len(v.open) > 1 {
		alg.choose(v)
		v.normalize()
		v.fresh = false
	} else {
		v.p = append(v.p[:0], 1) // if what may come is from below the window, v.open is empty
	}
	if v.arm.on {
		v.divide()
	}
}

// rowChances returns what may come, as indexes into v.rows, the chances and their standard errors, which may be
// none. A row from below the window has a chance, 1, and no index.
func (v *view) rowChances() (rows []int32, p, se []float64) {
	if v.arm.on && len(v.open) > 0 {
		return v.arm.rows, v.arm.p, v.arm.se
	}
	return v.open, v.p, v.se
}

// find returns the index into the chances of an admissible row.
func (v *view) find(row int32) int {
	rows, _, _ := v.rowChances()
	for i, j := range rows {
		if v.rows[j] == row {
			return i
		}
	}
	return 0 // from below the window
}

// pick takes the row of index i among what may come.
func (p *Policy) pick(v *view, s *recsys.Slate, i int) {
	rows, chances, ses := v.rowChances()
	at, row, arm, share := int32(-1), int32(0), uint64(0), chances[i]
	if len(rows) > 0 {
		at = rows[i]
		row, arm = v.rows[at], v.arms[at]
		if v.arm.on {
			share = v.p[v.arm.member[i]]
		}
	} else {
		row = int32(s.Admissible().Next(0))
		arm = p.armOf(v.c, row)
	}
	se := 0.0
	if len(ses) > 0 {
		se = ses[i]
	}
	v.taken = append(v.taken, at)
	v.pickArms, v.pickProps = append(v.pickArms, arm), append(v.pickProps, share)
	v.pickChoices = append(v.pickChoices, int32(len(v.p)))
	if x, ok := p.alg.(contextual); ok {
		v.pickX = x.context(v.pickX, v.q, v.c, row)
	}
	s.PickEstimated(row, chances[i], se)
}
