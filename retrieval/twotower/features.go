package twotower

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Input is what a model with features is trained on.
type Input struct {
	// Interactions say who took what.
	Interactions *retrieval.Interactions

	// Users and Items are features of users and items; nil for none. Items that have features
	// and no interactions get vectors all the same, and users without interactions are
	// served by theirs.
	Users *Features[recsys.UserID]
	Items *Features[recsys.ItemID]
}

// Features are columns of features of users or of items: value i of each column belongs to
// Keys[i]. Who is not among the keys has none.
type Features[ID ~uint64] struct {
	Keys    []ID // in any order, each once
	Columns []Column
}

// Column is a feature of a name that no other column has. One of Floats, Categories and
// Vectors holds its values.
type Column struct {
	Name string

	// Floats are numbers. They are standardised, to the mean 0 and the variance 1 of those
	// that are there; NaN is missing and counts as the mean.
	Floats []float32

	// Categories are ids: of a creator, a genre, a hashed string (see [recsys.HashID]). Each
	// value gets a vector of its own.
	Categories []uint64

	// Vectors are embeddings: of a text, an image. They are divided by the root of their
	// mean square.
	Vectors vector.Matrix
}

// spec is a column as the towers see it: what is in the file of a model.
type spec struct {
	Name        string
	Kind        recsys.Kind
	Dim         int     `json:",omitempty"` // of a vector
	Mean, Scale float64 // a value enters as (x - Mean) × Scale
}

// inputs are the features of all users or items of a model, as rows for a tower: the values
// that are numbers and the places of those that are categories. Without a row a user has none.
type inputs struct {
	specs  []spec
	dense  int       // numbers per row
	cats   int       // categories per row
	values []float32 // rows × dense
	bucket []int32   // rows × cats; -1: missing
}

// width returns how many values of a tower's input the features take.
func (f *inputs) width(categoryDim int) int { return f.dense + f.cats*categoryDim }

// row returns the numbers and categories of a row, nothing for one < 0.
func (f *inputs) row(i int32) ([]float32, []int32) {
	if i < 0 {
		return nil, nil
	}
	return f.values[int(i)*f.dense:][:f.dense], f.bucket[int(i)*f.cats:][:f.cats]
}

// check returns an error that names what does not fit.
func (f *Features[ID]) check(of string) error {
	if f == nil {
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("twotower: features of %s: "+format, append([]any{of}, args...)...))
	}
	keys := slices.Sorted(slices.Values(f.Keys))
	for i := 1; i < len(keys); i++ {
		if keys[i] == keys[i-1] {
			bad("key %d is there twice", keys[i])
			break
		}
	}
	names := map[string]bool{}
	for i := range f.Columns {
		c := &f.Columns[i]
		if c.Name == "" || names[c.Name] {
			bad("column %d has the name %q; want one that no other has", i, c.Name)
		}
		names[c.Name] = true
		kinds := 0
		for _, n := range []int{len(c.Floats), len(c.Categories), c.Vectors.Rows} {
			if n > 0 {
				kinds++
			}
			if n > 0 && n != len(f.Keys) {
				bad("column %q has %d values of %d keys", c.Name, n, len(f.Keys))
			}
		}
		if kinds > 1 || kinds == 0 && len(f.Keys) > 0 {
			bad("column %q has values of %d kinds; want one of Floats, Categories and Vectors", c.Name, kinds)
		}
		for k, x := range c.Floats {
			if math.IsInf(float64(x), 0) && k < len(f.Keys) {
				bad("column %q of %d is %v; want a finite number, or NaN where it is missing", c.Name, f.Keys[k], x)
				break
			}
		}
		if c.Vectors.Rows > 0 {
			if err := c.Vectors.Check(); err != nil {
				bad("column %q: %w", c.Name, err)
			}
		}
	}
	return errors.Join(errs...)
}

