package bandit_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/bandittest"
	"github.com/recsyskit/recsys/internal/race"
)

// cascadeRun plays a cascade for some rounds and returns what Of has seen. Lists are drawn place by place.
func cascadeRun(t *testing.T, alg bandit.Algorithm, p []float64, places, rounds int, seed uint64, regret func(round int, r float64)) {
	arms, err := bandit.NewArms(alg)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(seed, 77))
	sorted := slices.Sorted(slices.Values(p))
	miss := 1.0
	for _, x := range sorted[len(p)-places:] {
		miss *= 1 - x
	}
	best := 1 - miss
	var chances []float64
	for round := range rounds {
		left := make([]uint64, len(p))
		for i := range left {
			left[i] = uint64(i)
		}
		var list []uint64
		miss := 1.0
		for range places {
			chances = arms.Probabilities(chances, left)
			at := bandit.Pick(chances, r.Float64())
			list = append(list, left[at])
			miss *= 1 - p[left[at]]
			left = slices.Delete(left, at, at+1)
		}
		regret(round, best-(1-miss))
		for place, arm := range list {
			reward := 0.0
			if r.Float64() < p[arm] {
				reward = 1
			}
			require.NoError(t, arms.Update(bandit.Outcome{Arm: arm, Reward: reward, Place: place}))
			if reward > 0 {
				break
			}
		}
	}
}

// Source: Kveton et al. 2015, Algorithm 1; Zhong et al. 2021, CTS.
func TestGoldenRegretOfCascades(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("100 runs of 10,000 rounds")
	}
	f := readRegret(t)
	spec := f.Envs["cascade"].Spec
	all := f.Checkpoints
	for _, c := range []struct {
		policy string
		alg    bandit.Algorithm
		rounds int
	}{
		{"cascade_ucb1", bandit.Cascade{Of: bandit.UCB1{C: 1.5}}, 10_000},
		{"cascade_klucb", bandit.Cascade{Of: bandit.KLUCB{C: 3}}, 2000},
		{"cascade_ts", bandit.Cascade{Of: bandit.Thompson{}}, 500},
	} {
		f.Checkpoints = slices.DeleteFunc(slices.Clone(all), func(n int) bool { return n > c.rounds })
		f.regrets(t, "cascade", c.policy, 20, func(seed uint64, regret func(int, float64)) {
			cascadeRun(t, c.alg, spec.P, spec.ListLen, c.rounds, seed, regret)
		})
	}
}

// board runs a policy over six items, four places.
func board(t *testing.T, alg bandit.Algorithm) *desk { return newDesk(t, alg, bandit.Config{}, 6, 4) }

// judged returns the probability of every row at the first place.
func (d *desk) judged() []float64 {
	d.t.Helper()
	var all []float64
	for row := range int32(6) {
		dst := make([]float64, 1)
		require.NoError(d.t, d.policy.Propensities(d.t.Context(), d.query(9999), d.c, d.c.Slate(1, d.order), []int32{row}, dst))
		all = append(all, dst[0])
	}
	return all
}

var cascades = map[string]bandit.Algorithm{
	"ts":    bandit.Cascade{Of: bandit.Thompson{}},
	"ucb1":  bandit.Cascade{Of: bandit.UCB1{C: 1.5}},
	"klucb": bandit.Cascade{Of: bandit.KLUCB{C: 3}},
}

// Source: Kveton et al. 2015, Algorithm 1, the update: items above the click are not attractive, the clicked one is, those below are not observed.
func TestCascadeLearnsWhatWasSeen(t *testing.T) {
	for name, alg := range cascades {
		t.Run(name, func(t *testing.T) {
			d := board(t, alg)
			list := d.show(0)
			d.learn(act(0, list[1], recsys.Click, time.Second))
			st := d.policy.Stats()
			require.EqualValues(t, 2, st.Settled)
			d.policy.Advance(epoch.Add(100 * time.Hour))
			require.EqualValues(t, 2, d.policy.Stats().Settled, "what was below is not seen, however late it is")
			require.Equal(t, 2, d.policy.Stats().Arms)
		})
	}
}

// A click that comes late, above the one that was known, takes back what was learned below it.
func TestCascadeOfClicksInAnyOrderIsThatOfTheFirst(t *testing.T) {
	for name, alg := range cascades {
		t.Run(name, func(t *testing.T) {
			late, early := board(t, alg), board(t, alg)
			for i := range 5 {
				list := late.show(i)
				require.Equal(t, list, early.show(i))
				// Until all have come, both know nothing of slates 0 to 4.
			}
			for i := range 5 {
				q := late.query(i)
				s := late.c.Slate(4, late.order)
				require.NoError(t, board(t, alg).policy.Explore(t.Context(), q, late.c, s))
				var list []recsys.ItemID
				for _, row := range s.Rows() {
					list = append(list, late.c.IDs()[row])
				}
				late.learn(act(i, list[3], recsys.Click, time.Second), act(i, list[i%3], recsys.Click, time.Second))
				early.learn(act(i, list[i%3], recsys.Click, time.Second))
			}
			require.InDeltaSlice(t, early.judged(), late.judged(), 1e-12)
		})
	}
}

func TestCascadesConform(t *testing.T) {
	suite := bandittest.Suite{Draws: 5_000} // a million below
	if testing.Short() || race.Enabled {
		suite.Draws = 300
	}
	for name, alg := range cascades {
		if race.Enabled && name != "ts" {
			continue // the frame is the same
		}
		t.Run(name, func(t *testing.T) {
			d := board(t, alg)
			for i := range 40 {
				list := d.show(i)
				d.learn(act(i, list[i%4], recsys.Click, time.Second))
			}
			suite.Run(t, func(*testing.T) recsys.Explorer { return d.policy })
			for _, rules := range [][]recsys.Constraint{nil, {apart{[]int32{0, 1, 0, 2, 1, 0}}}} {
				if race.Enabled {
					break
				}
				bandittest.Draws{
					Table:  func() (*recsys.Candidates, []int32) { return table(make([]float32, 6), rules...) },
					Places: 3, Seed: 600000000,
				}.Run(t, d.policy)
			}

			var file bytes.Buffer
			_, err := d.policy.WriteTo(&file)
			require.NoError(t, err)
			again := board(t, alg)
			_, err = again.policy.ReadFrom(&file)
			require.NoError(t, err)
			require.Equal(t, d.judged(), again.judged())
			require.Equal(t, d.policy.Stats(), again.policy.Stats())
		})
	}
}

func TestCascadeOfWhatItCannotBe(t *testing.T) {
	for _, c := range []struct {
		alg  bandit.Cascade
		want string
	}{
		{bandit.Cascade{}, "Cascade.Of is nil"},
		{bandit.Cascade{Of: bandit.Cascade{Of: bandit.UCB1{}}}, "no Cascade"},
		{bandit.Cascade{Of: bandit.LinUCB{}}, "without features"},
		{bandit.Cascade{Of: bandit.UCB1{C: -1}}, "UCB1.C is -1"},
	} {
		_, err := bandit.New(c.alg, bandit.Config{})
		require.ErrorContains(t, err, c.want)
	}
}
