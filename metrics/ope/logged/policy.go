package logged

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
)

// Policy is a target policy. [*recsys.Pipeline] is one: a pipeline of other stages, or with
// another explorer, of the same columns and sources.
type Policy interface {
	// Propensities writes into dst[i] the probability that the policy would have shown
	// x.Rows[i] at place i, given the rows above it; 0 for what it never shows there, and for
	// all below. len(dst) is x.Shown.
	Propensities(ctx context.Context, x *recsys.Exposure, dst []float64) error
}

var _ Policy = (*recsys.Pipeline)(nil)

// PolicyFunc adapts a function to [Policy].
type PolicyFunc func(ctx context.Context, x *recsys.Exposure, dst []float64) error

// Propensities calls f.
func (f PolicyFunc) Propensities(ctx context.Context, x *recsys.Exposure, dst []float64) error {
	return f(ctx, x, dst)
}

// Chooser is implemented by a [Policy] that knows the probabilities of all rows of a record. It
// is what estimators with a reward model need.
type Chooser interface {
	// Choices writes into dst[r] the probability of the row whose ExposureRow.Row is r at a
	// place below the first place rows of the slate. len(dst) is len(x.Rows).
	Choices(ctx context.Context, x *recsys.Exposure, place int, dst []float64) error
}

// Placer is implemented by a [Policy] that knows the probabilities of a record's rows at their
// places whatever stands above them. It is what ope.IIPS and ope.SNIIPS need.
type Placer interface {
	// PlaceProbabilities writes into logger[i] and target[i] the probability of x.Rows[i] at place
	// i under the policy that made the log and under this one. Both are of length x.Shown.
	PlaceProbabilities(ctx context.Context, x *recsys.Exposure, logger, target []float64) error
}

// ErrUnknownRecord is returned by a [Table] for a record that it does not name.
var ErrUnknownRecord = errors.New("logged: the table has no propensities for the record")

// Table is a [Policy] that was judged elsewhere: it holds the propensities of each record's shown
// rows by the ID of the exposure.
type Table map[string][]float64

// Propensities copies the propensities of x. The error wraps [ErrUnknownRecord], or says that
// their number is not x.Shown.
func (t Table) Propensities(_ context.Context, x *recsys.Exposure, dst []float64) error {
	p, ok := t[x.ID]
	if !ok {
		return ErrUnknownRecord
	}
	if len(p) != len(dst) {
		return fmt.Errorf("logged: the table has %d propensities for %d places", len(p), len(dst))
	}
	copy(dst, p)
	return nil
}
