package fm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/ranking"
)

// Train fits a model with a machine for each head of d, independently of the other heads.
// Float columns are standardised with the weighted mean and standard deviation of the values
// that are there. Labels are NaN where unknown.
//
// The result depends on cfg, d and the seed, not on the number of workers.
//
// Errors: a [*ranking.DatasetError] names the row and value that is not valid;
// [ranking.ErrNoRows], [ranking.ErrOneClass] (of Logistic) and [ranking.ErrDiverged] are wrapped
// with the head; a [*ranking.MemoryError] before anything large is allocated; when ctx is done the error wraps ctx.Err(). An epoch costs O(n c k) per head
// for n rows of c columns, of an FFM O(n c² k); memory is 10 bytes for each value of a row,
// and for each head, twice with Validation, the parameters times two (AdaGrad) or three.
func Train(ctx context.Context, cfg Config, d *ranking.Dataset) (*Model, error) {
	if err := errors.Join(cfg.check(), checkTraining(d, cfg.Loss)); err != nil {
		return nil, err
	}
	if v := cfg.Validation; v != nil {
		err := checkTraining(v, cfg.Loss)
		if err == nil && !slices.Equal(v.Heads, d.Heads) {
			err = fmt.Errorf("heads are %q; want %q", v.Heads, d.Heads)
		}
		if err != nil {
			return nil, fmt.Errorf("fm: Config.Validation: %w", err)
		}
	}
	memory := newBudget(&cfg, d)
	if err := memory.check(0); err != nil {
		return nil, err
	}
	if v := cfg.Validation; v != nil {
		var err error
		if cfg.Validation, err = v.Select(slices.Concat(d.Columns, d.IDColumns)...); err != nil {
			return nil, fmt.Errorf("fm: Config.Validation: %w", err)
		}
	}
	t, err := newTrainer(&cfg, d, memory)
	if err != nil {
		return nil, err
	}
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	return t.model(), nil
}

// checkTraining checks what training needs beyond Validate.
func checkTraining(d *ranking.Dataset, loss Loss) error {
	if err := d.Validate(); err != nil {
		return err
	}
	if len(d.Heads) == 0 {
		return &ranking.DatasetError{Field: "Heads", Row: -1, Value: "empty", Want: "at least one label"}
	}
	if n := len(d.Columns) + len(d.IDColumns); n > math.MaxUint16 || d.Len()*n > math.MaxInt32 {
		return &ranking.DatasetError{Field: "Columns", Row: -1, Value: fmt.Sprintf("of %d columns, with %d rows", n, d.Len()), Want: "at most 65535 columns and 2^31-1 values"}
	}
	for at, y := range d.Labels {
		if loss == Logistic && (y < 0 || y > 1) {
			h := len(d.Heads)
			return &ranking.DatasetError{Field: "Labels", Row: at / h, Column: d.Heads[at%h], Value: fmt.Sprint(y), Want: "0 to 1, or NaN"}
		}
	}
	return nil
}

type trainer struct {
	cfg   *Config
	space *space
	heads []*headTrainer
}

// headTrainer fits one head.
type headTrainer struct {
	*learner
	name string
	head int
	norm float64 // mean weight of a row

	data, valid    *ranking.Dataset
	rows, validity *rows
	window         rows    // the next rows of an epoch
	mine           []int32 // rows with a label and a weight
	order          []int32 // the same, shuffled
	best           table
	bestLoss       float64
	worse          int // epochs since then
	bestSteps      int64
	progress       HeadProgress
}

