package gfcf_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/gfcf"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// random returns interactions of users who each prefer a part of the items. Item i has the ID
// 10i.
func random(t testing.TB, seed uint64, users, items, n int) *retrieval.Interactions {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	add := func(u, i int) {
		r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(10*i))
		r.Weights = append(r.Weights, 0.5+rng.Float32())
	}
	for i := range max(users, items) {
		add(i%users, i%items)
	}
	for range n {
		u, i := rng.IntN(users), int(float64(items)*math.Pow(rng.Float64(), 2))
		if rng.IntN(3) > 0 {
			i = (u%5*items/5 + i/5) % items
		}
		add(u, i)
	}
	in, err := retrieval.NewInteractions(r, retrieval.LastWeight)
	require.NoError(t, err)
	return in
}

type matrix [][]float64

func zeros(rows, cols int) matrix {
	m := make(matrix, rows)
	for i := range m {
		m[i] = make([]float64, cols)
	}
	return m
}

func (a matrix) times(b matrix) matrix {
	c := zeros(len(a), len(b[0]))
	for i, row := range a {
		for k, x := range row {
			for j, y := range b[k] {
				c[i][j] += x * y
			}
		}
	}
	return c
}

func (a matrix) plus(b matrix, factor float64) matrix {
	c := zeros(len(a), len(a[0]))
	for i := range a {
		for j := range a[i] {
			c[i][j] = a[i][j] + factor*b[i][j]
		}
	}
	return c
}

// oracle returns F of the package's comment in float64, the diagonal 0.
func oracle(in *retrieval.Interactions, cfg gfcf.Config) matrix {
	users, n := in.NumUsers(), in.NumItems()
	r, du, di := zeros(users, n), make([]float64, users), make([]float64, n)
	for u := range users {
		items, weights := in.ByUser().Row(u)
		for k, i := range items {
			w := float64(weights[k])
			r[u][i], du[u], di[i] = w, du[u]+w, di[i]+w
		}
	}
	p := zeros(n, n)
	for u := range r {
		for i := range n {
			r[u][i] *= math.Pow(du[u], -cfg.UserExponent) * math.Pow(di[i], -cfg.ItemExponent)
		}
		for i := range n {
			for j := range n {
				p[i][j] += r[u][i] * r[u][j]
			}
		}
	}
	values, vectors := eigen(p, max(cfg.Factors, 1))
	p = zeros(n, n).plus(p, 1/values[0])
	low := zeros(n, n)
	for f := range max(cfg.Factors, 0) {
		for i := range n {
			for j := range n {
				low[i][j] += vectors[f][i] * vectors[f][j] * math.Pow(di[j]/di[i], cfg.ItemExponent)
			}
		}
	}
	// The Runge-Kutta step, by its four slopes: dF/dt = -F P.
	y, t := p, cfg.Sharpening
	slope := func(y matrix) matrix { return zeros(n, n).plus(y.times(p), -1) }
	k1 := slope(y)
	k2 := slope(y.plus(k1, t/2))
	k3 := slope(y.plus(k2, t/2))
	k4 := slope(y.plus(k3, t))
	y = y.plus(k1, t/6).plus(k2, t/3).plus(k3, t/3).plus(k4, t/6).plus(low, cfg.Alpha)
	for i := range n {
		for j := range n {
			y[i][j] *= math.Pow(di[j], cfg.Popularity)
		}
		y[i][i] = 0
	}
	return y
}

// eigen returns the first eigenvectors of a, by the power method with deflation.
func eigen(a matrix, count int) (values []float64, vectors matrix) {
	rng := rand.New(rand.NewPCG(9, 9))
	n := len(a)
	for range count {
		v, norm := make([]float64, n), 0.0
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		for range 1000 {
			next := make([]float64, n)
			for i, row := range a {
				for j, x := range row {
					next[i] += x * v[j]
				}
			}
			for _, old := range vectors {
				d := 0.0
				for i := range next {
					d += next[i] * old[i]
				}
				for i := range next {
					next[i] -= d * old[i]
				}
			}
			norm = 0
			for _, x := range next {
				norm += x * x
			}
			norm = math.Sqrt(norm)
			for i := range next {
				next[i] /= norm
			}
			v = next
		}
		values, vectors = append(values, norm), append(vectors, v)
	}
	return values, vectors
}

func train(t testing.TB, in *retrieval.Interactions, cfg gfcf.Config) *itemsim.Model {
	t.Helper()
	m, err := gfcf.Train(context.Background(), in, cfg)
	require.NoError(t, err)
	return m
}

func weights(m *itemsim.Model) matrix {
	c, b := m.Weights(), zeros(m.NumItems(), m.NumItems())
	for i := range b {
		to, w := c.Row(i)
		for k, j := range to {
			b[i][j] = float64(w[k])
		}
	}
	return b
}

