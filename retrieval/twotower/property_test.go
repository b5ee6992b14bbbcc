package twotower_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/twotower"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// skewed returns interactions of users who are all alike: item i is taken in proportion to
// 2^-i. What there is to learn are those probabilities.
func skewed(t *testing.T, users, items int) (*retrieval.Interactions, []float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	var r retrieval.Records
	counts := make([]float64, items)
	for u := range users {
		for range 4 {
			i := min(int(rng.ExpFloat64()/math.Ln2), items-1)
			r.Users, r.Items, r.Times = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(i)), append(r.Times, int64(len(r.Times)))
			counts[i]++
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	require.Equal(t, items, in.NumItems())
	return in, counts
}

// slope is that of the regression of the scores of a model on what they should be.
func slope(t *testing.T, m *twotower.Model, want func(p float64) float64, counts []float64) float64 {
	t.Helper()
	items, scores := m.Items(), make([]float32, len(counts))
	q := recsys.NewQuery(&recsys.Request{User: 1 << 40, History: []recsys.Event{{Item: 0}, {Item: 1}}}, nil, "test")
	require.NoError(t, m.ScoreItems(t.Context(), q, items, scores))
	total := 0.0
	for _, c := range counts {
		total += c
	}
	var mx, my, xy, xx float64
	for i, c := range counts {
		mx += want(c/total) / float64(len(counts))
		my += float64(scores[i]) / float64(len(counts))
	}
	for i, c := range counts {
		dx := want(c/total) - mx
		xy += dx * (float64(scores[i]) - my)
		xx += dx * dx
	}
	return xy / xx
}

// Under sampling in proportion to popularity, scores are log p(i|u) with the correction.
// Without it they fall short by the logarithm of how likely the item is among the candidates:
// a batch of 32 has the most popular of 8 items in nearly each, and the rarest in one of five.
//
// Source: Yi et al., RecSys 2019, section 4.1; Bengio and Senécal, IEEE Trans. Neural
// Networks 2008, for the correction as importance sampling.
func TestLogQMakesScoresUnbiasedUnderSkewedSampling(t *testing.T) {
	if race.Enabled {
		t.Skip("long, and on one goroutine")
	}
	in, counts := skewed(t, 1500, 8)
	cfg := twotower.Config{Dim: 8, Dot: true, Anonymous: true, Untied: true, Batch: 32, Negatives: -1, LearningRate: 0.01, Epochs: 8, Before: true}
	for _, debias := range []float64{0, 0.5, 1} {
		cfg.Debias = debias
		m := train(t, in, cfg)
		require.InDelta(t, 1, slope(t, m, func(p float64) float64 {
			return math.Log(p) - debias*math.Log(1-math.Pow(1-p, 32))
		}, counts), 0.1, "debias %v", debias)
		biased := slope(t, m, math.Log, counts)
		if debias == 0 {
			require.InDelta(t, 1, biased, 0.1)
		} else {
			require.Less(t, biased, 1-0.3*debias)
		}
	}
	cfg.Debias, cfg.Negatives = 0, 4 // the mixture is corrected as well
	require.InDelta(t, 1, slope(t, train(t, in, cfg), math.Log, counts), 0.1)
}

// Source: Yang et al., WWW 2020 companion, section 3: items that are never in a batch are not
// seen as negatives without draws from the catalogue.
func TestDrawsFromTheCatalogueTeachWhatNobodyTakes(t *testing.T) {
	in := groups(t, 50, 50, 1500)
	never := make([]recsys.ItemID, 50)
	for i := range never {
		never[i] = recsys.ItemID(10_000 + i)
	}
	ranked := func(negatives int) (mean float64) {
		cfg := small(twotower.Config{Negatives: negatives})
		m, err := twotower.TrainInput(t.Context(), twotower.Input{
			Interactions: in,
			Items:        &twotower.Features[recsys.ItemID]{Keys: never},
		}, cfg)
		require.NoError(t, err)
		require.Len(t, m.Items(), 100)
		for u := range 50 {
			row := make([]float32, 100)
			q := recsys.NewQuery(&recsys.Request{User: recsys.UserID(100 + u)}, nil, "test")
			require.NoError(t, m.ScoreItems(t.Context(), q, m.Items(), row))
			for i := 50; i < 100; i++ {
				mean += float64(row[i]) / 2500
			}
		}
		return mean
	}
	require.Greater(t, ranked(-1), ranked(64)+0.1)
}

// Items without interactions are proposed by their features, and users without by theirs.
func TestFeaturesServeColdItemsAndUsers(t *testing.T) {
	// Even users take even items; the colour is a feature of both, in three forms.
	var r retrieval.Records
	rng := rand.New(rand.NewPCG(6, 6))
	for range 3000 {
		u, i := rng.IntN(60), rng.IntN(40)
		if u%2 == i%2 {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(i))
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	users, items := &twotower.Features[recsys.UserID]{}, &twotower.Features[recsys.ItemID]{}
	var userColour, itemColour []uint64
	var userFloat []float32
	texts := vector.NewMatrix(60, 3)
	for u := range 80 {
		users.Keys, userColour = append(users.Keys, recsys.UserID(79-u)), append(userColour, uint64((79-u)%2))
		userFloat = append(userFloat, 5+float32((79-u)%2))
	}
	for i := range 60 {
		items.Keys, itemColour = append(items.Keys, recsys.ItemID(i)), append(itemColour, uint64(i%2))
		texts.Row(i)[i%2] = 1e6
	}
	users.Columns = []twotower.Column{{Name: "colour", Categories: userColour}, {Name: "number", Floats: userFloat}}
	items.Columns = []twotower.Column{{Name: "text", Vectors: texts}, {Name: "colour", Categories: itemColour}}
	cfg := small(twotower.Config{IDDropout: 0.5, Epochs: 10})
	m, err := twotower.TrainInput(t.Context(), twotower.Input{Interactions: in, Users: users, Items: items}, cfg)
	require.NoError(t, err)
	require.Len(t, m.Items(), 60)
	agrees := func(r recsys.ItemScorer, q *recsys.Query, colour int) {
		t.Helper()
		scores := make([]float32, 20)
		require.NoError(t, r.ScoreItems(t.Context(), q, m.Items()[40:], scores))
		sums := [2]float32{}
		for i, s := range scores {
			sums[i%2] += s
		}
		require.Greater(t, sums[colour], sums[1-colour], "cold items")
	}
	for u := range recsys.UserID(80) { // 60 to 79 took nothing
		agrees(m, recsys.NewQuery(&recsys.Request{User: u}, nil, "test"), int(u%2))
	}
	// A row of the request replaces what training knew.
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{
		{Name: "colour", Kind: recsys.ID, Scope: recsys.PerRequest}, {Name: "number", Scope: recsys.PerRequest},
	}})
	require.NoError(t, err)
	bound, err := m.Bind(schema)
	require.NoError(t, err)
	require.NotNil(t, bound)
	wrong, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "colour", Scope: recsys.PerRequest}}})
	require.NoError(t, err)
	_, err = m.Bind(wrong)
	require.ErrorContains(t, err, `column "colour" is a float`)

	// An item that came after training.
	even, err := m.AppendItemVector(nil, 1000, twotower.Column{Name: "text", Vectors: texts.Slice(0, 1)}, twotower.Column{Name: "colour", Categories: []uint64{0}})
	require.NoError(t, err)
	same, err := m.AppendItemVector(nil, 8, twotower.Column{Name: "text", Vectors: texts.Slice(8, 9)}, twotower.Column{Name: "colour", Categories: []uint64{0}})
	require.NoError(t, err)
	require.InDeltaSlice(t, m.Vectors().Row(8), same, 1e-5, "an item of the training gets its vector")
	user, err := m.UserVector(nil, recsys.NewQuery(&recsys.Request{User: 60}, nil, "test"))
	require.NoError(t, err)
	odd, err := m.AppendItemVector(nil, 1000, twotower.Column{Name: "text", Vectors: texts.Slice(1, 2)}, twotower.Column{Name: "colour", Categories: []uint64{1}})
	require.NoError(t, err)
	require.Greater(t, vector.Dot(user, even), vector.Dot(user, odd))
	_, err = m.AppendItemVector(nil, 1000)
	require.ErrorContains(t, err, "0 columns of features; the model was trained on 2")
	_, err = m.AppendItemVector(nil, 1000, twotower.Column{Name: "colour"}, twotower.Column{Name: "text"})
	require.ErrorContains(t, err, `column 0 is "colour"`)
}

