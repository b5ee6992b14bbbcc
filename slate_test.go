package recsys_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
)

// table returns n candidates of which row i is item i, and their order 0, 1, ….
func table(n int) (*recsys.Candidates, []int32) {
	items := make(ids, n)
	order := make([]int32, n)
	for i := range items {
		items[i], order[i] = recsys.ItemID(i), int32(i)
	}
	return recsys.NewCandidates(nil, items), order
}

// capMod allows at most n rows of each residue modulo m; it looks at the newest pick only.
func capMod(m, n int) recsys.Constraint {
	return hereditary{recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, slate []int32, ok recsys.Bits) {
		if len(slate) == 0 {
			return
		}
		last, have := int(slate[len(slate)-1])%m, 0
		for _, row := range slate {
			if int(row)%m == last {
				have++
			}
		}
		if have < n {
			return
		}
		for i := range c.Len() {
			if i%m == last {
				ok.Clear(i)
			}
		}
	})}
}

// apart keeps two rows of one residue modulo m from following each other: it re-admits rows.
func apart(m int) recsys.Constraint {
	return recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, slate []int32, ok recsys.Bits) {
		if len(slate) == 0 {
			return
		}
		for i := range c.Len() {
			if i%m == int(slate[len(slate)-1])%m {
				ok.Clear(i)
			}
		}
	})
}

func walk(s *recsys.Slate) []int32 {
	for s.Next() {
		s.Pick(s.Best(), 1)
	}
	return s.Rows()
}

func TestSlateFillsGreedilyUnderConstraints(t *testing.T) {
	c, order := table(10)
	require.Equal(t, []int32{0, 1, 2}, walk(c.Slate(3, order)))
	c.Constrain(capMod(5, 1))
	require.Equal(t, []int32{0, 1, 2, 3, 4}, walk(c.Slate(8, order)), "five residues, one of each, then a dead end")
	c.Constrain(apart(2))
	require.Equal(t, []int32{0, 1, 2, 3}, walk(c.Slate(4, order)))
	c.Constrain(apart(5), capMod(2, 3))
	require.Equal(t, []int32{0, 1, 2, 3, 4, 5}, walk(c.Slate(6, order)))
	require.Empty(t, walk(c.Slate(3, nil)))
	require.Equal(t, []int32{0, 1}, walk(c.Slate(9, order[:2])), "K > n")
}

// Oracle: at each place, a row is admissible if it is not picked and no constraint,
// run afresh over all prefixes, clears it.
func TestAdmissibleEqualsRunningEveryConstraintAfresh(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for trial := range 300 {
		n := 1 + r.IntN(80)
		c, order := table(n)
		r.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		var rules []recsys.Constraint
		for range r.IntN(4) {
			if r.IntN(2) == 0 {
				rules = append(rules, capMod(1+r.IntN(6), 1+r.IntN(3)))
			} else {
				rules = append(rules, apart(1+r.IntN(4)))
			}
		}
		c.Constrain(rules...)
		s := c.Slate(1+r.IntN(n+3), order)
		for s.Next() {
			want := recsys.MakeBits(n)
			want.SetFirst(n)
			for _, row := range s.Rows() {
				want.Clear(int(row))
			}
			for _, rule := range rules {
				if h, ok := rule.(recsys.Hereditary); ok && h.Hereditary() {
					for k := range len(s.Rows()) + 1 {
						rule.Restrict(c, s.K, s.Rows()[:k], want)
					}
				} else {
					rule.Restrict(c, s.K, s.Rows(), want)
				}
			}
			require.Equal(t, want, s.Admissible(), "trial %d place %d", trial, len(s.Rows()))
			best := int32(-1)
			for _, row := range order {
				if want.Has(int(row)) {
					best = row
					break
				}
			}
			require.Equal(t, best, s.Best())
			// Pick any admissible row.
			pick := r.IntN(want.Count())
			row := want.Next(0)
			for range pick {
				row = want.Next(row + 1)
			}
			s.Pick(int32(row), 0.5)
		}
		require.NoError(t, s.Err())
	}
}

func TestWindowGrowsByOneRowWhenNothingInItMayCome(t *testing.T) {
	var windows [][]int
	explorer := recsys.ExplorerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		for s.Next() {
			var open []int
			for i := s.Admissible().Next(0); i >= 0; i = s.Admissible().Next(i + 1) {
				open = append(open, i)
			}
			windows = append(windows, open)
			s.Pick(s.Best(), 1/float64(len(open)))
		}
		return nil
	})
	p := build(t, recsys.Retrieve("a", ranked(0, 1, 2, 3, 4, 5, 6, 7)), recsys.Constrain(capMod(4, 1)), recsys.Explore(explorer), recsys.Depth(2))
	res := recommend(t, p, &recsys.Request{K: 4})
	require.Equal(t, ids{0, 1, 2, 3}, items(res))
	require.Equal(t, [][]int{{0, 1}, {1}, {2}, {3}}, windows)
	require.Equal(t, float64(1), res.Items[2].Propensity, "a row below the window is one choice")
}