// Source: Shen et al., CIKM 2021, equation 9, with exponents of 1/2 and no sharpening; Choi et
// al., SIGIR 2023, section 3.4, for the rest.
func TestWeightsAreThoseOfTheFilter(t *testing.T) {
	in := random(t, 3, 60, 45, 700)
	for _, cfg := range []gfcf.Config{
		{Factors: 4, Alpha: 0.3, UserExponent: 0.5, ItemExponent: 0.5},
		{Factors: -1, Alpha: 0.3, UserExponent: 0.5, ItemExponent: 0.5},
		{Factors: 3, Alpha: 1.5, UserExponent: 0.3, ItemExponent: 0.7, Popularity: 0.3},
		{Factors: 4, Alpha: 0.2, UserExponent: 0.5, ItemExponent: 0.5, Sharpening: 2.5},
		{Factors: -1, Alpha: 0.2, UserExponent: 0.4, ItemExponent: 0.5, Sharpening: 1, Popularity: -0.2},
	} {
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) {
			want := oracle(in, cfg)
			cfg.Iterations, cfg.Neighbors = 200, in.NumItems()
			got := weights(train(t, in, cfg))
			for i := range want {
				require.InDeltaSlice(t, want[i], got[i], 1e-4, "item %d", i)
			}
		})
	}
}

// More items than a block of columns, and users of more than a strip.
func TestWeightsAreThoseOfTheFilterInManyBlocks(t *testing.T) {
	in := random(t, 4, 70, 100, 900)
	cfg := gfcf.Config{Factors: -1, Alpha: 1, UserExponent: 0.5, ItemExponent: 0.5, Sharpening: 2}
	want := oracle(in, cfg)
	cfg.Neighbors = 100
	got := weights(train(t, in, cfg))
	for i := range want {
		require.InDeltaSlice(t, want[i], got[i], 1e-4, "item %d", i)
	}
}

func TestZeroConfigIsThePublishedFilter(t *testing.T) {
	in := random(t, 5, 60, 40, 700)
	require.Equal(t, weights(train(t, in, gfcf.Config{})),
		weights(train(t, in, gfcf.Config{Factors: 256, Alpha: 0.3, UserExponent: 0.5, ItemExponent: 0.5, Iterations: 6, Oversampling: 32, Neighbors: 1000})))
}

func TestAllWeightsAreKeptWhereTheyFit(t *testing.T) {
	in := random(t, 7, 300, 1100, 6000)
	all := train(t, in, gfcf.Config{Factors: 9, Neighbors: 1100}).Weights()
	m := train(t, in, gfcf.Config{Factors: 9})
	require.Contains(t, string(m.Config()), `"Neighbors":0`)
	got := m.Weights()
	require.Equal(t, all.Index, got.Index)
	for k, w := range all.Weight {
		require.InDelta(t, w, got.Weight[k], math.Abs(float64(w))/256, "to eight bits")
	}
	require.Equal(t, m.Version(), train(t, in, gfcf.Config{Factors: 9, Workers: 3}).Version())
}

// Up to 8,000 items the largest 1,000 weights would need more than all.
func TestTheBytesThatAreSaidSuffice(t *testing.T) {
	in := random(t, 7, 300, 1100, 6000)
	_, err := gfcf.Train(t.Context(), in, gfcf.Config{Workers: 1, MaxBytes: 1})
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	m := train(t, in, gfcf.Config{Workers: 1, MaxBytes: refused.Need})
	require.Contains(t, string(m.Config()), `"Neighbors":0`)
	_, err = gfcf.Train(t.Context(), in, gfcf.Config{Workers: 1, MaxBytes: refused.Need - 1})
	require.ErrorAs(t, err, &refused)
}

// All weights take less memory than the largest 1,000 up to 8,000 items.
func TestAThousandWeightsAreKeptWhereAllDoNotFit(t *testing.T) {
	in := random(t, 7, 40, 8400, 0)
	cfg := gfcf.Config{Factors: -1, Neighbors: 1000, Workers: 1, MaxBytes: 1}
	_, err := gfcf.Train(t.Context(), in, cfg)
	_, scan := fmt.Sscanf(err.Error(), "gfcf: training needs %d bytes", &cfg.MaxBytes)
	require.NoError(t, scan)
	want := train(t, in, cfg).Version()
	cfg.Neighbors = 0
	require.Equal(t, want, train(t, in, cfg).Version())
	cfg.MaxBytes = 0
	require.NotEqual(t, want, train(t, in, cfg).Version())
}

func TestTheModelDoesNotDependOnWorkers(t *testing.T) {
	in := random(t, 6, 300, 200, 4000)
	cfg := gfcf.Config{Factors: 70, Sharpening: 1, Neighbors: 20, Workers: 1}
	want := train(t, in, cfg).Version()
	for _, cfg.Workers = range []int{2, 5} {
		require.Equal(t, want, train(t, in, cfg).Version())
	}
	cfg.Seed = 1
	require.NotEqual(t, want, train(t, in, cfg).Version())
}

