package itemknn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
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

// random returns weighted interactions in which some items are popular.
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

func train(t testing.TB, in *retrieval.Interactions, cfg itemknn.Config) *itemsim.Model {
	t.Helper()
	m, err := itemknn.Train(t.Context(), in, cfg)
	require.NoError(t, err)
	return m
}

// similarity returns what the model gives j for a history of i alone, whose weight is 1 but
// for BM25.
func similarity(t testing.TB, m *itemsim.Model, i, j recsys.ItemID) float64 {
	t.Helper()
	var dst [1]float32
	q := recsys.NewQuery(&recsys.Request{History: []recsys.Event{{Item: i, Kind: recsys.Click}}}, nil, "test")
	require.NoError(t, m.ScoreItems(t.Context(), q, []recsys.ItemID{j}, dst[:]))
	return float64(dst[0])
}

// neighbor returns the similarity of i and j that the model holds.
func neighbor(m *itemsim.Model, i, j recsys.ItemID) float64 {
	for _, n := range m.Neighbors(nil, i, math.MaxInt) {
		if n.Item == j {
			return float64(n.Weight)
		}
	}
	return 0
}

// configOf returns the configuration that a model was trained with.
func configOf(t testing.TB, m *itemsim.Model) (cfg itemknn.Config) {
	t.Helper()
	require.Equal(t, "itemknn", m.Trainer())
	require.NoError(t, json.Unmarshal(m.Config(), &cfg))
	return cfg
}

func TestCosineOfSets(t *testing.T) {
	// Items 1 and 2 have three users each and share two.
	in := baskets(t, []recsys.ItemID{1}, []recsys.ItemID{1, 2}, []recsys.ItemID{1, 2}, []recsys.ItemID{2, 3})
	m := train(t, in, itemknn.Config{Weighting: itemknn.Cosine})
	require.InDelta(t, 2./3, similarity(t, m, 1, 2), 1e-7)
	require.InDelta(t, 1/math.Sqrt(3), similarity(t, m, 2, 3), 1e-7)
	require.Zero(t, similarity(t, m, 1, 3))
	require.Zero(t, similarity(t, m, 1, 1), "an item is no neighbour of its own")
}

// Source: Ferrari Dacrema et al., TOIS 2021: the shrink term is added to the denominator.
func TestShrinkageIsAddedToTheDenominator(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1}, []recsys.ItemID{1, 2}, []recsys.ItemID{1, 2}, []recsys.ItemID{2, 3})
	m := train(t, in, itemknn.Config{Weighting: itemknn.Cosine, Shrinkage: 10})
	require.InDelta(t, 2./(3+10), similarity(t, m, 1, 2), 1e-7)
	m = train(t, in, itemknn.Config{Weighting: itemknn.Cosine, Shrinkage: 10, Raw: true})
	require.InDelta(t, 2, similarity(t, m, 1, 2), 0)
}

// Source: Aiolli, RecSys 2013: with one exponent 0 the asymmetric cosine of sets is the
// conditional probability.
func TestAsymmetryGoesFromOneConditionalProbabilityToTheOther(t *testing.T) {
	// Item 1 has four users, item 2 two, both share two.
	in := baskets(t, []recsys.ItemID{1}, []recsys.ItemID{1, 2}, []recsys.ItemID{1, 2}, []recsys.ItemID{1})
	for _, keep := range []itemknn.Keep{itemknn.PerTarget, itemknn.PerSource} {
		for asymmetry, want := range map[float64][2]float64{
			-1:   {2. / 4, 2. / 2}, // P(2 | 1), P(1 | 2)
			0:    {2 / math.Sqrt(8), 2 / math.Sqrt(8)},
			1:    {2. / 2, 2. / 4},
			-0.5: {2 / (math.Pow(4, 0.75) * math.Pow(2, 0.25)), 2 / (math.Pow(2, 0.75) * math.Pow(4, 0.25))},
		} {
			m := train(t, in, itemknn.Config{Weighting: itemknn.Cosine, Asymmetry: asymmetry, Keep: keep})
			require.InDelta(t, want[0], similarity(t, m, 1, 2), 1e-6, "%v %v", asymmetry, keep)
			require.InDelta(t, want[1], similarity(t, m, 2, 1), 1e-6, "%v %v", asymmetry, keep)
		}
	}
}

// Source: Ferrari Dacrema et al., TOIS 2021, and their released code, but for the 1 that is
// added to the items: idf(u) is ln((1 + items) / (1 + items of u)), the weight sqrt(x) idf(u).
func TestTFIDFByHand(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2}, []recsys.ItemID{1, 2, 3, 4}, []recsys.ItemID{1, 5, 5, 5, 5}, []recsys.ItemID{6, 7, 8, 9})
	a, b, c := math.Log(10./3), math.Log(10./5), math.Log(10./3)
	one, two := math.Sqrt(a*a+b*b+c*c), math.Sqrt(a*a+b*b)
	m := train(t, in, itemknn.Config{Shrinkage: 3})
	require.InDelta(t, (a*a+b*b)/(one*two+3), similarity(t, m, 1, 2), 1e-6)
	require.InDelta(t, c*2*c/(one*2*c+3), similarity(t, m, 1, 5), 1e-6, "four times counts twice")
}

