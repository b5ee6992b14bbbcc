package reranktest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/recsyskit/recsys"
)

// RunConstraint checks the constraints that fresh makes, one subtest per rule of [recsys.Constraint].
// Without the option [Rule] three of them are skipped.
func RunConstraint(t *testing.T, fresh func(t *testing.T) recsys.Constraint, opts ...Option) {
	t.Helper()
	runRules(t, constraintRules, fresh, opts)
}

// CheckConstraint returns the rules that the constraints that fresh makes break.
func CheckConstraint(fresh func() recsys.Constraint, opts ...Option) []Violation {
	return checkRules(constraintRules, fresh, opts)
}

var constraintRules = []rule[recsys.Constraint]{
	{
		"NeverSetsABit",
		"Restrict clears the rows that must not come next. It never sets a bit.",
		neverSets,
	},
	{
		"WritesOnlyTheBits",
		"Restrict clears bits of admissible; the table and the slate are read-only.",
		writesOnlyBits,
	},
	{
		"KeepsNoState",
		"Restrict keeps no state: equal tables, places, prefixes and bits give equal bits, whatever was called before.",
		keepsNoState,
	},
	{
		"Concurrent",
		"Any number of calls run concurrently.",
		concurrentConstraint,
	},
	{
		"EmptyTable",
		"A table without rows and a slate without places are no special case.",
		emptyTable,
	},
	{
		"RuleHolds",
		"A constraint is a hard rule on slates: a row that must not come next is cleared.",
		ruleHolds,
	},
	{
		"NotTooStrict",
		"Restrict clears the rows that must not come next, and no others.",
		notTooStrict,
	},
	{
		"HereditaryClaimIsTrue",
		"A hereditary constraint never re-admits a row: what must not come at one place of a slate must not come at any later one.",
		hereditaryClaim,
	},
}

// isHereditary asks the constraint as the pipeline does.
func isHereditary(x recsys.Constraint) bool {
	h, ok := x.(recsys.Hereditary)
	return ok && h.Hereditary()
}

// walk is a slate filled at random, with what the constraint left open at each prefix.
type walk struct {
	prefixes [][]int32
	open     []recsys.Bits // unpicked rows of the table that the constraint admits, parallel to prefixes
}

// takeWalk fills a slate of the input as the pipeline would. The rows are drawn from r.
func takeWalk(x recsys.Constraint, in input, r *rand.Rand) (w walk, err error) {
	in.c.Constrain(x)
	s := in.c.Slate(in.q.K, in.order)
	for s.Next() {
		w.prefixes = append(w.prefixes, slices.Clone(s.Rows()))
		w.open = append(w.open, slices.Clone(s.Admissible()))
		var rows []int32
		for i := s.Admissible().Next(0); i >= 0; i = s.Admissible().Next(i + 1) {
			rows = append(rows, int32(i))
		}
		s.Pick(rows[r.IntN(len(rows))], 1)
	}
	if len(s.Rows()) < in.q.K { // what is open at the end: nothing
		w.prefixes = append(w.prefixes, slices.Clone(s.Rows()))
		w.open = append(w.open, recsys.MakeBits(in.c.Len()))
	}
	return w, s.Err()
}

// eachWalk takes walks through the inputs and looks at each.
func eachWalk(s *suite[recsys.Constraint], look func(x recsys.Constraint, in input, w walk) error) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	for _, sh := range shapes() {
		in := s.input(sh)
		w, err := takeWalk(x, in, rand.New(rand.NewPCG(sh.seed, 3)))
		if err == nil {
			err = look(x, in, w)
		}
		if err != nil {
			return at(sh, err)
		}
	}
	return nil
}

// randomBits returns a set in which each of n rows is with probability one half.
func randomBits(r *rand.Rand, n int) recsys.Bits {
	b := recsys.MakeBits(n)
	for i := range n {
		if r.IntN(2) == 0 {
			b.Set(i)
		}
	}
	return b
}

func neverSets(s *suite[recsys.Constraint]) error {
	r := rand.New(rand.NewPCG(5, 5))
	return eachWalk(s, func(x recsys.Constraint, in input, w walk) error {
		for _, prefix := range w.prefixes {
			for _, before := range []recsys.Bits{randomBits(r, in.c.Len()), recsys.MakeBits(in.c.Len())} {
				after := slices.Clone(before)
				x.Restrict(in.c, in.q.K, prefix, after)
				for i := range after {
					if extra := after[i] &^ before[i]; extra != 0 {
						return fmt.Errorf("after %v it set bits %#x of word %d", prefix, extra, i)
					}
				}
			}
		}
		return nil
	})
}

func writesOnlyBits(s *suite[recsys.Constraint]) error {
	return eachWalk(s, func(x recsys.Constraint, in input, w walk) error {
		before, utility := digest(in.c), slices.Clone(in.c.Utility())
		for _, prefix := range w.prefixes {
			rows, all := slices.Clone(prefix), recsys.MakeBits(in.c.Len())
			all.SetFirst(in.c.Len())
			x.Restrict(in.c, in.q.K, rows, all)
			if !slices.Equal(rows, prefix) {
				return fmt.Errorf("the slate %v became %v", prefix, rows)
			}
		}
		if !slices.Equal(before, digest(in.c)) || !slices.Equal(utility, in.c.Utility()) {
			return errors.New("the table changed")
		}
		return nil
	})
}

