package bandit_test

import (
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// bernoulli is an environment of the reference: arms of Bernoulli rewards.
type bernoulli struct {
	P         []float64   `json:"p"`
	Phases    [][]float64 `json:"p_phases"`
	Period    int         `json:"period"`
	Delay     int         `json:"delay_rounds"`
	Batch     int         `json:"batch"`
	Available []int       `json:"arm_available_after_round"`
}

func (e *bernoulli) means(round int) []float64 {
	if len(e.Phases) > 0 {
		return e.Phases[round/e.Period%len(e.Phases)]
	}
	return e.P
}

// run returns the regret at each of the rounds in at, which ascend.
func (e *bernoulli) run(t *testing.T, alg bandit.Algorithm, at []int, seed uint64) []float64 {
	t.Helper()
	arms, err := bandit.NewArms(alg)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(seed, 99))
	var late []bandit.Outcome
	var known []uint64
	var p, out []float64
	regret := 0.0
	for round := range at[len(at)-1] {
		means := e.means(round)
		known = known[:0]
		best := 0.0
		for i, m := range means {
			if e.Available == nil || round >= e.Available[i] {
				known = append(known, uint64(i))
				best = max(best, m)
			}
		}
		p = arms.Probabilities(p, known)
		i := bandit.Pick(p, rng.Float64())
		arm := known[i]
		reward := 0.0
		if rng.Float64() < means[arm] {
			reward = 1
		}
		regret += best - means[arm]
		late = append(late, bandit.Outcome{Arm: arm, Reward: reward, Propensity: p[i], Choices: len(p)})
		for len(late) > e.Delay && (e.Batch == 0 || (round+1)%e.Batch == 0) {
			require.NoError(t, arms.Update(late[0]))
			late = late[1:]
		}
		if round+1 == at[len(out)] {
			out = append(out, regret)
		}
	}
	return out
}

// referencePolicies are those of the golden file, by name.
var referencePolicies = map[string]bandit.Algorithm{
	"eps_greedy_0.1":   bandit.MeanGreedy{Epsilon: 0.1},
	"eps_greedy_0.01":  bandit.MeanGreedy{Epsilon: 0.01},
	"ucb1":             bandit.UCB1{},
	"klucb":            bandit.KLUCB{},
	"ts_beta11":        bandit.Thompson{},
	"exp3_g0.1":        bandit.EXP3{Gamma: 0.1},
	"softmax_0.1":      bandit.Boltzmann{Temperature: 0.1},
	"dts_gamma0.995":   bandit.Thompson{Decay: 0.995},
	"dts_gamma0.999":   bandit.Thompson{Decay: 0.999},
	"sw_ucb_w800_c0.6": bandit.SlidingUCB{Window: 800, C: 0.6},
}

// The regret of the reference at its first checkpoints; the whole horizon is an example program's.
func TestGoldenRegret(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("plays a few million rounds")
	}
	var golden struct {
		Environments map[string]struct {
			Spec   bernoulli `json:"spec"`
			Regret map[string]map[string]struct {
				Mean float64 `json:"mean"`
				SE   float64 `json:"se"`
			} `json:"cum_regret"`
		} `json:"envs"`
	}
	readJSON(t, &golden, "golden", "bandit", "regret.json")
	const horizon = 1000
	played := 0
	for name, env := range golden.Environments {
		for policy, checkpoints := range env.Regret {
			alg, ok := referencePolicies[policy]
			if !ok || len(env.Spec.P)+len(env.Spec.Phases) == 0 {
				continue
			}
			var at []int
			for c := range checkpoints {
				if n, err := strconv.Atoi(c); err == nil && n <= horizon {
					at = append(at, n)
				}
			}
			sort.Ints(at)
			played++
			runs := 100
			if _, slow := alg.(bandit.Thompson); slow {
				runs = 20
			}
			t.Run(name+"/"+policy, func(t *testing.T) {
				sum, squares := make([]float64, len(at)), make([]float64, len(at))
				for run := range runs {
					for i, r := range env.Spec.run(t, alg, at, uint64(run)+1) {
						sum[i] += r
						squares[i] += r * r
					}
				}
				for i, c := range at {
					want := checkpoints[strconv.Itoa(c)]
					mean := sum[i] / float64(runs)
					se := math.Sqrt((squares[i]/float64(runs) - mean*mean) / float64(runs-1))
					t.Logf("%5d rounds: %.2f ± %.2f, reference %.2f ± %.2f", c, mean, se, want.Mean, want.SE)
					require.LessOrEqual(t, mean, want.Mean+3*math.Hypot(se, want.SE), "%d rounds", c)
				}
			})
		}
	}
	require.NotZero(t, played)
}
