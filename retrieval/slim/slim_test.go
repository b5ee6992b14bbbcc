package slim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/slim"
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
		r.Weights = append(r.Weights, float32(rnd.IntN(3)))
	}
	in, err := retrieval.NewInteractions(r, retrieval.LastWeight)
	require.NoError(t, err)
	return in
}

func train(t testing.TB, in *retrieval.Interactions, cfg slim.Config) *itemsim.Model {
	t.Helper()
	m, err := slim.Train(t.Context(), in, cfg)
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

// The minimum for one candidate, and for two that tell the same, in closed form.
//
// Source: Ning and Karypis, ICDM 2011, equation 4.
func TestWeightsByHand(t *testing.T) {
	var one, two [][]recsys.ItemID
	for range 10 {
		one, two = append(one, []recsys.ItemID{1, 2}), append(two, []recsys.ItemID{1, 2, 3})
	}
	one = append(one, []recsys.ItemID{1}, []recsys.ItemID{2}, []recsys.ItemID{2})
	m := train(t, baskets(t, one...), slim.Config{Discount: -1, L1: 0.5, L2: 3})
	require.InDelta(t, (10-0.5)/(11+3), weight(m, 1, 2), 1e-6)
	require.InDelta(t, (10-0.5)/(12+3), weight(m, 2, 1), 1e-6)
	require.Zero(t, weight(m, 1, 1))
	m = train(t, baskets(t, two...), slim.Config{Discount: -1, L1: 0.5, L2: 3, Tolerance: 1e-6})
	require.InDelta(t, (10-0.5)/(20+3), weight(m, 1, 3), 1e-5)
	require.InDelta(t, (10-0.5)/(20+3), weight(m, 2, 3), 1e-5)
}

// The model with a discount is that of interactions which are divided before.
func TestDiscountDividesTheInteractionsOfAUser(t *testing.T) {
	in := random(t, 2, 50, 20, 400)
	for _, power := range []float64{0.25, 0.5, 1} {
		var r retrieval.Records
		before, after := 0.0, 0.0
		for u, user := range in.Users() {
			items, weights := in.ByUser().Row(u)
			n := 0.0
			for _, w := range weights {
				if w > 0 {
					n++
				}
			}
			for k, i := range items {
				w := float64(weights[k]) / math.Pow(max(n, 1), power)
				before, after = before+float64(weights[k]*weights[k]), after+w*w
				r.Users, r.Items, r.Weights = append(r.Users, user), append(r.Items, in.Items()[i]), append(r.Weights, float32(w))
			}
		}
		for k := range r.Weights {
			r.Weights[k] *= float32(math.Sqrt(before / after))
		}
		divided, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		require.NoError(t, err)
		cfg := slim.Config{Discount: -1, L1: 0.2, L2: 5, Tolerance: 1e-6, Sweeps: 1000}
		want := train(t, divided, cfg).Weights()
		cfg.Discount = power
		got := train(t, in, cfg).Weights()
		for i := range want.Rows() {
			for j := range want.Rows() {
				a, _ := want.At(i, j)
				b, _ := got.At(i, j)
				require.InDelta(t, a, b, 1e-4)
			}
		}
	}
}

func TestL1LeavesOutWhatSharesNoMore(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2, 3}, []recsys.ItemID{1, 2}, []recsys.ItemID{1, 2})
	m := train(t, in, slim.Config{Discount: -1, L1: 1, L2: 1})
	require.NotZero(t, weight(m, 1, 2))
	require.Zero(t, weight(m, 1, 3))
	require.NotZero(t, weight(train(t, in, slim.Config{Discount: -1, L1: 0.9, L2: 1}), 1, 3))
	require.Empty(t, train(t, in, slim.Config{Discount: -1, L1: 3}).Weights().Index)
}

// products returns AᵀA.
func products(in *retrieval.Interactions) [][]float64 {
	n := in.NumItems()
	g := make([][]float64, n)
	for i := range g {
		g[i] = make([]float64, n)
		for j := range n {
			for u := range in.NumUsers() {
				a, _ := in.ByUser().At(u, i)
				b, _ := in.ByUser().At(u, j)
				g[i][j] += float64(a * b)
			}
		}
	}
	return g
}