func newTrainer(cfg *Config, d *ranking.Dataset, memory *budget) (*trainer, error) {
	t := &trainer{cfg: cfg}
	var errs []error
	for h, name := range d.Heads {
		mine, err := labelledRows(d, h, cfg.Loss)
		if err != nil {
			errs = append(errs, fmt.Errorf("fm: %w", err))
		}
		if cfg.Validation != nil {
			if _, err := labelledRows(cfg.Validation, h, cfg.Loss); errors.Is(err, ranking.ErrNoRows) {
				errs = append(errs, fmt.Errorf("fm: Config.Validation: %w", err))
			}
		}
		t.heads = append(t.heads, &headTrainer{name: name, head: h, mine: mine, data: d, valid: cfg.Validation})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var err error
	if t.space, err = newSpace(d, cfg, memory); err != nil {
		return nil, err
	}
	if n := t.space.len(); n > maxCoordinates {
		return nil, fmt.Errorf("fm: %d coordinates; want at most %d: set HashBits or MinCount", n, maxCoordinates)
	}
	var r, v rows
	t.space.encodeAll(&r, d)
	if cfg.Validation != nil {
		t.space.encodeAll(&v, cfg.Validation)
	}
	for _, h := range t.heads {
		h.rows, h.validity = &r, &v
		h.start(cfg, t.space)
	}
	return t, nil
}

// encodeAll encodes all rows of d, which has the columns of s in order.
func (s *space) encodeAll(dst *rows, d *ranking.Dataset) {
	s.encode(dst, d, count(len(s.columns)), count(len(s.idColumns)), 0, d.Len())
}

func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// labelledRows returns the rows that head h learns from.
func labelledRows(d *ranking.Dataset, h int, loss Loss) ([]int32, error) {
	var mine []int32
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for i := range d.Len() {
		if y := d.LabelRow(i)[h]; y == y && d.Weight(i) > 0 {
			mine = append(mine, int32(i))
			low, high = min(low, y), max(high, y)
		}
	}
	switch {
	case len(mine) == 0:
		return nil, fmt.Errorf("head %q: %w", d.Heads[h], ranking.ErrNoRows)
	case loss == Logistic && low == high && (low == 0 || low == 1):
		return nil, fmt.Errorf("head %q: %w: all %d are %v", d.Heads[h], ranking.ErrOneClass, len(mine), low)
	}
	return mine, nil
}

// start makes the parameters from which training goes on.
func (h *headTrainer) start(cfg *Config, s *space) {
	total, sum := 0.0, 0.0
	seen := make([]bool, s.len())
	for _, i := range h.mine {
		c := float64(h.data.Weight(int(i)))
		total += c
		sum += float64(c * float64(h.label(h.data, i)))
		slots, _, _ := h.rows.row(int(i))
		for _, slot := range slots {
			seen[slot] = true
		}
	}
	h.norm = total / float64(len(h.mine))
	intercept := sum / total
	if cfg.Loss == Logistic {
		intercept = fmath.Log(intercept / (1 - intercept))
	}
	t := newTable(cfg.Kind, s.len(), s.fields(), cfg.factors(), cfg.Optimizer.parts())
	t.start(cfg, h.name, intercept, seen)
	h.learner = newLearner(cfg, t, 0)
	h.bestLoss = math.Inf(1)
	h.progress = HeadProgress{Head: h.name, Validation: math.NaN()}
}

func (h *headTrainer) label(d *ranking.Dataset, i int32) float32 { return d.LabelRow(int(i))[h.head] }

// run trains all heads, epoch by epoch so that progress tells of all of them.
func (t *trainer) run(ctx context.Context) error {
	epochs := orDefault(t.cfg.Epochs, 20)
	progress := Progress{Epochs: epochs, Heads: make([]HeadProgress, len(t.heads))}
	errs := make([]error, len(t.heads))
	workers := t.cfg.workers()
	each := max(1, workers/len(t.heads)) // of the workers, for each head
	for e := range epochs {
		parallel.Do(workers, len(t.heads), func(h int) { errs[h] = t.heads[h].epoch(ctx, e, each) })
		if err := errors.Join(errs...); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return fmt.Errorf("fm: epoch %d: %w", e+1, err)
		}
		done := true
		for h, head := range t.heads {
			progress.Heads[h] = head.progress
			done = done && head.progress.Done
		}
		if progress.Epoch = e + 1; t.cfg.Progress != nil {
			t.cfg.Progress(progress)
		}
		if done {
			break
		}
	}
	return nil
}

// windowRows is how many rows are copied side by side before they are learned.
const windowRows = 512

