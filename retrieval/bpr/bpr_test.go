package bpr_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/bpr"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// groups returns interactions of users who take three in four items from their fifth of all.
// Item IDs are ten times the row.
func groups(t testing.TB, users, items, n int) *retrieval.Interactions {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(users), uint64(n)))
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
		r.Weights = append(r.Weights, float32(rng.IntN(10))) // 0 does not count
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

func train(t testing.TB, in *retrieval.Interactions, cfg bpr.Config) *bpr.Model {
	t.Helper()
	m, err := bpr.Train(context.Background(), in, cfg)
	require.NoError(t, err)
	return m
}

var losses = []bpr.Loss{bpr.BPR, bpr.WARP, bpr.Logistic}

func TestCheckerboard(t *testing.T) {
	for _, loss := range losses {
		t.Run(loss.String(), func(t *testing.T) {
			retrievaltest.Checkerboard{FoldIn: true, Size: 30}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
				return train(t, in, bpr.Config{Loss: loss, Factors: 3, Epochs: 100, Regularization: 0.1})
			})
		})
	}
}

func TestConformance(t *testing.T) {
	in := groups(t, 30, 40, 300)
	for _, loss := range losses {
		m := train(t, in, bpr.Config{Loss: loss, Factors: 5, Epochs: 5})
		t.Run(loss.String(), func(t *testing.T) {
			retrievaltest.Suite{
				Requests: []recsys.Request{
					{User: 1},
					{User: 2, History: []recsys.Event{{Item: 10}, {Item: 390}}},
					{User: 1 << 40, History: []recsys.Event{{Item: 50}}},
					{User: 1 << 41, Items: []recsys.ItemID{70}},
				},
				Empty: func() recsys.Retriever {
					in, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
					require.NoError(t, err)
					return train(t, in, bpr.Config{Loss: loss})
				},
			}.Run(t, func(*testing.T) recsys.Retriever { return m })
		})
	}
}

func TestTheModelDoesNotDependOnWorkers(t *testing.T) {
	in := groups(t, 120, 600, 4000)
	for _, loss := range losses {
		cfg := bpr.Config{Loss: loss, Factors: 8, Epochs: 3, Workers: 1}
		want := train(t, in, cfg).Version()
		for _, workers := range []int{2, 3, 20} {
			cfg.Workers = workers
			require.Equal(t, want, train(t, in, cfg).Version(), "%v with %d workers", loss, workers)
		}
		cfg.Seed = 1
		require.NotEqual(t, want, train(t, in, cfg).Version())
	}
}

// auc returns the share of pairs of a taken and another item that the model has in order.
func auc(t *testing.T, m *bpr.Model, in *retrieval.Interactions) float64 {
	t.Helper()
	right, pairs := 0.0, 0.0
	scores := make([]float32, in.NumItems())
	for u, id := range in.Users() {
		req := recsys.Request{User: id}
		require.NoError(t, m.ScoreItems(t.Context(), recsys.NewQuery(&req, nil, "x"), in.Items(), scores))
		for i := range scores {
			if w, _ := in.ByUser().At(u, i); w == 0 {
				continue
			}
			for j := range scores {
				if w, _ := in.ByUser().At(u, j); w > 0 {
					continue
				}
				if pairs++; scores[i] > scores[j] {
					right++
				}
			}
		}
	}
	return right / pairs
}

// Source: Rendle et al., UAI 2009, section 4.1.2: BPR-OPT is a smooth stand-in for the area
// under the ROC curve.
func TestTrainingRaisesTheAUC(t *testing.T) {
	in := groups(t, 60, 100, 900)
	for _, loss := range losses {
		for _, hogwild := range []bool{false, true} {
			var first, last float64
			cfg := bpr.Config{Loss: loss, Factors: 8, Epochs: 60, Hogwild: hogwild, Workers: 2, Progress: func(done, all int, loss float64) {
				if last = loss; done == 1 {
					first = loss
				}
				require.Equal(t, 60, all)
			}}
			m := train(t, in, cfg)
			require.Less(t, last, 0.8*first, "%v: the loss falls", loss)
			least := 0.86
			if hogwild { // which updates a race loses differs from run to run: WARP's area by ±.02
				least = 0.8
			}
			require.Greater(t, auc(t, m, in), least, "%v, Hogwild %v", loss, hogwild)
		}
	}
}

