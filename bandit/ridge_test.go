package bandit_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// dense is a ridge regression by the book: it keeps A and b and solves from scratch.
type dense struct {
	a [][]float64
	b []float64
}

func newDense(d int, lambda float64) *dense {
	m := &dense{make([][]float64, d), make([]float64, d)}
	for i := range m.a {
		m.a[i] = make([]float64, d)
		m.a[i][i] = lambda
	}
	return m
}

func (m *dense) update(x []float64, reward, weight float64) {
	for i := range x {
		for j := range x {
			m.a[i][j] += weight * x[i] * x[j]
		}
		m.b[i] += weight * reward * x[i]
	}
}

// solve returns the inverse of A times v, by Gauss and Jordan with pivots.
func (m *dense) solve(v []float64) []float64 {
	n := len(v)
	a := make([][]float64, n)
	for i := range a {
		a[i] = append(append([]float64(nil), m.a[i]...), v[i])
	}
	for i := range n {
		best := i
		for r := i; r < n; r++ {
			if math.Abs(a[r][i]) > math.Abs(a[best][i]) {
				best = r
			}
		}
		a[i], a[best] = a[best], a[i]
		for r := range n {
			if r == i {
				continue
			}
			f := a[r][i] / a[i][i]
			for c := i; c <= n; c++ {
				a[r][c] -= f * a[i][c]
			}
		}
	}
	out := make([]float64, n)
	for i := range n {
		out[i] = a[i][n] / a[i][i]
	}
	return out
}

func (m *dense) moments(x []float64) (mean, variance float64) {
	theta, u := m.solve(m.b), m.solve(x)
	for i, v := range x {
		mean += v * theta[i]
		variance += v * u[i]
	}
	return mean, variance
}