// sequence calls Restrict for each prefix as the pipeline does, and returns all bits.
func sequence(x recsys.Constraint, in input, prefixes [][]int32) []uint64 {
	var out []uint64
	legal := recsys.MakeBits(in.c.Len())
	legal.SetFirst(in.c.Len())
	for _, prefix := range prefixes {
		if !isHereditary(x) {
			legal.SetFirst(in.c.Len())
			for _, row := range prefix {
				legal.Clear(int(row))
			}
		}
		x.Restrict(in.c, in.q.K, slices.Clone(prefix), legal)
		out = append(out, legal...)
	}
	return out
}

func keepsNoState(s *suite[recsys.Constraint]) error {
	other := s.input(shape{n: 20, k: 10, scores: "spread", seed: 99})
	return eachWalk(s, func(x recsys.Constraint, in input, w walk) error {
		fresh, err := s.make()
		if err != nil {
			return err
		}
		want := sequence(fresh, in, w.prefixes)
		for range 2 {
			if !slices.Equal(want, sequence(x, in, w.prefixes)) {
				return errors.New("a constraint that was used before clears other bits than a new one")
			}
			sequence(x, other, [][]int32{nil, {3}, {3, 1}})
		}
		return nil
	})
}

func concurrentConstraint(s *suite[recsys.Constraint]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	type job struct {
		sh   shape
		w    walk
		want []uint64
	}
	var jobs []job
	for _, sh := range shapes() {
		in := s.input(sh)
		fresh, err := s.make()
		if err != nil {
			return err
		}
		w, err := takeWalk(fresh, in, rand.New(rand.NewPCG(sh.seed, 3)))
		if err != nil {
			return at(sh, err)
		}
		jobs = append(jobs, job{sh, w, sequence(fresh, in, w.prefixes)})
	}
	const callers = 8
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for g := range callers {
		wg.Go(func() {
			defer caught(&errs[g])
			for i := range jobs {
				j := jobs[(i*7+g*31)%len(jobs)]
				if !slices.Equal(j.want, sequence(x, s.input(j.sh), j.w.prefixes)) {
					errs[g] = at(j.sh, errors.New("concurrent calls clear other bits than one alone"))
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func emptyTable(s *suite[recsys.Constraint]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	for _, k := range []int{0, 1, 5} {
		in := s.input(shape{n: 0, k: k})
		x.Restrict(in.c, k, nil, recsys.MakeBits(0))
		in.c.Constrain(x)
		if slate := in.c.Slate(k, nil); slate.Next() {
			return fmt.Errorf("a slate of %d places from no rows has a row to pick", k)
		}
	}
	in := s.input(shape{n: 5, k: 0, scores: "spread"})
	x.Restrict(in.c, 0, nil, randomBits(rand.New(rand.NewPCG(1, 1)), 5))
	return nil
}

// judged reports whether the rows at prefix t of the input are judged one by one: in a
// large table not all are, since a rule takes time.
func (in input) judged(t int) bool { return len(in.order) <= 20 || t%17 < 2 }

// eachRow judges the unpicked rows of the order after a prefix: whether the constraint
// leaves the row open, and whether the rule allows it.
func eachRow(s *suite[recsys.Constraint], judge func(prefix []int32, row int32, open, allowed bool) error) error {
	if s.allows == nil {
		return fmt.Errorf("%w: only the option Rule tells what the constraint means", errSkipped)
	}
	return eachWalk(s, func(_ recsys.Constraint, in input, w walk) error {
		for t, prefix := range w.prefixes {
			if !in.judged(t) {
				continue
			}
			for _, row := range in.order {
				if slices.Contains(prefix, row) {
					continue
				}
				next := append(slices.Clone(prefix), row)
				if err := judge(prefix, row, w.open[t].Has(int(row)), s.allows(in.c, in.q.K, in.order, next)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func ruleHolds(s *suite[recsys.Constraint]) error {
	return eachRow(s, func(prefix []int32, row int32, open, allowed bool) error {
		if open && !allowed {
			return fmt.Errorf("after %v row %d is admissible; the rule forbids it", prefix, row)
		}
		return nil
	})
}

func notTooStrict(s *suite[recsys.Constraint]) error {
	return eachRow(s, func(prefix []int32, row int32, open, allowed bool) error {
		if !open && allowed {
			return fmt.Errorf("after %v row %d is cleared; the rule allows it", prefix, row)
		}
		return nil
	})
}

// hereditaryClaim looks for a row that the rule forbids at one prefix of a slate and
// allows at a later one.
func hereditaryClaim(s *suite[recsys.Constraint]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	if !isHereditary(x) {
		return fmt.Errorf("%w: the constraint does not claim to be hereditary", errSkipped)
	}
	if s.allows == nil {
		return fmt.Errorf("%w: only the option Rule tells what the constraint means", errSkipped)
	}
	return eachWalk(s, func(x recsys.Constraint, in input, w walk) error {
		forbidden := map[int32]int{} // row -> length of the prefix that forbids it
		for _, prefix := range w.prefixes {
			if !isHereditary(x) {
				return errors.New("it is hereditary at one time and not at another")
			}
			if !in.judged(len(prefix)) {
				continue
			}
			for _, row := range in.order {
				if slices.Contains(prefix, row) {
					continue
				}
				allowed := s.allows(in.c, in.q.K, in.order, append(slices.Clone(prefix), row))
				if t, was := forbidden[row]; was && allowed {
					return fmt.Errorf("row %d must not come after %v and may come after %v", row, prefix[:t], prefix)
				}
				if !allowed {
					forbidden[row] = len(prefix)
				}
			}
		}
		return nil
	})
}
