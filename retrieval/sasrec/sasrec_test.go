package sasrec_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/sasrec"
)

// walks returns histories of users who mostly go from item 10·i to item 10·(i+1), in a circle.
func walks(t testing.TB, users, items int, seed uint64) *retrieval.Interactions {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	for u := range users {
		at := rng.IntN(items)
		for range 2 + rng.IntN(9) {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(10*at))
			if at = (at + 1) % items; rng.IntN(5) == 0 {
				at = rng.IntN(items)
			}
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

// small is a network for tests.
var small = sasrec.Architecture{Dim: 16, Heads: 2, Layers: 2, Hidden: 24, Length: 8}

func train(t testing.TB, in *retrieval.Interactions, cfg sasrec.Config) *sasrec.Model {
	t.Helper()
	m, err := sasrec.Train(t.Context(), in, cfg)
	require.NoError(t, err)
	return m
}

func events(items ...recsys.ItemID) []recsys.Event {
	var h []recsys.Event
	for _, i := range items {
		h = append(h, recsys.Event{Item: i, Kind: recsys.Click})
	}
	return h
}

func query(req recsys.Request) *recsys.Query { return recsys.NewQuery(&req, nil, "test") }

func propose(t testing.TB, r recsys.Retriever, req recsys.Request, n int) ([]recsys.ItemID, []float32) {
	t.Helper()
	out := recsys.NewSink(n)
	require.NoError(t, r.Retrieve(t.Context(), query(req), out))
	return out.Items()
}

func TestEveryLossLearnsTheNextItem(t *testing.T) {
	in := walks(t, 200, 12, 1)
	for _, loss := range []sasrec.Loss{sasrec.Softmax, sasrec.BCE, sasrec.GBCE} {
		for _, negatives := range []int{0, 3} {
			for _, norm := range []sasrec.Norm{sasrec.PreNorm, sasrec.PostNorm} {
				if (negatives == 0) != (norm == sasrec.PreNorm) || testing.Short() && negatives == 0 {
					continue // half of the pairs tell as much
				}
				a := small
				a.Norm = norm
				epochs := 40
				if loss == sasrec.GBCE {
					epochs = 100 // first it learns that nearly all is negative
				}
				var first, last float64
				m := train(t, in, sasrec.Config{
					Architecture: a, Loss: loss, Negatives: negatives, LearningRate: 0.005, Batch: 128, Epochs: epochs, Dropout: 0.1, Share: -1,
					Progress: func(p sasrec.Progress) {
						if p.Step == p.Steps && p.Epoch == 1 {
							first = p.Loss
						}
						last = p.Loss
					},
				})
				require.Less(t, last, 0.9*first, "%v %v", loss, norm)
				right := 0
				for i := range 12 {
					ids, _ := propose(t, m, recsys.Request{History: events(recsys.ItemID(10*((i+11)%12)), recsys.ItemID(10*i))}, 1)
					if ids[0] == recsys.ItemID(10*((i+1)%12)) {
						right++
					}
				}
				require.GreaterOrEqual(t, right, 11, "%v with %d negatives, %v norm", loss, negatives, norm)
			}
		}
	}
}

// With a temperature scores are cosines divided by it, and training keeps the vectors so, those
// of items that no event has too.
func TestTemperatureDividesCosines(t *testing.T) {
	const temperature = 0.125
	in := walks(t, 200, 12, 1)
	a := small
	a.Temperature = temperature
	cfg := sasrec.Config{Architecture: a, LearningRate: 0.005, Batch: 128, Epochs: 30, Dropout: 0.1, Share: 0.1}
	m := train(t, in, cfg)
	length := func(x []float32) float64 {
		sum := 0.0
		for _, v := range x {
			sum += float64(v) * float64(v)
		}
		return math.Sqrt(sum)
	}
	cfg.Start, cfg.Epochs, cfg.Share = m, 1, -1
	right := 0
	for _, m := range []*sasrec.Model{m, train(t, in, cfg)} {
		for i := range m.Vectors().Rows {
			require.InDelta(t, 1, length(m.Vectors().Row(i)), 1e-5)
		}
		for i := range 12 {
			req := recsys.Request{History: events(recsys.ItemID(10*((i+11)%12)), recsys.ItemID(10*i))}
			user, err := m.UserVector(nil, query(req))
			require.NoError(t, err)
			require.InDelta(t, 1/temperature, length(user), 1e-4)
			if ids, _ := propose(t, m, req, 1); ids[0] == recsys.ItemID(10*((i+1)%12)) {
				right++
			}
		}
	}
	require.GreaterOrEqual(t, right, 22, "of 24 next items")
}

// A later event does not change what the network makes of the earlier ones, and those beyond
// Length count nothing.
func TestOnlyTheNewestEventsCount(t *testing.T) {
	m := train(t, walks(t, 40, 12, 1), sasrec.Config{Architecture: small, Epochs: 1})
	vec := func(h []recsys.Event) []float32 {
		v, err := m.UserVector(nil, query(recsys.Request{History: h}))
		require.NoError(t, err)
		return v
	}
	long := events(0, 10, 20, 30, 40, 50, 60, 70, 80, 90)
	require.Equal(t, vec(long[2:]), vec(long))
	require.NotEqual(t, vec(long[3:]), vec(long), "the oldest of those that count")
	require.Equal(t, vec(events(10, 20)), vec(events(10, 999, 20, 999)), "unknown items are passed over")
	skipped := events(10, 30, 20)
	skipped[1].Kind = recsys.Skip
	require.Equal(t, vec(events(10, 20)), vec(skipped), "and so are kinds of weight 0")
	require.Empty(t, vec(events(999)))
	v, err := m.UserVector([]float32{7}, query(recsys.Request{Items: []recsys.ItemID{10, 20}}))
	require.NoError(t, err)
	require.Equal(t, append([]float32{7}, vec(events(10, 20))...), v, "anchors stand in for a history")
	other, err := m.WithHistory(retrieval.History{Last: 2})
	require.NoError(t, err)
	w, err := other.UserVector(nil, query(recsys.Request{History: long}))
	require.NoError(t, err)
	require.Equal(t, vec(long[8:]), w)
	_, err = m.WithHistory(retrieval.History{Last: -1})
	require.ErrorContains(t, err, "Last is -1")
}

func TestScoresAreInnerProducts(t *testing.T) {
	in := walks(t, 60, 30, 2)
	m := train(t, in, sasrec.Config{Architecture: small, Epochs: 2})
	req := recsys.Request{History: events(50, 60, 70)}
	user, err := m.UserVector(nil, query(req))
	require.NoError(t, err)
	want := make([]float64, len(m.Items()))
	for i := range want {
		for j, x := range m.Vectors().Row(i) {
			want[i] += float64(x) * float64(user[j])
		}
	}
	ids, scores := propose(t, m, req, 100)
	require.Len(t, ids, 30)
	for k, id := range ids {
		at, _ := slices.BinarySearch(m.Items(), id)
		require.InDelta(t, want[at], scores[k], 1e-5)
	}
	dst := []float32{9, 9, 9}
	require.NoError(t, m.ScoreItems(t.Context(), query(req), []recsys.ItemID{ids[3], 5, 0}, dst))
	require.Equal(t, scores[3], dst[0])
	require.Zero(t, dst[1])
	require.NotZero(t, dst[2], "item 0 is an item")
	// An index over the vectors gives the same list.
	index, err := retrievaltest.NewExact(retrieval.InnerProduct, m.Items(), m.Vectors())
	require.NoError(t, err)
	source, err := nearest.New(index, nearest.Config{Vectors: m.UserVector})
	require.NoError(t, err)
	same, _ := propose(t, source, req, 100)
	require.Equal(t, ids, same)
}

func TestRoomForMoreThanThereIs(t *testing.T) {
	m := train(t, walks(t, 20, 10, 1), sasrec.Config{Architecture: small, Epochs: 1})
	for _, req := range []recsys.Request{
		{},
		{Exclude: []recsys.ItemID{1, 2}},
		{Explain: true},
		{Explain: true, Allow: m.Items()},
	} {
		req.History = events(m.Items()[0])
		ids, _ := propose(t, m, req, math.MaxInt)
		require.Len(t, ids, len(m.Items()))
	}
}

func TestAllowAndExclude(t *testing.T) {
	m := train(t, walks(t, 60, 30, 2), sasrec.Config{Architecture: small, Epochs: 2})
	p, err := recsys.NewPipeline(recsys.Retrieve("next", m, recsys.Quota(3))).Build()
	require.NoError(t, err)
	req := recsys.Request{K: 3, History: events(50, 60)}
	all, _ := propose(t, m, req, 30)
	req.Exclude = all[:5]
	got := func() []recsys.ItemID {
		res, err := p.Recommend(t.Context(), &req)
		require.NoError(t, err)
		var ids []recsys.ItemID
		for _, i := range res.Items {
			ids = append(ids, i.ID)
		}
		return ids
	}
	require.Equal(t, all[5:8], got())
	req.Allow = []recsys.ItemID{all[20], all[2], all[9], all[7], 12345, all[7]}
	require.Equal(t, []recsys.ItemID{all[7], all[9], all[20]}, got())
}

func TestTheModelDoesNotDependOnWorkers(t *testing.T) {
	in := walks(t, 400, 60, 7)
	cfg := sasrec.Config{Architecture: small, Epochs: 2, Negatives: 16, Workers: 1}
	want := train(t, in, cfg)
	for _, workers := range []int{3, 8} {
		cfg.Workers = workers
		require.Equal(t, want.Version(), train(t, in, cfg).Version(), "%d workers", workers)
	}
	cfg.Seed = 1
	require.NotEqual(t, want.Version(), train(t, in, cfg).Version())
}

// Memory grows with the work, not with the number of goroutines allowed.
func TestMoreWorkersThanWork(t *testing.T) {
	in := walks(t, 60, 30, 2)
	cfg := sasrec.Config{Architecture: small, Epochs: 1, Workers: 1 << 40}
	many := train(t, in, cfg)
	cfg.Workers = 1
	require.Equal(t, train(t, in, cfg).Vectors(), many.Vectors())
}

func TestTrainingStopsWhenValidationIsBest(t *testing.T) {
	in := walks(t, 200, 30, 3)
	for _, holdout := range []sasrec.Holdout{sasrec.LastEvents, sasrec.LastSequences} {
		var told []sasrec.Progress
		cfg := sasrec.Config{
			Architecture: small, Epochs: 60, Patience: 3, LearningRate: 0.02, Batch: 128, Share: 0.3, Dropout: -1, Holdout: holdout, Seed: 4,
			Progress: func(p sasrec.Progress) { told = append(told, p) },
		}
		m := train(t, in, cfg)
		last := told[len(told)-1]
		require.Less(t, last.Epoch, 60, "noise is learned by heart in less")
		require.Equal(t, last.Epoch-3, last.Best)
		require.Equal(t, last.Best, m.Training().Epochs)
		best := 0.0
		for _, p := range told {
			if p.NDCG > best { // false for NaN
				best = p.NDCG
			}
		}
		require.Equal(t, best, m.Training().NDCG)
		told, cfg.Refit = nil, true
		again := train(t, in, cfg)
		require.True(t, told[len(told)-1].Refit)
		require.Equal(t, last.Best, told[len(told)-1].Epoch)
		require.Equal(t, last.Best, told[len(told)-1].Epochs)
		require.Equal(t, m.Training().NDCG, again.Training().NDCG)
		require.NotEqual(t, m.Vectors(), again.Vectors())
	}
}

func TestCancelledTrainingGoesOn(t *testing.T) {
	in := walks(t, 200, 30, 3)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cfg := sasrec.Config{Architecture: small, Epochs: 10, LearningRate: 0.01, Batch: 64, Share: -1}
	cfg.Progress = func(p sasrec.Progress) {
		if p.Epoch == 5 && p.Step == 2 {
			cancel(why)
		}
	}
	m, err := sasrec.Train(ctx, in, cfg)
	require.ErrorIs(t, err, why)
	require.NotNil(t, m)
	require.Equal(t, 4, m.Training().Epochs)
	var first float64
	cfg.Progress = func(p sasrec.Progress) {
		if p.Epoch == 1 {
			first = p.Loss
		}
	}
	cfg.Start, cfg.Epochs = m, 2
	more := train(t, in, cfg)
	require.Less(t, first, 1.1*m.Training().Loss, "it does not begin anew")
	require.Nil(t, more.Config().Start)
	// Other items: those that both have go on.
	other := walks(t, 200, 33, 3)
	cfg.Epochs, cfg.LearningRate = 1, 1e-9
	moved := train(t, other, cfg)
	for i, id := range m.Items() {
		require.Equal(t, id, moved.Items()[i])
		require.InDeltaSlice(t, m.Vectors().Row(i), moved.Vectors().Row(i), 1e-5)
	}
	cfg.Dim = 32
	_, err = sasrec.Train(t.Context(), in, cfg)
	require.ErrorContains(t, err, "Config.Start has the architecture")
}

func TestACancelledRefitGivesTheModelBeforeIt(t *testing.T) {
	in := walks(t, 100, 30, 3)
	cfg := sasrec.Config{Architecture: small, Epochs: 2, LearningRate: 0.01, Batch: 64, Share: 0.3}
	want := train(t, in, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Refit = true
	cfg.Progress = func(p sasrec.Progress) {
		if p.Refit {
			cancel()
		}
	}
	m, err := sasrec.Train(ctx, in, cfg)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, want.Vectors(), m.Vectors())
}

func TestSmallData(t *testing.T) {
	for _, records := range []retrieval.Records{
		{},
		{Users: []recsys.UserID{1}, Items: []recsys.ItemID{5}},
		{Users: []recsys.UserID{1, 1}, Items: []recsys.ItemID{5, 5}},
		{Users: []recsys.UserID{1, 1, 2}, Items: []recsys.ItemID{math.MaxUint64, 5, 1 << 40}},
	} {
		in, err := retrieval.NewInteractions(records, retrieval.SumWeights)
		require.NoError(t, err)
		for _, loss := range []sasrec.Loss{sasrec.Softmax, sasrec.BCE, sasrec.GBCE} {
			m := train(t, in, sasrec.Config{Architecture: small, Loss: loss, Epochs: 2, Share: 0.5})
			require.NoError(t, m.Vectors().Check())
			ids, _ := propose(t, m, recsys.Request{History: events(5)}, 10)
			if in.NumItems() > 0 {
				require.Len(t, ids, in.NumItems())
			} else {
				require.Empty(t, ids)
			}
		}
	}
}

func TestTrainingRefuses(t *testing.T) {
	in := walks(t, 20, 10, 1)
	_, err := sasrec.Train(t.Context(), nil, sasrec.Config{})
	require.ErrorContains(t, err, "interactions are nil")
	nan := math.NaN()
	_, err = sasrec.Train(t.Context(), in, sasrec.Config{
		Architecture: sasrec.Architecture{Dim: -1, Heads: -2, Layers: 65, Hidden: 1 << 20, Length: -5, Norm: 7, Activation: 9, Temperature: 1e-4, Epsilon: 1},
		Loss:         5, Negatives: -1, Calibration: 2, Dropout: nan, LearningRate: math.Inf(1), Batch: -1, Average: nan, Epochs: -1, Holdout: 3, Share: 1,
		Workers: -1, MaxBytes: -1, History: retrieval.History{Decay: 2},
	})
	for _, want := range []string{
		"Architecture.Dim is -1", "Architecture.Heads is -2", "Architecture.Layers is 65", "Architecture.Hidden is 1048576",
		"Architecture.Length is -5", "Architecture.Norm is 7", "Architecture.Activation is 9", "Architecture.Temperature is 0.0001", "Architecture.Epsilon is 1",
		"Config.Loss is 5", "Config.Negatives is -1", "Config.Calibration is 2", "Config.Dropout is NaN", "Config.LearningRate is +Inf",
		"Config.Batch is -1", "Config.Average is NaN", "Config.Epochs is -1", "Config.Holdout is 3", "Config.Share is 1", "Config.Workers is -1",
		"Config.MaxBytes is -1", "History.Decay is 2",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = sasrec.Train(t.Context(), in, sasrec.Config{Architecture: sasrec.Architecture{Dim: 64, Heads: 5}})
	require.ErrorContains(t, err, "Heads is 5; want a divisor of Dim, which is 64")
	_, err = sasrec.Train(t.Context(), in, sasrec.Config{MaxBytes: 1000})
	require.ErrorContains(t, err, "bytes, and Config.MaxBytes is 1000")
	cfg := sasrec.Config{Architecture: small, Epochs: 1}
	cfg.Start = train(t, in, cfg)
	cfg.Start.Damage()
	m, err := sasrec.Train(t.Context(), in, cfg)
	require.Zero(t, m)
	require.ErrorContains(t, err, "sasrec: the loss is NaN in epoch 1, step 1, with Config.LearningRate 0.002")
}

func TestNamesAreReadBack(t *testing.T) {
	for _, n := range []sasrec.Norm{sasrec.PreNorm, sasrec.PostNorm} {
		var back sasrec.Norm
		require.NoError(t, back.UnmarshalText([]byte(n.String())))
		require.Equal(t, n, back)
	}
	var l sasrec.Loss
	require.NoError(t, l.UnmarshalText([]byte("gbce")))
	require.Equal(t, sasrec.GBCE, l)
	require.EqualError(t, l.UnmarshalText([]byte("mse")), `sasrec: unknown loss "mse"; want one of ["softmax" "bce" "gbce"]`)
	require.Equal(t, "Loss(9)", sasrec.Loss(9).String())
}

func TestConformance(t *testing.T) {
	in := walks(t, 60, 12, 1)
	m := train(t, in, sasrec.Config{Architecture: small, Epochs: 2})
	nothing, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
	require.NoError(t, err)
	retrievaltest.Suite{
		Requests: []recsys.Request{
			{User: 1, History: events(10, 40)},
			{User: 2, Items: []recsys.ItemID{70}},
			{User: 3, History: events(10, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)},
		},
		Empty: func() recsys.Retriever { return train(t, nothing, sasrec.Config{Architecture: small, Epochs: 1}) },
	}.Run(t, func(*testing.T) recsys.Retriever { return m })
}

func TestAnswersDoNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	m := train(t, walks(t, 60, 40, 1), sasrec.Config{Architecture: small, Epochs: 1})
	p, err := recsys.NewPipeline(recsys.Retrieve("next", m, recsys.Quota(20))).Build()
	require.NoError(t, err)
	for _, req := range []recsys.Request{
		{ID: "a", K: 5, History: events(10, 20, 30, 40), Exclude: []recsys.ItemID{10, 20}},
		{ID: "b", K: 5, Items: []recsys.ItemID{10}, Allow: []recsys.ItemID{10, 30, 50}},
	} {
		var res recsys.Result
		run := func() { require.NoError(t, p.RecommendInto(t.Context(), &req, &res)) }
		run()
		require.Zero(t, testing.AllocsPerRun(50, run))
		q, dst, user := query(req), make([]float32, 40), make([]float32, 0, small.Dim)
		require.Zero(t, testing.AllocsPerRun(50, func() {
			m.ScoreItems(t.Context(), q, m.Items(), dst)
			m.UserVector(user, q)
		}))
	}
}
