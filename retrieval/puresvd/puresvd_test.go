package puresvd_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/puresvd"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// random returns interactions of users who each prefer a part of the items, and R as rows
// of float64.
func random(t testing.TB, seed uint64, users, items, n int) (*retrieval.Interactions, [][]float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	for i := range items { // each item has a user, so that rows are items
		r.Users, r.Items, r.Weights = append(r.Users, recsys.UserID(i%users)), append(r.Items, recsys.ItemID(10*i)), append(r.Weights, 1)
	}
	for range n {
		u, i := rng.IntN(users), rng.IntN(items)
		if rng.IntN(4) > 0 {
			i = (u%5*items/5 + i/5) % items
		}
		r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(10*i))
		r.Weights = append(r.Weights, 0.5+rng.Float32())
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in, dense(in)
}

func dense(in *retrieval.Interactions) [][]float64 {
	rows := make([][]float64, in.NumUsers())
	for u := range rows {
		rows[u] = make([]float64, in.NumItems())
		items, weights := in.ByUser().Row(u)
		for k, i := range items {
			rows[u][i] = float64(weights[k])
		}
	}
	return rows
}

func train(t testing.TB, in *retrieval.Interactions, cfg puresvd.Config) *puresvd.Model {
	t.Helper()
	m, err := puresvd.Train(context.Background(), in, cfg)
	require.NoError(t, err)
	return m
}

// oracle returns the first f singular values and right singular vectors of r, by the power
// method with deflation in float64.
func oracle(r [][]float64, f int) (values []float64, vectors [][]float64) {
	n := len(r[0])
	rng := rand.New(rand.NewPCG(9, 9))
	times := func(v []float64) []float64 { // RᵀR v
		out := make([]float64, n)
		for _, row := range r {
			sum := 0.0
			for i, x := range row {
				sum += x * v[i]
			}
			for i, x := range row {
				out[i] += x * sum
			}
		}
		return out
	}
	for range f {
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		norm := 0.0
		for range 3000 {
			v = times(v)
			for _, old := range vectors {
				d := 0.0
				for i := range v {
					d += v[i] * old[i]
				}
				for i := range v {
					v[i] -= d * old[i]
				}
			}
			norm = 0
			for _, x := range v {
				norm += x * x
			}
			norm = math.Sqrt(norm)
			for i := range v {
				v[i] /= norm
			}
		}
		values, vectors = append(values, math.Sqrt(norm)), append(vectors, v)
	}
	return values, vectors
}

// projection returns entry i, j of V Vᵀ.
func projection(m *puresvd.Model, i, j int) float64 {
	return float64(vector.Dot(m.Vectors().Row(i), m.Vectors().Row(j)))
}

func TestFactorsAreThoseOfTheDenseDecomposition(t *testing.T) {
	for _, normalize := range []float64{0, 0.5, 1} {
		in, r := random(t, 3, 80, 50, 900)
		for i := range r[0] {
			square := 0.0
			for u := range r {
				square += r[u][i] * r[u][i]
			}
			for u := range r {
				r[u][i] *= math.Pow(square, -normalize/2)
			}
		}
		const f = 5
		values, vectors := oracle(r, f+1)
		require.Greater(t, values[f-1], 1.005*values[f], "the data says which factors are the first")
		m := train(t, in, puresvd.Config{Factors: f, Normalize: normalize, Iterations: 100, Seed: 4})
		for j := range f {
			require.InEpsilon(t, values[j], m.Values()[j], 1e-5, "value %d, normalize %v", j, normalize)
		}
		for a := range 50 {
			for b := range 50 {
				want := 0.0
				for j := range f {
					want += vectors[j][a] * vectors[j][b]
				}
				require.InDelta(t, want, projection(m, a, b), 1e-3, "normalize %v: V Vᵀ at %d, %d", normalize, a, b)
			}
		}
	}
}

