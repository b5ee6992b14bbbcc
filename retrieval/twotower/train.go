package twotower

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Train returns the model of the interactions: [TrainInput] without features.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*Model, error) {
	return TrainInput(ctx, Input{Interactions: in}, cfg)
}

// TrainInput returns the model of interactions and features. An interaction of weight > 0 is
// an example, and all count alike; the items of the model are those of the interactions and
// those with features.
//
// A step takes O(Batch × (Batch + Negatives) × Dim) time for the comparison of users with
// items, and as much again for each hidden layer as its weights say. Memory beside the model
// is twice its tables with Adam, once with AdaGrad, and about 25 values of Dim for each
// candidate of a step.
//
// When ctx ends first, the model so far comes with an error that wraps the context's cause;
// saved or not, it can go on as Config.Start. Without a model come the errors of cfg and of
// the features, field by field, a [MemoryError] before anything large is allocated, and a
// [DivergedError] when the loss is no number.
func TrainInput(ctx context.Context, input Input, cfg Config) (*Model, error) {
	if input.Interactions == nil {
		return nil, errors.New("twotower: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	cfg.Hidden, cfg.History.Kinds = slices.Clone(cfg.Hidden), maps.Clone(cfg.History.Kinds) // the caller may change its own
	if err := errors.Join(err, input.Users.check("users"), input.Items.check("items")); err != nil {
		return nil, err
	}
	t, err := newTrainer(input, cfg)
	if err != nil {
		return nil, err
	}
	return t.run(ctx)
}

// A DivergedError says that training left the numbers.
type DivergedError struct {
	Epoch, Step  int // from 1; Step is that of the epoch
	Loss         float64
	LearningRate float64 // Config.LearningRate
}

// Error names the epoch and what can be done.
func (e *DivergedError) Error() string {
	return fmt.Sprintf("twotower: epoch %d, step %d: the loss is %v; Config.LearningRate is %v: lower it, or raise Temperature", e.Epoch, e.Step, e.Loss, e.LearningRate)
}

// trainer is a training under way.
type trainer struct {
	cfg                      Config
	workers                  int
	users                    []recsys.UserID
	items                    []recsys.ItemID
	userFeatures             *inputs
	itemFeatures             *inputs
	net                      *network
	buildUser, buildItem     func(*nn.Slab) *tower
	userWeights, itemWeights *nn.Weights
	updaters                 []updater
	freq                     *frequency
	stream                   *stream
	userRow                  []int32    // in users, by user of the stream
	userAt                   [][2]int32 // places of the id, by user of the stream
	held                     *check
	vectors                  vector.Matrix // of all items after the last epoch, when somebody wants them
	at                       position
	epochs                   int         // to be done in all
	best                     [][]float32 // weights of the best epoch
	batch                    batch
	lists                    []*nn.Grads
	miner                    miner
}

// updater is the optimiser of a table.
type updater struct {
	*nn.Updater
	table *nn.Table
}

// position is how far a training is.
type position struct {
	Epoch   int     // done
	Example int     // done, of the epoch after these
	Step    int     // done, of all epochs
	Loss    float64 // sum over the examples of the epoch under way
	Best    int     // the epoch of the best recall
	Recall  float64 // the best
	From    int     `json:",omitempty"` // epochs of the finished model that the training began with
}

func newTrainer(input Input, cfg Config) (*trainer, error) {
	in := input.Interactions
	t := &trainer{cfg: cfg, workers: cfg.Workers, users: in.Users(), items: in.Items()}
	if t.workers == 0 {
		t.workers = runtime.GOMAXPROCS(0)
	}
	if input.Users != nil {
		t.users = union(t.users, input.Users.Keys)
	}
	if input.Items != nil {
		t.items = union(t.items, input.Items.Keys)
	}
	if err := t.checkMemory(in, input); err != nil {
		return nil, err
	}
	var ofUsers, ofItems *inputs
	if cfg.Start != nil {
		ofUsers, ofItems = cfg.Start.userFeatures, cfg.Start.itemFeatures
	}
	var errUsers, errItems error
	t.userFeatures, errUsers = encode(input.Users, t.users, cfg.CategoryBuckets, ofUsers)
	t.itemFeatures, errItems = encode(input.Items, t.items, cfg.CategoryBuckets, ofItems)
	if err := errors.Join(errUsers, errItems); err != nil {
		return nil, err
	}
	rows := make([]int32, in.NumItems())
	for i, id := range in.Items() {
		at, _ := slices.BinarySearch(t.items, id)
		rows[i] = int32(at)
	}
	train := in
	if cfg.Validation > 0 {
		var held *retrieval.Interactions
		var err error
		if train, held, err = split(in, &cfg); err != nil {
			return nil, fmt.Errorf("twotower: %w", err)
		}
		t.held = newCheck(train, held, rows, &cfg)
	}
	t.stream = newStream(train, rows, &cfg)
	t.prepare(in)
	if cfg.Start != nil {
		if err := t.resume(cfg.Start); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// split holds interactions out for validation.
func split(in *retrieval.Interactions, cfg *Config) (train, held *retrieval.Interactions, err error) {
	if cfg.Before {
		return in.SplitLast(1)
	}
	return in.SplitRandom(cfg.Validation, cfg.Seed)
}

// prepare makes the network and what it is trained with.
func (t *trainer) prepare(in *retrieval.Interactions) {
	cfg := &t.cfg
	t.net = newNetwork(cfg, len(t.users), t.items, t.userFeatures, t.itemFeatures)
	t.net.fill(cfg, t.userFeatures, t.itemFeatures, func(_ string, size int) []float32 { return make([]float32, size) })
	t.net.assemble(cfg, t.userFeatures, t.itemFeatures)
	t.net.init(cfg)
	opt := nn.Optimizer{Kind: nn.Kind(cfg.Optimizer)}
	t.buildUser, t.buildItem = builders(cfg, t.userFeatures, t.itemFeatures)
	t.userWeights, t.itemWeights = nn.WeightsOf(t.net.userWeights, opt), nn.WeightsOf(t.net.itemWeights, opt)
	tables, _ := t.net.tables()
	for _, table := range tables {
		u := nn.NewUpdater(table, opt)
		u.Decay = float32(cfg.Regularization / float64(cfg.Batch))
		t.updaters = append(t.updaters, updater{u, table})
	}
	counts := t.stream.counts(len(t.items))
	if t.itemFeatures.width(cfg.CategoryDim) > 0 {
		for i, n := range counts {
			if n == 0 {
				t.net.hide([]int32{int32(i)})
			}
		}
	}
	t.freq = newFrequency(counts, cfg.Batch, cfg.FrequencyRate)
	t.batch.place = make([]int32, len(t.items))
	t.userRow, t.userAt = make([]int32, in.NumUsers()), make([][2]int32, in.NumUsers())
	for at, id := range t.users {
		if u, ok := in.UserRow(id); !ok || t.stream.start[u] == t.stream.start[u+1] {
			t.net.strangers = append(t.net.strangers, int32(at))
		}
	}
	for u, id := range in.Users() {
		at, _ := slices.BinarySearch(t.users, id)
		t.userRow[u] = int32(at)
		t.userAt[u] = t.net.userAt(int32(at), id)
	}
}

// union returns the ids of both, ascending, each once.
func union[ID ~uint64](a, b []ID) []ID {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// run trains to the end.
func (t *trainer) run(ctx context.Context) (*Model, error) {
	t.epochs = t.at.From + t.cfg.Epochs
	order := make([]int32, len(t.stream.items))
	for t.at.Epoch < t.epochs {
		t.stream.order(order, t.cfg.Seed, t.at.Epoch)
		for t.at.Example < len(order) {
			if ctx.Err() != nil {
				return t.interrupted(ctx)
			}
			examples := order[t.at.Example:min(t.at.Example+t.cfg.Batch, len(order))]
			t.at.Step++
			loss := t.step(examples, t.at.Step)
			if !nn.Finite(loss) {
				return nil, &DivergedError{Epoch: t.at.Epoch + 1, Step: t.at.Example/t.cfg.Batch + 1, Loss: loss / float64(len(examples)), LearningRate: t.cfg.LearningRate}
			}
			t.at.Loss += loss
			t.at.Example += len(examples)
		}
		if t.finishEpoch() {
			break
		}
	}
	if t.best != nil {
		for i, w := range t.everything() {
			copy(w, t.best[i])
		}
		t.at.Epoch = t.at.Best
	}
	return t.model(nil)
}

// finishEpoch reports what the epoch gave, and whether it was the last one that is worth it.
func (t *trainer) finishEpoch() (stop bool) {
	p := Progress{Epoch: t.at.Epoch + 1, Epochs: t.epochs, Loss: t.at.Loss / max(float64(len(t.stream.items)), 1)}
	t.at.Epoch, t.at.Example, t.at.Loss = p.Epoch, 0, 0
	if t.held != nil || t.cfg.HardNegatives > 0 {
		t.vectors = t.net.vectors(&t.cfg, t.itemFeatures, t.workers)
	}
	if t.held != nil {
		if p.Recall = t.held.recall(t); p.Recall > t.at.Recall || t.best == nil {
			t.at.Best, t.at.Recall = p.Epoch, p.Recall
			t.keepBest()
		}
		stop = p.Epoch-t.at.Best >= t.cfg.Patience
	}
	p.Best = t.at.Best
	if t.cfg.Progress != nil {
		t.cfg.Progress(p)
	}
	return stop
}

// everything lists all that is learned.
func (t *trainer) everything() [][]float32 {
	all := [][]float32{t.net.userWeights, t.net.itemWeights}
	tables, _ := t.net.tables()
	for _, table := range tables {
		all = append(all, table.W)
	}
	return all
}

func (t *trainer) keepBest() {
	for i, w := range t.everything() {
		if len(t.best) <= i {
			t.best = append(t.best, make([]float32, len(w)))
		}
		copy(t.best[i], w)
	}
}

// interrupted returns the model so far, with all that going on takes.
func (t *trainer) interrupted(ctx context.Context) (*Model, error) {
	why := fmt.Errorf("twotower: training stopped in epoch %d of %d: %w", t.at.Epoch+1, t.epochs, context.Cause(ctx))
	m, err := t.model(t.checkpoint())
	if err != nil {
		return nil, errors.Join(why, err)
	}
	return m, why
}

// model returns what was learned.
func (t *trainer) model(s *state) (*Model, error) {
	cfg := t.cfg
	cfg.Workers, cfg.MaxBytes, cfg.Progress, cfg.Start = 0, 0, nil, nil
	m, err := newModel(cfg, t.users, t.items, t.net, t.userFeatures, t.itemFeatures, t.net.vectors(&t.cfg, t.itemFeatures, t.workers))
	if err != nil { // components beyond what a score can hold
		return nil, fmt.Errorf("twotower: %w; Config.LearningRate is %v: lower it", err, cfg.LearningRate)
	}
	m.epochs, m.state = t.at.Epoch, s
	return m, nil
}

// vectors returns the vectors of all items.
func (n *network) vectors(cfg *Config, f *inputs, workers int) vector.Matrix {
	out := vector.NewMatrix(len(n.itemAt), cfg.Dim)
	n.item.pack(false)
	const rows = 512
	nn.Each(workers, (out.Rows+rows-1)/rows, func(i int) {
		from, to := i*rows, min((i+1)*rows, out.Rows)
		var a activations
		n.item.resize(&a, to-from, false)
		for r := range a.rows {
			n.itemInput(a.in[r*n.item.width:(r+1)*n.item.width], int32(from+r), n.itemAt[from+r], f)
		}
		n.item.forward(&a, out.Data[from*cfg.Dim:to*cfg.Dim], !cfg.Dot, 0, 0)
	})
	return out
}