// A user who was not there in training is served like one who was.
func TestFoldInIsLikeTraining(t *testing.T) {
	in := groups(t, 100, 100, 3000)
	for _, loss := range losses {
		m := train(t, in, bpr.Config{Loss: loss, Factors: 8, Epochs: 40})
		agree, n := 0, 0
		for u, id := range in.Users() {
			list := func(req recsys.Request) map[recsys.ItemID]bool {
				out := recsys.NewSink(20)
				require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), out))
				items, _ := out.Items()
				set := map[recsys.ItemID]bool{}
				for _, id := range items {
					set[id] = true
				}
				require.Len(t, set, 20)
				return set
			}
			learned := list(recsys.Request{User: id})
			folded := list(recsys.Request{User: 1 << 40, History: in.History(u)})
			for id := range folded {
				if n++; learned[id] {
					agree++
				}
			}
			require.Equal(t, folded, list(recsys.Request{User: id, History: in.History(u)}), "a history counts more than the user's ID")
		}
		require.Greater(t, float64(agree)/float64(n), 0.6, "%v", loss)
	}
}

func TestAnIndexOverTheVectorsFindsTheSame(t *testing.T) {
	in := groups(t, 30, 200, 900)
	for _, cfg := range []bpr.Config{{Factors: 6, Epochs: 5, Biases: true}, {Factors: 6, Epochs: 5}} {
		m := train(t, in, cfg)
		require.Equal(t, map[bool]int{false: 7, true: 6}[!cfg.Biases], m.Vectors().Dim)
		index, err := retrievaltest.NewExact(retrieval.InnerProduct, m.Items(), m.Vectors())
		require.NoError(t, err)
		for _, req := range []recsys.Request{{User: 3}, {User: 1 << 40, History: in.History(4)}} {
			q := recsys.NewQuery(&req, nil, "x")
			user, err := m.UserVector(nil, q)
			require.NoError(t, err)
			hits, err := index.Search(nil, user, 10, retrieval.SearchOptions{})
			require.NoError(t, err)
			out := recsys.NewSink(10)
			require.NoError(t, m.Retrieve(t.Context(), q, out))
			items, scores := out.Items()
			for k, h := range hits {
				require.Equal(t, h.Item, items[k])
				require.Equal(t, h.Score, scores[k])
			}
		}
		none, err := m.UserVector(nil, recsys.NewQuery(&recsys.Request{User: 1 << 40}, nil, "x"))
		require.NoError(t, err)
		require.Empty(t, none)
	}
}

// A training that was cancelled and gone on from ends with the bits of one in one go, also
// when it lay in a file between.
func TestGoingOnGivesTheSameBits(t *testing.T) {
	in := groups(t, 60, 200, 1500)
	for _, loss := range losses {
		cfg := bpr.Config{Loss: loss, Factors: 6, Epochs: 8}
		want := train(t, in, cfg).Version()
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("no more time")
		cfg.Progress = func(done, _ int, _ float64) {
			if done == 3 {
				cancel(why)
			}
		}
		m, err := bpr.Train(ctx, in, cfg)
		require.ErrorIs(t, err, why)
		require.ErrorContains(t, err, "stopped in epoch 4 of 8")
		require.Equal(t, 3, m.Epochs())
		cfg.Progress = nil
		cfg.Start = trip(t, m)
		got := train(t, in, cfg)
		require.Equal(t, 8, got.Epochs())
		require.Equal(t, want, got.Version(), "%v", loss)
		cfg.Start = got
		require.Equal(t, want, train(t, in, cfg).Version(), "nothing left to do")
	}
}

