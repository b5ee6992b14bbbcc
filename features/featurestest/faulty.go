package featurestest

import (
	"context"
	"math"
	"time"

	"github.com/recsyskit/recsys"
)

// The types below are sources with a fault, to test what uses a source: a pipeline's
// fallbacks, budgets and guards. Each wraps a source that hydrates by items, which
// must not be nil, has its columns, and binds it when it is bound. They are safe for
// concurrent use if the source within is.
type (
	// Slow waits for Delay and then hydrates. It heeds the context: when that is done
	// first it returns its error.
	Slow struct {
		recsys.FeatureSource
		Delay time.Duration
	}

	// Hanging does not return before Until is closed, whatever the context says; then it
	// hydrates. A nil Until hangs for ever.
	Hanging struct {
		recsys.FeatureSource
		Until <-chan struct{}
	}

	// Panicking hydrates, writes rubbish into the second half of the rows and panics with
	// Value. A nil Value is the text "featurestest: panic".
	Panicking struct {
		recsys.FeatureSource
		Value any
	}

	// Failing writes rubbish into every cell and then returns Err, which must not be nil.
	Failing struct {
		recsys.FeatureSource
		Err error
	}

	// NaN writes NaN into every float and vector, and marks no row as missing.
	NaN struct{ recsys.FeatureSource }

	// Partial says that it overwrites every cell, and leaves out the last row.
	Partial struct{ recsys.FeatureSource }

	// Spilling writes a float beside its own columns in each row: into those of another
	// source where there is one, else into the next row.
	Spilling struct{ recsys.FeatureSource }
)

// Hydrate waits first.
func (f Slow) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return f.FeatureSource.Hydrate(ctx, q, items, out)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hydrate hangs first.
func (f Hanging) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	<-f.Until
	return f.FeatureSource.Hydrate(ctx, q, items, out)
}

// Hydrate panics half way.
func (f Panicking) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if err := f.FeatureSource.Hydrate(ctx, q, items, out); err != nil {
		return err
	}
	rubbish(out, out.Rows/2)
	if f.Value == nil {
		panic("featurestest: panic")
	}
	panic(f.Value)
}

// Hydrate writes rubbish and fails.
func (f Failing) Hydrate(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
	rubbish(out, 0)
	return f.Err
}

// Hydrate writes NaN.
func (f NaN) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if err := f.FeatureSource.Hydrate(ctx, q, items, out); err != nil {
		return err
	}
	nan := float32(math.NaN())
	for i := range out.Rows {
		fill(out.FloatRow(i), nan)
		for j := range out.Vector {
			fill(out.VectorAt(j, i), nan)
		}
	}
	out.Missing.Reset()
	return nil
}

// Overwrites returns true, which is a lie.
func (f Partial) Overwrites() bool { return true }

// Hydrate leaves out the last row.
func (f Partial) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	last := out.Rows - 1
	if last < 0 {
		return nil
	}
	b := recsys.NewBlock(f.Columns(), scopeOf(items), out.Rows)
	if err := f.FeatureSource.Hydrate(ctx, q, items, b); err != nil {
		return err
	}
	for i := range last {
		copy(out.FloatRow(i), b.FloatRow(i))
		for j := range b.ID {
			out.ID[j][i] = b.ID[j][i]
		}
		for j := range b.Vector {
			copy(out.VectorAt(j, i), b.VectorAt(j, i))
		}
	}
	b.Missing.Clear(last)
	copy(out.Missing, b.Missing)
	copy(out.Stale, b.Stale)
	return nil
}

// Hydrate writes beside its columns.
func (f Spilling) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if err := f.FeatureSource.Hydrate(ctx, q, items, out); err != nil {
		return err
	}
	for i := range out.Rows {
		if at := i*out.Stride + out.Floats; at < len(out.Float) {
			out.Float[at] = -1
		}
	}
	return nil
}

// Bind binds the source within.
func (f Slow) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	err := bindInner(&f.FeatureSource, s)
	return f, err
}

// Bind binds the source within.
func (f Hanging) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	err := bindInner(&f.FeatureSource, s)
	return f, err
}

// Bind binds the source within.
func (f Panicking) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	err := bindInner(&f.FeatureSource, s)
	return f, err
}

// Bind binds the source within.
func (f Failing) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	err := bindInner(&f.FeatureSource, s)
	return f, err
}

// Bind binds the source within.
func (f NaN) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	err := bindInner(&f.FeatureSource, s)
	return f, err
}

// Bind binds the source within.
func (f Partial) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	err := bindInner(&f.FeatureSource, s)
	return f, err
}

// Bind binds the source within.
func (f Spilling) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	err := bindInner(&f.FeatureSource, s)
	return f, err
}

func bindInner(f *recsys.FeatureSource, s *recsys.Schema) (err error) {
	*f, err = recsys.Bind(*f, s)
	return err
}

func scopeOf(items []recsys.ItemID) recsys.Scope {
	if items == nil {
		return recsys.PerRequest
	}
	return recsys.PerItem
}

// rubbish writes numbers that mean nothing into the rows from first on.
func rubbish(b *recsys.Block, first int) {
	const junk = -9.75e30
	for i := first; i < b.Rows; i++ {
		fill(b.FloatRow(i), junk)
		for j := range b.ID {
			b.ID[j][i] = 0xbadbadbadbad
		}
		for j := range b.Vector {
			fill(b.VectorAt(j, i), junk)
		}
	}
}

func fill(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}

var (
	_ recsys.FeatureSource                = Slow{}
	_ recsys.FeatureSource                = Hanging{}
	_ recsys.FeatureSource                = Panicking{}
	_ recsys.FeatureSource                = Failing{}
	_ recsys.FeatureSource                = NaN{}
	_ recsys.FeatureSource                = Partial{}
	_ recsys.FeatureSource                = Spilling{}
	_ recsys.Binder[recsys.FeatureSource] = Slow{}
	_ recsys.Overwriter                   = Partial{}
)
