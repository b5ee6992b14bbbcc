package bandit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
)

// index is what an upper confidence bound is computed from.
type history struct{ n, s float64 }

// follow plays rounds of random rewards and compares the choice with that of the highest index, computed naively.
func follow(t *testing.T, alg bandit.Algorithm, means []float64, rounds int, window int, index func(h history, t float64) float64) (regret float64) {
	t.Helper()
	a, err := bandit.NewArms(alg)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(11, 12))
	arms := make([]uint64, len(means))
	for i := range arms {
		arms[i] = uint64(i)
	}
	best := 0.0
	for _, m := range means {
		best = max(best, m)
	}
	type play struct {
		arm    int
		reward float64
	}
	var plays []play
	var p []float64
	for round := range rounds {
		h := make([]history, len(means))
		seen := plays[max(0, len(plays)-window):]
		for _, x := range seen {
			h[x.arm].n++
			h[x.arm].s += x.reward
		}
		want := make([]float64, len(means))
		top := math.Inf(-1)
		for i := range h {
			want[i] = math.Inf(1)
			if h[i].n > 0 {
				want[i] = index(h[i], float64(len(seen)))
			}
			top = max(top, want[i])
		}
		p = a.Probabilities(p, arms)
		ties := 0.0
		for i := range want {
			if p[i] > 0 {
				ties++
				if want[i] != top { // infinite ones are equal or not
					require.InDelta(t, top, want[i], 1e-9, "round %d: arm %d has %v, the best index is %v", round, i, want[i], top)
				}
			}
		}
		require.Positive(t, ties)
		i := bandit.Pick(p, rng.Float64())
		require.InDelta(t, 1/ties, p[i], 1e-12)
		x := play{arm: i}
		if rng.Float64() < means[i] {
			x.reward = 1
		}
		plays = append(plays, x)
		regret += best - means[i]
		require.NoError(t, a.Update(bandit.Outcome{Arm: uint64(i), Reward: x.reward}))
	}
	return regret
}

// Each arm once, then the highest mean + √(2 ln t / n); and the bound on the regret.
//
// Source: Auer, Cesa-Bianchi and Fischer, Machine Learning 47, 2002, figure 1 and theorem 1:
// regret <= 8 Σ ln n / Δ_i + (1 + π²/3) Σ Δ_i.
func TestUCB1PlaysTheHighestBound(t *testing.T) {
	means := []float64{0.2, 0.8, 0.5}
	const rounds = 2000
	regret := follow(t, bandit.UCB1{}, means, rounds, rounds, func(h history, t float64) float64 {
		return h.s/h.n + math.Sqrt(2*math.Log(t)/h.n)
	})
	bound := 0.0
	for _, m := range means {
		if d := 0.8 - m; d > 0 {
			bound += 8*math.Log(rounds)/d + (1+math.Pi*math.Pi/3)*d
		}
	}
	require.LessOrEqual(t, regret, bound)
}

// The bound is the largest mean that the observations do not rule out: max{q : n·kl(mean, q) <= ln t}.
//
// Source: Garivier and Cappé, COLT 2011, equation 2 (algorithm 1 with c = 0).
func TestKLUCBPlaysTheHighestBound(t *testing.T) {
	kl := func(p, q float64) float64 {
		x := 0.0
		if p > 0 {
			x += p * math.Log(p/q)
		}
		if p < 1 {
			x += (1 - p) * math.Log((1-p)/(1-q))
		}
		return x
	}
	follow(t, bandit.KLUCB{}, []float64{0.05, 0.2, 0.1}, 1200, 1200, func(h history, t float64) float64 {
		low, high := h.s/h.n, 1.0
		for range 200 {
			if q := (low + high) / 2; h.n*kl(h.s/h.n, q) <= math.Log(t) {
				low = q
			} else {
				high = q
			}
		}
		return low
	})
}