func TestGoingOnWithOtherData(t *testing.T) {
	in := groups(t, 20, 50, 300)
	m := train(t, in, bpr.Config{Factors: 4, Epochs: 5})
	more := groups(t, 30, 60, 500)
	got := train(t, more, bpr.Config{Factors: 4, Epochs: 5, Start: m})
	require.Equal(t, m.UserVectors().Row(3), got.UserVectors().Row(3), "no epoch was left")
	require.Len(t, got.Items(), 60)
	for name, cfg := range map[string]bpr.Config{
		"Loss bpr, 4 Factors":          {Factors: 5, Start: m},
		"want those of the Config: wa": {Factors: 4, Loss: bpr.WARP, Start: m},
		"Biases false; want":           {Factors: 4, Biases: true, Start: m},
		"5 epochs; want at most Confi": {Factors: 4, Epochs: 4, Start: m},
	} {
		_, err := bpr.Train(t.Context(), in, cfg)
		require.ErrorContains(t, err, name)
	}
}

func TestTrainingThatDivergesSaysWhenAndWhy(t *testing.T) {
	in := groups(t, 20, 50, 300)
	for _, loss := range losses {
		m, err := bpr.Train(t.Context(), in, bpr.Config{Loss: loss, Factors: 4, Epochs: 100, LearningRate: 1e30})
		require.ErrorIs(t, err, bpr.ErrDiverged)
		require.ErrorContains(t, err, "in epoch 1 of 100: the mean loss is")
		require.ErrorContains(t, err, "lower Config.LearningRate, which is 1e+30")
		require.Nil(t, m)
	}
}

func TestTrainRefuses(t *testing.T) {
	_, err := bpr.Train(t.Context(), nil, bpr.Config{})
	require.ErrorContains(t, err, "interactions are nil")
	_, err = bpr.Train(t.Context(), groups(t, 2, 2, 2), bpr.Config{
		Loss: 9, Factors: -1, Epochs: -2, LearningRate: math.NaN(), Regularization: math.Inf(1), BiasRegularization: math.NaN(),
		Negatives: 5000, Confidence: -1, Popularity: 2, MaxBytes: -1, Workers: -3, History: retrieval.History{Decay: 2},
	})
	for _, want := range []string{
		"bpr: Config.Loss is 9", "Factors is -1", "Epochs is -2", "LearningRate is NaN", "Regularization is +Inf",
		"BiasRegularization is NaN", "Negatives is 5000", "Popularity is 2", "MaxBytes is -1", "Confidence is -1", "Workers is -3", "History.Decay is 2",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = bpr.Train(t.Context(), groups(t, 2, 2, 2), bpr.Config{MaxBytes: 1000})
	require.ErrorContains(t, err, "and may take 1000: raise Config.MaxBytes, or lower Factors")
	require.ErrorAs(t, err, new(*retrieval.MemoryError))
	var loss bpr.Loss
	require.ErrorContains(t, loss.UnmarshalText([]byte("hinge")), `unknown loss "hinge"`)
	require.Equal(t, "Loss(7)", bpr.Loss(7).String())
}

// Users who have everything, items that only weights of 0 name, one item alone.
func TestOddData(t *testing.T) {
	for _, loss := range losses {
		for _, hogwild := range []bool{false, true} {
			for name, r := range map[string]retrieval.Records{
				"one item":     {Users: []recsys.UserID{1, 2}, Items: []recsys.ItemID{1 << 62, 1 << 62}},
				"everything":   {Users: []recsys.UserID{1, 1, 1}, Items: []recsys.ItemID{1, 2, 3}},
				"weights of 0": {Users: []recsys.UserID{1, 2, 2}, Items: []recsys.ItemID{1, 2, 1}, Weights: []float32{0, 0, 0}},
				"doubled":      {Users: []recsys.UserID{7, 7, 7, 8}, Items: []recsys.ItemID{5, 5, 5, 6}},
				"nothing":      {},
			} {
				in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
				require.NoError(t, err)
				m := train(t, in, bpr.Config{Loss: loss, Factors: 3, Epochs: 2, Hogwild: hogwild, Workers: 2})
				require.NoError(t, m.Vectors().Check(), name)
				out := recsys.NewSink(10)
				req := recsys.Request{User: 1, History: []recsys.Event{{Item: 1}, {Item: 2}, {Item: 3}}}
				require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), out))
			}
		}
	}
}

