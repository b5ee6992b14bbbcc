package bandit_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
)

// Source: Li et al. 2010, Algorithm 1, line 9: p = θᵀx + α·√(xᵀA⁻¹x).
func TestLinUCBTakesTheLargestUpperBound(t *testing.T) {
	const k, d = 7, 5
	r := rand.New(rand.NewPCG(1, 7))
	m, err := bandit.NewLinearArms(k, d, bandit.RidgeConfig{})
	require.NoError(t, err)
	want := make([]*dense, k)
	for i := range want {
		want[i] = newDense(d, 1)
	}
	mean, variance := make([]float64, k), make([]float64, k)
	for range 400 {
		x := gauss(r, d)
		best, top := -1, math.Inf(-1)
		m.Moments(mean, variance, x)
		for i := range want {
			wm, wv := want[i].moments(x)
			require.InDelta(t, wm, mean[i], 1e-10)
			require.InDelta(t, wv, variance[i], 1e-10)
			if s := wm + 0.8*math.Sqrt(wv); s > top+1e-12 {
				best, top = i, s
			}
		}
		got := m.UCB(x, 0.8)
		require.Equal(t, best, got)
		reward := r.NormFloat64()
		require.NoError(t, m.Update(got, x, reward))
		want[got].update(x, reward, 1)
	}
}

// Source: Agrawal and Goyal 2013, §2: μ ~ N(θ, v²B⁻¹).
func TestSamplerDrawsFromThePosterior(t *testing.T) {
	const d, n, v = 4, 200_000, 0.5
	r := rand.New(rand.NewPCG(2, 7))
	m, err := bandit.NewRidge(d, bandit.RidgeConfig{Lambda: 2})
	require.NoError(t, err)
	for _, updates := range []int{0, 10} {
		for range updates {
			require.NoError(t, m.Update(gauss(r, d), r.NormFloat64(), 1))
		}
		var s bandit.Sampler
		require.True(t, s.Ready(m))
		theta, draw, sum, square := m.Theta(nil), make([]float64, d), make([]float64, d), newDense(d, 0)
		for range n {
			s.Draw(draw, v, r)
			for i := range draw {
				draw[i] -= theta[i]
				sum[i] += draw[i]
			}
			square.update(draw, 0, 1)
		}
		for i := range d {
			for j := range d {
				cov := func(a, b int) float64 { // of a and b, by polarisation
					x, y := make([]float64, d), make([]float64, d)
					x[a]++
					x[b]++
					y[a]++
					y[b]--
					_, plus := m.Moments(x)
					_, minus := m.Moments(y)
					return v * v * (plus - minus) / 4
				}
				se := math.Sqrt((cov(i, i)*cov(j, j) + cov(i, j)*cov(i, j)) / n)
				require.InDelta(t, cov(i, j), square.a[i][j]/n, 5*se)
			}
			_, variance := m.Moments(func() []float64 { x := make([]float64, d); x[i] = 1; return x }())
			require.InDelta(t, 0, sum[i]/n, 5*v*math.Sqrt(variance/n))
		}
	}
}

// regretFile is the part of bandit/regret.json that this file uses.
type regretFile struct {
	Checkpoints []int `json:"checkpoints"`
	Envs        map[string]struct {
		Spec struct {
			Kind    string          `json:"kind"`
			Theta   json.RawMessage `json:"theta"`
			Noise   float64         `json:"noise_sd"`
			K       int             `json:"K"`
			D       int             `json:"d"`
			P       []float64       `json:"p"`
			ListLen int             `json:"list_len"`
		} `json:"spec"`
		Regret map[string]map[string]struct {
			Mean float64 `json:"mean"`
			SE   float64 `json:"se"`
		} `json:"cum_regret"`
	} `json:"envs"`
}

func readRegret(t *testing.T) *regretFile {
	t.Helper()
	f := new(regretFile)
	require.NoError(t, json.NewDecoder(reference.Open(t, "golden", "bandit", "regret.json")).Decode(f))
	return f
}

