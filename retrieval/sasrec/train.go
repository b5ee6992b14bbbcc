package sasrec

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Train returns the model of the interactions, whose histories are what users or sessions did
// in the order of time. Its items are those of in, also those without interactions, whose
// vectors are as they were drawn. The model keeps no part of in but the slice of its items.
//
// An epoch takes time in proportion to events × (layers × Dim² + Negatives × Dim). The model
// is the same to the bit for any number of workers, on processors of one tier of kernels.
//
// When ctx ends first, Train returns the model so far along with an error that wraps its
// cause: Config.Start goes on from it. Where Refit was on, that is the model before it. With any
// other error the model is nil. They are those of cfg, field by field; a training that would
// take more than Config.MaxBytes; and a loss that is no number any more, with the epoch.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*Model, error) {
	if in == nil {
		return nil, errors.New("sasrec: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	items := in.NumItems()
	if cfg.Negatives == 0 {
		cfg.Negatives = 1024
		if items <= 4096 {
			cfg.Negatives = max(items, 1)
		}
	}
	if cfg.Start != nil && cfg.Start.config.Architecture != cfg.Architecture {
		return nil, fmt.Errorf("sasrec: Config.Start has the architecture %+v; want %+v", cfg.Start.config.Architecture, cfg.Architecture)
	}
	if need := estimate(in, &cfg); need > cfg.MaxBytes {
		return nil, fmt.Errorf("sasrec: training on %d items takes about %d bytes, and Config.MaxBytes is %d; smaller Dim, Batch or Negatives take less",
			items, need, cfg.MaxBytes)
	}
	t := newTrainer(in, cfg, cfg.Share)
	m, err := t.run(ctx, in)
	if err != nil || !cfg.Refit || t.best == 0 {
		return m, err
	}
	all, ndcg := cfg, t.trained.NDCG
	all.Epochs = t.best
	t = newTrainer(in, all, -1)
	t.refit, t.trained.NDCG = true, ndcg
	again, err := t.run(ctx, in)
	switch {
	case t.stopped:
		return m, err
	case err != nil:
		return nil, err
	}
	again.config.Epochs = cfg.Epochs
	return again, nil
}

// run trains and returns the model, also of a training that was stopped, with the error.
func (t *trainer) run(ctx context.Context, in *retrieval.Interactions) (*Model, error) {
	err := t.fit(ctx)
	if err != nil && !t.stopped {
		return nil, err
	}
	m, problem := t.model(in)
	if problem != nil {
		return nil, problem
	}
	return m, err
}

func workers(cfg *Config) int {
	if cfg.Workers > 0 {
		return cfg.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// estimate returns about how many bytes training takes at its peak.
func estimate(in *retrieval.Interactions, cfg *Config) int64 {
	items, d, h := int64(in.NumItems()), int64(cfg.Dim), int64(cfg.Hidden)
	rows := int64(cfg.Batch) + int64(cfg.Length)
	n := min(int64(cfg.Negatives), items)
	weights := int64(cfg.parameters())
	activations := rows * int64(cfg.Layers) * (12*d + 2*h + int64(cfg.Heads*cfg.Length)*2)
	values := 8*items*d + // vectors, moments, their mean and the best so far, models
		weights*int64(7+mostShards) +
		rows*(n+1)*5/4 + // logits
		4*n*d + // vectors of candidates, packed twice, and gradients
		items*(d+validationUsers*int64(min(workers(cfg), mostHeldOut/validationUsers))) + // vectors packed, scores
		activations*5/4 +
		int64(in.NumRecords())*5/2
	return 4 * values
}

// trainer is the state of a training.
type trainer struct {
	cfg     Config
	workers int
	net     *network
	weights *nn.Weights
	table   *nn.Table
	updater *nn.Updater

	learn    *sequences
	held     []heldOut
	repeats  bool // some user has an item twice
	shards   []*shard
	judge    *candidates
	mean     average // what validation sees, and the model is
	validate *validation
	steps    int // so far
	refit    bool
	stopped  bool // by the context

	trained     Training
	best        int // epoch; 0 before the first validation
	bestWeights []float32
	bestVectors []float32
}

func newTrainer(in *retrieval.Interactions, cfg Config, share float64) *trainer {
	t := &trainer{cfg: cfg, workers: workers(&cfg), repeats: in.Len() < in.NumRecords()}
	t.learn, t.held = prepare(in, &cfg, share)
	t.weights = nn.NewWeights(cfg.parameters(), nn.Optimizer{Kind: nn.Adam})
	t.net = cfg.network(t.weights.W)
	t.table = nn.NewTable(in.NumItems(), cfg.Dim)
	t.updater = nn.NewUpdater(t.table, nn.Optimizer{Kind: nn.Adam})
	t.updater.Unit = cfg.Temperature != 0
	t.net.draw(t.table.W, rand.New(rand.NewPCG(cfg.Seed, 0x647261770)))
	if s := cfg.Start; s != nil {
		copy(t.weights.W, s.network.all)
		for i, id := range in.Items() {
			if at := s.items.Find(id); at >= 0 {
				copy(t.table.Row(int32(i)), s.vectors.Row(int(at)))
			}
		}
	}
	t.judge = newCandidates(&cfg, in.NumItems())
	t.mean = average{net: cfg.network(slices.Clone(t.weights.W)), vectors: slices.Clone(t.table.W)}
	t.validate = &validation{t: t}
	return t
}

// fit trains until the epochs are over, validation gets no better, or ctx ends.
func (t *trainer) fit(ctx context.Context) error {
	t.net.pack(true)
	p := Progress{Epochs: t.cfg.Epochs, NDCG: math.NaN(), Refit: t.refit}
	for p.Epoch = 1; p.Epoch <= t.cfg.Epochs; p.Epoch++ {
		if err := t.epoch(ctx, &p); err != nil {
			return err
		}
		t.trained.Epochs, t.trained.Loss = p.Epoch, p.Loss
		if len(t.held) > 0 {
			t.check(&p)
		}
		p.Done = true
		t.report(p)
		p.Done = false
		if len(t.held) > 0 && t.cfg.Patience > 0 && p.Epoch-t.best >= t.cfg.Patience {
			break
		}
	}
	if t.best > 0 && t.cfg.Patience > 0 {
		copy(t.mean.net.all, t.bestWeights)
		copy(t.mean.vectors, t.bestVectors)
		t.trained.Epochs = t.best
	}
	return nil
}

// check validates an epoch and keeps its weights if it is the best so far.
func (t *trainer) check(p *Progress) {
	t.net.direct(t.mean.vectors)
	p.NDCG = t.validate.run()
	if t.best == 0 || p.NDCG > t.trained.NDCG {
		t.best, t.trained.NDCG = p.Epoch, p.NDCG
		t.bestWeights = append(t.bestWeights[:0], t.mean.net.all...)
		t.bestVectors = append(t.bestVectors[:0], t.mean.vectors...)
	}
	p.Best = t.best
}

func (t *trainer) report(p Progress) {
	if t.cfg.Progress != nil {
		t.cfg.Progress(p)
	}
}

// epoch passes over the data once.
func (t *trainer) epoch(ctx context.Context, p *Progress) error {
	rng := rand.New(rand.NewPCG(hash.Combine(t.cfg.Seed, uint64(p.Epoch)), 0x65706f6368))
	batches := t.learn.batches(t.cfg.Batch, rng)
	sum, events := 0.0, 0
	p.Steps = len(batches)
	t.mean.over(t.cfg.Average, len(batches))
	for i, batch := range batches {
		if ctx.Err() != nil {
			t.stopped = true
			return fmt.Errorf("sasrec: training stopped in epoch %d of %d: %w", p.Epoch, t.cfg.Epochs, context.Cause(ctx))
		}
		loss, rows := t.step(batch, rng)
		if !nn.Finite(loss) {
			return fmt.Errorf("sasrec: the loss is %v in epoch %d, step %d, with Config.LearningRate %v; a smaller rate may help", loss, p.Epoch, i+1, t.cfg.LearningRate)
		}
		sum, events = sum+loss, events+rows
		if (i+1)%averageEvery == 0 || i == len(batches)-1 {
			t.mean.update(t.workers, t.weights.W, t.table.W)
		}
		p.Step, p.Loss = i+1, sum/float64(events)
		t.report(*p)
	}
	if !vector.Finite(t.weights.W) || !vector.Finite(t.table.W) {
		return fmt.Errorf("sasrec: a weight is no number any more after epoch %d, with Config.LearningRate %v; a smaller rate may help", p.Epoch, t.cfg.LearningRate)
	}
	return nil
}

// A step is cut into shards of about this many events, as long as there are not more than so
// many. Neither depends on the number of workers.
const (
	shardEvents = 64
	mostShards  = 16
)

// step learns from a batch and returns the sum of the loss and the number of events.
func (t *trainer) step(batch []int32, rng *rand.Rand) (loss float64, events int) {
	t.steps++
	shards := t.cut(batch, hash.Combine(t.cfg.Seed, uint64(t.steps)))
	for _, s := range shards {
		events += s.rows
	}
	scale := 1 / float32(events)
	t.judge.draw(t.table, t.workers, rng)
	nn.Each(t.workers, len(shards), func(i int) {
		shards[i].forward(t.table.W)
		t.judge.judge(shards[i], t.table, scale)
	})
	for _, s := range shards {
		loss += s.loss
	}
	if !nn.Finite(loss) {
		return loss, events
	}
	lists := []*nn.Grads{t.judge.collect(shards, t.cfg.Dim, t.workers, scale)}
	nn.Each(t.workers, len(shards), func(i int) {
		clear(shards[i].grad.all)
		shards[i].backward()
	})
	var parts [][]float32
	for _, s := range shards {
		parts = append(parts, s.grad.all)
		lists = append(lists, &s.positives, &s.inputs)
	}
	nn.Reduce(t.workers, t.weights.G, parts...)
	t.weights.Step(t.workers, t.steps, float32(t.cfg.LearningRate))
	t.updater.Step(t.workers, t.steps, float32(t.cfg.LearningRate), lists...)
	t.net.pack(true)
	return loss, events
}

// cut gives the sequences of a batch to shards, about as many events to each.
func (t *trainer) cut(batch []int32, key uint64) []*shard {
	events := 0
	for _, at := range batch {
		events += t.learn.events(int(at))
	}
	n := min(max((events+shardEvents/2)/shardEvents, 1), mostShards)
	for len(t.shards) < n {
		t.shards = append(t.shards, newShard(t.net, t.cfg.Dropout))
	}
	used, from, sum := 0, 0, 0
	for i, at := range batch {
		sum += t.learn.events(int(at))
		if sum*n >= events*(used+1) || i == len(batch)-1 {
			t.shards[used].load(t.learn, batch[from:i+1], key)
			used, from = used+1, i+1
		}
	}
	return t.shards[:used]
}

// model returns what was learned.
func (t *trainer) model(in *retrieval.Interactions) (*Model, error) {
	cfg := t.cfg
	cfg.Workers, cfg.Progress, cfg.Start, cfg.MaxBytes = 0, nil, nil, 0
	vectors := slices.Clone(t.mean.vectors)
	t.net.direct(vectors)
	m, err := newModel(cfg, in.Items(), vectors, slices.Clone(t.mean.net.all))
	if err != nil {
		return nil, fmt.Errorf("sasrec: %w", err)
	}
	m.trained = t.trained
	return m, nil
}