// A vector that no step has touched is noise.
func TestUsersOfWhomNothingIsKnownGetNothing(t *testing.T) {
	r := retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 3}, Items: []recsys.ItemID{10, 20, 20, 30, 40}, Weights: []float32{1, 1, 1, 1, 0},
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	r.Weights = []float32{1, 1, 0, 0, 1} // user 3 comes, user 2 goes
	next, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	proposed := func(m *bpr.Model, req recsys.Request) []recsys.ItemID {
		out := recsys.NewSink(10)
		require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), out))
		items, _ := out.Items()
		return items
	}
	for _, loss := range losses {
		for _, biases := range []bool{false, true} {
			cfg := bpr.Config{Loss: loss, Factors: 3, Epochs: 2, Biases: biases}
			m := train(t, in, cfg)
			require.Empty(t, proposed(m, recsys.Request{User: 3}), loss)
			require.Len(t, proposed(m, recsys.Request{User: 1}), 4, loss)
			require.Len(t, proposed(m, recsys.Request{User: 3, History: []recsys.Event{{Item: 20}}}), 4, loss)
			if loss != bpr.Logistic { // there is nothing to compare with
				all := []recsys.Event{{Item: 10}, {Item: 20}, {Item: 30}, {Item: 40}}
				require.Empty(t, proposed(m, recsys.Request{User: 9, History: all}), loss)
			}
			cfg.Epochs, cfg.Start = 3, m
			m = train(t, next, cfg)
			require.Len(t, proposed(m, recsys.Request{User: 2}), 4, "what was learned stays")
			require.Len(t, proposed(m, recsys.Request{User: 3}), 4, loss)
		}
	}
}

func TestServingDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	in := groups(t, 30, 200, 900)
	dst := make([]float32, in.NumItems())
	for _, loss := range losses {
		m := train(t, in, bpr.Config{Loss: loss, Factors: 6, Epochs: 2})
		q := recsys.NewQuery(&recsys.Request{User: 1, History: in.History(4)}, nil, "x")
		require.Zero(t, testing.AllocsPerRun(20, func() { m.ScoreItems(context.Background(), q, in.Items(), dst) }))
		sink := testing.AllocsPerRun(20, func() {
			out := recsys.NewSink(20)
			for i := recsys.ItemID(0); out.Add(i, 1); i++ {
			}
		})
		full := testing.AllocsPerRun(20, func() { m.Retrieve(context.Background(), q, recsys.NewSink(20)) })
		require.LessOrEqual(t, full, sink, "the lists of the sink alone")
	}
}

// A model from a file may have learned at a rate that a fold-in cannot bear.
func TestAVectorThatIsNoNumberProposesNothing(t *testing.T) {
	s := good()
	s.config.LearningRate, s.config.Regularization = 1e38, -1
	s.vectors = []float32{1e15, 0, 0, -1e15, 0, 0}
	var m bpr.Model
	_, err := m.ReadFrom(bytes.NewReader(s.bytes()))
	require.NoError(t, err)
	out := recsys.NewSink(3)
	req := recsys.Request{User: 1, History: []recsys.Event{{Item: 5}}}
	require.NoError(t, m.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), out))
	items, _ := out.Items()
	require.Empty(t, items)
}

func TestWithHistory(t *testing.T) {
	in := groups(t, 30, 200, 900)
	m := train(t, in, bpr.Config{Factors: 6, Epochs: 2})
	last, err := m.WithHistory(retrieval.History{Last: 1})
	require.NoError(t, err)
	h := in.History(4)
	q, one := recsys.NewQuery(&recsys.Request{History: h}, nil, "x"), recsys.NewQuery(&recsys.Request{History: h[len(h)-1:]}, nil, "x")
	a, _ := last.UserVector(nil, q)
	b, _ := m.UserVector(nil, one)
	require.Equal(t, b, a)
	_, err = m.WithHistory(retrieval.History{Last: -1})
	require.ErrorContains(t, err, "Last is -1")
}

func BenchmarkFoldIn(b *testing.B) {
	in := groups(b, 1000, 2000, 50_000)
	for _, loss := range losses {
		b.Run("loss="+loss.String(), func(b *testing.B) {
			m := train(b, in, bpr.Config{Loss: loss, Epochs: 3})
			q := recsys.NewQuery(&recsys.Request{User: 1, History: in.History(4)}, nil, "x")
			dst := make([]float32, 0, 65)
			for b.Loop() {
				m.UserVector(dst, q)
			}
		})
	}
}
