package reranktest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/rerank/reranktest"
)

func names(violations []reranktest.Violation) []string {
	var out []string
	for _, v := range violations {
		out = append(out, v.Rule)
	}
	return out
}

// A suite that no fault can fail says nothing: each rule must fail on the double that breaks it.
func TestEveryReRankerRuleFindsItsFault(t *testing.T) {
	everywhere := []string{
		"PartOfOrder", "UtilityDoesNotIncrease", "WritesOnlyOrderAndUtility", "EmptyOrder",
		"SameInputSameResult", "ResultIsTheCallers", "Concurrent", "ContextDone",
	}
	for _, tc := range []struct {
		name  string
		fresh func() recsys.ReRanker
		want  []string
		opts  []reranktest.Option
	}{
		{name: "Doubling", fresh: func() recsys.ReRanker { return reranktest.Doubling{} }, want: []string{"PartOfOrder", "UtilityDoesNotIncrease"}},
		{name: "Inventing", fresh: func() recsys.ReRanker { return reranktest.Inventing{} }, want: []string{"PartOfOrder", "UtilityDoesNotIncrease", "EmptyOrder"}},
		{name: "Rising", fresh: func() recsys.ReRanker { return reranktest.Rising{} }, want: []string{"UtilityDoesNotIncrease"}},
		{name: "Scribbling", fresh: func() recsys.ReRanker { return reranktest.Scribbling{} }, want: []string{"WritesOnlyOrderAndUtility"}},
		{name: "Overrunning", fresh: func() recsys.ReRanker { return reranktest.Overrunning{} }, want: []string{"WritesOnlyOrderAndUtility"}},
		{name: "Panicking", fresh: func() recsys.ReRanker { return reranktest.Panicking{} }, want: everywhere},
		{name: "Erroring", fresh: func() recsys.ReRanker { return reranktest.Erroring{} }, want: everywhere},
		{name: "Careless", fresh: func() recsys.ReRanker { return reranktest.Careless{} }, want: []string{"EmptyOrder"}},
		{name: "Deaf", fresh: func() recsys.ReRanker { return reranktest.Deaf{} }, want: []string{"ContextDone"}},
		{name: "Stateful", fresh: func() recsys.ReRanker { return new(reranktest.Stateful) }, want: []string{"SameInputSameResult"}},
		{name: "Sharing", fresh: func() recsys.ReRanker { return new(reranktest.Sharing) }, want: []string{"ResultIsTheCallers"}},
		{name: "Crosstalk", fresh: func() recsys.ReRanker { return new(reranktest.Crosstalk) }, want: []string{"Concurrent"}},
		{
			name: "Unconstrained", fresh: func() recsys.ReRanker { return reranktest.Unconstrained{} }, want: []string{"ConstraintsHoldOnTheWay"},
			opts: []reranktest.Option{reranktest.Greedy()},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.name == "Sharing" && race.Enabled {
				t.Skip("the race detector finds this fault first")
			}
			got := reranktest.Check(tc.fresh, tc.opts...)
			for _, want := range tc.want {
				require.Contains(t, names(got), want, "%v", got)
			}
			switch tc.name {
			case "Rising", "Scribbling", "Overrunning", "Careless", "Deaf", "Unconstrained":
				require.Len(t, got, len(tc.want), "one fault breaks one rule: %v", got)
			}
		})
	}
}

func TestARightReRankerBreaksNoRule(t *testing.T) {
	require.Empty(t, reranktest.Check(func() recsys.ReRanker { return reranktest.Unconstrained{} }))
	require.Empty(t, reranktest.Check(func() recsys.ReRanker { return reranktest.Slow{} }))
	reranktest.Run(t, func(*testing.T) recsys.ReRanker { return reranktest.Unconstrained{} })
}

// gapOfOne forbids a category right after itself. It re-admits rows.
func gapOfOne(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	f, _ := c.Schema().Field("category")
	ids := c.IDColumn(f.Index)
	if len(slate) > 0 {
		for i, v := range ids {
			if v == ids[slate[len(slate)-1]] {
				admissible.Clear(i)
			}
		}
	}
}

func gapHolds(c *recsys.Candidates, _ int, _, slate []int32) bool {
	f, _ := c.Schema().Field("category")
	ids := c.IDColumn(f.Index)
	for i := 1; i < len(slate); i++ {
		if ids[slate[i]] == ids[slate[i-1]] {
			return false
		}
	}
	return true
}

func anything(*recsys.Candidates, int, []int32, []int32) bool { return true }

