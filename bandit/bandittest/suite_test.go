package bandittest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit/bandittest"
	"github.com/recsyskit/recsys/internal/race"
)

func TestCorrectExplorerPasses(t *testing.T) {
	bandittest.Suite{Draws: 30_000}.Run(t, func(*testing.T) recsys.Explorer { return correct() })
}

func TestGreedyExplorerPasses(t *testing.T) {
	require.Empty(t, bandittest.Suite{Draws: 1000}.Check(func() recsys.Explorer {
		return bandittest.StopsEarly{After: 1 << 30} // which is never too early
	}))
}

// broken lists explorers that break a rule, each with the cases that must find it,
// and cases that must not.
var broken = []struct {
	name   string
	make   func() recsys.Explorer
	fails  []string
	passes []string
}{
	{"stops early", func() recsys.Explorer { return bandittest.StopsEarly{After: 2} }, []string{"fills-every-place"}, []string{"picks-are-right"}},
	{"picks twice", func() recsys.Explorer { return bandittest.PicksTwice{} }, []string{"picks-are-right"}, []string{"fills-every-place"}},
	{"logs NaN", func() recsys.Explorer { return bandittest.NaNPropensity{} }, []string{"picks-are-right"}, nil},
	{"panics", func() recsys.Explorer { return bandittest.Panicking{After: 1} }, []string{"fills-every-place", "concurrent-calls", "cancelled-context", "frequencies-free"}, nil},
	{"returns an error", func() recsys.Explorer { return bandittest.Erroring{After: 1} }, []string{"fills-every-place", "cancelled-context", "frequencies-capped"}, nil},
	{"takes a short slate for an error", failsShort, []string{"short-slate-is-no-error"}, []string{"frequencies-free"}},
	{
		"logs unconstrained propensities", logsUnconstrained,
		[]string{"frequencies-capped", "frequencies-readmitted", "propensities-sum-to-one", "joint-distribution", "below-the-window-is-one-choice"},
		[]string{"frequencies-free", "propensity-depends-on-picks"},
	},
	{"overflows", overflows, []string{"extreme-utilities"}, []string{"frequencies-readmitted"}},
	{"chooses by score", byScore, []string{"utility-not-score"}, []string{"frequencies-free"}},
	{"seeds itself", ownSeeds, []string{"same-query-same-slate"}, []string{"frequencies-free"}},
	{"sorts the order", sortsTheOrder, []string{"writes-only-the-slate"}, []string{"frequencies-free"}},
	{"writes a feature", marksPicked, []string{"writes-only-the-slate"}, []string{"frequencies-free"}},
	{"shares memory", sharesScratch, []string{"concurrent-calls"}, []string{"same-query-same-slate", "keeps-nothing"}},
	{"caches utilities", cachesUtilities, []string{"keeps-nothing"}, []string{"same-query-same-slate"}},
	{"hides a cancellation", hidesCancellation, []string{"cancelled-context"}, []string{"fills-every-place"}},
	{"logs noise", noisyLog, []string{"propensity-depends-on-picks"}, []string{"fills-every-place"}},
	{"claims certainty", claimsCertainty, []string{"propensities-sum-to-one", "frequencies-free", "joint-distribution"}, []string{"propensity-depends-on-picks"}},
	{"draws uniformly", drawsUniformly, []string{"frequencies-free", "frequencies-capped", "frequencies-readmitted", "joint-distribution"}, []string{"propensities-sum-to-one"}},
	{"draws Gumbel noise once", gumbelOnce, []string{"frequencies-readmitted"}, []string{"frequencies-free", "frequencies-capped", "propensities-sum-to-one"}},
	{"draws one number for all places", oneNumber, []string{"joint-distribution", "frequencies-free"}, []string{"propensities-sum-to-one"}},
	{"judges another temperature", func() recsys.Explorer {
		return naive{temperature: temperature, judging: func(p []float64, row int) float64 { return p[row] * p[row] }}
	}, []string{"judge-agrees", "judge-sums-to-one"}, []string{"frequencies-free"}},
	{"judges beyond an impossible place", func() recsys.Explorer {
		return naive{temperature: temperature, loose: true}
	}, []string{"judge-impossible-slates"}, []string{"judge-agrees", "judge-sums-to-one"}},
}

func TestEachCaseFindsTheFaultItIsFor(t *testing.T) {
	suite := bandittest.Suite{Draws: 20_000}
	covered := map[string]bool{}
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			for _, name := range b.fails {
				covered[name] = true
				found := suite.CheckCase(name, b.make)
				require.NotEmpty(t, found, "case %s must fail", name)
				for _, v := range found {
					require.Equal(t, name, v.Case)
					require.NotEmpty(t, v.Rule)
					require.NotEmpty(t, v.Detail)
					t.Log(v)
				}
			}
			for _, name := range b.passes {
				require.Empty(t, suite.CheckCase(name, b.make), "case %s must pass", name)
			}
		})
	}
	for _, name := range bandittest.Names() {
		require.True(t, covered[name], "no faulty explorer shows that case %s can fail", name)
	}
}

func TestNamesAreUniqueAndFitSubtests(t *testing.T) {
	names := bandittest.Names()
	slices.Sort(names)
	require.Len(t, slices.Compact(slices.Clone(names)), len(names))
	for _, n := range names {
		require.False(t, strings.ContainsAny(n, " /"), n)
	}
}

// A fault of one percent in the temperature changes propensities by up to one
// percent of themselves: the full form must find it.
func TestFullFormFindsOnePercent(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("draws a million slates")
	}
	found := bandittest.Suite{Draws: 1_000_000}.CheckCase("frequencies-free", func() recsys.Explorer { return logsTemperature(temperature * 1.01) })
	require.NotEmpty(t, found)
	t.Log(found)
}

func TestSameSeedFindsTheSame(t *testing.T) {
	suite := bandittest.Suite{Draws: 5000, Seed: 9}
	a := fmt.Sprint(suite.CheckCase("frequencies-readmitted", drawsUniformly))
	require.NotEqual(t, "[]", a)
	require.Equal(t, a, fmt.Sprint(suite.CheckCase("frequencies-readmitted", drawsUniformly)))
	suite.Seed = 10
	require.NotEqual(t, a, fmt.Sprint(suite.CheckCase("frequencies-readmitted", drawsUniformly)))
}