func TestFeaturesOfTheRequestRow(t *testing.T) {
	in := groups(t, 40, 30, 900)
	users := &twotower.Features[recsys.UserID]{}
	var shop []uint64
	for u := range 40 {
		users.Keys, shop = append(users.Keys, recsys.UserID(100+u)), append(shop, uint64(u%5))
	}
	users.Columns = []twotower.Column{{Name: "shop", Categories: shop}}
	cfg := small(twotower.Config{IDDropout: 0.7, Epochs: 12})
	m, err := twotower.TrainInput(t.Context(), twotower.Input{Interactions: in, Users: users}, cfg)
	require.NoError(t, err)
	columns := []recsys.Column{{Name: "shop", Kind: recsys.ID, Scope: recsys.PerRequest}}
	retrievaltest.Suite{
		Columns: columns,
		Fill: func(q *recsys.Query, row *recsys.Block) {
			if q.User > 1000 {
				row.Miss(0)
				return
			}
			row.ID[0][0] = uint64(q.User % 5)
		},
	}.Run(t, func(*testing.T) recsys.Retriever { return m })
	// A new user of a shop gets what its users take.
	for s := range uint64(5) {
		p, err := recsys.NewPipeline(recsys.Retrieve("twotower", m), recsys.Features(recsys.FeatureFunc{
			Cols: columns,
			Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
				if items == nil {
					out.ID[0][0] = s
				}
				return nil
			},
		})).Build()
		require.NoError(t, err)
		res, err := p.Recommend(t.Context(), &recsys.Request{User: 5000, K: 1})
		require.NoError(t, err)
		require.EqualValues(t, s, (res.Items[0].ID-1)%5)
	}
}