// regrets compares the mean regret of runs with the file: not above by more than 3 joint standard errors.
func (f *regretFile) regrets(t *testing.T, env, policy string, runs int, run func(seed uint64, regret func(round int, r float64))) {
	t.Helper()
	want, ok := f.Envs[env].Regret[policy]
	require.True(t, ok, "%s has no %s", env, policy)
	sum, square := make([]float64, len(f.Checkpoints)), make([]float64, len(f.Checkpoints))
	for i := range runs {
		total, at := 0.0, 0
		run(uint64(i+1), func(round int, r float64) {
			total += r
			for at < len(f.Checkpoints) && round+1 == f.Checkpoints[at] {
				sum[at] += total
				square[at] += total * total
				at++
			}
		})
	}
	n := float64(runs)
	for i, rounds := range f.Checkpoints {
		w := want[strconv.Itoa(rounds)]
		mean := sum[i] / n
		se := math.Sqrt(max(square[i]/n-mean*mean, 0) / (n - 1))
		limit := 3 * math.Sqrt(se*se+w.SE*w.SE)
		t.Logf("%s %s at %d: %.2f ± %.2f, reference %.2f ± %.2f", env, policy, rounds, mean, se, w.Mean, w.SE)
		if mean > w.Mean+limit {
			t.Errorf("%s %s at %d rounds: regret %.2f ± %.2f, reference %.2f ± %.2f", env, policy, rounds, mean, se, w.Mean, w.SE)
		}
	}
}

const regretRuns = 100

func TestGoldenRegretOfLinearArms(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("100 runs of 10,000 rounds")
	}
	f := readRegret(t)
	for _, c := range []struct {
		env, policy string
		decide      func(m *bandit.LinearArms, x []float64, r *rand.Rand) int
	}{
		{"lin_disjoint", "linucb_0.5", func(m *bandit.LinearArms, x []float64, _ *rand.Rand) int { return m.UCB(x, 0.5) }},
		{"lin_disjoint", "linucb_1", func(m *bandit.LinearArms, x []float64, _ *rand.Rand) int { return m.UCB(x, 1) }},
		{"lin_disjoint", "lints_0.5", func(m *bandit.LinearArms, x []float64, r *rand.Rand) int { return m.Thompson(x, 0.5, r) }},
		{"logit_disjoint", "linucb_0.5", func(m *bandit.LinearArms, x []float64, _ *rand.Rand) int { return m.UCB(x, 0.5) }},
		{"logit_disjoint", "lints_0.25", func(m *bandit.LinearArms, x []float64, r *rand.Rand) int { return m.Thompson(x, 0.25, r) }},
		{"lin_disjoint", "eps_0.1", epsilonArms(0.1)},
		{"lin_disjoint", "eps_0.02", epsilonArms(0.02)},
		{"logit_disjoint", "eps_0.05", epsilonArms(0.05)},
	} {
		spec := f.Envs[c.env].Spec
		var theta [][]float64
		require.NoError(t, json.Unmarshal(spec.Theta, &theta))
		k, d := len(theta), len(theta[0])
		logit := spec.Noise == 0
		f.regrets(t, c.env, c.policy, regretRuns, func(seed uint64, regret func(int, float64)) {
			r := rand.New(rand.NewPCG(seed, 99))
			m, err := bandit.NewLinearArms(k, d, bandit.RidgeConfig{})
			require.NoError(t, err)
			x, truth := make([]float64, d), make([]float64, k)
			for round := range f.Checkpoints[len(f.Checkpoints)-1] {
				for i := range x {
					x[i] = r.NormFloat64() / math.Sqrt(float64(d))
				}
				x[0] = 1
				best := math.Inf(-1)
				for a := range truth {
					truth[a] = 0
					for i, v := range x {
						truth[a] += v * theta[a][i]
					}
					if logit {
						truth[a] = 1 / (1 + math.Exp(-truth[a]))
					}
					best = max(best, truth[a])
				}
				a := c.decide(m, x, r)
				reward := truth[a] + spec.Noise*r.NormFloat64()
				if logit {
					reward = 0
					if r.Float64() < truth[a] {
						reward = 1
					}
				}
				regret(round, best-truth[a])
				_ = m.Update(a, x, reward)
			}
		})
	}
}

func epsilonArms(epsilon float64) func(m *bandit.LinearArms, x []float64, r *rand.Rand) int {
	return func(m *bandit.LinearArms, x []float64, r *rand.Rand) int { return m.Greedy(x, epsilon, r) }
}

