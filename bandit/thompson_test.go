package bandit_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// shares draws a value for each of n arms, often, and returns how often each had the highest.
func shares(n, draws int, value func(rng *rand.Rand, i int) float64) []float64 {
	rng := rand.New(rand.NewPCG(9, 9))
	p := make([]float64, n)
	for range draws {
		best, at := math.Inf(-1), 0
		for i := range p {
			if x := value(rng, i); x > best {
				best, at = x, i
			}
		}
		p[at] += 1 / float64(draws)
	}
	return p
}

// gamma draws a Gamma(k, 1) variable, k an integer.
func gamma(rng *rand.Rand, k int) float64 {
	sum := 0.0
	for range k {
		sum += rng.ExpFloat64()
	}
	return sum
}

// The belief is Beta(S+1, F+1), each arm draws from it, and the highest is played.
//
// Source: Agrawal and Goyal, COLT 2012, algorithm 1.
func TestThompsonPlaysAsOftenAsDrawsAreHighest(t *testing.T) {
	rewards := [][]float64{{1, 0, 1, 1}, {0, 0, 1}, {}, {1, 1, 1, 0, 0, 0, 0}}
	const draws = 100_000
	drawn := shares(4, draws, func(rng *rand.Rand, i int) float64 {
		a, b := 1, 1
		for _, r := range rewards[i] {
			a, b = a+int(r), b+1-int(r)
		}
		x, y := gamma(rng, a), gamma(rng, b)
		return x / (x + y)
	})
	p := taught(t, bandit.Thompson{}, rewards...).Probabilities(nil, []uint64{0, 1, 2, 3})
	for i := range p {
		require.InDelta(t, drawn[i], p[i], 4.5*math.Sqrt(p[i]*(1-p[i])/draws))
	}
}

// Drawing values is the other way to the same choices.
func TestArmsDrawWithTheirProbabilities(t *testing.T) {
	if race.Enabled {
		t.Skip("draws for long, on one goroutine")
	}
	rewards := [][]float64{{1, 0, 1, 1}, {0, 0, 1}, {}, {1, 1, 1, 0, 0, 0, 0}}
	arms := []uint64{0, 1, 2, 3}
	for name, alg := range algorithms {
		a := taught(t, alg, rewards...)
		const draws = 30_000
		rng := rand.New(rand.NewPCG(6, 7))
		seen := make([]float64, 4)
		for range draws {
			seen[a.Draw(arms, rng)] += 1. / draws
		}
		for i, p := range a.Probabilities(nil, arms) {
			require.InDelta(t, p, seen[i], 4.5*math.Sqrt(p*(1-p)/draws)+1e-9, "%s, arm %d", name, i)
		}
	}
	small := taught(t, bandit.Thompson{Alpha: 1e-4, Beta: 0.01}, nil, []float64{0}) // most values of both are 0 but for rounding
	rng, seen := rand.New(rand.NewPCG(8, 9)), 0.0
	for range 50_000 {
		seen += float64(small.Draw(arms[:2], rng)) / 50_000
	}
	p := small.Probabilities(nil, arms[:2])[1]
	require.InDelta(t, p, seen, 4.5*math.Sqrt(p*(1-p)/50_000))
}

// Fractional rewards count as they are, and the prior is what is asked for: Beta(3.5, 1) against Beta(1.5, 1) wins with 3.5/5.
func TestThompsonCountsFractionsAndPriors(t *testing.T) {
	a := taught(t, bandit.Thompson{Alpha: 1.5}, []float64{1, 1}, nil)
	require.InDeltaSlice(t, []float64{3.5 / 5, 1.5 / 5}, a.Probabilities(nil, []uint64{0, 1}), 1e-12)
	half := taught(t, bandit.Thompson{}, []float64{0.5, 0.5}, []float64{1, 0})
	require.InDeltaSlice(t, []float64{0.5, 0.5}, half.Probabilities(nil, []uint64{0, 1}), 1e-12)
}

// Each round all arms fade, then the played one learns: S ← γS, F ← γF.
//
// Source: Raj and Kalyani, 2017, algorithm 1 (dTS).
func TestDiscountedThompsonFadesEachRound(t *testing.T) {
	const decay = 0.9
	a, err := bandit.NewArms(bandit.Thompson{Decay: decay})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(7, 7))
	alpha, beta := []float64{1, 1, 1}, []float64{1, 1, 1}
	for range 200 {
		i, reward := rng.IntN(3), float64(rng.IntN(2))
		require.NoError(t, a.Update(bandit.Outcome{Arm: uint64(i), Reward: reward}))
		for j := range alpha {
			alpha[j], beta[j] = 1+decay*(alpha[j]-1), 1+decay*(beta[j]-1)
		}
		alpha[i] += reward
		beta[i] += 1 - reward
		want, err := bandit.BestBeta(nil, alpha, beta)
		require.NoError(t, err)
		require.InDeltaSlice(t, want, a.Probabilities(nil, []uint64{0, 1, 2}), 1e-11)
	}
}