func TestOddData(t *testing.T) {
	const far = recsys.ItemID(1) << 63
	records := func(items ...recsys.ItemID) retrieval.Records {
		var r retrieval.Records
		for u, i := range items {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)<<40, recsys.UserID(u)<<40), append(r.Items, i, i)
		}
		return r
	}
	zero := records(1, 2, 3)
	zero.Weights = make([]float32, len(zero.Users))
	for name, r := range map[string]retrieval.Records{
		"nothing":         {},
		"one item":        records(7, 7, 7),
		"one interaction": records(7),
		"gaps":            records(0, 5_000_000_000, far, far+4_000_000_000, 1<<64-1),
		"weights of 0":    zero,
	} {
		for config, cfg := range map[string]twotower.Config{
			"plain":  {Hidden: []int{4}, HardNegatives: 4, Validation: 0.5},
			"hashed": {UserBuckets: 3, ItemBuckets: 3, Pooling: twotower.Attention, Negatives: -1},
			"before": {Before: true, Validation: 0.1, Anonymous: true},
		} {
			t.Run(name+"/"+config, func(t *testing.T) {
				in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
				require.NoError(t, err)
				m := train(t, in, small(cfg))
				require.Equal(t, in.Items(), m.Items())
				for _, user := range append(in.Users(), 99) {
					for _, history := range [][]recsys.Event{nil, {{Item: 7}}, {{Item: far}, {Item: 12345}}} {
						out := recsys.NewSink(100)
						require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&recsys.Request{User: user, History: history}, nil, "test"), out))
						items, scores := out.Items()
						require.LessOrEqual(t, len(items), in.NumItems())
						for _, s := range scores {
							require.False(t, s != s || math.IsInf(float64(s), 0))
						}
					}
				}
			})
		}
	}
}

