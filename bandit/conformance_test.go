package bandit_test

import (
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/bandittest"
	"github.com/recsyskit/recsys/internal/race"
)

func TestPlackettLuceConforms(t *testing.T) {
	bandittest.Run(t, func(*testing.T) recsys.Explorer { return bandit.PlackettLuce(0.4) })
}

func TestEpsilonGreedyConforms(t *testing.T) {
	bandittest.Run(t, func(*testing.T) recsys.Explorer { return bandit.EpsilonGreedy(0.3) })
}

func TestUniformConforms(t *testing.T) {
	bandittest.Run(t, func(*testing.T) recsys.Explorer { return bandit.Uniform{} })
}

// Other parameters, with fewer draws: cold and hot, greedy and uniform.
func TestOtherParametersConform(t *testing.T) {
	if race.Enabled {
		t.Skip("the code is that of the tests above")
	}
	suite := bandittest.Suite{Draws: 20_000, Seed: 1 << 40}
	if testing.Short() {
		suite.Draws = 2000
	}
	for name, e := range map[string]recsys.Explorer{
		"cold":         bandit.PlackettLuce(0.05),
		"freezing":     bandit.PlackettLuce(1e-4),
		"frozen":       bandit.PlackettLuce(5e-324),
		"hot":          bandit.PlackettLuce(1e6),
		"greedy":       bandit.EpsilonGreedy(0),
		"nearly":       bandit.EpsilonGreedy(0.01),
		"all epsilon":  bandit.EpsilonGreedy(1),
		"tiny epsilon": bandit.EpsilonGreedy(5e-324),
	} {
		t.Run(name, func(t *testing.T) {
			suite.Run(t, func(*testing.T) recsys.Explorer { return e })
		})
	}
}
