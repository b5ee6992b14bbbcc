package bandit

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
)

// Algorithm says how a [Policy] chooses among arms and what it remembers of them:
// [MeanGreedy], [Boltzmann], [UCB1], [KLUCB], [SlidingUCB], [EXP3], [Thompson],
// [GaussianThompson] and others of this package. Its values are plain structs whose zero value means
// the documented defaults, safe to copy and to share. Other packages cannot implement it.
type Algorithm interface {
	// Validate returns an error that names the field, its value and what is wanted.
	Validate() error

	// spec returns what the frame must know. It is called on a valid algorithm.
	spec() spec

	// newLearner returns an empty memory, of one segment.
	newLearner() learner

	// choose writes into v.p[i] the probability of the arm of row v.rows[v.open[i]], for the place that is
	// being filled. There are at least two open arms, each of them once; rows that share an arm share its probability. (A
	// contextual algorithm is asked for rows: there all that may come are open.) The numbers are >= 0; the frame scales them to sum to 1, and
	// takes all rows for equal when the sum is not > 0. It reads nothing but what look copied into v.
	choose(v *view)
}

// spec is what an algorithm tells the frame.
type spec struct {
	version string             // name, number and parameters: "ucb1/1 c=2"
	class   recsys.Exploration // of its propensities
	lo, hi  float64            // domain of rewards; the sum of a place's rewards is held within it

	// cascade says that a user looks at places from the top and stops at the first
	// reward: what is below it was not seen. Else each place is an observation of its own.
	cascade bool

	weighted bool // learning reads propensities
}

// widest bounds rewards where the algorithm does not: sums of them stay finite.
const widest = 1e100

// domain says what rewards are wanted.
func (s *spec) domain() string { return fmt.Sprintf("want a number of [%v, %v]", s.lo, s.hi) }

// contextual is implemented by algorithms that read features.
type contextual interface {
	// bind resolves columns and returns the bound algorithm.
	bind(s *recsys.Schema) (Algorithm, error)
	// columns returns where the features are, nil before bind.
	columns() *layout
	// context appends what is to be remembered of a row that was picked; [outcome].x will be that.
	context(dst []float64, q *recsys.Query, c *recsys.Candidates, row int32) []float64
}

// learner is what a policy has learned about one segment. The frame locks: look runs beside other
// looks, all other methods alone.
type learner interface {
	// look copies into v what choose will read of the arms v.arms, unknown ones too. On a
	// contextual algorithm's learner it may read v.q and v.c.
	look(v *view)

	// add learns. Adding is exact bookkeeping: an observation, a correction and its being taken back, in any
	// order, leave what the sum of them would have left.
	add(o *outcome)

	// forget drops what is known of an arm.
	forget(arm uint64)

	// arms returns the number of arms that something is known of.
	arms() int

	// save and load are each other's inverse, to the bit.
	save(e *encoder)
	load(d *decoder)
}

// outcome is one step of learning about one shown arm.
type outcome struct {
	arm    uint64
	count  float64 // 1: an observation; 0: a correction of one; -1: one is taken back
	reward float64 // of an observation; else the difference to what was added before, all told

	x          []float64 // context, as it was at the decision
	propensity float64   // of the arm's row at the decision
	choices    int       // rows that could have come there
	place      int       // of the slate, from 0

	// tick tells when the observation was made, on the learner's own clock: add sets it for an
	// observation, and finds it there for a correction of it.
	tick uint64
}

// view is the memory of one slate being filled. It is pooled.
type view struct {
	q *recsys.Query
	c *recsys.Candidates

	columns *layout // of q and c, for algorithms that read features: policies of other schemas may share the state

	rows []int32  // of the table: the window, best first
	arms []uint64 // parallel to rows

	// The place being filled.
	open  []int32   // indexes into rows, ascending: what may come, one row for each arm
	p     []float64 // parallel to open: what choose writes
	se    []float64 // parallel to open, or empty: standard errors of p, of algorithms that estimate
	fresh bool      // what look copied has changed since choose saw it last
	taken []int32   // indexes into rows of the picks above, -1 for a row from below the window
	seed  uint64    // of the request, for algorithms that need more randomness than the frame's draw

	// What look has copied.
	n, s []float64 // parallel to rows: observations and rewards of the arm
	t    float64   // observations of the segment
	own  any       // the algorithm's memory; it stays from slate to slate

	index []float64 // parallel to rows: for algorithms whose numbers do not depend on the place
	last  looked
	arm   grouping

	// What was picked, for the record.
	pickArms    []uint64
	pickProps   []float64 // of the arm, which several rows may share
	pickChoices []int32
	pickX       []float64
}