// Two normal beliefs: P(1 is better) = Φ((μ1-μ0)/√(σ0²+σ1²)).
//
// Source: Russo et al., "A Tutorial on Thompson Sampling", 2018, section 4: precisions add, means weigh by precision.
func TestGaussianThompsonIsTheConjugateUpdate(t *testing.T) {
	alg := bandit.GaussianThompson{Mean: 1, SD: 2, Noise: 0.5}
	rewards := [][]float64{{1.5, 0.7, 2}, {3}}
	mu, variance := make([]float64, 2), make([]float64, 2)
	for i, list := range rewards {
		precision, sum := 1/4., 1/4.
		for _, r := range list {
			precision += 4
			sum += 4 * r
		}
		mu[i], variance[i] = sum/precision, 1/precision
	}
	want := math.Erfc(-(mu[1]-mu[0])/math.Sqrt(2*(variance[0]+variance[1]))) / 2
	p := taught(t, alg, rewards...).Probabilities(nil, []uint64{0, 1})
	require.InDelta(t, want, p[1], 1e-12)
	require.InDelta(t, 1-want, p[0], 1e-12)
}

// With probability L the arm of Thompson sampling, else one that draws again until it is another.
//
// Source: Russo, COLT 2016, section 3.3 (TTTS).
func TestTopTwoDrawsAgainUntilItIsAnother(t *testing.T) {
	rewards := [][]float64{{1, 1, 0}, {0, 1}, {}, {1}}
	p := taught(t, bandit.Thompson{}, rewards...).Probabilities(nil, []uint64{0, 1, 2, 3})
	rng := rand.New(rand.NewPCG(2, 3))
	const draws, leader = 200_000, 0.6
	drawn := make([]float64, 4)
	for range draws {
		i := bandit.Pick(p, rng.Float64())
		if rng.Float64() >= leader {
			for j := i; j == i; {
				i = bandit.Pick(p, rng.Float64())
				if i != j {
					break
				}
			}
		}
		drawn[i] += 1. / draws
	}
	got := taught(t, bandit.TopTwo{Leader: leader}, rewards...).Probabilities(nil, []uint64{0, 1, 2, 3})
	for i := range got {
		require.InDelta(t, drawn[i], got[i], 4.5*math.Sqrt(got[i]*(1-got[i])/draws), "arm %d", i)
	}
	require.InDeltaSlice(t, p, taught(t, bandit.TopTwo{Leader: 1}, rewards...).Probabilities(nil, []uint64{0, 1, 2, 3}), 1e-12)
}

// Where one arm is certain, the challenger is the best of the others.
func TestTopTwoKeepsAChallengerOfACertainLeader(t *testing.T) {
	many := make([]float64, 3000)
	for i := range many {
		many[i] = 1
	}
	none := make([]float64, 60)
	rewards := [][]float64{none, many, append([]float64{1, 1, 1}, none...)}
	others, err := bandit.BestBeta(nil, []float64{1, 4}, []float64{61, 61})
	require.NoError(t, err)
	p := taught(t, bandit.TopTwo{}, rewards...).Probabilities(nil, []uint64{0, 1, 2})
	require.InDeltaSlice(t, []float64{others[0] / 2, 0.5, others[1] / 2}, p, 1e-8)
	sum := 0.0
	for _, x := range p {
		sum += x
	}
	require.InDelta(t, 1, sum, 1e-12)
}

func TestBestNamesTheParameterThatIsWrong(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for want, call := range map[string]func() ([]float64, error){
		"1 values of alpha, 2 of beta": func() ([]float64, error) { return bandit.BestBeta(nil, []float64{1}, []float64{1, 2}) },
		"alpha[1] is 0":                func() ([]float64, error) { return bandit.BestBeta(nil, []float64{1, 0}, []float64{1, 2}) },
		"beta[0] is NaN":               func() ([]float64, error) { return bandit.BestBeta(nil, []float64{1, 1}, []float64{nan, 2}) },
		"1 values of mu, 0 of sigma":   func() ([]float64, error) { return bandit.BestNormal(nil, []float64{1}, nil) },
		"mu[0] is +Inf":                func() ([]float64, error) { return bandit.BestNormal(nil, []float64{inf}, []float64{1}) },
		"sigma[1] is -1":               func() ([]float64, error) { return bandit.BestNormal(nil, []float64{1, 2}, []float64{1, -1}) },
	} {
		p, err := call()
		require.ErrorContains(t, err, want)
		require.Empty(t, p)
	}
	p, err := bandit.BestBeta(nil, nil, nil)
	require.NoError(t, err)
	require.Empty(t, p)
	p, err = bandit.BestNormal(nil, []float64{3}, []float64{1})
	require.NoError(t, err)
	require.Equal(t, []float64{1}, p)
}

func TestBestAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts are of the race detector")
	}
	alpha, beta, dst := []float64{3, 4, 500}, []float64{9, 1, 700}, make([]float64, 3)
	require.Zero(t, testing.AllocsPerRun(200, func() {
		dst, _ = bandit.BestBeta(dst, alpha, beta)
		dst, _ = bandit.BestNormal(dst, alpha, beta)
	}))
}

// What is remembered of sets of arms must not outlive the state that it was found in, nor mix sets up.
func TestChancesFollowTheState(t *testing.T) {
	d := newDesk(t, bandit.Thompson{}, bandit.Config{Window: -1}, 70, 2)
	rng := rand.New(rand.NewPCG(8, 8))
	for i := range 80 {
		items := d.show(i)
		if i%3 == 0 {
			d.learn(act(i, items[rng.IntN(2)], recsysKind(rng), 1))
		}
		fresh := newDesk(t, bandit.Thompson{}, bandit.Config{Window: -1}, 70, 2)
		copyState(t, fresh, d)
		prefix := []int32{rng.Int32N(70)}
		want, got := make([]float64, 70), make([]float64, 70)
		for k, x := range []*desk{fresh, d} {
			f, err := bandit.ChancesOf(x.policy, x.query(0), x.c, x.order, 2)
			require.NoError(t, err)
			require.NoError(t, f([][]float64{want, got}[k], prefix))
		}
		require.Equal(t, want, got)
	}
}

func ExampleBestBeta() {
	p, _ := bandit.BestBeta(nil, []float64{2, 1, 1}, []float64{1, 1, 1}) // one click of one, and two that are new
	fmt.Printf("%.4f\n", p)
	// Output: [0.5000 0.2500 0.2500]
}

func ExampleBestNormal() {
	p, _ := bandit.BestNormal(nil, []float64{0, 1}, []float64{1, 1})
	fmt.Printf("%.4f\n", p)
	// Output: [0.2398 0.7602]
}

func ExampleThompson() {
	policy, _ := bandit.New(bandit.Thompson{}, bandit.Config{})
	p, _ := pipelineOf(policy)
	res, _ := p.Recommend(context.Background(), requestOf("visit 1"))
	fmt.Printf("item %d: %.2f\n", res.Items[0].ID, res.Items[0].Propensity) // nothing is known of three items
	_ = p.Learn(context.Background(), clicksOn(res, 0))
	res, _ = p.Recommend(context.Background(), requestOf("visit 2"))
	fmt.Printf("item %d: %.2f\n", res.Items[0].ID, res.Items[0].Propensity) // Beta(2, 1) for the one, Beta(1, 1) for two
	fmt.Println(policy.Stats().Settled, policy.Stats().Waiting)
	// Output:
	// item 1: 0.33
	// item 2: 0.25
	// 1 1
}

func ExampleGaussianThompson() {
	arms, _ := bandit.NewArms(bandit.GaussianThompson{Mean: 10, SD: 5, Noise: 2})
	for _, minutes := range []float64{12, 14, 13} {
		_ = arms.Update(bandit.Outcome{Arm: 1, Reward: minutes})
	}
	fmt.Printf("%.3f\n", arms.Probabilities(nil, []uint64{1, 2}))
	// Output: [0.711 0.289]
}

func ExampleTopTwo() {
	arms, _ := bandit.NewArms(bandit.TopTwo{Leader: 0.5})
	for range 8 {
		_ = arms.Update(bandit.Outcome{Arm: 1, Reward: 1})
	}
	fmt.Printf("%.3f\n", arms.Probabilities(nil, []uint64{1, 2, 3}))
	// Output: [0.491 0.255 0.255]
}

// Narrow arms beside wide ones, at 0, where a panel of the wide one's width has no digits for the narrow one.
func TestBestNormalOfVeryDifferentScales(t *testing.T) {
	for _, narrow := range []float64{1e-3, 1e-8, 1e-16, 1e-17, 1e-20, 1e-100, 1e-200, 1e-300} {
		for _, wide := range []float64{1, 1e3, 1e200} {
			for _, c := range []struct {
				mu, sigma, want []float64
			}{
				{[]float64{0, 0}, []float64{narrow, wide}, []float64{0.5, 0.5}},
				{[]float64{0, 0, 0}, []float64{wide, narrow, wide}, []float64{0.375, 0.25, 0.375}},
				{[]float64{0, 0, 0}, []float64{narrow, wide, narrow}, []float64{0.25, 0.5, 0.25}},
			} {
				got, err := bandit.BestNormal(nil, c.mu, c.sigma)
				require.NoError(t, err)
				require.InDeltaSlice(t, c.want, got, max(1e-9, narrow/wide), "%v", c.sigma)
			}
		}
	}
}
