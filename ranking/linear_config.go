package ranking

import (
	"errors"
	"fmt"
	"slices"
)

// LinearConfig configures [TrainLinear]. The zero value trains a model without
// regularisation by AdaGrad.
//
// With AdaGrad and SGD each head minimises, over weights on standardised features,
//
//	1/C Σ_i c_i loss(y_i, p_i) + L1 Σ_j |w_j| + L2/2 Σ_j w_j²
//
// where c_i is the row's weight, times PositiveWeight as far as the row is
// positive, C their sum, and loss the log loss. The intercept is not regularised.
type LinearConfig struct {
	Optimizer Optimizer // AdaGrad by default

	// Epochs is the largest number of passes over the rows, >= 0; 0 means 20.
	Epochs int
	// BatchSize is the number of rows in a step, >= 0; 0 means a hundredth of the head's
	// rows, from 16 to 256, and 1 for FTRL, as in the paper. AdaGrad and SGD step along
	// the mean gradient of a batch, FTRL along the sum.
	BatchSize int
	// LearningRate is AdaGrad's and SGD's step, and FTRL's alpha: > 0; 0 means 0.1.
	LearningRate float64
	// Decay lowers the learning rate to LearningRate/(1+Decay*e) in epoch e, from 0: >= 0.
	// FTRL has a schedule of its own.
	Decay float64
	// Beta is FTRL's beta, >= 0; 0 means 1.
	Beta float64

	// L1 and L2 are the strengths of regularisation, >= 0. With AdaGrad and SGD they
	// weigh against the mean loss. With FTRL they are the paper's lambda 1 and 2, which
	// weigh against a sum over all examples of all epochs: n times as large for the same effect.
	L1, L2 float64

	// PositiveWeight multiplies the loss of a head's positives, by head: > 0; a head
	// that is not in it has 1. Probabilities come out too high by about as much: the
	// fitted log odds gain log(PositiveWeight).
	PositiveWeight map[string]float64

	// MissingIndicators gives every float column that misses values a second weight,
	// which is added where the value is missing. Without it a missing value counts as
	// the training mean.
	MissingIndicators bool
	// MinCount is the number of rows that an ID must have for a weight of its own,
	// >= 0; 0 means 1. Other IDs add nothing.
	MinCount int

	// Tolerance ends the training of a head when no weight has moved by more in an
	// epoch, in log odds per standard deviation: >= 0; 0 means 1e-4.
	Tolerance float64
	// Validation, if not nil, has the same columns and heads. After each epoch its
	// loss is computed, and a head stops when it has not improved for Patience epochs, >= 0;
	// 0 means 3. The weights of its best epoch count.
	Validation *Dataset
	Patience   int

	// Seed is what the order of rows derives from.
	Seed uint64
	// Workers is the number of goroutines, >= 0; 0 means GOMAXPROCS. It does not change the result.
	Workers int

	// Progress, if not nil, is called after each epoch, by the goroutine that called
	// TrainLinear. What it gets is valid until it returns.
	Progress func(LinearProgress)
}

// LinearProgress tells how training goes.
type LinearProgress struct {
	Epoch int // from 1
	Heads []HeadProgress
}

// HeadProgress is the progress of one head.
type HeadProgress struct {
	Head string
	// Loss is the mean log loss of the epoch's rows, each just before the step that
	// uses it, without penalties.
	Loss float64
	// Validation is the mean log loss on the validation rows; NaN when there are none.
	Validation float64
	// Moved is the largest change of a weight in the epoch.
	Moved float64
	// Done says that the head has converged or stopped early: from the next epoch on
	// it stays as it is, and so do these figures.
	Done bool
}

func (c *LinearConfig) rate() float64 { return orDefault(c.LearningRate, 0.1) }
func (c *LinearConfig) workers() int  { return workersOf(c.Workers) }

// batch returns the number of rows in a step of a head with n rows.
func (c *LinearConfig) batch(n int) int {
	if c.Optimizer == FTRL {
		return orDefault(c.BatchSize, 1)
	}
	return orDefault(c.BatchSize, min(max(n/100, 16), 256))
}

func orDefault[T int | float64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// check returns all mistakes of the configuration for a dataset with the heads.
func (c *LinearConfig) check(heads []string) error {
	var errs []error
	bad := func(field string, value any, want string) {
		errs = append(errs, fmt.Errorf("ranking: LinearConfig.%s is %v; want %s", field, value, want))
	}
	if c.Optimizer >= optimizers {
		bad("Optimizer", c.Optimizer, "AdaGrad, SGD or FTRL")
	}
	for _, f := range []struct {
		field   string
		value   int
		meaning string
	}{
		{"Epochs", c.Epochs, "20"},
		{"BatchSize", c.BatchSize, "a hundredth of the rows, 16 to 256; 1 for FTRL"},
		{"MinCount", c.MinCount, "1"},
		{"Patience", c.Patience, "3"},
		{"Workers", c.Workers, "GOMAXPROCS"},
	} {
		if f.value < 0 {
			bad(f.field, f.value, ">= 0 (0 means "+f.meaning+")")
		}
	}
	for _, f := range []struct {
		field string
		value float64
		want  string
	}{
		{"LearningRate", c.LearningRate, "> 0, or 0 for 0.1"},
		{"Decay", c.Decay, "a finite number >= 0"},
		{"Beta", c.Beta, "> 0, or 0 for 1"},
		{"L1", c.L1, "a finite number >= 0"},
		{"L2", c.L2, "a finite number >= 0"},
		{"Tolerance", c.Tolerance, "> 0, or 0 for 1e-4"},
	} {
		if f.value < 0 || !isFinite(f.value) {
			bad(f.field, f.value, f.want)
		}
	}
	for head, w := range c.PositiveWeight {
		if !(w > 0) || !isFinite(w) {
			bad(fmt.Sprintf("PositiveWeight[%q]", head), w, "a finite number > 0")
		}
		if !slices.Contains(heads, head) {
			errs = append(errs, fmt.Errorf("ranking: LinearConfig.PositiveWeight: no head %q (heads: %s)", head, list(heads)))
		}
	}
	return errors.Join(errs...)
}