// epoch makes one pass over the rows.
func (h *headTrainer) epoch(ctx context.Context, e, workers int) error {
	if h.progress.Done {
		return nil
	}
	h.order = append(h.order[:0], h.mine...)
	r := rand.New(rand.NewPCG(hash.Mix64(h.cfg.Seed), uint64(e)))
	r.Shuffle(len(h.order), func(i, j int) { h.order[i], h.order[j] = h.order[j], h.order[i] })
	total, size := 0.0, orDefault(h.cfg.BatchSize, 1)
	var shown []int32 // rows of the order that stand in window
	slope := func(i int32, z float32) float32 {
		loss, slope := h.cfg.Loss.of(h.label(h.data, shown[i]), z)
		c := float64(h.data.Weight(int(shown[i])))
		total += float64(c * loss)
		return float32(slope * (c / h.norm))
	}
	// Rows are copied side by side first: the misses of the cache then overlap, and do not each hold up a row.
	per := (windowRows + size - 1) / size * size
	for from := 0; from < len(h.order); from += per {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		shown = h.order[from:min(from+per, len(h.order))]
		h.window.gather(h.rows, shown)
		for b := 0; b < len(shown); b += size {
			h.batch(&h.window, b, min(b+size, len(shown)), workers, slope)
		}
	}
	return h.finish(total/(h.norm*float64(len(h.mine))), workers)
}

// finish judges the epoch: has it diverged, or ceased to help?
func (h *headTrainer) finish(loss float64, workers int) error {
	if math.IsNaN(loss) || math.IsInf(loss, 0) || !h.bounded() {
		return fmt.Errorf("head %q: %w with LearningRate %v; try a tenth of it", h.name, ranking.ErrDiverged, h.cfg.rate())
	}
	p := &h.progress
	p.Loss = loss
	if h.valid == nil {
		return nil
	}
	p.Validation = h.validate(workers)
	h.worse++
	switch {
	case h.best.bias == nil:
		h.best = h.table.clone()
		h.bestLoss, h.bestSteps, h.worse = p.Validation, h.steps, 0
	case p.Validation < h.bestLoss:
		h.best.assign(&h.table)
		h.bestLoss, h.bestSteps, h.worse = p.Validation, h.steps, 0
	}
	p.Done = h.worse >= orDefault(h.cfg.Patience, 2)
	return nil
}

// validate returns the weighted mean loss on the validation rows with a label.
func (h *headTrainer) validate(workers int) float64 {
	n := h.valid.Len()
	size := max(1024, (n+127)/128)
	sums := make([]struct{ loss, weight float64 }, (n+size-1)/size)
	parallel.Do(workers, len(sums), func(k int) {
		state := make([]float32, h.stateLen())
		for i := k * size; i < min(n, (k+1)*size); i++ {
			y, c := h.label(h.valid, int32(i)), float64(h.valid.Weight(i))
			if y != y || c == 0 {
				continue
			}
			slots, values, fields := h.validity.row(i)
			loss, _ := h.cfg.Loss.of(y, h.score(state, slots, values, fields))
			sums[k].loss += float64(c * loss)
			sums[k].weight += c
		}
	})
	loss, weight := 0.0, 0.0
	for _, s := range sums {
		loss += s.loss
		weight += s.weight
	}
	return loss / weight
}

// model makes the model of what was learned.
func (t *trainer) model() *Model {
	m := &Model{space: *t.space, kind: t.cfg.Kind, loss: t.cfg.Loss}
	for _, h := range t.heads {
		learned, steps := &h.table, h.steps
		if h.best.bias != nil {
			learned, steps = &h.best, h.bestSteps
		}
		m.heads = append(m.heads, h.name)
		m.tables = append(m.tables, learned.alone())
		if t.cfg.Resumable {
			m.learned, m.steps = append(m.learned, *learned), append(m.steps, steps)
		}
	}
	if t.cfg.Resumable {
		m.optimizer = settings{t.cfg.Optimizer, t.cfg.rate(), t.cfg.L1, t.cfg.L2, orDefault(t.cfg.Beta, 1)}
	}
	m.finish()
	return m
}
