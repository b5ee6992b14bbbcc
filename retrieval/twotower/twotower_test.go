package twotower_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/twotower"
)

// groups returns interactions of users who each prefer a fifth of the items.
func groups(t testing.TB, users, items, n int) *retrieval.Interactions {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	var r retrieval.Records
	for k := range n {
		u, i := rng.IntN(users), rng.IntN(items)
		if rng.IntN(8) > 0 {
			i = i/5*5 + u%5
		}
		r.Users, r.Items = append(r.Users, recsys.UserID(100+u)), append(r.Items, recsys.ItemID(1+i%items))
		r.Times = append(r.Times, int64(k))
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

func train(t testing.TB, in *retrieval.Interactions, cfg twotower.Config) *twotower.Model {
	t.Helper()
	m, err := twotower.Train(context.Background(), in, cfg)
	require.NoError(t, err)
	return m
}

// small learns small data fast.
func small(cfg twotower.Config) twotower.Config {
	cfg.Dim, cfg.Batch, cfg.LearningRate = 8, 64, 0.02
	if cfg.Epochs == 0 {
		cfg.Epochs = 6
	}
	return cfg
}

func TestConformance(t *testing.T) {
	in := groups(t, 40, 30, 900)
	for name, cfg := range map[string]twotower.Config{
		"plain":     {},
		"layers":    {Hidden: []int{12, 10}, Dropout: 0.1},
		"attention": {Pooling: twotower.Attention, Anonymous: true, Dot: true},
		"hashed":    {UserBuckets: 50, ItemBuckets: 20, Untied: true, Optimizer: twotower.AdaGrad},
	} {
		t.Run(name, func(t *testing.T) {
			m := train(t, in, small(cfg)) // immutable: one for all cases
			retrievaltest.Suite{Empty: func() recsys.Retriever {
				none, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
				require.NoError(t, err)
				return train(t, none, small(cfg))
			}}.Run(t, func(*testing.T) recsys.Retriever { return m })
		})
	}
}

func TestCheckerboard(t *testing.T) {
	for name, cfg := range map[string]twotower.Config{
		"mean":      {},
		"attention": {Pooling: twotower.Attention},
		"layers":    {Hidden: []int{16}},
		"anonymous": {Anonymous: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := small(cfg)
			cfg.Epochs, cfg.IDDropout = 30, 0.5
			// All users of the board have ten items or so: hidden layers do not learn from
			// them what one item means.
			board := retrievaltest.Checkerboard{FoldIn: len(cfg.Hidden) == 0, Size: 24}
			m := train(t, board.Interactions(), cfg)
			board.Run(t, func(*testing.T, *retrieval.Interactions) recsys.Retriever { return m })
		})
	}
}

func TestTheModelDoesNotDependOnWorkers(t *testing.T) {
	in := groups(t, 200, 300, 4000)
	cfg := small(twotower.Config{
		Hidden: []int{20}, Pooling: twotower.Attention, Dropout: 0.2, IDDropout: 0.3, HardNegatives: 16,
		Validation: 0.1, Epochs: 3, UserBuckets: 150,
	})
	cfg.Batch = 700 // several shards
	cfg.Workers = 1
	want := train(t, in, cfg)
	for _, workers := range []int{2, 3, 8} {
		cfg.Workers = workers
		require.Equal(t, want.Version(), train(t, in, cfg).Version(), "%d workers", workers)
	}
	cfg.Seed = 1
	require.NotEqual(t, want.Version(), train(t, in, cfg).Version())
}

func TestAnInterruptedTrainingGoesOnAsIfItWasNot(t *testing.T) {
	in := groups(t, 60, 80, 1500)
	for _, opt := range []twotower.Optimizer{twotower.Adam, twotower.AdaGrad} {
		cfg := small(twotower.Config{Hidden: []int{9}, HardNegatives: 8, Optimizer: opt, Epochs: 4, Pooling: twotower.Attention})
		want := train(t, in, cfg)
		require.False(t, want.Interrupted())
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		first := cfg
		first.Progress = func(p twotower.Progress) {
			if p.Epoch == 2 {
				cancel(why)
			}
		}
		m, err := twotower.Train(ctx, in, first)
		require.ErrorIs(t, err, why)
		require.ErrorContains(t, err, "epoch 3 of 4")
		require.True(t, m.Interrupted())
		path := t.TempDir() + "/checkpoint"
		require.NoError(t, m.Save(path))
		back, err := twotower.Load(path)
		require.NoError(t, err)
		require.Equal(t, m.Version(), back.Version())
		for _, start := range []*twotower.Model{m, back} {
			cfg.Start = start
			require.Equal(t, want.Version(), train(t, in, cfg).Version(), "%v", opt)
		}
	}
}

func TestTheLossFalls(t *testing.T) {
	in := groups(t, 100, 100, 3000)
	for name, cfg := range map[string]twotower.Config{
		"adam":    {},
		"adagrad": {Optimizer: twotower.AdaGrad},
		"layers":  {Hidden: []int{32, 16}},
		"dot":     {Dot: true},
	} {
		var losses []float64
		cfg = small(cfg)
		cfg.Progress = func(p twotower.Progress) { losses = append(losses, p.Loss) }
		train(t, in, cfg)
		require.Len(t, losses, 6)
		require.Less(t, losses[5], 0.9*losses[0], "%s: %v", name, losses)
		require.False(t, math.IsNaN(losses[5]))
	}
}
