package ranking

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/internal/parallel"
)

var (
	// ErrNoRows is wrapped when a head has no row with a known label and a weight above 0.
	ErrNoRows = errors.New("no labelled rows")
	// ErrOneClass is wrapped when all labels of a head are 0, or all are 1: its best
	// intercept is infinite. Leave the head out, or take more data.
	ErrOneClass = errors.New("labels of one class only")
	// ErrDiverged is wrapped when a loss or a weight is no longer finite: the learning rate is too high.
	ErrDiverged = errors.New("training diverged")
)

// TrainLinear fits a logistic regression for each head of d: labels in [0, 1], NaN
// where unknown. Columns are standardised first, with the weighted mean and
// standard deviation of the values that are there. Heads are fitted independently:
// a head gets the same weights whatever others there are.
//
// The result depends on cfg, d and the seed, not on the number of workers. A head
// that has not converged after the last epoch is no error.
//
// Errors: a [*DatasetError] names the row and value that is not valid; ErrNoRows,
// ErrOneClass and ErrDiverged are wrapped with the head; when ctx is done the
// error wraps ctx.Err(). An epoch costs O(n (d+c)) per head; memory is n x (c+2H)
// int32, and per head a few vectors of the number of weights.
func TrainLinear(ctx context.Context, cfg LinearConfig, d *Dataset) (*Linear, error) {
	if err := errors.Join(cfg.check(d.Heads), checkTraining(d)); err != nil {
		return nil, err
	}
	if v := cfg.Validation; v != nil {
		err := checkTraining(v)
		if err == nil {
			cfg.Validation, err = v.like(d)
		}
		if err != nil {
			return nil, fmt.Errorf("ranking: LinearConfig.Validation: %w", err)
		}
	}
	t, err := newLinearTrainer(&cfg, d)
	if err != nil {
		return nil, err
	}
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	return t.model(), nil
}

// checkTraining checks what a dataset for logistic regression needs beyond Validate.
func checkTraining(d *Dataset) error {
	if err := d.Validate(); err != nil {
		return err
	}
	if len(d.Heads) == 0 {
		return &DatasetError{Field: "Heads", Row: -1, Value: "empty", Want: "at least one label"}
	}
	for at, y := range d.Labels {
		if y < 0 || y > 1 {
			h := len(d.Heads)
			return &DatasetError{Field: "Labels", Row: at / h, Column: d.Heads[at%h], Value: fmt.Sprint(y), Want: "0 to 1, or NaN"}
		}
	}
	return nil
}

// like returns d with the columns and heads of the other, in its order.
func (d *Dataset) like(other *Dataset) (*Dataset, error) {
	if !slices.Equal(d.Heads, other.Heads) {
		return nil, fmt.Errorf("heads are %s; want %s", list(d.Heads), list(other.Heads))
	}
	if slices.Equal(d.Columns, other.Columns) && slices.Equal(d.IDColumns, other.IDColumns) {
		return d, nil
	}
	return d.Select(slices.Concat(other.Columns, other.IDColumns)...)
}

type linearTrainer struct {
	cfg   *LinearConfig
	x     *design
	valid *design // nil without validation
	heads []*headTrainer
}

func newLinearTrainer(cfg *LinearConfig, d *Dataset) (*linearTrainer, error) {
	t := &linearTrainer{cfg: cfg}
	var errs []error
	for h := range d.Heads {
		rows, err := labelledRows(d, h)
		if err != nil {
			errs = append(errs, fmt.Errorf("ranking: linear: %w", err))
		}
		if cfg.Validation != nil {
			if _, err := labelledRows(cfg.Validation, h); errors.Is(err, ErrNoRows) {
				errs = append(errs, fmt.Errorf("ranking: LinearConfig.Validation: %w", err))
			}
		}
		t.heads = append(t.heads, &headTrainer{name: d.Heads[h], head: h, rows: rows})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	t.x = newDesign(d, cfg)
	if cfg.Validation != nil {
		t.valid = t.x.of(cfg.Validation)
	}
	for _, h := range t.heads {
		h.start(cfg, t.x, t.valid)
	}
	return t, nil
}

// labelledRows returns the rows that head h learns from.
func labelledRows(d *Dataset, h int) ([]int32, error) {
	var rows []int32
	low, high := float32(1), float32(0)
	for i := range d.Len() {
		if y := d.LabelRow(i)[h]; y == y && d.Weight(i) > 0 {
			rows = append(rows, int32(i))
			low, high = min(low, y), max(high, y)
		}
	}
	switch {
	case len(rows) == 0:
		return nil, fmt.Errorf("head %q: %w", d.Heads[h], ErrNoRows)
	case low == high && (low == 0 || low == 1):
		return nil, fmt.Errorf("head %q: %w: all %d are %v", d.Heads[h], ErrOneClass, len(rows), low)
	}
	return rows, nil
}

// run trains all heads, epoch by epoch so that progress tells of all of them.
func (t *linearTrainer) run(ctx context.Context) error {
	progress := LinearProgress{Heads: make([]HeadProgress, len(t.heads))}
	errs := make([]error, len(t.heads))
	workers := t.cfg.workers()
	each := max(1, workers/len(t.heads)) // of the workers, for each head
	for e := range orDefault(t.cfg.Epochs, 20) {
		parallel.Do(workers, len(t.heads), func(h int) {
			errs[h] = t.heads[h].epoch(ctx, e, each)
		})
		if err := errors.Join(errs...); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return fmt.Errorf("ranking: linear: epoch %d: %w", e+1, err)
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

// positiveWeight returns the weight of the positives of a head.
func (c *LinearConfig) positiveWeight(head string) float64 {
	if w, ok := c.PositiveWeight[head]; ok {
		return w
	}
	return 1
}
