package encode

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking"
)

// Target holds, for every key that was seen, the mean of each head and the number of rows.
// [Fit] makes it. It is immutable and safe for concurrent use.
//
// It is a [recsys.FeatureSource] for candidates whose ID columns an earlier source wrote, and
// [recsys.Binder] finds them by name at Build. It reads the candidate table, so it runs in
// process: it cannot be marked Remote. A candidate costs a look-up per key, and nothing is allocated.
//
// IDs are what they are: an unknown or missing one, which is 0, is a key like any other if training
// had it. Keys of several columns are found by a hash of 64 bits of their values; two of a billion
// keys share one with a probability of 3 %.
type Target struct {
	idColumns []string // that are read
	heads     []string
	counts    bool
	prior     []float32 // mean of each head over all rows
	keys      []key
}

// key is what is known of a combination of ID columns.
type key struct {
	columns []int // in idColumns
	table
	values []float32 // a row of width values for each code of the table
}

// width returns the number of columns of a key.
func (t *Target) width() int {
	w := len(t.heads)
	if t.counts {
		w++
	}
	return w
}

// Names returns the names of the float columns, key by key: the mean of each head, "click(user,item)", and
// the number of rows, "count(user,item)".
func (t *Target) Names() []string {
	names := make([]string, 0, len(t.keys)*t.width())
	for i := range t.keys {
		var columns []string
		for _, j := range t.keys[i].columns {
			columns = append(columns, t.idColumns[j])
		}
		of := "(" + strings.Join(columns, ",") + ")"
		for _, head := range t.heads {
			names = append(names, head+of)
		}
		if t.counts {
			names = append(names, "count"+of)
		}
	}
	return names
}

// IDColumns returns the names of the ID columns that are read.
func (t *Target) IDColumns() []string { return slices.Clone(t.idColumns) }

// String prints the size of t.
func (t *Target) String() string {
	n := 0
	for i := range t.keys {
		n += len(t.keys[i].codes)
	}
	return fmt.Sprintf("statistics of %d keys over %d combinations of %d ID columns, %d heads", n, len(t.keys), len(t.idColumns), len(t.heads))
}

// unknown writes what stands for a key that was not seen.
func (t *Target) unknown(dst []float32) {
	copy(dst, t.prior)
	if t.counts {
		dst[len(t.prior)] = 0
	}
}

// Transform returns d with the columns [Target.Names] behind its float columns; all else is
// shared with d. It is for rows that Fit has not seen: in rows that it has, the means know the label.
// The error names ID columns that d does not have, and float columns that it has already.
func (t *Target) Transform(d *ranking.Dataset) (*ranking.Dataset, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	at, err := t.find(d)
	if err != nil {
		return nil, err
	}
	out, err := extend(d, t.Names())
	if err != nil {
		return nil, err
	}
	w := t.width()
	for i := range t.keys {
		k := &t.keys[i]
		from := len(d.Columns) + i*w
		for r := range d.Len() {
			t.look(out.FloatRow(r)[from:from+w], k, k.codeOf(d.IDRow(r), at))
		}
	}
	return out, nil
}

// look writes the statistics of a key.
func (t *Target) look(dst []float32, k *key, code uint64) {
	if p := k.find(code); p >= 0 {
		copy(dst, k.values[int(p)*len(dst):])
	} else {
		t.unknown(dst)
	}
}

// codeOf returns the code of the key in a row of IDs, where column j of the target is row[at[j]].
func (k *key) codeOf(row []uint64, at []int) uint64 {
	h := row[at[k.columns[0]]]
	for _, j := range k.columns[1:] {
		h = hash.Combine(h, row[at[j]])
	}
	return h
}

// find returns where the ID columns stand in d.
func (t *Target) find(d *ranking.Dataset) ([]int, error) {
	var errs []error
	at := make([]int, len(t.idColumns))
	for j, name := range t.idColumns {
		if at[j] = slices.Index(d.IDColumns, name); at[j] < 0 {
			errs = append(errs, fmt.Errorf("encode: the dataset has no ID column %q (ID columns: %s)", name, strings.Join(d.IDColumns, ", ")))
		}
	}
	return at, errors.Join(errs...)
}

// extend returns d with further float columns, whose values are 0.
func extend(d *ranking.Dataset, names []string) (*ranking.Dataset, error) {
	for _, name := range names {
		if slices.Contains(d.Columns, name) || slices.Contains(d.IDColumns, name) {
			return nil, fmt.Errorf("encode: the dataset has a column %q already", name)
		}
	}
	out := *d
	out.Columns = slices.Concat(d.Columns, names)
	w := len(out.Columns)
	out.Floats = make([]float32, d.Len()*w)
	for r := range d.Len() {
		copy(out.Floats[r*w:], d.FloatRow(r))
	}
	return &out, nil
}
