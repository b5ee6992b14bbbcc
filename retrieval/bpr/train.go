package bpr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/memory"
)

// Train returns the model of the interactions. Its users and items are those of in, also the
// ones without interactions. An interaction of weight 0 does not count. The model keeps no
// part of in but the slices of its users and items.
//
// An epoch takes O(interactions × Negatives × Factors) time. Memory beside the model is 24
// bytes per interaction, and 4 × Factors for each user and item if ctx can end. With the
// same data, configuration and seed the model is the same to the bit on any machine and for
// any number of workers, unless Hogwild is set.
//
// The errors are those of cfg, field by field; a *[retrieval.MemoryError] when it would take
// more than Config.MaxBytes; one that wraps [ErrDiverged] when a loss or a
// component is no longer a number, with the epoch and the cause; and, when ctx ends first, one
// that wraps its cause. In the last case alone the model is not nil: it is that of the last
// whole epoch, to be used or gone on from by [Config].Start.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*Model, error) {
	if in == nil {
		return nil, errors.New("bpr: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := newTrainer(in, cfg)
	if err != nil {
		return nil, err
	}
	done := 0
	if cfg.Start != nil {
		done = cfg.Start.epochs
	}
	var last *parameters // of the last whole epoch
	if ctx.Done() != nil {
		last = t.p.clone()
	}
	for ; done < cfg.Epochs; done++ {
		loss := t.epoch(ctx, done)
		if ctx.Err() != nil {
			t.p = *last
			m, err := t.model(in, done)
			if err != nil {
				return nil, err
			}
			return m, fmt.Errorf("bpr: training stopped in epoch %d of %d: %w", done+1, cfg.Epochs, context.Cause(ctx))
		}
		if !(math.Abs(loss) <= math.MaxFloat64) || !t.p.bounded() {
			return nil, fmt.Errorf("%w in epoch %d of %d: the mean loss is %v with a learning rate of %.3g; lower Config.LearningRate, which is %v, or raise Regularization, which is %v",
				ErrDiverged, done+1, cfg.Epochs, loss, t.rate(done), cfg.LearningRate, cfg.Regularization)
		}
		if last != nil {
			last.copyFrom(&t.p)
		}
		if cfg.Progress != nil {
			cfg.Progress(done+1, cfg.Epochs, loss)
		}
	}
	return t.model(in, done)
}

// ErrDiverged means that training left the range of numbers.
var ErrDiverged = errors.New("bpr: training diverged")

// trainer holds what an epoch needs.
type trainer struct {
	cfg          Config
	byUser       *retrieval.CSR
	p            parameters
	reg, biasReg float64
	repeats      []uint16  // how often an item stands in the lists that negatives are drawn from
	harmonic     []float64 // Σ 1/k for k up to the index, for WARP
	workers      int
	grid         *grid           // unless Hogwild
	locks        []atomic.Uint32 // with Hogwild: of users, then of items
}

func newTrainer(in *retrieval.Interactions, cfg Config) (*trainer, error) {
	if err := memory.Check(memory.Bytes(need(&cfg, in)), cfg.MaxBytes, "or lower Factors"); err != nil {
		return nil, fmt.Errorf("bpr: %w", err)
	}
	t := &trainer{cfg: cfg, byUser: positive(in.ByUser()), reg: max(cfg.Regularization, 0), biasReg: max(cfg.BiasRegularization, 0)}
	if t.workers = cfg.Workers; t.workers == 0 {
		t.workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Loss == WARP {
		t.harmonic = make([]float64, in.NumItems()+2)
		for k := 1; k < len(t.harmonic); k++ {
			t.harmonic[k] = t.harmonic[k-1] + 1/float64(k)
		}
	}
	t.repeats = repeats(t.byUser, cfg.Popularity)
	t.p = newParameters(in, t.byUser, &cfg)
	if cfg.Start != nil {
		if err := t.goOn(in, cfg.Start); err != nil {
			return nil, err
		}
	}
	if cfg.Hogwild {
		t.locks = make([]atomic.Uint32, in.NumUsers()+in.NumItems())
	} else {
		t.grid = newGrid(t.byUser, t.repeats)
	}
	return t, nil
}

// positive returns m without the cells of weight 0.
func positive(m *retrieval.CSR) *retrieval.CSR {
	if !slices.Contains(m.Weight, 0) {
		return m
	}
	c := &retrieval.CSR{Cols: m.Cols, Start: make([]int64, 1, len(m.Start))}
	for u := range m.Rows() {
		items, weights := m.Row(u)
		for k, w := range weights {
			if w > 0 {
				c.Index, c.Weight = append(c.Index, items[k]), append(c.Weight, w)
			}
		}
		c.Start = append(c.Start, int64(len(c.Index)))
	}
	return c
}

// newParameters draws the first vectors, each from the seed and the ID of its user or item. That
// of a user without interactions, which no step will touch, is 0.
func newParameters(in *retrieval.Interactions, byUser *retrieval.CSR, cfg *Config) parameters {
	d := cfg.Factors
	p := parameters{
		dim:   d,
		users: make([]float32, in.NumUsers()*d),
		items: make([]float32, in.NumItems()*d),
		bias:  make([]float32, in.NumItems()),
	}
	p.state = newState(in.NumUsers(), in.NumItems(), cfg.Loss)
	for u, id := range in.Users() {
		if byUser.Start[u] < byUser.Start[u+1] {
			draw(p.user(int32(u)), hash.Combine(cfg.Seed, 'u', uint64(id)))
		}
	}
	for i, id := range in.Items() {
		draw(p.item(int32(i)), hash.Combine(cfg.Seed, 'i', uint64(id)))
	}
	return p
}

// newState returns the state before the first step.
func newState(users, items int, loss Loss) state {
	s := state{userSquares: make([]float32, users), itemSquares: make([]float32, items), biasSquares: make([]float32, items)}
	if loss == Logistic {
		s.userBias, s.userBiasSquares = make([]float32, users), make([]float32, users)
	}
	return s
}

// spread is the standard deviation of the first components.
const spread = 0.1

// draw fills v with numbers of mean 0, uniform, as far from it as spread says.
func draw(v []float32, seed uint64) {
	var rng rand.PCG
	rng.Seed(seed, 0x627072)
	const width = spread * 2 * 1.7320508075688772 // of a uniform distribution
	for k := range v {
		v[k] = float32(width * (float64(rng.Uint64()>>11)*0x1p-53 - 0.5))
	}
}

// rate returns the learning rate of an epoch.
func (t *trainer) rate(epoch int) float64 {
	const last = 0.01
	if t.cfg.Epochs == 1 {
		return t.cfg.LearningRate
	}
	done := float64(epoch) / float64(t.cfg.Epochs-1)
	return t.cfg.LearningRate * (1 - float64((1-last)*done))
}

// epoch lets every interaction step once and returns the mean loss.
func (t *trainer) epoch(ctx context.Context, epoch int) float64 {
	var loss float64
	var steps int64
	if t.cfg.Hogwild {
		loss, steps = t.hogwild(ctx, epoch)
	} else {
		loss, steps = t.sharded(ctx, epoch)
	}
	return loss / float64(max(steps, 1))
}

// stepper returns what a worker needs for an epoch.
func (t *trainer) stepper(epoch int) *stepper {
	return &stepper{
		t:    t,
		rate: t.rate(epoch),
		old:  make([]float32, t.p.dim),
		diff: make([]float32, t.p.dim),
	}
}

// lacks returns how many items a user does not have.
func (t *trainer) lacks(u int32) int {
	return t.byUser.Cols - int(t.byUser.Start[u+1]-t.byUser.Start[u])
}

// all returns everything that training changes.
func (p *parameters) all() []*[]float32 {
	return append([]*[]float32{&p.users, &p.items, &p.bias}, p.arrays()...)
}

func (p *parameters) clone() *parameters {
	c := *p
	for _, a := range c.all() {
		*a = slices.Clone(*a)
	}
	return &c
}

func (p *parameters) copyFrom(q *parameters) {
	to := p.all()
	for k, a := range q.all() {
		copy(*to[k], *a)
	}
}
