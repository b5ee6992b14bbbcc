package ease_test

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
	"github.com/recsyskit/recsys/retrieval/ease"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// random returns interactions of users who each prefer a part of the items, most of them with
// the popular ones. Item i has the ID 10i.
func random(t testing.TB, seed uint64, users, items, n int) *retrieval.Interactions {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	add := func(u, i int) {
		r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(10*i))
		r.Weights = append(r.Weights, 0.5+rng.Float32())
	}
	for i := range items {
		add(i%users, i)
	}
	for u := range users {
		add(u, u%items)
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

// dense returns X in float64.
func dense(in *retrieval.Interactions) [][]float64 {
	x := make([][]float64, in.NumUsers())
	for u := range x {
		x[u] = make([]float64, in.NumItems())
		items, weights := in.ByUser().Row(u)
		for k, i := range items {
			x[u][i] = float64(weights[k])
		}
	}
	return x
}

// gram returns XᵀX + ridge·I.
func gram(x [][]float64, ridge float64) [][]float64 {
	n := len(x[0])
	g := make([][]float64, n)
	for i := range g {
		g[i] = make([]float64, n)
		g[i][i] = ridge
	}
	for _, row := range x {
		var taken []int
		for i, a := range row {
			if a != 0 {
				taken = append(taken, i)
			}
		}
		for _, i := range taken {
			for _, j := range taken {
				g[i][j] += row[i] * row[j]
			}
		}
	}
	return g
}

// inverse returns the inverse of a by Gauss-Jordan elimination.
func inverse(a [][]float64) [][]float64 {
	n := len(a)
	b := make([][]float64, n)
	for i := range a {
		b[i] = make([]float64, 2*n)
		copy(b[i], a[i])
		b[i][n+i] = 1
	}
	for k := range n {
		d := b[k][k]
		for j := range b[k] {
			b[k][j] /= d
		}
		for i := range n {
			if f := b[i][k]; i != k && f != 0 {
				for j, v := range b[k] {
					b[i][j] -= f * v
				}
			}
		}
	}
	for i := range b {
		b[i] = b[i][n:]
	}
	return b
}

// oracle returns B of equation 8 in float64.
func oracle(in *retrieval.Interactions, ridge float64) [][]float64 {
	p := inverse(gram(dense(in), ridge))
	b := make([][]float64, len(p))
	for i := range b {
		b[i] = make([]float64, len(p))
		for j := range b[i] {
			if i != j {
				b[i][j] = -p[i][j] / p[j][j]
			}
		}
	}
	return b
}

func train(t testing.TB, in *retrieval.Interactions, cfg ease.Config) *itemsim.Model {
	t.Helper()
	m, err := ease.Train(context.Background(), in, cfg)
	require.NoError(t, err)
	return m
}

// weights returns the weights of a model as rows.
func weights(m *itemsim.Model) [][]float64 {
	c := m.Weights()
	b := make([][]float64, m.NumItems())
	for i := range b {
		b[i] = make([]float64, m.NumItems())
		to, w := c.Row(i)
		for k, j := range to {
			b[i][j] = float64(w[k])
		}
	}
	return b
}

// tolerance returns the error of weights to expect from float32: its unit times the condition
// number of the Gram matrix, for which there is a bound by the sums of its rows.
func tolerance(in *retrieval.Interactions, ridge float64) float64 {
	norm := 0.0
	for _, row := range gram(dense(in), ridge) {
		sum := 0.0
		for _, x := range row {
			sum += x
		}
		norm = max(norm, sum)
	}
	return 0x1p-24 * norm / ridge
}

// requireClose requires that the weights differ by at most tolerance.
func requireClose(t *testing.T, want, got [][]float64, tolerance float64) {
	t.Helper()
	worst := 0.0
	for i := range want {
		for j := range want[i] {
			worst = max(worst, math.Abs(want[i][j]-got[i][j]))
		}
	}
	require.LessOrEqual(t, worst, tolerance)
}

// Source: Steck, WWW 2019, equation 8, in both of the forms that the package computes.
func TestWeightsAreThoseOfTheClosedForm(t *testing.T) {
	for _, c := range []struct {
		users, items int
		byUsers      bool
	}{{400, 130, false}, {90, 130, true}, {500, 503, true}, {1, 4, true}, {4, 1, false}} {
		in := random(t, 3, c.users, c.items, 12*c.users)
		for _, ridge := range []float64{2, 50} {
			if c.items > 300 && ridge > 2 {
				continue
			}
			cfg := ease.Config{Regularization: ridge, Neighbors: c.items}
			require.Equal(t, c.byUsers, ease.ByUsers(in, cfg))
			requireClose(t, oracle(in, ridge), weights(train(t, in, cfg)), tolerance(in, ridge))
		}
	}
}

// Source: Steck, WWW 2019, section 3.1: the diagonal is zero, and the gradient of the loss
// vanishes elsewhere: (XᵀX + λI) B = XᵀX - diag(λ_j).
func TestTheGradientVanishesOffTheDiagonal(t *testing.T) {
	in := random(t, 4, 300, 80, 3000)
	b, g := weights(train(t, in, ease.Config{Regularization: 20, Neighbors: 80})), gram(dense(in), 20)
	for i := range b {
		require.Zero(t, b[i][i])
		for j := range b {
			gradient := 0.0
			for k := range b {
				gradient += g[i][k] * b[k][j]
			}
			if i != j {
				require.InDelta(t, g[i][j], gradient, 1e-3, "%d, %d", i, j)
			}
		}
	}
}

// A⁻¹ A v = v for vectors v that know nothing of the matrix, A v in float64.
func TestTheInverseIsAccurateForManyTiles(t *testing.T) {
	in := random(t, 5, 1300, 1200, 30000) // 3 tiles of 400
	if testing.Short() {
		in = random(t, 5, 700, 510, 9000)
	}
	const ridge = 3
	got, err := ease.Inverse(in.ByItem(), in.ByUser(), ridge, 2)
	require.NoError(t, err)
	for i := range got {
		for j := range i {
			if got[i][j] != got[j][i] {
				t.Fatalf("%d, %d: %v and %v; want a symmetric matrix", i, j, got[i][j], got[j][i])
			}
		}
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for range 5 {
		v, product := make([]float64, len(got)), make([]float64, len(got))
		for i := range v {
			v[i] = rng.NormFloat64()
			product[i] = ridge * v[i]
		}
		for u := range in.NumUsers() {
			items, weights := in.ByUser().Row(u)
			sum := 0.0
			for k, i := range items {
				sum += float64(weights[k]) * v[i]
			}
			for k, i := range items {
				product[i] += float64(weights[k]) * sum
			}
		}
		for i, row := range got {
			sum := 0.0
			for j, x := range row {
				sum += float64(x) * product[j]
			}
			require.InDelta(t, v[i], sum, 1e-3, "item %d", i)
		}
	}
}

func TestTheModelDoesNotDependOnWorkers(t *testing.T) {
	for _, in := range []*retrieval.Interactions{random(t, 6, 600, 510, 6000), random(t, 6, 500, 560, 6000)} {
		for _, local := range []bool{false, true} {
			want := train(t, in, ease.Config{Local: local, Neighbors: 30, Workers: 1})
			for _, workers := range []int{2, 5} {
				require.Equal(t, want.Version(), train(t, in, ease.Config{Local: local, Neighbors: 30, Workers: workers}).Version())
			}
		}
	}
}

func TestTheLargestWeightsToAnItemAreKept(t *testing.T) {
	in := random(t, 7, 200, 60, 2000)
	all := weights(train(t, in, ease.Config{Regularization: 5, Neighbors: 60}))
	kept := weights(train(t, in, ease.Config{Regularization: 5, Neighbors: 7}))
	for j := range 60 {
		least, most, n := math.Inf(1), 0.0, 0
		for i := range 60 {
			if kept[i][j] != 0 {
				require.Equal(t, all[i][j], kept[i][j])
				least, n = min(least, math.Abs(kept[i][j])), n+1
			} else {
				most = max(most, math.Abs(all[i][j]))
			}
		}
		require.Equal(t, 7, n)
		require.GreaterOrEqual(t, least, most)
	}
}

// More than 1,000 items, by both matrices that may be inverted.
func TestAllWeightsAreKeptWhereTheyFit(t *testing.T) {
	for _, users := range []int{1150, 700} {
		in := random(t, 7, users, 1100, 9000)
		all := train(t, in, ease.Config{Regularization: 20, Neighbors: 1100}).Weights()
		m := train(t, in, ease.Config{Regularization: 20})
		require.Contains(t, string(m.Config()), `"Neighbors":0`)
		got := m.Weights()
		require.Equal(t, all.Start, got.Start)
		require.Equal(t, all.Index, got.Index)
		for k, w := range all.Weight {
			require.InDelta(t, w, got.Weight[k], math.Abs(float64(w))/256, "to eight bits")
		}
		for _, workers := range []int{1, 3} {
			require.Equal(t, m.Version(), train(t, in, ease.Config{Regularization: 20, Workers: workers}).Version())
		}
	}
}

// Up to 8,000 items the largest 1,000 weights would need more than all.
func TestTheBytesThatAreSaidSuffice(t *testing.T) {
	in := random(t, 7, 300, 1100, 6000)
	_, err := ease.Train(t.Context(), in, ease.Config{Workers: 1, MaxBytes: 1})
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	m := train(t, in, ease.Config{Workers: 1, MaxBytes: refused.Need})
	require.Contains(t, string(m.Config()), `"Neighbors":0`)
	_, err = ease.Train(t.Context(), in, ease.Config{Workers: 1, MaxBytes: refused.Need - 1})
	require.ErrorAs(t, err, &refused)
}

// All weights take less memory than the largest 1,000 up to 8,000 items.
func TestAThousandWeightsAreKeptWhereAllDoNotFit(t *testing.T) {
	in := random(t, 7, 50, 8400, 0)
	cfg := ease.Config{Regularization: 20, Neighbors: 1000, Workers: 1, MaxBytes: 1}
	_, err := ease.Train(t.Context(), in, cfg)
	_, scan := fmt.Sscanf(err.Error(), "ease: exact training needs %d bytes", &cfg.MaxBytes)
	require.NoError(t, scan)
	want := train(t, in, cfg).Version()
	cfg.Neighbors = 0
	require.Equal(t, want, train(t, in, cfg).Version())
	cfg.MaxBytes--
	_, err = ease.Train(t.Context(), in, cfg)
	require.ErrorContains(t, err, "needs")
	cfg.MaxBytes = 0
	require.NotEqual(t, want, train(t, in, cfg).Version())
}

// A neighbourhood that is everything with a user in common leaves out what the exact form
// knows of the rest; one with all items is the exact form.
//
// Source: Steck, NeurIPS 2019, section 3.2.
func TestLocalWithAllItemsIsExact(t *testing.T) {
	var r retrieval.Records
	rng := rand.New(rand.NewPCG(1, 2))
	for u := range 60 {
		for i := range 25 {
			if u < 1 || rng.IntN(4) == 0 { // the first user took everything
				r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(10*i))
			}
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	got := train(t, in, ease.Config{Local: true, Neighbors: 25, Regularization: 3})
	requireClose(t, oracle(in, 3), weights(got), tolerance(in, 3))
}

func TestLocalIsARidgeRegressionOnTheNeighbourhood(t *testing.T) {
	const ridge = 4
	in := random(t, 8, 150, 70, 1500)
	b, g := weights(train(t, in, ease.Config{Local: true, Neighbors: 9, Regularization: ridge})), gram(dense(in), 0)
	for j := range b {
		var near []int
		for i := range b {
			if b[i][j] != 0 {
				near = append(near, i)
			}
		}
		require.LessOrEqual(t, len(near), 9)
		for _, i := range near {
			left := ridge * b[i][j]
			for _, k := range near {
				left += g[i][k] * b[k][j]
			}
			require.InDelta(t, g[i][j], left, 1e-4)
		}
	}
}

func TestTrainingRefuses(t *testing.T) {
	in := random(t, 9, 30, 20, 100)
	_, err := ease.Train(t.Context(), nil, ease.Config{})
	require.ErrorContains(t, err, "interactions are nil")
	_, err = ease.Train(t.Context(), in, ease.Config{Regularization: math.NaN(), Neighbors: -1, MaxBytes: -2, Workers: -3, History: retrieval.History{Last: -4}})
	for _, want := range []string{"Config.Regularization is NaN", "Config.Neighbors is -1", "Config.MaxBytes is -2", "Config.Workers is -3", "History.Last is -4"} {
		require.ErrorContains(t, err, want)
	}
	for _, local := range []bool{false, true} {
		_, err = ease.Train(t.Context(), in, ease.Config{Workers: math.MaxInt, Local: local})
		require.ErrorContains(t, err, "Config.Workers is 9223372036854775807; want 0 to 1048576")
	}
	_, err = ease.Train(t.Context(), in, ease.Config{MaxBytes: 100})
	var need, limit int64
	_, scan := fmt.Sscanf(err.Error(), "ease: exact training needs %d bytes and may take %d", &need, &limit)
	require.NoError(t, scan)
	require.EqualValues(t, 100, limit)
	require.Greater(t, need, int64(2*20*20))
	_, err = ease.Train(t.Context(), in, ease.Config{MaxBytes: need - 1})
	require.Error(t, err)
	_, err = ease.Train(t.Context(), in, ease.Config{MaxBytes: need})
	require.NoError(t, err)
	_, err = ease.Train(t.Context(), in, ease.Config{MaxBytes: 100, Local: true})
	require.ErrorContains(t, err, "ease: local training needs")
}

func TestWeightsThatAreTooLargeAreRefused(t *testing.T) {
	for _, local := range []bool{false, true} {
		var r retrieval.Records
		for u := range 8 {
			for i := range 3 {
				r.Users, r.Items, r.Weights = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(i)), append(r.Weights, 1e20)
			}
		}
		in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		require.NoError(t, err)
		_, err = ease.Train(t.Context(), in, ease.Config{Local: local})
		require.ErrorContains(t, err, "not positive definite")
		require.ErrorContains(t, err, "Regularization")
	}
}

func TestTrainingStopsWithItsContext(t *testing.T) {
	in := random(t, 10, 600, 1001, 4000)
	why := errors.New("enough")
	for _, cfg := range []ease.Config{{}, {Neighbors: 9}, {Regularization: 0.001}, {Local: true}} {
		for _, at := range []int{0, 1, 250, 950} {
			ctx, cancel := context.WithCancelCause(t.Context())
			last := -1
			cfg.Progress = func(done, all int) {
				require.Equal(t, 1000, all)
				require.GreaterOrEqual(t, done, last)
				if last = done; done >= at {
					cancel(why)
				}
			}
			if at == 0 {
				cancel(why)
			}
			_, err := ease.Train(ctx, in, cfg)
			require.ErrorIs(t, err, why)
			cancel(nil)
		}
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
		for _, local := range []bool{false, true} {
			m := train(t, in, ease.Config{Local: local})
			require.Equal(t, n, m.NumItems())
			require.Empty(t, m.Weights().Index, "items without a user in common")
		}
	}
}

func TestConformance(t *testing.T) {
	for _, local := range []bool{false, true} {
		in := random(t, 1, 40, 30, 600)
		retrievaltest.Run(t, func(t *testing.T) recsys.Retriever {
			return train(t, in, ease.Config{Local: local, Regularization: 3})
		},
			recsys.Request{User: 1, History: []recsys.Event{{Item: 10}, {Item: 40}}},
			recsys.Request{User: 2, Items: []recsys.ItemID{70}})
	}
}

func TestCheckerboard(t *testing.T) {
	for _, local := range []bool{false, true} {
		retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
			return train(t, in, ease.Config{Local: local, Regularization: 1})
		})
	}
}

func TestTheModelSaysWhatMadeIt(t *testing.T) {
	m := train(t, random(t, 1, 20, 30, 100), ease.Config{Workers: 3})
	require.Equal(t, "ease", m.Trainer())
	require.JSONEq(t, `{"Regularization":100,"Local":false,"Neighbors":1000}`, string(m.Config()))
}