// reset readies v for a slate.
func (v *view) reset(q *recsys.Query, c *recsys.Candidates) {
	v.q, v.c = q, c
	v.rows, v.arms, v.taken = v.rows[:0], v.arms[:0], v.taken[:0]
	v.pickArms, v.pickChoices, v.pickX = v.pickArms[:0], v.pickChoices[:0], v.pickX[:0]
	v.pickProps = v.pickProps[:0]
}

// looked is the state and the arms that a view has looked at last.
type looked struct {
	learner learner
	version uint64
	arms    []uint64
}

// current reports whether v has looked at this state of these arms already.
func (v *view) current(l learner, version uint64) bool {
	return v.last.learner == l && v.last.version == version && slices.Equal(v.last.arms, v.arms)
}

// close forgets the request's memory.
func (v *view) close() { v.q, v.c = nil, nil }

// chances makes v.p parallel to v.open, and v.se empty.
func (v *view) chances() {
	v.p = sized(v.p, len(v.open))
	v.se = v.se[:0]
}

// standardErrors returns v.se, made parallel to v.open, for choose to fill.
func (v *view) standardErrors() []float64 {
	v.se = sized(v.se, len(v.open))
	return v.se
}

// normalize scales the chances to sum to 1. Where they have no sum all rows are equal.
func (v *view) normalize() {
	sum := 0.0
	for _, p := range v.p {
		sum += p
	}
	if !(sum > 0 && sum <= maxSum) {
		v.se = v.se[:0]
		for i := range v.p {
			v.p[i] = 1 / float64(len(v.p))
		}
		return
	}
	for i := range v.p {
		v.p[i] /= sum
	}
	for i := range v.se {
		v.se[i] /= sum
	}
}

const maxSum = 0x1p1000

// drawn returns the index i of v.p at the fraction u, in (0, 1): the inverse of the distribution
// function. Its chance is above 0.
func drawn(p []float64, u float64) int {
	last, sum := 0, 0.0
	for i, x := range p {
		if !(x > 0) {
			continue
		}
		last = i
		if sum += x; u < sum {
			break
		}
	}
	return last // rounding may leave u at the end: the last one that can come takes it
}

// grouping shares the chances of arms among their rows, where rows share arms.
type grouping struct {
	on    bool
	first map[uint64]int32 // arm -> its first row, an index into view.rows
	of    []int32          // parallel to view.rows: the first row of the same arm
	at    []int32          // parallel to view.rows: where the arm stands in view.open at this place, -1 if nowhere

	rows   []int32   // indexes into view.rows: what may come
	p, se  []float64 // parallel to rows
	member []int32   // parallel to rows: indexes into view.open
	count  []float64 // parallel to view.open: rows
}

// group finds rows that share an arm.
func (v *view) group() {
	g := &v.arm
	if g.first == nil {
		g.first = map[uint64]int32{}
	}
	clear(g.first)
	g.of, g.at = sized(g.of, len(v.arms)), sized(g.at, len(v.arms))
	g.on = false
	for i, arm := range v.arms {
		first, known := g.first[arm]
		if !known {
			first = int32(i)
			g.first[arm] = first
		}
		g.of[i] = first
		g.on = g.on || known
	}
}

// unite reduces v.open to one row for each arm.
func (v *view) unite() {
	g := &v.arm
	for i := range g.at {
		g.at[i] = -1
	}
	g.rows, g.member, g.count = append(g.rows[:0], v.open...), g.member[:0], g.count[:0]
	v.open = v.open[:0]
	for _, i := range g.rows {
		first := g.of[i]
		if g.at[first] < 0 {
			g.at[first] = int32(len(v.open))
			v.open, g.count = append(v.open, i), append(g.count, 0)
		}
		g.count[g.at[first]]++
		g.member = append(g.member, g.at[first])
	}
}

// divide gives each row its share of the arm's chance.
func (v *view) divide() {
	g := &v.arm
	g.p, g.se = g.p[:0], g.se[:0]
	for _, m := range g.member {
		g.p = append(g.p, v.p[m]/g.count[m])
		if len(v.se) > 0 {
			g.se = append(g.se, v.se[m]/g.count[m])
		}
	}
}

// sized returns s with length n, in s's memory where it is large enough. What is in it is stale.
func sized[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n, n+n/4)
	}
	return s[:n]
}