func TestEveryConstraintRuleFindsItsFault(t *testing.T) {
	everywhere := []string{"NeverSetsABit", "WritesOnlyTheBits", "KeepsNoState", "Concurrent", "EmptyTable", "RuleHolds", "NotTooStrict"}
	for _, tc := range []struct {
		name   string
		fresh  func() recsys.Constraint
		allows func(*recsys.Candidates, int, []int32, []int32) bool
		want   []string
	}{
		{"Admitting", func() recsys.Constraint { return reranktest.Admitting{} }, nil, []string{"NeverSetsABit"}},
		{"Lax", func() recsys.Constraint { return reranktest.Lax{} }, gapHolds, []string{"RuleHolds"}},
		{"Strict", func() recsys.Constraint { return reranktest.Strict{} }, gapHolds, []string{"NotTooStrict"}},
		{"ScribblingConstraint", func() recsys.Constraint { return reranktest.ScribblingConstraint{} }, nil, []string{"WritesOnlyTheBits"}},
		{"PanickingConstraint", func() recsys.Constraint { return reranktest.PanickingConstraint{} }, anything, everywhere},
		{"CarelessConstraint", func() recsys.Constraint { return reranktest.CarelessConstraint{} }, anything, []string{"EmptyTable"}},
		{"StatefulConstraint", func() recsys.Constraint { return new(reranktest.StatefulConstraint) }, nil, []string{"KeepsNoState"}},
		{"CrosstalkConstraint", func() recsys.Constraint { return new(reranktest.CrosstalkConstraint) }, nil, []string{"Concurrent"}},
		{
			"Lying",
			func() recsys.Constraint { return reranktest.Lying{Constraint: recsys.ConstraintFunc(gapOfOne)} },
			gapHolds,
			[]string{"NotTooStrict", "HereditaryClaimIsTrue"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var opts []reranktest.Option
			if tc.allows != nil {
				opts = append(opts, reranktest.Rule(tc.allows))
			}
			got := reranktest.CheckConstraint(tc.fresh, opts...)
			for _, want := range tc.want {
				require.Contains(t, names(got), want, "%v", got)
			}
			switch tc.name {
			case "Lax", "Strict", "CarelessConstraint", "Lying":
				require.Len(t, got, len(tc.want), "one fault breaks one rule: %v", got)
			}
		})
	}
}

func TestARightConstraintBreaksNoRule(t *testing.T) {
	fresh := func(*testing.T) recsys.Constraint { return recsys.ConstraintFunc(gapOfOne) }
	reranktest.RunConstraint(t, fresh, reranktest.Rule(gapHolds))
	require.Empty(t, reranktest.CheckConstraint(func() recsys.Constraint { return fresh(t) }, reranktest.Rule(gapHolds)))
}

func TestSuitesReportWhatCannotBeMade(t *testing.T) {
	got := reranktest.Check(func() recsys.ReRanker { return reranktest.Rising{} },
		reranktest.WithColumns([]recsys.Column{{Name: ""}}, nil))
	require.Equal(t, []string{"Columns"}, names(got))
	require.ErrorContains(t, got[0].Detail, "no name")

	for _, v := range reranktest.CheckConstraint(func() recsys.Constraint { return picky{} }) {
		require.ErrorContains(t, v.Detail, "its Bind failed: no")
	}
	for _, v := range reranktest.CheckConstraint(func() recsys.Constraint { return wrong{} }) {
		require.ErrorContains(t, v.Detail, "its Validate failed: no")
	}
	require.Contains(t, got[0].String(), "the contract: ")
}

type picky struct{ reranktest.Lax }

func (picky) Bind(*recsys.Schema) (recsys.Constraint, error) { return nil, errors.New("no") }

type wrong struct{ reranktest.Lax }

func (wrong) Validate() error { return errors.New("no") }

// The tables must be such that stages have something to do.
func TestFillKnowsMostRowsAndNotAll(t *testing.T) {
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: reranktest.Columns()})
	require.NoError(t, err)
	c := recsys.NewCandidates(s, make([]recsys.ItemID, 400))
	reranktest.Fill(rand.New(rand.NewPCG(1, 2)), c)
	for _, name := range []string{"embedding", "creator", "category", "published", "age"} {
		f, ok := s.Field(name)
		require.True(t, ok)
		n := c.Missing(f.Group).Count()
		require.True(t, 20 < n && n < 90, "%s: %d of 400 rows missing", name, n)
		if f.Kind == recsys.ID {
			values := slices.Compact(slices.Sorted(slices.Values(c.IDColumn(f.Index))))
			require.Greater(t, len(values), 3, name)
		}
	}
}

func TestSlowWaitsOrGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		out, err := reranktest.Slow{Delay: time.Second}.ReRank(t.Context(), nil, nil, []int32{2, 1})
		require.NoError(t, err)
		require.Equal(t, []int32{2, 1}, out)
		require.Equal(t, time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = reranktest.Slow{Delay: time.Hour}.ReRank(ctx, nil, nil, []int32{2, 1})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestErroringReturnsTheGivenError(t *testing.T) {
	mine := errors.New("mine")
	_, err := reranktest.Erroring{Err: mine}.ReRank(t.Context(), nil, nil, nil)
	require.ErrorIs(t, err, mine)
}
