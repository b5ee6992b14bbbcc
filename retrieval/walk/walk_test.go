package walk_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/walk"
)

// baskets returns interactions from what each user, from 1, took.
func baskets(t testing.TB, users ...[]recsys.ItemID) *retrieval.Interactions {
	t.Helper()
	var r retrieval.Records
	for u, items := range users {
		for _, i := range items {
			r.Users, r.Items = append(r.Users, recsys.UserID(u+1)), append(r.Items, i)
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

// random returns weighted interactions in which some items are popular and some weights 0.
func random(t testing.TB, seed uint64, users, items, n int) *retrieval.Interactions {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	for range n {
		r.Users = append(r.Users, recsys.UserID(rnd.IntN(users)))
		r.Items = append(r.Items, recsys.ItemID(5*min(rnd.IntN(items), rnd.IntN(items))))
		r.Weights = append(r.Weights, float32(rnd.IntN(5)))
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

func train(t testing.TB, in *retrieval.Interactions, cfg walk.Config) *itemsim.Model {
	t.Helper()
	m, err := walk.Train(t.Context(), in, cfg)
	require.NoError(t, err)
	return m
}

// weight returns the weight from one item to another.
func weight(m *itemsim.Model, from, to recsys.ItemID) float64 {
	i, _ := slices.BinarySearch(m.Items(), from)
	j, _ := slices.BinarySearch(m.Items(), to)
	w, _ := m.Weights().At(i, j)
	return float64(w)
}

// Source: Cooper et al., WWW 2014 companion, section 2: P3 is the probability of the walk from
// item to user to item, P3alpha with each step's raised to α.
func TestP3IsTheProbabilityOfTheWalk(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2}, []recsys.ItemID{1, 2, 3, 4}, []recsys.ItemID{1})
	m := train(t, in, walk.Config{Raw: true})
	require.InDelta(t, 1./3*1/2+1./3*1/4, weight(m, 1, 2), 1e-7)
	require.InDelta(t, 1./2*1/2+1./2*1/4, weight(m, 2, 1), 1e-7)
	require.InDelta(t, 1./3*1/4, weight(m, 1, 3), 1e-7)
	require.Zero(t, weight(m, 1, 1), "no item is its own neighbour")
	m = train(t, in, walk.Config{Raw: true, Alpha: 0.5})
	require.InDelta(t, math.Sqrt(1./3*1/2)+math.Sqrt(1./3*1/4), weight(m, 1, 2), 1e-6)
}

// Source: Paudel et al., TiiS 2017, equation 6: the weight of P3alpha over the popularity of
// the item to the power of β.
func TestBetaDividesByPopularity(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2}, []recsys.ItemID{1, 2, 3, 4}, []recsys.ItemID{1})
	plain := train(t, in, walk.Config{Raw: true, Alpha: 0.7})
	m := train(t, in, walk.Config{Raw: true, Alpha: 0.7, Beta: 0.4})
	for item, users := range map[recsys.ItemID]float64{1: 3, 2: 2, 3: 1} {
		require.InDelta(t, weight(plain, 4, item)/math.Pow(users, 0.4), weight(m, 4, item), 1e-7)
	}
}

func TestWeightsOfAnItemAddUpToOne(t *testing.T) {
	m := train(t, random(t, 2, 50, 30, 400), walk.Config{Neighbors: 1000, Alpha: 0.8, Beta: 0.2})
	c := m.Weights()
	for i := range c.Rows() {
		_, w := c.Row(i)
		sum := 0.0
		for _, x := range w {
			sum += float64(x)
		}
		require.InDelta(t, 1, sum, 1e-5)
	}
}

// oracle is the model by the definition: dense matrices, sorted and cut.
func oracle(in *retrieval.Interactions, cfg walk.Config) [][]float64 {
	n := in.NumItems()
	at := func(u, i int) float64 {
		w, _ := in.ByUser().At(u, i)
		return float64(w)
	}
	users, ofUser, ofItem := make([]float64, n), make([]float64, in.NumUsers()), make([]float64, n)
	for u := range in.NumUsers() {
		for i := range n {
			ofUser[u] += at(u, i)
			ofItem[i] += at(u, i)
			if at(u, i) > 0 {
				users[i]++
			}
		}
	}
	w := make([][]float64, n)
	for i := range w {
		w[i] = make([]float64, n)
		for j := range n {
			for u := range in.NumUsers() {
				if x, y := at(u, i), at(u, j); x > 0 && y > 0 && i != j {
					w[i][j] += math.Pow(x/ofItem[i], cfg.Alpha) * math.Pow(y/ofUser[u], cfg.Alpha)
				}
			}
			w[i][j] /= math.Pow(max(users[j], 1), cfg.Beta)
		}
		cut(w[i], cfg.Neighbors)
		sum := 0.0
		for _, x := range w[i] {
			sum += x
		}
		for j := range w[i] {
			if sum > 0 && !cfg.Raw {
				w[i][j] /= sum
			}
		}
	}
	for j := range n {
		var column []float64
		for i := range n {
			column = append(column, w[i][j])
		}
		cut(column, cfg.Neighbors)
		for i := range n {
			w[i][j] = column[i]
		}
	}
	return w
}

// cut sets all but the n largest values to 0; the first of equals stay.
func cut(x []float64, n int) {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[b], x[a]) })
	for _, i := range order[min(n, len(order)):] {
		x[i] = 0
	}
}

