package bins

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Limits of a table.
const (
	MaxBins = 255 // of a column, the bin of missing values or other categories included
	// BlockColumns is how many columns stand side by side in a block: a cache line.
	BlockColumns = 64
	// MaxCategory is the first category that float32 values cannot be relied on to hold.
	MaxCategory = 1 << 24
)

// Input is a table of values. The slices are the caller's and are only read.
type Input struct {
	Rows     int
	Features []tree.Feature
	// Values are row-major, Rows x len(Features); NaN is a missing value. A categorical
	// feature holds category numbers, small and dense: a node that splits it stores a bit for each number.
	Values []float32
}

// Config says how columns are cut. The zero value is the default.
type Config struct {
	Bins          int    // most bins of a column, 2 to 255; 0 means 255
	MinRowsPerBin int    // rows of the sample that a bin has at least; 0 means 3
	SampleRows    int    // 0 means 200,000
	Seed          uint64 // of the sample
	ZeroAsMissing bool   // |x| <= tree.ZeroThreshold is missing, as NaN is
	Workers       int    // 0 means 1; the result does not depend on it
}

func (c Config) withDefaults() (Config, error) {
	for _, f := range []struct {
		name         string
		value        *int
		fallback, lo int
	}{
		{"Bins", &c.Bins, MaxBins, 2},
		{"MinRowsPerBin", &c.MinRowsPerBin, 3, 1},
		{"SampleRows", &c.SampleRows, 200_000, 1},
		{"Workers", &c.Workers, 1, 1},
	} {
		if *f.value == 0 {
			*f.value = f.fallback
		}
		if *f.value < f.lo {
			return c, fmt.Errorf("bins: %s is %d; want >= %d (0 means %d)", f.name, *f.value, f.lo, f.fallback)
		}
	}
	if c.Bins > MaxBins {
		return c, fmt.Errorf("bins: Bins is %d; want at most %d", c.Bins, MaxBins)
	}
	return c, nil
}

// Feature says how the values of a column become bins.
type Feature struct {
	Name        string
	Categorical bool
	// Cuts are the upper ends of the bins of values but the last, which is open: bin b holds
	// x <= Cuts[b]. Between two values of the sample that no cut could divide exactly there is none.
	Cuts []float64
	// Categories are those that have a bin, ascending: bin b holds Categories[b]. The bin
	// len(Categories) holds everything else.
	Categories []int32
	// Missing says which values are missing, to the table and to the nodes grown from it.
	// A numeric column without missing values takes NaN for 0; in a categorical one NaN is always
	// missing, and one of the others.
	Missing tree.Missing
	// MissingBin is the bin of missing values, the last; -1 if Missing is MissingNone or
	// the column is categorical.
	MissingBin int
	// Bins is the number of bins; those of a column of the table are below it.
	Bins int

	keys keys
}

// ValueBins returns the number of bins that hold values: without that of missing values and
// without that of other categories.
func (f *Feature) ValueBins() int {
	if f.Categorical {
		return len(f.Categories)
	}
	return len(f.Cuts) + 1
}

// Bin returns the bin of x.
func (f *Feature) Bin(x float32) uint8 {
	if f.Categorical {
		return f.category(x)
	}
	return f.numeric(x)
}

// Block is a run of columns, row-major: the bin of column First+c in row r is
// Data[r*Stride+c].
type Block struct {
	First, Columns int
	Stride         int // 8, 16, 32 or 64; what Columns leave is zero
	Data           []uint8
}

// Table holds the bins of all rows, by row and by column. It is immutable.
type Table struct {
	Rows     int
	Features []Feature // as in the input
	// Used are the features that have a column, ascending; Columns[c] are the bins of Used[c].
	Used    []int32
	Columns [][]uint8
	Blocks  []Block // the same bins by row

	workers int
}

// InputError names the value of an input that has no bin.
type InputError struct {
	Feature string
	Row     int
	Value   float32
	Want    string
}

func (e *InputError) Error() string {
	return fmt.Sprintf("bins: row %d of %q is %v; want %s", e.Row, e.Feature, e.Value, e.Want)
}

// New finds bins for the columns of in and returns the table of its rows. Errors: a value of
// cfg or a length that does not fit; an [*InputError] for a category of [MaxCategory] or more;
// ctx.Err() when ctx is done. It takes O(rows x features) with the sample sorted by radix, and [Memory].
func New(ctx context.Context, in Input, cfg Config) (*Table, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	features, err := find(ctx, in, cfg)
	if err != nil {
		return nil, err
	}
	t := &Table{Rows: in.Rows, Features: features, workers: cfg.Workers}
	if err := t.fill(ctx, in); err != nil {
		return nil, err
	}
	t.drop()
	if err := t.layOut(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// Like returns the table of the rows of in under the bins of t: for validation and for
// training on. Features must be those of t in its order. A category that t does not know goes to
// the bin of the others, however large.
func (t *Table) Like(ctx context.Context, in Input) (*Table, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if !slices.EqualFunc(t.Features, in.Features, func(a Feature, b tree.Feature) bool {
		return a.Name == b.Name && a.Categorical == b.Categorical
	}) {
		return nil, errors.New("bins: the features are not those of the table")
	}
	like := &Table{Rows: in.Rows, Features: t.Features, Used: t.Used, workers: t.workers}
	if err := like.fill(ctx, in); err != nil {
		return nil, err
	}
	if err := like.layOut(ctx); err != nil {
		return nil, err
	}
	return like, nil
}

// Bin returns the bin of x in the feature.
func (t *Table) Bin(feature int, x float32) uint8 { return t.Features[feature].Bin(x) }

// Memory returns how many bytes the table of so many rows and features takes at most, without
// the sample: 100 bytes for each of its rows and worker while the bins are found.
func Memory(rows, features int) int64 {
	return int64(rows) * int64(features+paddedColumns(features))
}

// paddedColumns is the sum of the strides of the blocks.
func paddedColumns(columns int) int {
	return columns/BlockColumns*BlockColumns + stride(columns%BlockColumns)
}

// stride returns how far apart the rows of a block are: no row of it crosses a cache line.
func stride(columns int) int {
	if columns == 0 {
		return 0
	}
	s := 8
	for s < columns {
		s *= 2
	}
	return s
}

func (in *Input) check() error {
	if in.Rows < 1 || in.Rows > math.MaxInt32 {
		return fmt.Errorf("bins: %d rows; want 1 to %d", in.Rows, math.MaxInt32)
	}
	if len(in.Values) != in.Rows*len(in.Features) {
		return fmt.Errorf("bins: %d values; want %d for %d rows of %d features",
			len(in.Values), in.Rows*len(in.Features), in.Rows, len(in.Features))
	}
	return nil
}
