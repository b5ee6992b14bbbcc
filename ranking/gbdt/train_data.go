package gbdt

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys/internal/idtable"
	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/engine"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// matrix is a dataset as trees see it: row-major, categories as numbers.
type matrix struct {
	values   []float32
	rows     int
	features []tree.Feature
	columns  []int32 // 0 to width-1
	workers  int
}

// setFeatures names the features.
func (t *trainer) setFeatures() error {
	d := t.data
	for _, name := range d.Columns {
		t.features = append(t.features, tree.Feature{Name: name, Categorical: slices.Contains(t.cfg.Categorical, name)})
	}
	for _, name := range d.IDColumns {
		t.features = append(t.features, tree.Feature{Name: name, Categorical: true})
	}
	t.vocab = make([][]uint64, len(t.features))
	return t.checkInit()
}

// setVocabularies finds the vocabularies of ID columns: the most frequent IDs first, so that sets of
// categories are short, the smaller ID first among equals. Those of an initial model keep their numbers.
func (t *trainer) setVocabularies() error {
	d := t.data
	left := t.leftForIDs()
	for c, name := range d.IDColumns {
		var known []uint64
		if m := t.cfg.Init; m != nil {
			known = m.vocab[m.positions()[name]]
		}
		ids := vocabulary(d, c, known, left)
		if ids == nil {
			return t.tooManyIDs()
		}
		left -= len(ids)
		t.vocab[len(d.Columns)+c] = ids
	}
	return nil
}

// vocabulary returns known and the other IDs of a column, nil if there are more than most.
func vocabulary(d *ranking.Dataset, column int, known []uint64, most int) []uint64 {
	counts := map[uint64]int{}
	for at := column; at < len(d.IDs); at += len(d.IDColumns) {
		if counts[d.IDs[at]]++; len(counts) > most {
			return nil
		}
	}
	for _, id := range known {
		delete(counts, id)
	}
	type entry struct {
		id    uint64
		count int
	}
	fresh := make([]entry, 0, len(counts))
	for id, n := range counts {
		fresh = append(fresh, entry{id, n})
	}
	slices.SortFunc(fresh, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.id, b.id))
	})
	if len(known)+len(fresh) > most {
		return nil
	}
	all := append(make([]uint64, 0, len(known)+len(fresh)), known...)
	for _, e := range fresh[:min(len(fresh), maxCategory-len(known))] {
		all = append(all, e.id)
	}
	return all
}

// checkInit reports how the initial model does not fit the dataset.
func (t *trainer) checkInit() error {
	m := t.cfg.Init
	if m == nil {
		return nil
	}
	var errs []error
	refuse := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("gbdt: Config.Init: "+format, args...))
	}
	at := m.positions()
	var absent []string
	for j, f := range t.features {
		k, ok := at[f.Name]
		delete(at, f.Name)
		isID := j >= len(t.data.Columns)
		switch {
		case !ok:
			absent = append(absent, f.Name)
		case m.features[k].Categorical != f.Categorical:
			refuse("feature %q is categorical in one of model and dataset only", f.Name)
		case isID != (m.vocab[k] != nil):
			refuse("feature %q has a vocabulary in the model if and only if it is an ID column", f.Name)
		}
	}
	if absent != nil {
		refuse("the model has no feature %s", list(absent))
	}
	if len(at) > 0 {
		var names []string
		for _, f := range m.features {
			if _, ok := at[f.Name]; ok {
				names = append(names, f.Name)
			}
		}
		refuse("the dataset has no column %s", list(names))
	}
	if len(m.missing) > 0 {
		refuse("the model takes %v for missing; train on NaN instead", m.missing)
	}
	if len(m.forests) != len(t.data.Heads) {
		refuse("%d forests for heads %s", len(m.forests), list(t.data.Heads))
	}
	return errors.Join(errs...)
}

// matrix returns the values of a dataset with the columns of the training data: its floats themselves if there are
// no ID columns.
func (t *trainer) matrix(d *ranking.Dataset) *matrix {
	width := len(t.features)
	x := &matrix{values: d.Floats, rows: d.Len(), features: t.features, workers: t.cfg.workers()}
	for j := range width {
		x.columns = append(x.columns, int32(j))
	}
	if len(d.IDColumns) == 0 {
		return x
	}
	floats := len(d.Columns)
	tables := make([]idtable.Table, len(d.IDColumns))
	for c := range tables {
		tables[c] = idtable.New(t.vocab[floats+c])
	}
	x.values = make([]float32, x.rows*width)
	x.chunks(func(from, to int) {
		for i := from; i < to; i++ {
			row := x.values[i*width : (i+1)*width]
			copy(row, d.FloatRow(i))
			for c, id := range d.IDRow(i) {
				row[floats+c] = keptCategory(&tables[c], id)
			}
		}
	})
	return x
}

// chunkRows is the number of rows that a worker takes at once.
const chunkRows = 1 << 13

// chunks calls f with ranges that cover all rows, several at once.
func (x *matrix) chunks(f func(from, to int)) {
	parallel.Do(x.workers, (x.rows+chunkRows-1)/chunkRows, func(c int) {
		f(c*chunkRows, min((c+1)*chunkRows, x.rows))
	})
}

// add adds the leaf values of a tree, times factor, to dst, one for each row.
func (x *matrix) add(dst []float64, t *tree.Tree, factor float64) {
	one := *t
	one.Output, one.Leaves = 0, scaled(t.Leaves, factor)
	e := engine.New(&tree.Forest{Features: x.features, Outputs: 1, Trees: []tree.Tree{one}}, engine.Options{})
	x.chunks(func(from, to int) {
		rows := x.slice(from, to)
		e.Add(dst[from:to], &rows, 0, 1, new(engine.Scratch))
	})
}

// raw writes the raw scores of a forest, output-major.
func (x *matrix) raw(dst []float64, f *tree.Forest) {
	e := engine.New(f, engine.Options{})
	x.chunks(func(from, to int) {
		rows, k := x.slice(from, to), f.Outputs
		out := make([]float64, (to-from)*k)
		e.Raw(out, &rows, new(engine.Scratch))
		for at, v := range out {
			dst[at%k*x.rows+from+at/k] = v
		}
	})
}

func (x *matrix) input() bins.Input {
	return bins.Input{Rows: x.rows, Features: x.features, Values: x.values}
}

func (x *matrix) slice(from, to int) engine.Rows {
	w := len(x.columns)
	return engine.Rows{Floats: x.values[from*w : to*w], Stride: w, N: to - from, Columns: x.columns}
}

// scaled returns leaves times factor; both addends and leaves of the final forest come from it, so that
// scores in training are those of the model to the bit.
func scaled(leaves []float64, factor float64) []float64 {
	out := make([]float64, len(leaves))
	for i, v := range leaves {
		out[i] = v * factor
	}
	return out
}