// Source: the okapi_BM_25 of the same code, after Robertson and Walker, SIGIR 1994.
func TestBM25ByHand(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2}, []recsys.ItemID{1, 1, 1}, []recsys.ItemID{3}, []recsys.ItemID{4})
	const k1, b = 2, 0.5
	mean := 7. / 4
	weight := func(x, length, idf float64) float64 {
		return x * (k1 + 1) / (k1*(1-b+b*length/mean) + x) * idf
	}
	w11, w12 := weight(1, 4, math.Log(5./3)), weight(1, 1, math.Log(5./3))
	w21 := weight(3, 4, math.Log(5./2))
	want := w11 * w12 / (math.Sqrt(w11*w11+w21*w21) * w12)
	m := train(t, in, itemknn.Config{Weighting: itemknn.BM25, K1: k1, B: b})
	require.InDelta(t, want, neighbor(m, 1, 2), 1e-6)
	require.InDelta(t, want*weight(1, 4, 1)/(k1+1), similarity(t, m, 1, 2), 1e-6, "the history saturates too")
	require.InDelta(t, want*weight(1, 1, 1)/(k1+1), similarity(t, m, 2, 1), 1e-6)
}

func TestAUserWithEverythingTellsNothing(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2, 3}, []recsys.ItemID{1})
	require.Zero(t, similarity(t, train(t, in, itemknn.Config{}), 1, 2))
	require.NotZero(t, similarity(t, train(t, in, itemknn.Config{Weighting: itemknn.Cosine}), 1, 2))
}

func TestScoreIsTheSumOverTheHistory(t *testing.T) {
	in := random(t, 3, 60, 40, 700)
	m := train(t, in, itemknn.Config{Weighting: itemknn.Cosine, Neighbors: 10})
	sim := oracle(in, itemknn.Config{Weighting: itemknn.Cosine})
	kept := func(i, j recsys.ItemID) float64 {
		if neighbor(m, i, j) == 0 {
			return 0
		}
		a, _ := in.ItemRow(i)
		b, _ := in.ItemRow(j)
		return sim[a][b]
	}
	history := []recsys.Event{{Item: 10, Kind: recsys.Click}, {Item: 0, Kind: recsys.Click}, {Item: 10, Kind: recsys.Click}, {Item: 77777, Kind: recsys.Click}}
	out := recsys.NewSink(1000)
	require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&recsys.Request{History: history}, nil, "x"), out))
	ids, scores := out.Items()
	require.NotEmpty(t, ids)
	for k, j := range ids {
		require.InEpsilon(t, 2*kept(10, j)+kept(0, j), float64(scores[k]), 1e-5)
	}
}

func TestModelDoesNotDependOnWorkers(t *testing.T) {
	in := random(t, 5, 300, 400, 9000)
	for _, cfg := range []itemknn.Config{{Neighbors: 20}, {Neighbors: 20, Weighting: itemknn.BM25, Keep: itemknn.PerSource, Asymmetry: -0.3}} {
		var want bytes.Buffer
		cfg.Workers = 1
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
}

func TestConformance(t *testing.T) {
	in := random(t, 6, 100, 60, 2000)
	requests := []recsys.Request{
		{User: 1, History: []recsys.Event{{Item: 0}, {Item: 15}, {Item: 35}}},
		{User: 2, Items: []recsys.ItemID{20}},
		{User: 99999, History: []recsys.Event{{Item: 25}, {Item: 50}}},
	}
	empty, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
	require.NoError(t, err)
	for _, cfg := range []itemknn.Config{{}, {Weighting: itemknn.BM25, Keep: itemknn.PerSource, Neighbors: 10}} {
		t.Run(fmt.Sprint(cfg.Weighting, cfg.Keep), func(t *testing.T) {
			retrievaltest.Suite{
				Requests: requests,
				Empty:    func() recsys.Retriever { return train(t, empty, cfg) },
			}.Run(t, func(t *testing.T) recsys.Retriever { return train(t, in, cfg) })
		})
	}
}

func TestCheckerboard(t *testing.T) {
	for _, w := range []itemknn.Weighting{itemknn.TFIDF, itemknn.Cosine, itemknn.BM25} {
		for _, keep := range []itemknn.Keep{itemknn.PerTarget, itemknn.PerSource} {
			t.Run(fmt.Sprint(w, keep), func(t *testing.T) {
				retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
					return train(t, in, itemknn.Config{Weighting: w, Keep: keep})
				})
			})
		}
	}
}