// oracle minimises by a descent over all items, in float64 and for long.
func oracle(g [][]float64, j int, l1, l2 float64) []float64 {
	w := make([]float64, len(g))
	for moved := true; moved; {
		moved = false
		for k := range w {
			if k == j || g[k][k] == 0 {
				continue
			}
			rest := g[k][j]
			for l := range w {
				if l != k {
					rest -= g[k][l] * w[l]
				}
			}
			next := max(0, (rest-l1)/(g[k][k]+l2))
			moved = moved || math.Abs(next-w[k]) > 1e-12
			w[k] = next
		}
	}
	return w
}

func TestModelIsTheOracles(t *testing.T) {
	for seed, cfg := range []slim.Config{{Discount: -1, L1: 1, L2: 5}, {Discount: -1, L1: 0.01, L2: 20}, {Discount: -1, L1: 3, L2: 1}, {Discount: -1, L1: 0.1, L2: 100}} {
		cfg.Sweeps, cfg.Tolerance = 10_000, 1e-7
		in := random(t, uint64(seed), 60, 25, 500)
		g, m := products(in), train(t, in, cfg).Weights()
		for j := range g {
			for k, w := range oracle(g, j, cfg.L1, cfg.L2) {
				got, _ := m.At(k, j)
				require.InDelta(t, w, float64(got), 1e-5, "%+v: %d to %d", cfg, k, j)
			}
		}
	}
}

// The conditions of Karush, Kuhn and Tucker hold at the minimum and nowhere else: the slope is 0
// where a weight is positive, and leads up where it is 0. They are checked on data that is too
// large for the oracle, with the default tolerance.
func TestModelKeepsTheConditionsOfTheMinimum(t *testing.T) {
	for seed, cfg := range []slim.Config{{Discount: -1, L1: 0.5, L2: 10}, {Discount: -1, L1: 2, L2: 50}} {
		in := random(t, uint64(seed), 300, 70, 6000)
		g, m := products(in), train(t, in, cfg).Weights()
		columns := m.Transpose()
		positive := 0
		for j := range g {
			from, weights := columns.Row(j)
			largest := 0.0
			for k := range g {
				if k != j {
					largest = max(largest, g[k][j])
				}
			}
			for k := range g {
				w, _ := columns.At(j, k)
				slope := float64(cfg.L2*float64(w)) + cfg.L1 - g[k][j]
				for l, i := range from {
					slope += g[k][i] * float64(weights[l])
				}
				switch {
				case k == j:
					require.Zero(t, w)
				case w > 0:
					positive++
					require.InDelta(t, 0, slope, 0.02*largest, "%d to %d", k, j)
				default:
					require.Zero(t, w)
					require.Greater(t, slope, -0.02*largest, "%d to %d", k, j)
				}
			}
		}
		require.Greater(t, positive, 500)
	}
}

func TestFewerCandidatesAndNeighborsAreTheBest(t *testing.T) {
	in := random(t, 3, 300, 60, 5000)
	g := products(in)
	all := train(t, in, slim.Config{Discount: -1, L1: 0.5}).Weights().Transpose()
	few := train(t, in, slim.Config{Discount: -1, L1: 0.5, Neighbors: 5}).Weights().Transpose()
	tried := train(t, in, slim.Config{Discount: -1, L1: 0.5, Candidates: 7}).Weights().Transpose()
	for j := range g {
		_, weights := all.Row(j)
		best := slices.Sorted(slices.Values(weights))
		slices.Reverse(best)
		_, weights = few.Row(j)
		kept := slices.Sorted(slices.Values(weights))
		slices.Reverse(kept)
		require.Equal(t, best[:min(5, len(best))], kept)
		var cosines []float64
		cosine := func(k int) float64 { return g[k][j] / math.Sqrt(g[k][k]) }
		for k := range g {
			if k != j && g[k][k] > 0 {
				cosines = append(cosines, cosine(k))
			}
		}
		slices.Sort(cosines)
		from, _ := tried.Row(j)
		require.LessOrEqual(t, len(from), 7)
		for _, k := range from {
			require.GreaterOrEqual(t, cosine(int(k)), cosines[max(len(cosines)-7, 0)]*(1-1e-6))
		}
	}
}

func TestMemoryIsRefusedBeforeItIsTaken(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2, 3}, []recsys.ItemID{1, 2}, []recsys.ItemID{7})
	_, err := slim.Train(t.Context(), in, slim.Config{MaxBytes: 47})
	require.ErrorContains(t, err, "bytes and may take 47: raise Config.MaxBytes, or leave out the users with the longest histories")
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	_, err = slim.Train(t.Context(), in, slim.Config{MaxBytes: refused.Need - 1})
	require.ErrorAs(t, err, &refused)
	train(t, in, slim.Config{MaxBytes: refused.Need})
}