func gauss(r *rand.Rand, d int) []float64 {
	x := make([]float64, d)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// Source: Li et al. 2010, Algorithm 1, lines 8-9 and 12-13: θ = A⁻¹b, xᵀA⁻¹x, A += xxᵀ, b += rx,
// with A = I at the start.
func TestRidgeEqualsTheDenseInverse(t *testing.T) {
	for _, d := range []int{1, 2, 7, 8, 9, 16, 20, 33} {
		for _, refactor := range []int{1, 50, 1 << 30} {
			r := rand.New(rand.NewPCG(uint64(d), 1))
			m, err := bandit.NewRidge(d, bandit.RidgeConfig{Lambda: 0.5, Refactor: refactor})
			require.NoError(t, err)
			want := newDense(d, 0.5)
			for step := range 120 {
				x, probe := gauss(r, d), gauss(r, d)
				if step%30 == 0 {
					mean, variance := m.Moments(probe)
					wm, wv := want.moments(probe)
					require.InDelta(t, wm, mean, 1e-10*(1+math.Abs(wm)), "d %d, step %d", d, step)
					require.InEpsilon(t, wv, variance, 1e-10, "d %d, step %d", d, step)
				}
				reward, weight := r.NormFloat64(), 0.5+r.Float64()
				require.NoError(t, m.Update(x, reward, weight))
				want.update(x, reward, weight)
				if step%7 == 0 { // the reward turns out to have been another
					require.NoError(t, m.Correct(x, 0.25, weight))
					for i := range x {
						want.b[i] += 0.25 * weight * x[i]
					}
				}
			}
			require.InDeltaSlice(t, want.solve(want.b), m.Theta(nil), 1e-10)
			require.EqualValues(t, 120, m.Count())
		}
	}
}

// A⁻¹ starts at 1/λ and falls to 1/(n·x²): what rounding left of the start stays in an inverse
// that is only updated, whatever comes later.
func TestRidgeRefactoringKeepsTheInverseTrue(t *testing.T) {
	const d, lambda = 12, 1e-9
	worst := func(refactor int) float64 {
		r := rand.New(rand.NewPCG(3, 3))
		m, err := bandit.NewRidge(d, bandit.RidgeConfig{Lambda: lambda, Refactor: refactor})
		require.NoError(t, err)
		want := newDense(d, lambda)
		for range 500 {
			x := gauss(r, d)
			for i := range x {
				x[i] *= 1000
			}
			require.NoError(t, m.Update(x, 1, 1))
			want.update(x, 1, 1)
		}
		e := 0.0
		for range 20 {
			x := gauss(r, d)
			_, v := m.Moments(x)
			_, wv := want.moments(x)
			e = max(e, math.Abs(v-wv)/wv)
		}
		return e
	}
	with, without := worst(100), worst(1<<30)
	t.Logf("relative error of the variance %.1g, without refactoring %.1g", with, without)
	require.Less(t, with, 1e-12)
	require.Greater(t, without, 1e-6)
}

// What is left of the ridge of each weight is known: it is λ again at the weight's turn.
func TestRidgeDecayEqualsTheDenseForm(t *testing.T) {
	const d, decay = 5, 0.9
	r := rand.New(rand.NewPCG(4, 4))
	m, err := bandit.NewRidge(d, bandit.RidgeConfig{Lambda: 2, Decay: decay, Refactor: 1 << 30})
	require.NoError(t, err)
	want := newDense(d, 2)
	ridge := []float64{2, 2, 2, 2, 2}
	for step := range 200 {
		x, reward := gauss(r, d), r.NormFloat64()
		require.NoError(t, m.Update(x, reward, 1))
		for i := range d {
			for j := range d {
				want.a[i][j] *= decay
			}
			want.b[i] *= decay
			ridge[i] *= decay
		}
		j := step % d
		restored := 2 * (1 - math.Pow(decay, float64(min(step+1, d))))
		want.a[j][j] += restored
		ridge[j] += restored
		require.InDelta(t, 2, ridge[j], 1e-9)
		require.GreaterOrEqual(t, slices.Min(ridge), 2*math.Pow(decay, d)-1e-9)
		want.update(x, reward, 1)
	}
	for range 10 {
		x := gauss(r, d)
		mean, v := m.Moments(x)
		wm, wv := want.moments(x)
		require.InDelta(t, wm, mean, 1e-9)
		require.InEpsilon(t, wv, v, 1e-9)
	}
}

func TestRidgeBeforeItsFirstObservationIsThePrior(t *testing.T) {
	m, err := bandit.NewRidge(3, bandit.RidgeConfig{Lambda: 4})
	require.NoError(t, err)
	mean, variance := m.Moments([]float64{1, 2, 2})
	require.Zero(t, mean)
	require.Equal(t, 9.0/4, variance)
	require.Equal(t, []float64{0, 0, 0}, m.Theta(nil))
}

func TestRidgeRefusesWhatIsNotFinite(t *testing.T) {
	m, err := bandit.NewRidge(2, bandit.RidgeConfig{})
	require.NoError(t, err)
	require.NoError(t, m.Update([]float64{1, 2}, 3, 1))
	before := m.Theta(nil)
	for _, bad := range []struct {
		x              []float64
		reward, weight float64
	}{
		{[]float64{math.NaN(), 0}, 1, 1},
		{[]float64{math.Inf(1), 0}, 1, 1},
		{[]float64{1e200, 0}, 1, 1},
		{[]float64{1, 0}, math.NaN(), 1},
		{[]float64{1, 0}, math.Inf(-1), 1},
		{[]float64{1, 0}, 1, 0},
		{[]float64{1, 0}, 1, -1},
		{[]float64{1, 0}, 1, math.NaN()},
		{[]float64{1, 0}, 1, math.Inf(1)},
	} {
		require.Error(t, m.Update(bad.x, bad.reward, bad.weight), "%v", bad)
		require.Equal(t, before, m.Theta(nil))
		require.EqualValues(t, 1, m.Count())
	}
	require.Error(t, m.Correct([]float64{1, 1}, math.NaN(), 1))
	require.Panics(t, func() { m.Moments([]float64{1}) })
}

func TestRidgeConfigNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		cfg  bandit.RidgeConfig
		want string
	}{
		{bandit.RidgeConfig{Lambda: -1}, "RidgeConfig.Lambda is -1"},
		{bandit.RidgeConfig{Lambda: math.NaN()}, "RidgeConfig.Lambda is NaN"},
		{bandit.RidgeConfig{Decay: 1.1}, "RidgeConfig.Decay is 1.1"},
		{bandit.RidgeConfig{Refactor: -2}, "RidgeConfig.Refactor is -2"},
	} {
		_, err := bandit.NewRidge(3, c.cfg)
		require.ErrorContains(t, err, c.want)
		_, err = bandit.NewLogistic(3, c.cfg)
		require.ErrorContains(t, err, c.want)
	}
	_, err := bandit.NewRidge(0, bandit.RidgeConfig{})
	require.ErrorContains(t, err, "0 features")
}