func TestColumnsAreOrthonormal(t *testing.T) {
	in, _ := random(t, 5, 300, 200, 5000)
	m := train(t, in, puresvd.Config{Factors: 40})
	v := m.Vectors()
	for a := range 40 {
		for b := range 40 {
			sum, want := 0.0, 0.0
			for i := range v.Rows {
				sum += float64(v.Row(i)[a]) * float64(v.Row(i)[b])
			}
			if a == b {
				want = 1
			}
			require.InDelta(t, want, sum, 1e-5)
		}
	}
	for j := 1; j < 40; j++ {
		require.LessOrEqual(t, m.Values()[j], m.Values()[j-1])
	}
}

// With as many factors as the rank, r V Vᵀ is r for every user of the training.
//
// Source: Cremonesi, Koren and Turrin, RecSys 2010, section 3.3.2: R̂ = U Σ Qᵀ, and U Σ is
// R Q, so that a row of R̂ is r Q Qᵀ.
func TestAllFactorsGiveBackTheRatings(t *testing.T) {
	in, r := random(t, 6, 30, 20, 200)
	m := train(t, in, puresvd.Config{Factors: 20, Iterations: 60})
	for u := range r {
		for i := range r[u] {
			score := 0.0
			for j, x := range r[u] {
				score += x * projection(m, j, i)
			}
			require.InDelta(t, r[u][i], score, 1e-3, "user %d, item %d", u, i)
		}
	}
}

func TestWhatTheDataLacksIsZero(t *testing.T) {
	// Two groups of users who took the same: rank 2.
	var records retrieval.Records
	for u := range 20 {
		for i := range 10 {
			records.Users = append(records.Users, recsys.UserID(u))
			records.Items = append(records.Items, recsys.ItemID(u%2*10+i))
		}
	}
	in, err := retrieval.NewInteractions(records, retrieval.SumWeights)
	require.NoError(t, err)
	m := train(t, in, puresvd.Config{Factors: 6})
	require.Equal(t, 6, m.Vectors().Dim)
	require.InDelta(t, 10, m.Values()[0], 1e-4) // 10 users with 10 items each: sqrt(10·10)
	require.InDelta(t, 10, m.Values()[1], 1e-4)
	require.Equal(t, []float32{0, 0, 0, 0}, m.Values()[2:])
	for i := range 20 {
		require.Equal(t, []float32{0, 0, 0, 0}, m.Vectors().Row(i)[2:])
		require.InDelta(t, 0.1, projection(m, i, i/10*10), 1e-5)
		require.InDelta(t, 0, projection(m, i, (i/10*10+10)%20), 1e-5)
	}
}

func TestTheModelDoesNotDependOnWorkers(t *testing.T) {
	in, _ := random(t, 7, 700, 400, 9000)
	want := train(t, in, puresvd.Config{Factors: 16, Workers: 1})
	for _, workers := range []int{2, 3, 8} {
		require.Equal(t, want.Version(), train(t, in, puresvd.Config{Factors: 16, Workers: workers}).Version())
	}
	require.NotEqual(t, want.Version(), train(t, in, puresvd.Config{Factors: 16, Seed: 1}).Version())
}

