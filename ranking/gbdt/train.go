package gbdt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/grow"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Train grows a forest for each head of d, all over the same features: the float columns
// and then the ID columns, as categories. A row counts for a head where its label is known (not NaN) and its weight
// above 0; weights multiply the gradients of their row, under ranking losses too. Heads are trained independently: a head gets the same trees whatever others there are. Ranking
// losses compare the rows of a group, see [ranking.Dataset].
//
// The model has a head of the same name for each, or one for each class of Softmax. It keeps the IDs that
// trees decide by; any other counts as one never seen.
//
// A head ends after Rounds rounds, when its validation metric has not improved for Patience rounds, or when
// no split gains anything. When all features are constant, or all labels equal, the model has only a base score.
//
// Errors: all mistakes of cfg at once; a [*ranking.DatasetError] that names the row of a label, weight or position
// that the loss does not take; [ranking.ErrNoRows] and [ranking.ErrOneClass] wrapped with the head (labels that are all 0
// or all 1, for which the best base score is infinite); [ErrNoPairs] for a ranking loss without anything to
// compare; a [*MemoryError] before anything large is allocated. When ctx is done, the error wraps ctx.Err() and the model so far
// comes with it, early stopping not applied; Config.Init goes on from there.
//
// The result depends on cfg, d and the seed, not on the number of workers. A round costs O(n x features) per class and
// level of the tree at most; ranking losses besides what Objective.Truncation says. Memory is about n x (2 features + 28)
// bytes, 8n for each class of the head with the most, 8n for each head and class, 12n for each head, the floats once more if
// there are ID columns, and 2 KiB per feature for each leaf, up to 1 GiB.
//
// Sources: Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 2001; Ke et
// al., "LightGBM", NIPS 2017.
func Train(ctx context.Context, cfg Config, d *ranking.Dataset) (*Model, error) {
	t, err := newTrainer(ctx, &cfg, d)
	if err != nil {
		return nil, err
	}
	stopped := t.run(ctx)
	if stopped != nil && ctx.Err() == nil {
		return nil, stopped
	}
	m, err := t.model(stopped == nil)
	if err != nil {
		return nil, err
	}
	return m, stopped
}

// ErrNoPairs is wrapped when a ranking loss has no group with two labels that differ: Dataset.Groups is
// empty, or a group has one row, or labels of one value only.
var ErrNoPairs = errors.New("no group has rows with different labels")

type trainer struct {
	cfg      *Config
	data     *ranking.Dataset
	features []tree.Feature
	vocab    [][]uint64 // by feature; nil for those that are no ID columns
	need     int64      // bytes without vocabularies; 0: they are not bounded
	x, valid *matrix    // valid is nil without validation
	table    *bins.Table
	leafOf   []int32   // scratch, by row
	scratch  sync.Pool // of *loss.Scratch

	validTable *bins.Table
	usable     []int32 // features that are not constant
	grower     *grow.Grower
	sampler    sampler
	heads      []*headTrainer

	grad, hess []float32 // of the head whose turn it is
}

func newTrainer(ctx context.Context, cfg *Config, d *ranking.Dataset) (*trainer, error) {
	if err := errors.Join(cfg.check(d), checkData(d), cfg.checkWeights(d)); err != nil {
		return nil, err
	}
	t := &trainer{cfg: cfg, data: d, sampler: sampler{cfg: cfg, data: d}}
	t.scratch.New = func() any { return new(loss.Scratch) }
	if err := t.setFeatures(); err != nil {
		return nil, err
	}
	if err := t.checkMemory(cfg.Validation); err != nil {
		return nil, err
	}
	var v *ranking.Dataset
	if cfg.Validation != nil {
		var err error
		if v, err = like(cfg.Validation, d); err != nil {
			return nil, fmt.Errorf("gbdt: Config.Validation: %w", err)
		}
	}
	if err := t.setVocabularies(); err != nil {
		return nil, err
	}
	if err := t.setHeads(v); err != nil {
		return nil, err
	}
	return t, t.prepare(ctx, v)
}

// checkData checks what training needs beyond Validate.
func checkData(d *ranking.Dataset) error {
	if err := d.Validate(); err != nil {
		return err
	}
	switch {
	case len(d.Heads) == 0:
		return &ranking.DatasetError{Field: "Heads", Row: -1, Value: "empty", Want: "at least one label"}
	case d.Len() == 0:
		return &ranking.DatasetError{Field: "Labels", Row: -1, Value: "empty", Want: "at least one row"}
	case len(d.Columns)+len(d.IDColumns) == 0:
		return &ranking.DatasetError{Field: "Columns", Row: -1, Value: "empty", Want: "at least one float or ID column"}
	}
	return nil
}

// like returns v with the columns of d, in their order; others are left out.
func like(v, d *ranking.Dataset) (*ranking.Dataset, error) {
	if err := checkData(v); err != nil {
		return nil, err
	}
	if !slices.Equal(v.Heads, d.Heads) {
		return nil, fmt.Errorf("heads are %s; want %s", list(v.Heads), list(d.Heads))
	}
	if sameColumns(v, d) {
		return v, nil
	}
	out, err := v.Select(slices.Concat(d.Columns, d.IDColumns)...)
	if err == nil && !slices.Equal(out.Columns, d.Columns) {
		err = fmt.Errorf("float columns are %s; want %s", list(out.Columns), list(d.Columns))
	}
	return out, err
}