// Source: Bishop 2006, §4.5.1: the mode of prior times likelihood, and the precision (4.143), for
// one observation; found here by Newton's method in all d directions.
func TestLogisticIsLaplacesMethodForEachObservation(t *testing.T) {
	const d = 4
	r := rand.New(rand.NewPCG(5, 5))
	m, err := bandit.NewLogistic(d, bandit.RidgeConfig{Lambda: 0.7})
	require.NoError(t, err)
	precision, mean := newDense(d, 0.7), make([]float64, d)
	sigmoid := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	for step := range 60 {
		x := gauss(r, d)
		for i := range x {
			x[i] *= 3
		}
		reward, weight := float64(r.IntN(2)), 1.0
		if step%5 == 0 {
			reward, weight = r.Float64(), 2
		}
		require.NoError(t, m.Update(x, reward, weight))

		theta := append([]float64(nil), mean...)
		for range 200 {
			z := 0.0
			for i, v := range x {
				z += v * theta[i]
			}
			p := sigmoid(z)
			hessian, gradient := newDense(d, 0), make([]float64, d)
			for i := range d {
				for j := range d {
					hessian.a[i][j] = precision.a[i][j] + weight*p*(1-p)*x[i]*x[j]
					gradient[i] += precision.a[i][j] * (theta[j] - mean[j])
				}
				gradient[i] += weight * (p - reward) * x[i]
			}
			for i, v := range hessian.solve(gradient) {
				theta[i] -= 0.5 * v
			}
		}
		z := 0.0
		for i, v := range x {
			z += v * theta[i]
		}
		precision.update(x, 0, weight*sigmoid(z)*(1-sigmoid(z)))
		mean = theta
		require.InDeltaSlice(t, mean, m.Theta(nil), 1e-9, "step %d", step)
		probe := gauss(r, d)
		_, variance := m.Moments(probe)
		_, want := precision.moments(probe)
		require.InEpsilon(t, want, variance, 1e-8)
	}
	require.Error(t, m.Update(gauss(r, d), 1.5, 1))
	require.Error(t, m.Update(gauss(r, d), math.NaN(), 1))
	require.Error(t, m.Update([]float64{math.Inf(1), 0, 0, 0}, 1, 1))
	require.EqualValues(t, 60, m.Count())
}

func TestLogisticFindsTheWeights(t *testing.T) {
	want := []float64{-1, 2, 0.5}
	r := rand.New(rand.NewPCG(6, 6))
	m, err := bandit.NewLogistic(3, bandit.RidgeConfig{})
	require.NoError(t, err)
	for range 20_000 {
		x := gauss(r, 3)
		z := want[0]*x[0] + want[1]*x[1] + want[2]*x[2]
		reward := 0.0
		if r.Float64() < 1/(1+math.Exp(-z)) {
			reward = 1
		}
		require.NoError(t, m.Update(x, reward, 1))
	}
	for i, theta := range m.Theta(nil) {
		unit := make([]float64, 3)
		unit[i] = 1
		_, variance := m.Moments(unit)
		require.InDelta(t, want[i], theta, 4*math.Sqrt(variance))
	}
}

func TestLogisticSurvivesExtremes(t *testing.T) {
	m, err := bandit.NewLogistic(1, bandit.RidgeConfig{Lambda: 1e-12})
	require.NoError(t, err)
	for i := range 100 {
		require.NoError(t, m.Update([]float64{1e6}, float64(i%2), 1))
		mean, variance := m.Moments([]float64{1e6})
		require.False(t, math.IsNaN(mean) || math.IsNaN(variance) || variance < 0, "step %d: %v, %v", i, mean, variance)
	}
}

func TestRegressionsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, d := range []int{5, 64} {
		m, err := bandit.NewRidge(d, bandit.RidgeConfig{})
		require.NoError(t, err)
		l, err := bandit.NewLogistic(d, bandit.RidgeConfig{Decay: 0.999, Refactor: 1 << 30})
		require.NoError(t, err)
		x := gauss(rand.New(rand.NewPCG(1, 1)), d)
		require.NoError(t, m.Update(x, 1, 1))
		require.NoError(t, l.Update(x, 1, 1))
		require.Zero(t, testing.AllocsPerRun(100, func() {
			m.Moments(x)
			_ = m.Update(x, 1, 1)
			_ = l.Update(x, 1, 1)
		}), "%d features", d)
	}
}