// Users without interactions get nothing by their ids, whose vectors nobody has trained.
func TestEmptyUsersOfTheTraining(t *testing.T) {
	in := groups(t, 40, 30, 900)
	_, some, err := in.SplitRandom(0.01, 1) // most users have nothing, and rows all the same
	require.NoError(t, err)
	require.Equal(t, 40, some.NumUsers())
	for _, cfg := range []twotower.Config{{}, {UserBuckets: 10}, {Validation: 0.5}} {
		m := train(t, some, small(cfg))
		require.Len(t, m.Items(), 30)
		served := 0
		for u, id := range some.Users() {
			out := recsys.NewSink(5)
			require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&recsys.Request{User: id}, nil, "test"), out))
			if some.HistoryLen(u) == 0 {
				require.Equal(t, 5, out.Room(), "user %d took nothing", id)
			} else if out.Room() == 0 {
				served++
			}
		}
		if cfg.Validation == 0 {
			require.Positive(t, served)
		}
	}
}

func TestServingAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	in := groups(t, 100, 500, 6000)
	for name, cfg := range map[string]twotower.Config{
		"plain":     {},
		"layers":    {Hidden: []int{32}},
		"attention": {Pooling: twotower.Attention, ItemBuckets: 100},
	} {
		m := train(t, in, small(cfg))
		req := recsys.Request{User: 100, History: in.History(0)}
		q := recsys.NewQuery(&req, nil, "test")
		var dst []float32
		scores := make([]float32, 100)
		run := func() {
			var err error
			dst, err = m.UserVector(dst[:0], q)
			if err == nil {
				err = m.ScoreItems(t.Context(), q, m.Items()[:100], scores)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		run()
		require.Zero(t, testing.AllocsPerRun(100, run), name)
		require.Len(t, dst, 8)
	}
}

// The index finds what the scan does.
func TestNearestServesTheTowers(t *testing.T) {
	in := groups(t, 40, 60, 1200)
	m := train(t, in, small(twotower.Config{}))
	index, err := retrievaltest.NewExact(retrieval.InnerProduct, m.Items(), m.Vectors())
	require.NoError(t, err)
	source, err := nearest.New(index, nearest.Config{Vectors: m.UserVector})
	require.NoError(t, err)
	for u := range in.NumUsers() {
		q := recsys.NewQuery(&recsys.Request{User: in.Users()[u], History: in.History(u)}, nil, "test")
		a, b := recsys.NewSink(10), recsys.NewSink(10)
		require.NoError(t, m.Retrieve(t.Context(), q, a))
		require.NoError(t, source.Retrieve(t.Context(), q, b))
		items, _ := a.Items()
		found, _ := b.Items()
		require.Equal(t, items, found)
	}
}

func TestTrainingRefuses(t *testing.T) {
	in := groups(t, 10, 10, 50)
	_, err := twotower.Train(t.Context(), nil, twotower.Config{})
	require.ErrorContains(t, err, "interactions are nil")
	nan := math.NaN()
	_, err = twotower.Train(t.Context(), in, twotower.Config{
		Dim: -1, Hidden: []int{0}, Temperature: nan, Pooling: 9, Last: -1, UserBuckets: -1, ItemBuckets: 1 << 30,
		CategoryBuckets: -1, CategoryDim: -1, Optimizer: 9, LearningRate: -1, Regularization: nan, Dropout: 1, IDDropout: -1, Epochs: -1,
		Batch: -1, Negatives: -2, HardNegatives: -1, Debias: 2, FrequencyRate: nan, Validation: 0.9, Patience: -1, Workers: -1, MaxBytes: -1,
		History: retrieval.History{Decay: 3},
	})
	for _, want := range []string{
		"Dim is -1", "Hidden is [0]", "Temperature is NaN", "Pooling is 9", "Last is -1", "UserBuckets is -1",
		"ItemBuckets is 1073741824", "CategoryBuckets is -1", "CategoryDim is -1", "Optimizer is 9", "LearningRate is -1", "Regularization is NaN",
		"Dropout is 1", "IDDropout is -1", "Epochs is -1", "Batch is -1", "Negatives is -2", "HardNegatives is -1", "Debias is 2",
		"FrequencyRate is NaN", "Validation is 0.9", "Patience is -1", "Workers is -1", "MaxBytes is -1",
	} {
		require.ErrorContains(t, err, "twotower: Config."+want)
	}
	require.ErrorContains(t, err, "History.Decay is 3")

	_, err = twotower.Train(t.Context(), in, twotower.Config{MaxBytes: 1000})
	var memory *retrieval.MemoryError
	require.ErrorAs(t, err, &memory)
	require.Greater(t, memory.Need, int64(1000))
	require.ErrorContains(t, err, fmt.Sprint(memory.Need, " bytes"))

	wild := small(twotower.Config{Dot: true})
	wild.LearningRate = 3e38
	_, err = twotower.Train(t.Context(), in, wild)
	var diverged *twotower.DivergedError
	require.ErrorAs(t, err, &diverged)
	require.Equal(t, 2, diverged.Epoch, "the first step is one of finite weights")
	require.ErrorContains(t, err, "epoch 2, step 1: the loss is ")

	m := train(t, in, small(twotower.Config{}))
	cfg := small(twotower.Config{Start: m})
	cfg.Dim = 9
	_, err = twotower.Train(t.Context(), in, cfg)
	require.ErrorContains(t, err, "Config.Start has other dimensions")
}

func TestFeaturesAreChecked(t *testing.T) {
	in := groups(t, 10, 10, 50)
	inf := float32(math.Inf(1))
	for want, f := range map[string]*twotower.Features[recsys.ItemID]{
		"key 3 is there twice":                                  {Keys: []recsys.ItemID{3, 1, 3}},
		`column 0 has the name ""`:                              {Keys: []recsys.ItemID{3}, Columns: []twotower.Column{{Floats: []float32{1}}}},
		`column 1 has the name "a"`:                             {Keys: []recsys.ItemID{3}, Columns: []twotower.Column{{Name: "a", Floats: []float32{1}}, {Name: "a", Floats: []float32{1}}}},
		`column "a" has 2 values of 1 keys`:                     {Keys: []recsys.ItemID{3}, Columns: []twotower.Column{{Name: "a", Floats: []float32{1, inf}}}},
		`column "a" has values of 2 kinds`:                      {Keys: []recsys.ItemID{3}, Columns: []twotower.Column{{Name: "a", Floats: []float32{1}, Categories: []uint64{1}}}},
		`column "a" has values of 0 kinds`:                      {Keys: []recsys.ItemID{3}, Columns: []twotower.Column{{Name: "a"}}},
		`column "a" of 3 is +Inf`:                               {Keys: []recsys.ItemID{3}, Columns: []twotower.Column{{Name: "a", Floats: []float32{inf}}}},
		`features of items: column "a": vector: row 0 has +Inf`: {Keys: []recsys.ItemID{3}, Columns: []twotower.Column{{Name: "a", Vectors: vector.From([]float32{inf}, 1)}}},
	} {
		_, err := twotower.TrainInput(t.Context(), twotower.Input{Interactions: in, Items: f}, small(twotower.Config{}))
		require.ErrorContains(t, err, want)
	}
}

func TestEarlyStoppingKeepsTheBestEpoch(t *testing.T) {
	in := groups(t, 100, 60, 2000)
	best, last := 0, 0
	cfg := small(twotower.Config{Epochs: 60, Validation: 0.2, Patience: 2})
	cfg.Progress = func(p twotower.Progress) {
		best, last = p.Best, p.Epoch
		require.Equal(t, 60, p.Epochs)
		require.Greater(t, p.Recall, 0.0)
	}
	m := train(t, in, cfg)
	require.Equal(t, best, m.Epochs())
	require.Equal(t, best+2, last, "it stops when two epochs bring nothing")
	cfg.Epochs, cfg.Progress = best, nil
	require.Equal(t, train(t, in, cfg).Vectors(), m.Vectors())
}

func TestAFinishedModelCanLearnMore(t *testing.T) {
	in := groups(t, 60, 80, 1500)
	old := train(t, in, small(twotower.Config{Epochs: 2}))
	// New users and items came.
	var r retrieval.Records
	for u := range in.NumUsers() {
		for _, e := range in.History(u) {
			r.Users, r.Items = append(r.Users, in.Users()[u]), append(r.Items, e.Item)
		}
	}
	for i := range 5 {
		r.Users, r.Items = append(r.Users, recsys.UserID(i)), append(r.Items, recsys.ItemID(i+78)) // 78 to 82: two old, the rest new
	}
	more, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	cfg := small(twotower.Config{Epochs: 1, Start: old})
	cfg.LearningRate = 1e-9 // hardly anything moves
	m := train(t, more, cfg)
	require.Equal(t, 3, m.Epochs())
	require.Greater(t, len(m.Items()), len(old.Items()))
	for i, id := range old.Items() {
		for j, other := range m.Items() {
			if other == id {
				require.InDeltaSlice(t, old.Vectors().Row(i), m.Vectors().Row(j), 1e-5)
			}
		}
	}
}

func TestItemsOfWeightZeroAreNoHistory(t *testing.T) {
	var r retrieval.Records
	for u := range 20 {
		for i := range 6 {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(i+1))
			r.Weights = append(r.Weights, float32(min(i, 1))) // nobody took item 1
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	items := &twotower.Features[recsys.ItemID]{
		Keys:    []recsys.ItemID{1, 2, 3, 4, 5, 6},
		Columns: []twotower.Column{{Name: "price", Floats: []float32{1, 2, 3, 4, 5, 6}}},
	}
	m, err := twotower.TrainInput(context.Background(), twotower.Input{Interactions: in, Items: items}, small(twotower.Config{Validation: 0.3}))
	require.NoError(t, err)
	require.Len(t, m.Items(), 6)
}

func TestStartRefusesColumnsThatItDoesNotHave(t *testing.T) {
	in := groups(t, 40, 30, 900)
	m := train(t, in, small(twotower.Config{}))
	for _, c := range []twotower.Column{
		{Name: "genre", Categories: []uint64{1, 2, 3}},
		{Name: "price", Floats: []float32{1, 2, 3}},
	} {
		items := &twotower.Features[recsys.ItemID]{Keys: []recsys.ItemID{1, 2, 3}, Columns: []twotower.Column{c}}
		_, err := twotower.TrainInput(context.Background(), twotower.Input{Interactions: in, Items: items}, small(twotower.Config{Start: m}))
		require.ErrorContains(t, err, `Config.Start has other columns of features than the input, beginning with "`+c.Name)
	}
}

func TestMoreEpochsOfAFinishedModelCanBeInterrupted(t *testing.T) {
	in := groups(t, 40, 30, 900)
	cfg := small(twotower.Config{Epochs: 2, Anneal: true})
	cfg.Start = train(t, in, cfg)
	whole := train(t, in, cfg)
	require.Equal(t, 4, whole.Epochs())

	ctx, cancel := context.WithCancel(context.Background())
	cfg.Progress = func(twotower.Progress) { cancel() }
	part, err := twotower.Train(ctx, in, cfg)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 3, part.Epochs())
	saved := new(twotower.Model)
	_, err = saved.ReadFrom(bytes.NewReader(write(t, part)))
	require.NoError(t, err)
	for _, start := range []*twotower.Model{part, saved} {
		cfg.Start, cfg.Progress = start, nil
		rest := train(t, in, cfg)
		require.Equal(t, 4, rest.Epochs())
		require.Equal(t, whole.Vectors(), rest.Vectors())
	}
}

func TestTheCallerMayChangeItsConfiguration(t *testing.T) {
	hidden, kinds := []int{8}, map[recsys.EventKind]float64{recsys.Click: 1}
	m := train(t, groups(t, 40, 30, 900), small(twotower.Config{Hidden: hidden, History: retrieval.History{Kinds: kinds}, Epochs: 1}))
	hidden[0], kinds[recsys.Click] = 9, 2
	require.Equal(t, []int{8}, m.Config().Hidden)
	require.Equal(t, 1.0, m.Config().History.Kinds[recsys.Click])
}