// encode returns the features as rows of ids, which ascend. start, if not nil, are those of an
// earlier model, whose columns f must have; they then say how values are scaled.
func encode[ID ~uint64](f *Features[ID], ids []ID, buckets int, start *inputs) (*inputs, error) {
	var specs []spec
	if start != nil {
		specs = start.specs
	}
	out := &inputs{}
	if f == nil || len(f.Columns) == 0 {
		if len(specs) > 0 {
			return nil, fmt.Errorf("twotower: Config.Start has %d columns of features and the input none", len(specs))
		}
		return out, nil
	}
	out.specs = make([]spec, len(f.Columns))
	for i := range f.Columns {
		out.specs[i] = describe(&f.Columns[i])
		if start != nil {
			if i >= len(specs) || specs[i].Name != out.specs[i].Name || specs[i].Kind != out.specs[i].Kind || specs[i].Dim != out.specs[i].Dim {
				return nil, fmt.Errorf("twotower: Config.Start has other columns of features than the input, beginning with %q", out.specs[i].Name)
			}
			out.specs[i] = specs[i]
		}
	}
	if len(specs) > len(out.specs) {
		return nil, fmt.Errorf("twotower: Config.Start has %d columns of features and the input %d", len(specs), len(out.specs))
	}
	out.layout()
	out.values, out.bucket = make([]float32, len(ids)*out.dense), make([]int32, len(ids)*out.cats)
	for i := range out.bucket {
		out.bucket[i] = -1
	}
	for k, key := range f.Keys {
		row, ok := slices.BinarySearch(ids, key)
		if !ok {
			continue
		}
		values, cats := out.row(int32(row))
		for i := range f.Columns {
			c, s := &f.Columns[i], &out.specs[i]
			switch s.Kind {
			case recsys.Float:
				values[0] = s.float(c.Floats[k])
				values = values[1:]
			case recsys.Vector:
				s.vector(values, c.Vectors.Row(k))
				values = values[s.Dim:]
			default:
				cats[0] = category(i, c.Categories[k], buckets)
				cats = cats[1:]
			}
		}
	}
	return out, nil
}

// layout counts what a row takes.
func (f *inputs) layout() {
	f.dense, f.cats = 0, 0
	for _, s := range f.specs {
		switch s.Kind {
		case recsys.Float:
			f.dense++
		case recsys.Vector:
			f.dense += s.Dim
		default:
			f.cats++
		}
	}
}

// describe returns how the values of a column enter a tower.
func describe(c *Column) spec {
	s := spec{Name: c.Name, Kind: recsys.ID, Scale: 1}
	switch {
	case len(c.Floats) > 0:
		s.Kind = recsys.Float
		n, sum, square := 0.0, 0.0, 0.0
		for _, x := range c.Floats {
			if x == x {
				n++
				sum += float64(x)
			}
		}
		if n > 0 {
			s.Mean = sum / n
		}
		for _, x := range c.Floats {
			if x == x {
				d := float64(x) - s.Mean
				square += float64(d * d)
			}
		}
		if square > 0 {
			s.Scale = 1 / math.Sqrt(square/n)
		}
	case c.Vectors.Rows > 0:
		s.Kind, s.Dim = recsys.Vector, c.Vectors.Dim
		square := 0.0
		for i := range c.Vectors.Rows {
			for _, x := range c.Vectors.Row(i) {
				square += float64(float64(x) * float64(x))
			}
		}
		if square > 0 {
			s.Scale = math.Sqrt(float64(c.Vectors.Rows) * float64(s.Dim) / square)
		}
	}
	return s
}

// extreme bounds what a value becomes: what lies that many standard deviations off is an
// error as a rule, and must not blow up a tower.
const extreme = 10

// float returns a number as it enters a tower.
func (s *spec) float(x float32) float32 {
	if x != x {
		return 0
	}
	return float32(min(max((float64(x)-s.Mean)*s.Scale, -extreme), extreme))
}

// vector writes a vector as it enters a tower.
func (s *spec) vector(dst, x []float32) {
	for i, v := range x {
		dst[i] = s.float(v)
	}
}

// category returns the row of the table of categories for a value of a column.
func category(column int, value uint64, buckets int) int32 {
	h := hash.Combine(categorySalt, uint64(column), value)
	return int32((h >> 32) * uint64(buckets) >> 32)
}

// fill writes a row of features to x, the part of a tower's input that is theirs.
func (f *inputs) fill(x, values []float32, cats []int32, table *nn.Table) {
	clear(x)
	copy(x, values)
	x = x[f.dense:]
	for i, row := range cats {
		if row >= 0 {
			copy(x[i*table.Dim:], table.Row(row))
		}
	}
}