func TestNewUserWithTwoEventsIsServed(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2, 3}, []recsys.ItemID{1, 2, 3}, []recsys.ItemID{4, 5}, []recsys.ItemID{4, 5}, []recsys.ItemID{6, 7, 8, 9})
	p, err := recsys.NewPipeline(recsys.Retrieve("itemknn", train(t, in, itemknn.Config{}))).Build()
	require.NoError(t, err)
	res, err := p.Recommend(t.Context(), &recsys.Request{
		User: 123456, K: 3, Exclude: []recsys.ItemID{1, 4},
		History: []recsys.Event{{Item: 1, Kind: recsys.Click}, {Item: 4, Kind: recsys.Click}},
	})
	require.NoError(t, err)
	var ids []recsys.ItemID
	for _, item := range res.Items {
		ids = append(ids, item.ID)
	}
	require.ElementsMatch(t, []recsys.ItemID{2, 3, 5}, ids)
}

func TestHistoryOfTheConfigIsTheModels(t *testing.T) {
	h := retrieval.History{Last: 3, Kinds: map[recsys.EventKind]float64{recsys.Purchase: 2}}
	m := train(t, baskets(t), itemknn.Config{History: h})
	require.Equal(t, h, m.History())
}

func TestConfigErrorsNameEveryField(t *testing.T) {
	nan := math.NaN()
	_, err := itemknn.Train(t.Context(), baskets(t), itemknn.Config{
		Neighbors: -3, Shrinkage: nan, Weighting: 9, K1: -1, B: 2, Asymmetry: nan, Keep: 5, Workers: -1,
		History: retrieval.History{Last: -1},
	})
	for _, want := range []string{
		"itemknn: Config.Neighbors is -3; want >= 0 (0 means 200)", "Config.Shrinkage is NaN", "Config.Weighting is 9",
		"Config.K1 is -1", "Config.B is 2", "Config.Asymmetry is NaN", "Config.Keep is 5", "Config.Workers is -1", "History.Last is -1",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestZeroConfigIsTheDocumentedDefault(t *testing.T) {
	got := configOf(t, train(t, baskets(t), itemknn.Config{}))
	require.Equal(t, itemknn.Config{Neighbors: 200, K1: 1.2, B: 0.75, Weighting: itemknn.TFIDF}, got)
}

func TestWeightsThatOverflowAreRefused(t *testing.T) {
	weighted := func(x float32) *retrieval.Interactions {
		in, err := retrieval.NewInteractions(retrieval.Records{
			Users: []recsys.UserID{1, 1, 2, 2, 3}, Items: []recsys.ItemID{5, 6, 5, 6, 7}, Weights: []float32{1, x, 1, x, 1},
		}, retrieval.SumWeights)
		require.NoError(t, err)
		return in
	}
	const want = "itemknn: the squares of the weights of item 6 add up to more than a float32 holds; divide all weights by a number"
	for _, cfg := range []itemknn.Config{{Weighting: itemknn.Cosine}, {Weighting: itemknn.Cosine, Raw: true}} {
		m := train(t, weighted(1e18), cfg)
		_, err := itemknn.Train(t.Context(), weighted(1e20), cfg)
		require.EqualError(t, err, want)
		_, err = itemknn.Update(t.Context(), m, weighted(1e20), 6)
		require.EqualError(t, err, want)
	}
	train(t, weighted(1e20), itemknn.Config{Weighting: itemknn.BM25})
}

func TestTrainStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := itemknn.Config{Workers: 1, Progress: func(done, all int) {
		if done < all {
			cancel()
		}
	}}
	m, err := itemknn.Train(ctx, random(t, 1, 100, 300, 3000), cfg)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, m)
}

// Parts, rows and columns are allocated, each as large as the weights, of which two live at a time.
func TestTrainingAllocatesLittleBesideTheWeights(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector takes memory of its own")
	}
	in := random(t, 3, 3000, 1500, 30_000)
	in.ByItem()
	cfg := itemknn.Config{Workers: 1, MaxBytes: 1}
	_, err := itemknn.Train(t.Context(), in, cfg)
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	cfg.MaxBytes = refused.Need
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	train(t, in, cfg)
	runtime.ReadMemStats(&after)
	require.LessOrEqual(t, int64(after.TotalAlloc-before.TotalAlloc), refused.Need*3/2)
}

func TestMemoryIsRefusedBeforeItIsTaken(t *testing.T) {
	in := random(t, 2, 50, 30, 400)
	_, err := itemknn.Train(t.Context(), in, itemknn.Config{MaxBytes: 100})
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	require.EqualValues(t, 100, refused.Limit)
	require.ErrorContains(t, err, fmt.Sprintf("itemknn: training needs %d bytes and may take 100: raise Config.MaxBytes, or keep fewer Neighbors", refused.Need))
	_, err = itemknn.Train(t.Context(), in, itemknn.Config{MaxBytes: refused.Need - 1})
	require.Error(t, err)
	m := train(t, in, itemknn.Config{MaxBytes: refused.Need})
	require.Less(t, 8*len(m.Weights().Index), int(refused.Need))
	_, err = itemknn.Train(t.Context(), in, itemknn.Config{MaxBytes: -1})
	require.ErrorContains(t, err, "MaxBytes is -1")
}