func TestLinearArmsGreedySharesTies(t *testing.T) {
	m, err := bandit.NewLinearArms(3, 1, bandit.RidgeConfig{})
	require.NoError(t, err)
	require.NoError(t, m.Update(1, []float64{1}, -1)) // the others have mean 0
	r, seen := rand.New(rand.NewPCG(1, 1)), make([]float64, 3)
	const n = 60_000
	for range n {
		seen[m.Greedy([]float64{1}, 0.3, r)]++
	}
	for i, p := range []float64{0.45, 0.1, 0.45} {
		require.InDelta(t, p, seen[i]/n, 4*math.Sqrt(p*(1-p)/n))
	}
}

func TestGoldenRegretOfASharedModel(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("30 runs of 10,000 rounds")
	}
	const env = "lin_shared_actions"
	f := readRegret(t)
	spec := f.Envs[env].Spec
	var theta []float64
	require.NoError(t, json.Unmarshal(spec.Theta, &theta))
	k, d := spec.K, spec.D
	for _, policy := range []string{"linucb_0.5", "lints_0.5", "eps_0.05"} {
		runs := 30 // the example program has them all
		if policy == "lints_0.5" {
			runs = 12 // a factorisation in each round
		}
		f.regrets(t, env, policy, runs, func(seed uint64, regret func(int, float64)) {
			r := rand.New(rand.NewPCG(seed, 98))
			m, err := bandit.NewRidge(d, bandit.RidgeConfig{})
			require.NoError(t, err)
			var s bandit.Sampler
			x, mean, variance, drawn := make([]float64, k*d), make([]float64, k), make([]float64, k), make([]float64, d)
			for round := range f.Checkpoints[len(f.Checkpoints)-1] {
				for i := range x {
					x[i] = r.NormFloat64() / math.Sqrt(float64(d))
				}
				by := theta
				if policy != "lints_0.5" {
					m.RowMoments(mean, variance, x)
				} else {
					require.True(t, s.Ready(m))
					s.Draw(drawn, 0.5, r)
					by = drawn
				}
				a, top, best, truth := -1, math.Inf(-1), math.Inf(-1), make([]float64, k)
				for i := range k {
					score := 0.0
					for j := range d {
						truth[i] += x[i*d+j] * theta[j]
						score += x[i*d+j] * by[j]
					}
					switch policy {
					case "linucb_0.5":
						score = mean[i] + 0.5*math.Sqrt(variance[i])
					case "eps_0.05":
						score = mean[i]
					}
					if score > top {
						a, top = i, score
					}
					best = max(best, truth[i])
				}
				if policy == "eps_0.05" && r.Float64() < 0.05 {
					a = r.IntN(k)
				}
				regret(round, best-truth[a])
				_ = m.Update(x[a*d:a*d+d], truth[a]+spec.Noise*r.NormFloat64(), 1)
			}
		})
	}
}

// naiveArms is what one writes first: slices of slices, the whole inverse, one product after the other.
type naiveArms struct {
	inverse [][][]float64
	b       [][]float64
}

func newNaiveArms(k, d int) *naiveArms {
	m := &naiveArms{make([][][]float64, k), make([][]float64, k)}
	for a := range k {
		m.inverse[a], m.b[a] = make([][]float64, d), make([]float64, d)
		for i := range d {
			m.inverse[a][i] = make([]float64, d)
			m.inverse[a][i][i] = 1
		}
	}
	return m
}

func (m *naiveArms) ucb(x []float64, alpha float64) int {
	best, top := 0, math.Inf(-1)
	for a := range m.inverse {
		mean, variance := 0.0, 0.0
		for i, row := range m.inverse[a] {
			u := 0.0
			for j, v := range row {
				u += v * x[j]
			}
			mean += u * m.b[a][i]
			variance += u * x[i]
		}
		if s := mean + alpha*math.Sqrt(variance); s > top {
			best, top = a, s
		}
	}
	return best
}

func (m *naiveArms) update(a int, x []float64, reward float64) {
	u, s := make([]float64, len(x)), 1.0
	for i, row := range m.inverse[a] {
		for j, v := range row {
			u[i] += v * x[j]
		}
		s += u[i] * x[i]
	}
	for i, row := range m.inverse[a] {
		for j := range row {
			row[j] -= u[i] * u[j] / s
		}
		m.b[a][i] += reward * x[i]
	}
}