// n·kl(mean, q) is the bound, unless it is below it at 1; Pinsker's inequality makes q at most that of UCB1.
//
// Source: Garivier and Cappé, COLT 2011, section 2 (kl(p, q) > 2(p-q)²).
func TestKLUCBIndexSolvesItsEquation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		mean, n, bound := rng.Float64(), math.Exp(14*rng.Float64()-1), math.Exp(7*rng.Float64()-4)
		switch rng.IntN(8) {
		case 0:
			mean = 0
		case 1:
			mean = 1e-9 * rng.Float64()
		case 2:
			mean = 1 - 1e-12*rng.Float64()
		}
		q := bandit.KLUCBIndex(mean, n, bound)
		require.GreaterOrEqual(t, q, mean)
		require.LessOrEqual(t, q, math.Min(1, mean+math.Sqrt(bound/2/n)+1e-12))
		kl := 0.0
		if mean > 0 {
			kl = mean * math.Log(mean/q)
		}
		// ln((1-mean)/(1-q)) without the digits that 1-q has lost
		kl += (1 - mean) * -math.Log1p(-(q-mean)/(1-mean))
		if q < 1-1e-9 {
			require.InDelta(t, bound, n*kl, 1e-6*bound+1e-9*n, "mean %v, n %v, bound %v: q %v", mean, n, bound, q)
		}
	}
	require.Equal(t, 0.3, bandit.KLUCBIndex(0.3, 5, 0))
	require.Equal(t, 0.3, bandit.KLUCBIndex(0.3, 5, -1))
	require.Equal(t, 1.0, bandit.KLUCBIndex(1, 5, 1))
	require.InDelta(t, 1-math.Exp(-0.2), bandit.KLUCBIndex(0, 5, 1), 1e-14, "kl(0, q) = -ln(1-q)")
}

// Means, counts and t of the last 50 plays alone.
//
// Source: Garivier and Moulines, ALT 2011, section 2: X̄(τ) + B√(ξ ln(t ∧ τ)/N(τ)).
func TestSlidingUCBPlaysTheHighestBoundOfTheWindow(t *testing.T) {
	follow(t, bandit.SlidingUCB{Window: 50, C: 0.6}, []float64{0.3, 0.6, 0.5}, 1500, 50, func(h history, t float64) float64 {
		return h.s/h.n + math.Sqrt(0.6*math.Log(t)/h.n)
	})
}

func ExampleUCB1() {
	arms, _ := bandit.NewArms(bandit.UCB1{})
	for range 10 {
		_ = arms.Update(bandit.Outcome{Arm: 1, Reward: 0.6})
		_ = arms.Update(bandit.Outcome{Arm: 2, Reward: 0.5})
	}
	_ = arms.Update(bandit.Outcome{Arm: 1, Reward: 0.6})
	fmt.Println(arms.Probabilities(nil, []uint64{1, 2})) // arm 1 has the better mean, arm 2 the wider bound
	fmt.Println(arms.Probabilities(nil, []uint64{1, 2, 3, 4}))
	// Output:
	// [1 0]
	// [0 0 0.5 0.5]
}

func ExampleKLUCB() {
	arms, _ := bandit.NewArms(bandit.KLUCB{})
	for range 100 {
		_ = arms.Update(bandit.Outcome{Arm: 1, Reward: 0.01})
	}
	_ = arms.Update(bandit.Outcome{Arm: 2, Reward: 0})
	fmt.Println(arms.Probabilities(nil, []uint64{1, 2}))
	fmt.Printf("%.4f\n", bandit.KLUCBIndex(0.01, 100, 4.6))
	// Output:
	// [0 1]
	// 0.0738
}

func ExampleSlidingUCB() {
	arms, _ := bandit.NewArms(bandit.SlidingUCB{Window: 4})
	for _, arm := range []uint64{1, 2, 2, 2, 2} {
		_ = arms.Update(bandit.Outcome{Arm: arm, Reward: 1})
	}
	fmt.Println(arms.Probabilities(nil, []uint64{1, 2})) // what was known of arm 1 has left the window
	// Output: [1 0]
}
