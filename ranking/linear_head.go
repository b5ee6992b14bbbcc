package ranking

import (
	"context"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/parallel"
)

// headTrainer fits one head: one logistic regression.
type headTrainer struct {
	name string
	head int
	rows []int32 // with a label and a weight

	cfg      *LinearConfig
	x, valid *design
	positive float64   // weight of the positives
	norm     float64   // mean weight of a row in the loss
	w        []float64 // all coordinates of the design
	opt      stepper
	lazy     bool // weights of IDs lag behind and are brought up to date when read

	order   []int32     // rows, shuffled
	chunks  []*gradient // of one batch
	dense   []float64   // the batch's gradient
	sparse  []float64   // by coordinate; 0 outside of a batch
	touched []int32
	marked  []bool // by coordinate: stands in touched

	before   []float64 // weights at the start of the epoch
	best     []float64 // weights of the epoch with the smallest validation loss
	bestLoss float64
	worse    int // epochs since then
	progress HeadProgress
}

// gradient is what a chunk of a batch contributes.
type gradient struct {
	row    []float64 // scratch: dense coordinates of a row
	dense  []float64
	coords []int32   // one-hot coordinates, in row order, doubles included
	errors []float64 // the gradient at each of coords
	loss   float64
}

func (t *headTrainer) start(cfg *LinearConfig, x, valid *design) {
	t.cfg, t.x, t.valid = cfg, x, valid
	t.positive = cfg.positiveWeight(t.name)
	total := 0.0
	for _, i := range t.rows {
		total += t.weight(x.data, int(i))
	}
	t.norm = total / float64(len(t.rows))
	t.w = make([]float64, x.total)
	if cfg.Optimizer == FTRL {
		t.opt = newFTRL(t.w, cfg)
	} else {
		t.opt = newDescent(t.w, x.dense, cfg)
		t.lazy = len(x.vocab) > 0 && (cfg.L1 > 0 || cfg.L2 > 0)
	}
	t.order = append([]int32(nil), t.rows...)
	t.dense = make([]float64, x.dense)
	t.sparse, t.marked = make([]float64, x.total), make([]bool, x.total)
	t.before = make([]float64, x.total)
	t.bestLoss = math.Inf(1)
	t.progress = HeadProgress{Head: t.name, Validation: math.NaN()}
}

// weight is c_i, the weight of row i in the loss.
func (t *headTrainer) weight(d *Dataset, i int) float64 {
	y := float64(d.LabelRow(i)[t.head])
	return float64(float64(d.Weight(i)) * (float64(t.positive*y) + (1 - y)))
}

// epoch makes one pass over the rows.
func (t *headTrainer) epoch(ctx context.Context, e, workers int) error {
	if t.progress.Done {
		return nil
	}
	copy(t.order, t.rows)
	shuffle(t.order, t.cfg.Seed, uint64(e))
	copy(t.before, t.w)
	loss, size := 0.0, t.cfg.batch(len(t.rows))
	const often = 256 // rows between two looks at ctx
	for from := 0; from < len(t.order); from += size {
		if from%often < size && ctx.Err() != nil {
			return ctx.Err()
		}
		loss += t.step(t.order[from:min(from+size, len(t.order))], workers)
	}
	t.opt.epoch()
	return t.finish(float64(loss/float64(t.norm*float64(len(t.rows)))), workers)
}

// step takes one step along the gradient of a batch and returns the batch's loss.
func (t *headTrainer) step(batch []int32, workers int) (loss float64) {
	if t.lazy {
		for _, i := range batch {
			for _, k := range t.x.active(int(i)) {
				if k >= 0 {
					t.opt.refresh(k)
				}
			}
		}
	}
	// The chunks depend on the batch alone, so that the sums are the same for any
	// number of workers. 64 rows outweigh the hand-over to a goroutine.
	size := max(64, (len(batch)+127)/128)
	n := (len(batch) + size - 1) / size
	for len(t.chunks) < n {
		t.chunks = append(t.chunks, &gradient{row: make([]float64, t.x.dense), dense: make([]float64, t.x.dense)})
	}
	if n == 1 {
		t.chunk(t.chunks[0], batch)
	} else {
		parallel.Do(workers, n, func(k int) {
			t.chunk(t.chunks[k], batch[k*size:min((k+1)*size, len(batch))])
		})
	}
	scale := 1.0
	if t.cfg.Optimizer != FTRL {
		scale = 1 / float64(t.norm*float64(len(batch)))
	}
	loss = t.gather(t.chunks[:n], scale)
	t.opt.step(t.dense, t.touched, t.sparse)
	for _, k := range t.touched {
		t.sparse[k], t.marked[k] = 0, false
	}
	return loss
}