func sameColumns(v, d *ranking.Dataset) bool {
	return slices.Equal(v.Columns, d.Columns) && slices.Equal(v.IDColumns, d.IDColumns)
}

// prepare makes all that takes memory.
func (t *trainer) prepare(ctx context.Context, v *ranking.Dataset) error {
	cfg := t.cfg
	t.x = t.matrix(t.data)
	var err error
	t.table, err = bins.New(ctx, t.x.input(), bins.Config{
		Bins: cfg.Bins, MinRowsPerBin: cfg.MinRowsPerBin, SampleRows: cfg.BinRows, Seed: cfg.Seed,
		ZeroAsMissing: cfg.ZeroAsMissing, Workers: cfg.workers(),
	})
	if err != nil {
		return binsError(err)
	}
	t.usable = t.table.Used
	growing := cfg.grow(t.features)
	if err := growing.Check(t.features); err != nil {
		return fmt.Errorf("gbdt: %w", err)
	}
	t.grower = grow.New(t.table, growing)
	rows := t.x.rows
	if v != nil {
		t.valid = t.matrix(v)
		if t.validTable, err = t.table.Like(ctx, t.valid.input()); err != nil {
			return fmt.Errorf("gbdt: Config.Validation: %w", err)
		}
		rows = max(rows, t.valid.rows)
	}
	t.leafOf = make([]int32, rows)
	most := 0
	for _, h := range t.heads {
		most = max(most, h.outputs)
		if err := h.start(); err != nil {
			return err
		}
	}
	t.grad = make([]float32, most*t.x.rows)
	t.hess = make([]float32, most*t.x.rows)
	return nil
}

// binsError turns an error of a table into one that names row and column.
func binsError(err error) error {
	var in *bins.InputError
	if errors.As(err, &in) {
		return &ranking.DatasetError{Field: "Floats", Row: in.Row, Column: in.Feature, Value: fmt.Sprint(in.Value), Want: in.Want}
	}
	return fmt.Errorf("gbdt: %w", err)
}

// run trains round by round, all heads in turn, so that a training that is cancelled has something of each.
func (t *trainer) run(ctx context.Context) error {
	rounds := t.cfg.rounds()
	report := newReporter(t.cfg)
	for r := range rounds {
		active := 0
		for _, h := range t.heads {
			if !h.done {
				active++
			}
		}
		if active == 0 {
			return nil
		}
		for _, h := range t.heads {
			if h.done {
				continue
			}
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("gbdt: head %q: round %d: %w", h.name, r+1, err)
			}
			grown, err := h.round(ctx, r)
			if err != nil {
				if ctx.Err() != nil {
					err = ctx.Err()
				}
				return fmt.Errorf("gbdt: head %q: round %d: %w", h.name, r+1, err)
			}
			active--
			value := h.judge(r+1, rounds, grown)
			left := active // heads whose turn in this round is to come
			for _, other := range t.heads {
				if !other.done {
					left += rounds - r - 1
				}
			}
			report.report(h, r+1, rounds, left, value)
		}
	}
	return nil
}

// model puts the forests together. finished tells that training was not cut short.
func (t *trainer) model(finished bool) (*Model, error) {
	var forests []*tree.Forest
	for _, h := range t.heads {
		forests = append(forests, h.result(finished))
	}
	features := make([]Feature, len(t.features))
	for j, f := range t.features {
		features[j] = Feature{Name: f.Name, Categorical: f.Categorical, IDs: t.used(j, forests)}
	}
	m, err := newModel(features, t.headNames(), forests)
	if err == nil {
		m.views = slices.Clone(t.data.Views)
	}
	return m, err
}

// used returns the vocabulary of a feature up to the last category that a tree looks for: those behind
// it go where unknown ones go.
func (t *trainer) used(j int, forests []*tree.Forest) []uint64 {
	if t.vocab[j] == nil {
		return nil
	}
	top := 0
	for _, f := range forests {
		for i := range f.Trees {
			for _, n := range f.Trees[i].Nodes {
				if int(n.Feature) == j {
					top = max(top, setEnd(f.Trees[i].Sets[n.Set:n.Set+n.Words]))
				}
			}
		}
	}
	return append([]uint64{}, t.vocab[j][:min(top, len(t.vocab[j]))]...)
}

// setEnd returns one more than the largest member of a bit set.
func setEnd(words []uint32) int {
	for w := len(words) - 1; w >= 0; w-- {
		for b := 31; b >= 0; b-- {
			if words[w]>>b&1 != 0 {
				return w*32 + b + 1
			}
		}
	}
	return 0
}

// datasetError turns an error of a loss into one that names head and row.
func datasetError(head string, err error) error {
	var row *loss.RowError
	switch {
	case errors.As(err, &row):
		return &ranking.DatasetError{Field: row.Field, Row: row.Row, Column: head, Value: row.Value, Want: row.Want}
	case errors.Is(err, loss.ErrOneClass):
		return fmt.Errorf("gbdt: head %q: %w", head, ranking.ErrOneClass)
	case errors.Is(err, loss.ErrNoPairs):
		return fmt.Errorf("gbdt: head %q: %w", head, ErrNoPairs)
	case errors.Is(err, loss.ErrNoRows):
		return fmt.Errorf("gbdt: head %q: %w", head, ranking.ErrNoRows)
	}
	return fmt.Errorf("gbdt: head %q: %w", head, err)
}