// BenchmarkLinUCB decides and updates the arm that was taken.
func BenchmarkLinUCB(b *testing.B) {
	for _, size := range []struct{ k, d int }{{10, 8}, {100, 64}, {1000, 32}} {
		r := rand.New(rand.NewPCG(1, 1))
		x := make([][]float64, 64)
		for i := range x {
			x[i] = gauss(r, size.d)
		}
		m, err := bandit.NewLinearArms(size.k, size.d, bandit.RidgeConfig{})
		require.NoError(b, err)
		naive := newNaiveArms(size.k, size.d)
		for a := range size.k {
			_ = m.Update(a, x[a%64], 0.1)
			naive.update(a, x[a%64], 0.1)
		}
		name := fmt.Sprintf("K=%d/d=%d/impl=", size.k, size.d)
		b.Run(name+"naive", func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				at := x[i%64]
				i++
				naive.update(naive.ucb(at, 1), at, at[0])
			}
		})
		b.Run(name+"simd", func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				at := x[i%64]
				i++
				_ = m.Update(m.UCB(at, 1), at, at[0])
			}
		})
	}
}

func TestLinUCBAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, d := range []int{30, 64} {
		m, err := bandit.NewLinearArms(5, d, bandit.RidgeConfig{Refactor: 1 << 30})
		require.NoError(t, err)
		x := gauss(rand.New(rand.NewPCG(1, 1)), d)
		for a := range 5 {
			require.NoError(t, m.Update(a, x, 1))
		}
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = m.Update(m.UCB(x, 1), x, 1) }))
	}
}

// On rewards that are logistic a logistic model does better than a linear one, and inverse gap weighting with a growing γ
// better than a constant ε.
func TestGoldenRegretOfModelsThatFit(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("30 runs of 10,000 rounds")
	}
	const rounds, runs = 10_000, 30
	f := readRegret(t)
	play := func(env string, choose func(round int, mean, variance []float64, r *rand.Rand) int, logistic bool) float64 {
		var theta [][]float64
		require.NoError(t, json.Unmarshal(f.Envs[env].Spec.Theta, &theta))
		k, d := len(theta), len(theta[0])
		total := 0.0
		for run := range runs {
			r := rand.New(rand.NewPCG(uint64(run), 97))
			linear, err := bandit.NewLinearArms(k, d, bandit.RidgeConfig{})
			require.NoError(t, err)
			logits := make([]*bandit.Logistic, k)
			for a := range logits {
				logits[a], err = bandit.NewLogistic(d, bandit.RidgeConfig{})
				require.NoError(t, err)
			}
			x, truth, mean, variance := make([]float64, d), make([]float64, k), make([]float64, k), make([]float64, k)
			for round := range rounds {
				for i := range x {
					x[i] = r.NormFloat64() / math.Sqrt(float64(d))
				}
				x[0] = 1
				best := math.Inf(-1)
				for a := range truth {
					truth[a] = 0
					for i, v := range x {
						truth[a] += v * theta[a][i]
					}
					truth[a] = 1 / (1 + math.Exp(-truth[a]))
					best = max(best, truth[a])
					if logistic {
						mean[a], variance[a] = logits[a].Moments(x)
					}
				}
				if !logistic {
					linear.Moments(mean, variance, x)
				}
				a := choose(round, mean, variance, r)
				total += best - truth[a]
				reward := 0.0
				if r.Float64() < truth[a] {
					reward = 1
				}
				if logistic {
					require.NoError(t, logits[a].Update(x, reward, 1))
				} else {
					require.NoError(t, linear.Update(a, x, reward))
				}
			}
		}
		return total / runs
	}
	const env = "logit_disjoint"
	logistic := play(env, func(_ int, mean, variance []float64, r *rand.Rand) int {
		best, top := 0, math.Inf(-1)
		for a := range mean {
			if s := mean[a] + 0.5*math.Sqrt(variance[a])*r.NormFloat64(); s > top {
				best, top = a, s
			}
		}
		return best
	}, true)
	var p []float64
	squarecb := play(env, func(round int, mean, _ []float64, r *rand.Rand) int {
		p = bandit.InverseGap(p[:0], mean, 10*math.Sqrt(float64(round)))
		return bandit.Pick(p, r.Float64())
	}, false)
	want := f.Envs[env].Regret
	linear, epsilon := want["lints_0.25"]["10000"].Mean, want["eps_0.05"]["10000"].Mean
	t.Logf("logistic Thompson %.1f, linear %.1f; SquareCB %.1f, epsilon-greedy %.1f", logistic, linear, squarecb, epsilon)
	require.Less(t, logistic, linear)
	require.Less(t, squarecb, epsilon)
}