func TestDeadEndIsNamedAndRelaxIsExplicit(t *testing.T) {
	src := recsys.Retrieve("a", ranked(0, 1, 2, 3, 4, 5))
	res := recommend(t, build(t, src, recsys.Constrain(capMod(2, 1), recsys.Name("cap"))), &recsys.Request{K: 4})
	require.Equal(t, ids{0, 1}, items(res))
	require.Equal(t, []recsys.Degradation{{Stage: "constrain/cap", Reason: recsys.ReasonDeadEnd}}, res.Degraded)

	res = recommend(t, build(t, src, recsys.Constrain(capMod(2, 1), recsys.Name("cap"), recsys.Relax())), &recsys.Request{K: 4})
	require.Equal(t, ids{0, 1, 2, 3}, items(res))
	require.Equal(t, []recsys.Degradation{{Stage: "constrain/cap", Reason: recsys.ReasonRelaxed}}, res.Degraded)

	// The last constraint that may be relaxed goes first; the other still holds.
	res = recommend(t, build(t, src, recsys.Constrain(capMod(3, 1), recsys.Name("three")), recsys.Constrain(capMod(2, 1), recsys.Name("two"), recsys.Relax())), &recsys.Request{K: 4})
	require.Equal(t, ids{0, 1, 2}, items(res))
	require.Equal(t, []recsys.Degradation{{Stage: "constrain/two", Reason: recsys.ReasonRelaxed}, {Stage: "constrain/three", Reason: recsys.ReasonDeadEnd}}, res.Degraded)

	require.Empty(t, recommend(t, build(t, src, recsys.Constrain(capMod(6, 1))), &recsys.Request{K: 9}).Degraded, "running out of rows is no dead end")
}

func TestPickRefusesWhatIsNotAdmissible(t *testing.T) {
	c, order := table(4)
	for name, f := range map[string]func(s *recsys.Slate){
		"twice":        func(s *recsys.Slate) { s.Next(); s.Pick(0, 1); s.Next(); s.Pick(0, 1) },
		"without Next": func(s *recsys.Slate) { s.Pick(0, 1) },
		"two per Next": func(s *recsys.Slate) { s.Next(); s.Pick(0, 1); s.Pick(1, 1) },
		"beyond":       func(s *recsys.Slate) { s.Next(); s.Pick(4, 1) },
		"negative":     func(s *recsys.Slate) { s.Next(); s.Pick(-1, 1) },
		"p > 1":        func(s *recsys.Slate) { s.Next(); s.Pick(0, 1.01) },
	} {
		s := c.Slate(3, order)
		f(s)
		require.Error(t, s.Err(), name)
		require.False(t, s.Next(), name)
	}
}

func TestSlateWithinIsWhatExplorersSee(t *testing.T) {
	c := recsys.NewCandidates(nil, []recsys.ItemID{10, 11, 12, 13})
	order := []int32{3, 1, 0, 2}
	s := c.SlateWithin(3, order, 2)
	require.True(t, s.Next())
	require.Equal(t, 2, s.Window())
	require.Equal(t, 2, s.Admissible().Count())
	s.Pick(1, 0.5)
	require.True(t, s.Next())
	s.Pick(3, 1)
	require.True(t, s.Next(), "the window is used up: the next row of the order comes")
	require.Equal(t, int32(0), s.Best())
	require.Equal(t, 1, s.Admissible().Count())
	require.Equal(t, 4, c.Slate(3, order).Window())
}

func TestForkIsTheSlateBeforeItsFirstPick(t *testing.T) {
	c := recsys.NewCandidates(nil, []recsys.ItemID{1, 2, 3, 4})
	c.Constrain(recsys.ConstraintFunc(func(_ *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
		if len(slate) == 0 {
			admissible.Clear(0)
		}
	}))
	s := c.Slate(3, []int32{0, 1, 2, 3})
	require.True(t, s.Next())
	s.Pick(1, 0.5)
	var fork recsys.Slate
	for range 2 { // the second time in the memory of the first
		require.Same(t, &fork, s.Fork(&fork))
		require.Equal(t, []int32{0, 1, 2, 3}, fork.Order())
		require.Equal(t, s.Window(), fork.Window())
		require.Empty(t, fork.Rows())
		require.True(t, fork.Next())
		require.False(t, fork.Admissible().Has(0))
		for _, row := range []int32{3, 0, 2} {
			require.True(t, fork.Next())
			fork.Pick(row, 1)
		}
		require.False(t, fork.Next())
		require.NoError(t, fork.Err())
		require.Equal(t, []int32{1}, s.Rows(), "s is as it was")
	}
	require.True(t, s.Next())
	require.True(t, s.Admissible().Has(0))
	require.False(t, s.Admissible().Has(1))
}