// chunk computes the loss of rows and its gradient.
func (t *headTrainer) chunk(g *gradient, rows []int32) {
	clear(g.dense)
	g.coords, g.errors, g.loss = g.coords[:0], g.errors[:0], 0
	w := t.w[:t.x.dense]
	for _, r := range rows {
		i := int(r)
		t.x.row(g.row, i)
		z := dot64(g.row, w)
		active := t.x.active(i)
		for _, k := range active {
			if k >= 0 {
				z += t.w[k]
			}
		}
		loss, slope := t.loss(t.x.data, i, z)
		g.loss += loss
		axpy64(g.dense, g.row, slope)
		for _, k := range active {
			if k >= 0 {
				g.coords, g.errors = append(g.coords, k), append(g.errors, slope)
			}
		}
	}
}

// loss returns the weighted log loss of row i at log odds z, and its derivative.
func (t *headTrainer) loss(d *Dataset, i int, z float64) (loss, slope float64) {
	y := float64(d.LabelRow(i)[t.head])
	c := float64(d.Weight(i))
	positive := float64(t.positive * y)
	// One exponential gives sigmoid(z), log(1+e**z) and log(1+e**-z).
	e := fmath.Exp(-math.Abs(z))
	p, l := 1/(1+e), fmath.Log1p(e)
	if z < 0 {
		p = e / (1 + e)
	}
	loss = float64(positive*(max(-z, 0)+l)) + float64((1-y)*(max(z, 0)+l))
	slope = float64((positive+(1-y))*p) - positive
	return float64(c * loss), float64(c * slope)
}

// gather sums the chunks, in their order, into dense, sparse and touched.
func (t *headTrainer) gather(chunks []*gradient, scale float64) (loss float64) {
	clear(t.dense)
	t.touched = t.touched[:0]
	for _, g := range chunks {
		loss += g.loss
		axpy64(t.dense, g.dense, scale)
		for j, k := range g.coords {
			if !t.marked[k] {
				t.marked[k] = true
				t.touched = append(t.touched, k)
			}
			t.sparse[k] += float64(scale * g.errors[j])
		}
	}
	return loss
}

// finish judges the epoch: has it diverged, converged, or ceased to help?
func (t *headTrainer) finish(loss float64, workers int) error {
	moved := 0.0
	for j, v := range t.w {
		if !(math.Abs(v) <= maxWeight) {
			moved = math.NaN()
			break
		}
		moved = max(moved, math.Abs(v-t.before[j]))
	}
	if !isFinite(loss) || !isFinite(moved) {
		return fmt.Errorf("head %q: %w with LearningRate %v; try a tenth of it", t.name, ErrDiverged, t.cfg.rate())
	}
	p := &t.progress
	p.Loss, p.Moved = loss, moved
	p.Done = moved <= orDefault(t.cfg.Tolerance, 1e-4)
	if t.valid == nil {
		return nil
	}
	p.Validation = t.validate(workers)
	if t.worse++; p.Validation < t.bestLoss || t.best == nil {
		t.best, t.bestLoss, t.worse = append(t.best[:0], t.w...), p.Validation, 0
	}
	p.Done = p.Done || t.worse >= orDefault(t.cfg.Patience, 3)
	return nil
}

// validate returns the mean loss on the validation rows: NaN when none has a label.
func (t *headTrainer) validate(workers int) float64 {
	d := t.valid.data
	n := d.Len()
	size := max(64, (n+127)/128)
	sums := make([]struct{ loss, weight float64 }, (n+size-1)/size)
	parallel.Do(workers, len(sums), func(k int) {
		row := make([]float64, t.valid.dense)
		for i := k * size; i < min(n, (k+1)*size); i++ {
			if y := d.LabelRow(i)[t.head]; y != y {
				continue
			}
			t.valid.row(row, i)
			loss, _ := t.loss(d, i, t.valid.logit(row, t.w, i))
			sums[k].loss += loss
			sums[k].weight += t.weight(d, i)
		}
	})
	loss, weight := 0.0, 0.0
	for _, s := range sums {
		loss += s.loss
		weight += s.weight
	}
	return loss / weight
}

// result returns the weights that count.
func (t *headTrainer) result() []float64 {
	if t.best != nil {
		return t.best
	}
	return t.w
}
