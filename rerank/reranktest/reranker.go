package reranktest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/recsyskit/recsys"
)

// Run checks the re-rankers that fresh makes, one subtest per rule of [recsys.ReRanker].
func Run(t *testing.T, fresh func(t *testing.T) recsys.ReRanker, opts ...Option) {
	t.Helper()
	runRules(t, reRankerRules, fresh, opts)
}

// Check returns the rules that the re-rankers that fresh makes break.
func Check(fresh func() recsys.ReRanker, opts ...Option) []Violation {
	return checkRules(reRankerRules, fresh, opts)
}

var reRankerRules = []rule[recsys.ReRanker]{
	{
		"PartOfOrder",
		"The result is a permutation of order, or of a part of it: no row is doubled or invented.",
		eachInput(func(in input, before, out []int32) error { return partOf(before, out) }),
	},
	{
		"UtilityDoesNotIncrease",
		"If the order changed, c.Utility() does not increase along the result.",
		eachInput(utilityFalls),
	},
	{
		"WritesOnlyOrderAndUtility",
		"order may be permuted in place and returned; apart from it and the utilities nothing is written.",
		writesNothingElse,
	},
	{
		"EmptyOrder",
		"An empty order gives an empty result.",
		emptyOrder,
	},
	{
		"ConstraintsHoldOnTheWay",
		"A greedy re-ranker builds through Candidates.Slate, so that constraints hold on the way.",
		constraintsHold,
	},
	{
		"SameInputSameResult",
		"A stage keeps no state: equal tables and requests give equal orders and utilities, whatever was called before.",
		sameInputSameResult,
	},
	{
		"ResultIsTheCallers",
		"The result stays the caller's: later calls do not change it.",
		resultIsTheCallers,
	},
	{
		"Concurrent",
		"Any number of calls run concurrently.",
		concurrent,
	},
	{
		"ContextDone",
		"A call whose context is done gives a result as any other, or an error that wraps ctx.Err().",
		contextDone,
	},
}

// call re-ranks a copy of the input's order.
func call(ctx context.Context, x recsys.ReRanker, in input) (out []int32, err error) {
	defer caught(&err)
	order := append(make([]int32, 0, cap(in.order)), in.order...)
	out, err = x.ReRank(ctx, in.q, in.c, order)
	if err != nil {
		err = fmt.Errorf("returned an error for a valid table: %w", err)
	}
	return out, err
}

func at(x shape, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%d rows (part of them: %t), scores %s, K = %d: %w", x.n, x.part, x.scores, x.k, err)
}

// eachInput makes a check of one that looks at the result of a call.
func eachInput(look func(in input, before, out []int32) error) func(*suite[recsys.ReRanker]) error {
	return func(s *suite[recsys.ReRanker]) error {
		x, err := s.make()
		if err != nil {
			return err
		}
		for _, sh := range shapes() {
			in := s.input(sh)
			out, err := call(context.Background(), x, in)
			if err != nil {
				return at(sh, err)
			}
			if err := look(in, in.order, out); err != nil {
				return at(sh, err)
			}
		}
		return nil
	}
}

func partOf(before, out []int32) error {
	left := map[int32]bool{}
	for _, row := range before {
		left[row] = true
	}
	for i, row := range out {
		if open, known := left[row]; !known {
			return fmt.Errorf("place %d holds row %d, which was not in the order", i, row)
		} else if !open {
			return fmt.Errorf("place %d holds row %d, which stands above already", i, row)
		}
		left[row] = false
	}
	return nil
}

func utilityFalls(in input, before, out []int32) error {
	if slices.Equal(before, out) {
		return nil
	}
	u := in.c.Utility()
	for i := 1; i < len(out); i++ {
		if a, b := u[out[i-1]], u[out[i]]; !(a >= b) {
			return fmt.Errorf("utility rises from %v at place %d to %v at place %d", a, i-1, b, i)
		}
	}
	return nil
}

func writesNothingElse(s *suite[recsys.ReRanker]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	for _, sh := range shapes() {
		in := s.input(sh)
		before := digest(in.c)
		order := in.order
		if _, err := x.ReRank(context.Background(), in.q, in.c, order); err != nil {
			return at(sh, err)
		}
		if !slices.Equal(before, digest(in.c)) {
			return at(sh, errors.New("the table changed"))
		}
		for _, v := range order[len(order):cap(order)] {
			if v != sentinel {
				return at(sh, errors.New("memory behind the order was written"))
			}
		}
	}
	return nil
}

func emptyOrder(s *suite[recsys.ReRanker]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	for _, sh := range []shape{{n: 0, k: 3}, {n: 5, k: 3, scores: "spread"}} {
		for _, order := range [][]int32{nil, {}} {
			in := s.input(sh)
			in.order = order
			out, err := call(context.Background(), x, in)
			if err != nil {
				return at(sh, err)
			}
			if len(out) > 0 {
				return at(sh, fmt.Errorf("an empty order became %v", out))
			}
		}
	}
	return nil
}