func TestModelIsTheOracles(t *testing.T) {
	for seed, cfg := range []walk.Config{
		{Neighbors: 1000, Alpha: 1},
		{Neighbors: 1000, Alpha: 0.6, Beta: 0.3},
		{Neighbors: 7, Alpha: 1.3, Beta: 0.45},
		{Neighbors: 3, Alpha: 0.71, Beta: 1},
		{Neighbors: 5, Alpha: 0.5, Beta: 0.2, Raw: true},
		{Neighbors: 4, Alpha: 0.9, Beta: -0.3},
	} {
		in := random(t, uint64(seed), 40, 30, 400)
		m, want := train(t, in, cfg).Weights(), oracle(in, cfg)
		for i := range want {
			for j, w := range want[i] {
				got, _ := m.At(i, j)
				require.InDelta(t, w, float64(got), 1e-5*w, "%+v: %d to %d", cfg, i, j)
			}
		}
	}
}

func TestModelDoesNotDependOnWorkers(t *testing.T) {
	in := random(t, 5, 300, 400, 9000)
	cfg := walk.Config{Neighbors: 20, Alpha: 0.7, Beta: 0.3, Workers: 1}
	var want bytes.Buffer
	_, err := train(t, in, cfg).WriteTo(&want)
	require.NoError(t, err)
	for _, workers := range []int{0, 2, 7} {
		cfg.Workers = workers
		var got bytes.Buffer
		_, err := train(t, in, cfg).WriteTo(&got)
		require.NoError(t, err)
		require.Equal(t, want.Bytes(), got.Bytes(), "%d workers", workers)
	}
}

func TestConformance(t *testing.T) {
	in := random(t, 6, 100, 60, 2000)
	retrievaltest.Suite{
		Requests: []recsys.Request{
			{User: 1, History: []recsys.Event{{Item: 0}, {Item: 15}, {Item: 35}}},
			{User: 2, Items: []recsys.ItemID{20}},
		},
		Empty: func() recsys.Retriever { return train(t, baskets(t), walk.Config{}) },
	}.Run(t, func(t *testing.T) recsys.Retriever { return train(t, in, walk.Config{Beta: 0.3}) })
}

func TestOneItemProposesNothing(t *testing.T) {
	m := train(t, baskets(t, []recsys.ItemID{1 << 60}, []recsys.ItemID{1 << 60}), walk.Config{Beta: 0.3})
	out := recsys.NewSink(10)
	q := recsys.NewQuery(&recsys.Request{History: []recsys.Event{{Item: 1 << 60}}}, nil, "x")
	require.NoError(t, m.Retrieve(t.Context(), q, out))
	ids, _ := out.Items()
	require.Empty(t, ids)
}

func TestCheckerboard(t *testing.T) {
	retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
		return train(t, in, walk.Config{Alpha: 0.7, Beta: 0.3})
	})
}

func TestConfigErrorsNameEveryField(t *testing.T) {
	nan := math.NaN()
	_, err := walk.Train(t.Context(), baskets(t), walk.Config{
		Neighbors: -3, Alpha: nan, Beta: -11, Workers: -1, History: retrieval.History{Last: -1},
	})
	for _, want := range []string{
		"walk: Config.Neighbors is -3; want >= 0 (0 means 200)", "Config.Alpha is NaN", "Config.Beta is -11", "Config.Workers is -1", "History.Last is -1",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = walk.Train(t.Context(), nil, walk.Config{})
	require.ErrorContains(t, err, "interactions are nil")
}

func TestZeroConfigIsTheDocumentedDefault(t *testing.T) {
	m := train(t, baskets(t), walk.Config{History: retrieval.History{Last: 4}})
	var cfg walk.Config
	require.NoError(t, json.Unmarshal(m.Config(), &cfg))
	require.Equal(t, walk.Config{Neighbors: 200, Alpha: 1}, cfg)
	require.Equal(t, "walk", m.Trainer())
	require.Equal(t, 4, m.History().Last)
}

// Probabilities that vanish in a float32 are no weights, and no weight is NaN.
func TestExtremesStayFinite(t *testing.T) {
	r := retrieval.Records{
		Users: []recsys.UserID{1, 1, 1, 2, 2}, Items: []recsys.ItemID{1, 2, 3, 2, 3},
		Weights: []float32{math.MaxFloat32, math.SmallestNonzeroFloat32, math.MaxFloat32, 0, 0},
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	for _, cfg := range []walk.Config{{}, {Alpha: 10, Beta: 10}, {Alpha: 0.001}} {
		m := train(t, in, cfg)
		require.InDelta(t, 1, weight(m, 1, 3)+weight(m, 1, 2), 1e-6)
		require.NotZero(t, weight(m, 1, 3))
	}
}

func TestTrainStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := walk.Config{Workers: 1, Progress: func(done, all int) {
		if done < all {
			cancel()
		}
	}}
	m, err := walk.Train(ctx, random(t, 1, 100, 300, 3000), cfg)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, m)
}

func TestMemoryIsRefusedBeforeItIsTaken(t *testing.T) {
	in := random(t, 2, 50, 30, 400)
	_, err := walk.Train(t.Context(), in, walk.Config{MaxBytes: 100})
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	require.EqualValues(t, 100, refused.Limit)
	require.ErrorContains(t, err, fmt.Sprintf("walk: training needs %d bytes and may take 100: raise Config.MaxBytes, or keep fewer Neighbors", refused.Need))
	_, err = walk.Train(t.Context(), in, walk.Config{MaxBytes: refused.Need - 1})
	require.Error(t, err)
	m := train(t, in, walk.Config{MaxBytes: refused.Need})
	require.Less(t, 8*len(m.Weights().Index), int(refused.Need))
	_, err = walk.Train(t.Context(), in, walk.Config{MaxBytes: -1})
	require.ErrorContains(t, err, "MaxBytes is -1")
}
