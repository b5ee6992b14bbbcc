package bpr

import (
	"context"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
)

// Trainer opens a training for tests.
type Trainer struct{ t *trainer }

func NewTrainer(in *retrieval.Interactions, cfg Config) Trainer {
	cfg, err := cfg.withDefaults()
	if err != nil {
		panic(err)
	}
	t, err := newTrainer(in, cfg)
	if err != nil {
		panic(err)
	}
	return Trainer{t}
}

// Arrays returns users, items, biases, biases of users, and the squares of all four.
func (t Trainer) Arrays() [][]float32 {
	p := &t.t.p
	return [][]float32{p.users, p.items, p.bias, p.userBias, p.userSquares, p.itemSquares, p.biasSquares, p.userBiasSquares}
}

// Step takes one step of a loss on user, item and negative, and returns what it adds to the
// loss. WARP draws its negatives from pool.
func (t Trainer) Step(loss Loss, u, i, j int32, weight, target float64, pool []int32) float64 {
	s := t.t.stepper(0)
	s.pool = pool
	s.rng.Seed(1, 2)
	switch loss {
	case BPR:
		s.bpr(u, i, j)
	case WARP:
		s.warp(u, i)
	case Logistic:
		s.logistic(u, i, weight, target)
	}
	return s.loss
}

// Rate returns the learning rate of an epoch.
func (t Trainer) Rate(epoch int) float64 { return t.t.rate(epoch) }

// Epoch runs one.
func (t Trainer) Epoch(epoch int) float64 { return t.t.epoch(context.Background(), epoch) }

// Blocks returns the size of the grid.
func (t Trainer) Blocks() int { return t.t.grid.blocks }

// Seeds of an epoch: of the permutations of users and items, and of a cell.
func Seeds(seed uint64, epoch int) (users, items uint64, cell func(b, c int) uint64) {
	e := hash.Combine(seed, 'e', uint64(epoch))
	return hash.Combine(e, 'u'), hash.Combine(e, 'i'), func(b, c int) uint64 { return hash.Combine(e, uint64(b), uint64(c)) }
}