func TestWeightsThatOverflowAreRefused(t *testing.T) {
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1}, Items: []recsys.ItemID{5, 6}, Weights: []float32{1, 1e30},
	}, retrieval.SumWeights)
	require.NoError(t, err)
	_, err = slim.Train(t.Context(), in, slim.Config{})
	require.ErrorContains(t, err, "item 6 add up to more than a float32 holds")
}

func TestModelDoesNotDependOnWorkers(t *testing.T) {
	in := random(t, 5, 300, 400, 9000)
	var want bytes.Buffer
	_, err := train(t, in, slim.Config{Workers: 1, L2: 10}).WriteTo(&want)
	require.NoError(t, err)
	for _, workers := range []int{0, 2, 7} {
		var got bytes.Buffer
		_, err := train(t, in, slim.Config{Workers: workers, L2: 10}).WriteTo(&got)
		require.NoError(t, err)
		require.Equal(t, want.Bytes(), got.Bytes(), "%d workers", workers)
	}
}

func TestProgressGrowsToTheEnd(t *testing.T) {
	in := random(t, 7, 200, 150, 4000)
	var steps []int
	train(t, in, slim.Config{Workers: 3, Progress: func(done, all int) {
		require.Equal(t, in.NumItems(), all)
		steps = append(steps, done)
	}})
	require.True(t, slices.IsSorted(steps))
	require.Equal(t, in.NumItems(), steps[len(steps)-1])
}

func TestConformance(t *testing.T) {
	in := random(t, 6, 100, 60, 3000)
	cfg := slim.Config{Discount: -1, L1: 0.1, L2: 5}
	retrievaltest.Suite{
		Requests: []recsys.Request{
			{User: 1, History: []recsys.Event{{Item: 0}, {Item: 15}, {Item: 35}}},
			{User: 2, Items: []recsys.ItemID{20}},
		},
		Empty: func() recsys.Retriever { return train(t, baskets(t), cfg) },
	}.Run(t, func(t *testing.T) recsys.Retriever { return train(t, in, cfg) })
}

func TestOneItemProposesNothing(t *testing.T) {
	m := train(t, baskets(t, []recsys.ItemID{1 << 60}, []recsys.ItemID{1 << 60}), slim.Config{})
	out := recsys.NewSink(10)
	q := recsys.NewQuery(&recsys.Request{History: []recsys.Event{{Item: 1 << 60}}}, nil, "x")
	require.NoError(t, m.Retrieve(t.Context(), q, out))
	ids, _ := out.Items()
	require.Empty(t, ids)
}

func TestCheckerboard(t *testing.T) {
	retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
		return train(t, in, slim.Config{})
	})
}

func TestConfigErrorsNameEveryField(t *testing.T) {
	nan := math.NaN()
	_, err := slim.Train(t.Context(), baskets(t), slim.Config{
		L1: -1, L2: nan, Discount: 2, Candidates: -1, Neighbors: -3, Sweeps: -1, Tolerance: 1, MaxBytes: -1, Workers: -1, History: retrieval.History{Last: -1},
	})
	for _, want := range []string{
		"slim: Config.L1 is -1; want a finite number >= 0 (0 means 0.1)", "Config.L2 is NaN", "Config.Discount is 2", "Config.Candidates is -1", "Config.Neighbors is -3; want >= 0 (0 means all)",
		"Config.Sweeps is -1", "Config.Tolerance is 1", "Config.MaxBytes is -1", "Config.Workers is -1", "History.Last is -1",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = slim.Train(t.Context(), nil, slim.Config{})
	require.ErrorContains(t, err, "interactions are nil")
}

func TestZeroConfigIsTheDocumentedDefault(t *testing.T) {
	m := train(t, baskets(t), slim.Config{History: retrieval.History{Last: 4}})
	var cfg slim.Config
	require.NoError(t, json.Unmarshal(m.Config(), &cfg))
	require.Equal(t, slim.Config{L1: 0.1, L2: 100, Discount: 0.25, Candidates: 1000, Sweeps: 100, Tolerance: 0.001}, cfg)
	require.Equal(t, "slim", m.Trainer())
	require.Equal(t, 4, m.History().Last)
}

func TestTrainStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in := random(t, 1, 100, 300, 3000)
	m, err := slim.Train(ctx, in, slim.Config{Workers: 1, Progress: func(done, all int) {
		if done < all {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, m)
	_, err = slim.Train(ctx, in, slim.Config{})
	require.ErrorIs(t, err, context.Canceled, "before it begins")
}
