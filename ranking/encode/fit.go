package encode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/idtable"
	"github.com/recsyskit/recsys/ranking"
)

// Fit returns the statistics of d's rows, and d with the columns [Target.Names] behind its
// float columns, out of fold: each row has the statistics of the folds that it is not in. All else of that
// dataset is shared with d, which is not written to.
//
// A label that is NaN counts for no mean, but for the number of rows. Rows count as often as their
// weight says. The errors are those of [ranking.Dataset.Validate], one that joins what is wrong with cfg,
// one that names a head without any label, [ErrOneFold], and ctx.Err(). A key costs a sort of the rows and 16 bytes a row and worker.
func Fit(ctx context.Context, cfg Config, d *ranking.Dataset) (*Target, *ranking.Dataset, error) {
	if err := d.Validate(); err != nil {
		return nil, nil, err
	}
	cfg, err := cfg.resolve(d)
	if err != nil {
		return nil, nil, err
	}
	f := &fit{Config: cfg, d: d, t: &Target{heads: cfg.Heads, counts: !cfg.NoCounts}}
	if err := f.setUp(); err != nil {
		return nil, nil, err
	}
	if f.out, err = extend(d, f.t.Names()); err != nil {
		return nil, nil, err
	}
	if err := f.run(ctx); err != nil {
		return nil, nil, err
	}
	return f.t, f.out, nil
}

// ErrOneFold is wrapped by [Fit] when all rows are in one fold, since they are of one group or very few: no row has
// statistics of other folds, and a model would learn from columns that say nothing.
var ErrOneFold = errors.New("all rows are in one fold")

// fit is a call of Fit.
type fit struct {
	Config
	d, out *ranking.Dataset
	t      *Target
	ids    []int       // of the target -> ID column of d
	labels []int       // head of the target -> head of d
	folds  []int32     // of the rows
	priors [][]float64 // mean of each head outside of each fold; last: over all rows
}

// setUp finds the columns, deals the rows to folds and takes the means over all rows.
func (f *fit) setUp() error {
	for _, names := range f.Keys {
		var k key
		for _, name := range names {
			j := slices.Index(f.t.idColumns, name)
			if j < 0 {
				j = len(f.t.idColumns)
				f.t.idColumns = append(f.t.idColumns, name)
				f.ids = append(f.ids, slices.Index(f.d.IDColumns, name))
			}
			k.columns = append(k.columns, j)
		}
		f.t.keys = append(f.t.keys, k)
	}
	for _, head := range f.Heads {
		f.labels = append(f.labels, slices.Index(f.d.Heads, head))
	}
	f.folds = make([]int32, f.d.Len())
	all := newSums(f.Folds, len(f.labels))
	for r := range f.folds {
		f.folds[r] = int32(hash.Combine(f.Seed, f.d.Group(r)) % uint64(f.Folds))
		f.add(all, r)
	}
	if n := len(f.folds); n > 1 && !slices.ContainsFunc(f.folds, func(fold int32) bool { return fold != f.folds[0] }) {
		return fmt.Errorf("encode: %w: %d rows; want Dataset.Groups of more groups, or none, or for a few rows another Config.Seed", ErrOneFold, n)
	}
	f.priors = make([][]float64, f.Folds+1)
	for h, head := range f.Heads {
		total := all.outside(-1)
		if total.weight[h] == 0 {
			return fmt.Errorf("encode: head %q has no label: all are NaN or weigh nothing", head)
		}
		mean := total.sum[h] / total.weight[h]
		f.t.prior = append(f.t.prior, float32(mean))
		for fold := range f.Folds {
			prior := mean
			if rest := all.outside(int32(fold)); rest.weight[h] > 0 {
				prior = rest.sum[h] / rest.weight[h]
			}
			f.priors[fold] = append(f.priors[fold], prior)
		}
		f.priors[f.Folds] = append(f.priors[f.Folds], mean)
	}
	return nil
}

// run takes the keys one after the other, several at a time.
func (f *fit) run(ctx context.Context) error {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(f.Workers, len(f.t.keys)) {
		group.Go(func() {
			w := worker{fit: f, rows: make([]entry, f.d.Len()), sums: newSums(f.Folds, len(f.labels))}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(f.t.keys) || ctx.Err() != nil {
					return
				}
				w.key(i)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// worker has the memory of a goroutine.
type worker struct {
	*fit
	rows []entry
	sums *sums
}

// entry is a row of the dataset and the code of its key.
type entry struct {
	code uint64
	row  int32
}

// key takes the statistics of a key: rows sorted by code are runs of one key each.
func (w *worker) key(i int) {
	k := &w.t.keys[i]
	for r := range w.rows {
		w.rows[r] = entry{k.codeOf(w.d.IDRow(r), w.ids), int32(r)}
	}
	slices.SortFunc(w.rows, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.row, b.row))
	})
	width := w.t.width()
	at := len(w.d.Columns) + i*width
	var codes []uint64
	for from := 0; from < len(w.rows); {
		to := from + 1
		for to < len(w.rows) && w.rows[to].code == w.rows[from].code {
			to++
		}
		if w.one(w.rows[from:to], at) {
			codes = append(codes, w.rows[from].code)
			k.values = append(k.values, make([]float32, width)...)
			w.write(k.values[len(k.values)-width:], w.sums.outside(-1), w.Folds)
		}
		w.sums.clear()
		from = to
	}
	k.codes, k.table = slices.Clip(codes), idtable.New(codes)
	k.values = slices.Clip(k.values)
}

// one sums up the rows of one key, writes their columns from at on, and reports whether the
// key is frequent enough to be kept.
func (w *worker) one(run []entry, at int) bool {
	for _, e := range run {
		w.add(w.sums, int(e.row))
	}
	width := w.t.width()
	for _, e := range run {
		fold := w.folds[e.row]
		dst := w.out.FloatRow(int(e.row))[at : at+width]
		if v := w.sums.cached(fold); v != nil {
			copy(dst, v)
			continue
		}
		if rest := w.sums.outside(fold); rest.count >= w.MinCount {
			w.write(dst, rest, int(fold))
		} else {
			w.write(dst, nil, int(fold))
		}
		w.sums.keep(fold, dst)
	}
	return w.sums.outside(-1).count >= w.MinCount
}

// write writes means and the number of rows; s is nil for a key that was not seen.
func (f *fit) write(dst []float32, s *sum, fold int) {
	for h, prior := range f.priors[fold] {
		dst[h] = float32(prior)
		if s != nil {
			dst[h] = float32((s.sum[h] + float64(f.Smoothing*prior)) / (s.weight[h] + f.Smoothing))
		}
	}
	if f.t.counts {
		count := 0.0
		if s != nil {
			count = s.count
		}
		dst[len(f.labels)] = float32(min(count, math.MaxFloat32))
	}
}

// add adds row r to the sums of its fold.
func (f *fit) add(s *sums, r int) {
	weight := float64(f.d.Weight(r))
	one := s.of(f.folds[r])
	one.rows++
	one.count += weight
	labels := f.d.LabelRow(r)
	for h, j := range f.labels {
		if y := float64(labels[j]); y == y {
			one.sum[h] += float64(weight * y)
			one.weight[h] += weight
		}
	}
}