func TestTrainingRefuses(t *testing.T) {
	in := random(t, 9, 30, 20, 100)
	_, err := gfcf.Train(t.Context(), nil, gfcf.Config{})
	require.ErrorContains(t, err, "interactions are nil")
	_, err = gfcf.Train(t.Context(), in, gfcf.Config{
		Factors: -2, Alpha: math.Inf(1), UserExponent: math.NaN(), ItemExponent: -1, Popularity: 7, Sharpening: 3, Iterations: -1,
		Oversampling: -1, Neighbors: -1, MaxBytes: -1, Workers: -1, History: retrieval.History{Last: -4},
	})
	for _, want := range []string{
		"Factors is -2", "Alpha is +Inf", "UserExponent is NaN", "ItemExponent is -1", "Popularity is 7", "Sharpening is 3", "Iterations is -1",
		"Oversampling is -1", "Neighbors is -1", "MaxBytes is -1", "Workers is -1",
	} {
		require.ErrorContains(t, err, "gfcf: Config."+want)
	}
	require.ErrorContains(t, err, "History.Last is -4")
	_, err = gfcf.Train(t.Context(), in, gfcf.Config{MaxBytes: 100})
	require.ErrorContains(t, err, "gfcf: training needs")
	// The decomposition adds up 16 matrices of 1056 × 1056 float64 side by side.
	_, err = gfcf.Train(t.Context(), random(t, 9, 1100, 1100, 0), gfcf.Config{Factors: 1024, MaxBytes: 16 * 8 * 1056 * 1056})
	require.ErrorContains(t, err, "gfcf: training needs")
	_, err = gfcf.Train(t.Context(), in, gfcf.Config{Workers: 1 << 20})
	require.NoError(t, err, "no more workers than there is work for")
}

func TestTrainingStopsWithItsContext(t *testing.T) {
	in := random(t, 10, 200, 1001, 2000)
	why := errors.New("enough")
	for _, at := range []int{0, 100, 300, 700} {
		ctx, cancel := context.WithCancelCause(t.Context())
		last := -1
		_, err := gfcf.Train(ctx, in, gfcf.Config{Factors: 10, Sharpening: 1, Progress: func(done, all int) {
			require.Equal(t, 1000, all)
			require.GreaterOrEqual(t, done, last)
			if last = done; done >= at {
				cancel(why)
			}
		}})
		require.ErrorIs(t, err, why)
		require.ErrorContains(t, err, "gfcf: training stopped")
	}
}

func TestSmallData(t *testing.T) {
	for _, n := range []int{0, 1, 2} {
		var r retrieval.Records
		for i := range n {
			r.Users, r.Items = append(r.Users, recsys.UserID(i)), append(r.Items, recsys.ItemID(i))
		}
		in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		require.NoError(t, err)
		m := train(t, in, gfcf.Config{Sharpening: 2})
		require.Equal(t, n, m.NumItems())
	}
	var r retrieval.Records
	for i := range 3 {
		r.Users, r.Items, r.Weights = append(r.Users, 1), append(r.Items, recsys.ItemID(i)), append(r.Weights, 0)
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	require.Empty(t, train(t, in, gfcf.Config{}).Weights().Index, "weights of 0 say nothing")
}

// Weights are counts, seconds or prices; the filter does not depend on their unit.
func TestTheUnitOfWeightsDoesNotMatter(t *testing.T) {
	model := func(unit float32) matrix {
		var r retrieval.Records
		for u := range 40 {
			for i := range 30 {
				if (u*7+i*3)%5 < 2 {
					r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(i))
					r.Weights = append(r.Weights, unit*float32(1+(u+i)%3))
				}
			}
		}
		in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		require.NoError(t, err)
		return weights(train(t, in, gfcf.Config{Factors: 2, UserExponent: 0.1, ItemExponent: 0.2, Popularity: 0.5, Sharpening: 1}))
	}
	want := model(1)
	for _, unit := range []float32{0x1p-120, 0x1p-60, 0x1p60, 0x1p120} {
		got := model(unit)
		for i := range want {
			require.InDeltaSlice(t, want[i], got[i], 1e-3, "in units of %g", unit)
		}
	}
}

func TestConformance(t *testing.T) {
	in := random(t, 1, 40, 30, 600)
	retrievaltest.Run(t, func(t *testing.T) recsys.Retriever { return train(t, in, gfcf.Config{Factors: 5, Sharpening: 1}) },
		recsys.Request{User: 1, History: []recsys.Event{{Item: 10}, {Item: 40}}},
		recsys.Request{User: 2, Items: []recsys.ItemID{70}})
}

func TestCheckerboard(t *testing.T) {
	retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
		return train(t, in, gfcf.Config{Factors: 2})
	})
}
