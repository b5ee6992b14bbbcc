package walk

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of a model. The zero value is P3alpha with α = 1: the
// probabilities of the walk as they are.
type Config struct {
	// Neighbors is how many items each item proposes at most, and by how many it is
	// proposed, >= 0; 0 means 200. More cost memory and serving time in proportion: on
	// validation splits of CiteULike-a and the Gowalla check-ins 200 in place of 100 raised the
	// hit rate at 10 from 0.778 to 0.839, and recall@20 from 0.192 to 0.197.
	Neighbors int

	// Alpha is the exponent of the probability of each step, in (0, 10]; 0 means 1.
	Alpha float64

	// Beta is the exponent of the popularity that the weight is divided by, in [-10, 10]: 0 is
	// P3alpha, above 0 proposes less of what is popular, below 0 more.
	Beta float64

	// Raw leaves the weights as they are. By default those of each item, after the cut to
	// Neighbors, are divided by their sum, so that each item of the history has the same say.
	Raw bool

	// History says how the events of a request count at serving. The model can change it:
	// see [itemsim.Model.WithHistory].
	History retrieval.History `json:"-"`

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// MaxBytes bounds the memory of training, >= 0, by an estimate beforehand; 0 means the
	// memory limit of the Go runtime if there is one (GOMEMLIMIT), else 8 GiB.
	MaxBytes int64 `json:"-"`

	// Progress, if not nil, is told in training how many items of all are done: by one
	// goroutine at a time, with growing done.
	Progress func(done, all int) `json:"-"`
}

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("walk: Config."+format, args...)) }
	if c.Neighbors < 0 {
		bad("Neighbors is %d; want >= 0 (0 means 200)", c.Neighbors)
	}
	if !(c.Alpha >= 0 && c.Alpha <= 10) {
		bad("Alpha is %v; want a number in (0, 10] (0 means 1)", c.Alpha)
	}
	if !(c.Beta >= -10 && c.Beta <= 10) {
		bad("Beta is %v; want a number in [-10, 10]", c.Beta)
	}
	if c.Workers < 0 {
		bad("Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Neighbors == 0 {
		c.Neighbors = 200
	}
	if c.Alpha == 0 {
		c.Alpha = 1
	}
	return c, errors.Join(errs...)
}