// constraintsHold checks that the first K places are what filling the slate from the
// new order would pick: no row has to be passed over.
func constraintsHold(s *suite[recsys.ReRanker]) error {
	if !s.greedy {
		return fmt.Errorf("%w: the re-ranker is not declared Greedy", errSkipped)
	}
	x, err := s.make()
	if err != nil {
		return err
	}
	for _, sh := range shapes() {
		for _, rule := range []struct {
			name     string
			restrict recsys.ConstraintFunc
		}{{"at most one of four", atMostOneOfFour}, {"never two even ones", neverTwoEven}} {
			in := s.input(sh)
			in.c.Constrain(rule.restrict)
			out, err := call(context.Background(), x, in)
			if err != nil {
				return at(sh, err)
			}
			slate := in.c.Slate(sh.k, out)
			for slate.Next() {
				i := len(slate.Rows())
				if !slate.Admissible().Has(int(out[i])) {
					return at(sh, fmt.Errorf("place %d holds row %d (item %d), which the constraint %q does not admit there",
						i, out[i], in.c.IDs()[out[i]], rule.name))
				}
				slate.Pick(out[i], 1)
			}
			if err := slate.Err(); err != nil {
				return at(sh, err)
			}
		}
	}
	return nil
}

// atMostOneOfFour forbids items that are equal to one above modulo a quarter of the rows.
func atMostOneOfFour(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	m := recsys.ItemID(c.Len()/4 + 1)
	for _, row := range slate {
		for i, id := range c.IDs() {
			if id%m == c.IDs()[row]%m {
				admissible.Clear(i)
			}
		}
	}
}

// neverTwoEven forbids an even item after an even one.
func neverTwoEven(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	if len(slate) == 0 || c.IDs()[slate[len(slate)-1]]%2 == 1 {
		return
	}
	for i, id := range c.IDs() {
		if id%2 == 0 {
			admissible.Clear(i)
		}
	}
}

// result is what a call gives: the order and the utilities along it.
type result struct {
	order   []int32
	utility []uint32
}

func resultOf(ctx context.Context, x recsys.ReRanker, in input) (result, error) {
	out, err := call(ctx, x, in)
	r := result{order: slices.Clone(out)}
	for _, u := range in.c.Utility() {
		r.utility = append(r.utility, math.Float32bits(u))
	}
	return r, err
}

func (r result) differs(want result) error {
	if !slices.Equal(r.order, want.order) {
		return fmt.Errorf("the order is %v; alone it was %v", r.order, want.order)
	}
	if !slices.Equal(r.utility, want.utility) {
		return errors.New("the utilities differ")
	}
	return nil
}

// alone gives the result of a call of a new stage.
func alone(s *suite[recsys.ReRanker], sh shape) (result, error) {
	x, err := s.make()
	if err != nil {
		return result{}, err
	}
	return resultOf(context.Background(), x, s.input(sh))
}

func sameInputSameResult(s *suite[recsys.ReRanker]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	for _, sh := range shapes() {
		want, err := alone(s, sh)
		if err != nil {
			return at(sh, err)
		}
		for range 2 {
			got, err := resultOf(context.Background(), x, s.input(sh))
			if err != nil {
				return at(sh, err)
			}
			if err := got.differs(want); err != nil {
				return at(sh, err)
			}
		}
	}
	return nil
}

func resultIsTheCallers(s *suite[recsys.ReRanker]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	all := shapes()
	for i, sh := range all {
		out, err := call(context.Background(), x, s.input(sh))
		if err != nil {
			return at(sh, err)
		}
		kept := slices.Clone(out)
		alike := shape{n: sh.n, k: sh.k, scores: sh.scores, seed: sh.seed + 1}
		for _, other := range []shape{all[(i+len(all)/2)%len(all)], alike} {
			if _, err := call(context.Background(), x, s.input(other)); err != nil {
				return at(other, err)
			}
		}
		if !slices.Equal(out, kept) {
			return at(sh, fmt.Errorf("the result was %v and became %v during later calls", kept, out))
		}
	}
	return nil
}

func concurrent(s *suite[recsys.ReRanker]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	all := shapes()
	want := make([]result, len(all))
	for i, sh := range all {
		if want[i], err = alone(s, sh); err != nil {
			return at(sh, err)
		}
	}
	const callers = 8
	var wg sync.WaitGroup
	errs := make([]error, callers)
	for g := range callers {
		wg.Go(func() {
			for i := range all {
				j := (i*7 + g*31) % len(all)
				got, err := resultOf(context.Background(), x, s.input(all[j]))
				if err == nil {
					err = got.differs(want[j])
				}
				if err != nil {
					errs[g] = at(all[j], err)
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func contextDone(s *suite[recsys.ReRanker]) error {
	x, err := s.make()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, sh := range shapes() {
		want, err := alone(s, sh)
		if err != nil {
			return at(sh, err)
		}
		got, err := resultOf(ctx, x, s.input(sh))
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil:
			return at(sh, fmt.Errorf("the error does not wrap ctx.Err(): %w", err))
		default:
			if err := got.differs(want); err != nil {
				return at(sh, err)
			}
		}
	}
	return nil
}