func TestSmallData(t *testing.T) {
	for _, n := range []int{0, 1, 2} {
		var r retrieval.Records
		for i := range n {
			r.Users, r.Items = append(r.Users, recsys.UserID(i)), append(r.Items, recsys.ItemID(i))
		}
		in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		require.NoError(t, err)
		m := train(t, in, puresvd.Config{Factors: 3})
		require.Equal(t, n, m.Vectors().Rows)
		require.NoError(t, m.Vectors().Check())
		for i := range n {
			require.InDelta(t, 1, projection(m, i, i), 1e-5)
		}
	}
	var r retrieval.Records
	for range 3 {
		r.Users, r.Items, r.Weights = append(r.Users, 1), append(r.Items, recsys.ItemID(len(r.Items))), append(r.Weights, 0)
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	m := train(t, in, puresvd.Config{Factors: 3, Normalize: 1})
	require.Equal(t, make([]float32, 9), m.Vectors().Data, "weights of 0 give vectors of 0")
}

func TestTrainingRefuses(t *testing.T) {
	in, _ := random(t, 8, 20, 10, 100)
	_, err := puresvd.Train(t.Context(), nil, puresvd.Config{})
	require.ErrorContains(t, err, "interactions are nil")
	_, err = puresvd.Train(t.Context(), in, puresvd.Config{Factors: -1, Normalize: math.NaN(), Iterations: -2, Oversampling: 5000, Workers: -4})
	for _, want := range []string{"Factors is -1", "Normalize is NaN", "Iterations is -2", "Oversampling is 5000", "Workers is -4"} {
		require.ErrorContains(t, err, "puresvd: Config."+want)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	var told []int
	_, err = puresvd.Train(ctx, in, puresvd.Config{Iterations: 5, Progress: func(done, all int) {
		require.Equal(t, 5, all)
		told = append(told, done)
		if done == 2 {
			cancel(why)
		}
	}})
	require.ErrorIs(t, err, why)
	require.Equal(t, []int{1, 2}, told)
}

// serve joins a model with an index, as a service does.
func serve(t *testing.T, m *puresvd.Model) recsys.Retriever {
	t.Helper()
	ix, err := retrievaltest.NewExact(retrieval.InnerProduct, m.Items(), m.Vectors())
	require.NoError(t, err)
	r, err := nearest.New(ix, nearest.Config{})
	require.NoError(t, err)
	return r
}

func TestConformance(t *testing.T) {
	in, _ := random(t, 1, 40, 30, 600)
	retrievaltest.Run(t, func(t *testing.T) recsys.Retriever { return serve(t, train(t, in, puresvd.Config{Factors: 8})) },
		recsys.Request{User: 1, History: []recsys.Event{{Item: 10}, {Item: 40}}},
		recsys.Request{User: 2, Items: []recsys.ItemID{70}})
}

func TestCheckerboard(t *testing.T) {
	retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
		return serve(t, train(t, in, puresvd.Config{Factors: 2}))
	})
}

// Weights are counts, seconds or prices; a model must not depend on their unit.
func TestTheUnitOfWeightsDoesNotMatter(t *testing.T) {
	train := func(unit float32) *puresvd.Model {
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
		m, err := puresvd.Train(t.Context(), in, puresvd.Config{Factors: 4})
		require.NoError(t, err)
		return m
	}
	want := train(1)
	for _, unit := range []float32{0x1p-115, 0x1p-60, 0x1p60, 0x1p120} {
		got := train(unit)
		for j, v := range want.Values() {
			root := float32(math.Pow(float64(unit), 1-want.Config().Normalize))
			require.InEpsilon(t, v*root, got.Values()[j], 1e-4, "value %d in units of %g", j, unit)
		}
		for i := range want.Vectors().Rows {
			require.InDeltaSlice(t, want.Vectors().Row(i), got.Vectors().Row(i), 1e-3, "item %d in units of %g", i, unit)
		}
	}
}

func TestMemoryIsRefusedBeforeItIsTaken(t *testing.T) {
	in, _ := random(t, 8, 100, 60, 2000)
	_, err := puresvd.Train(t.Context(), in, puresvd.Config{MaxBytes: 100})
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "may take 100: raise Config.MaxBytes, or lower Factors or Oversampling")
	_, err = puresvd.Train(t.Context(), in, puresvd.Config{MaxBytes: refused.Need - 1})
	require.Error(t, err)
	m := train(t, in, puresvd.Config{MaxBytes: refused.Need})
	require.Equal(t, m.Version(), train(t, in, puresvd.Config{}).Version(), "the bound is no part of the model")
	_, err = puresvd.Train(t.Context(), in, puresvd.Config{MaxBytes: -1})
	require.ErrorContains(t, err, "MaxBytes is -1")
}
