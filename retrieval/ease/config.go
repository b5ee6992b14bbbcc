package ease

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of a model. The zero value is exact EASE with a
// regularisation of 500 and 1,000 weights per item.
type Config struct {
	// Regularization is what is added to the diagonal of the Gram matrix, > 0; 0 means 500,
	// which Steck found best for MovieLens-20M. It has the unit of a squared weight, and is
	// worth searching from 10 to 5,000 for weights of 1: the more interactions an item has,
	// the larger. Others report 523 for CiteULike-a and 80 for Gowalla's check-ins.
	Regularization float64

	// Local fits each item to its Neighbors nearest alone, by cosine, in place of all: the
	// form for large catalogues. See the package.
	Local bool

	// Neighbors is how many weights are kept of those to an item, the largest by magnitude,
	// >= 0; 0 means 1000, or 200 with Local. As many as there are items keep the model
	// whole, at 8 bytes per pair of items. On CiteULike-a, with 16,980 items, 1,000 in place
	// of all lower HR@10 from 0.8806 to 0.8779 and NDCG@10 from 0.7197 to 0.7159; on Gowalla's
	// check-ins, with 40,981, recall@20 is 0.1736 and NDCG@20 0.1434 where others report 0.1765
	// and 0.1467 for all.
	Neighbors int

	// MaxBytes bounds the memory of training, >= 0, by an estimate beforehand; 0 means the
	// memory limit of the Go runtime if there is one (GOMEMLIMIT), else 8 GiB.
	MaxBytes int64 `json:"-"`

	// History says how the events of a request count at serving. The model can change it:
	// see [itemsim.Model.WithHistory].
	History retrieval.History `json:"-"`

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// Progress, if not nil, is told in training how much of all is done: by one goroutine at
	// a time, with growing done.
	Progress func(done, all int) `json:"-"`
}

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("ease: Config."+format, args...)) }
	if !(c.Regularization >= 0 && c.Regularization <= math.MaxFloat32) {
		bad("Regularization is %v; want a finite number > 0 (0 means 500)", c.Regularization)
	}
	if c.Neighbors < 0 {
		bad("Neighbors is %d; want >= 0 (0 means 1000, or 200 with Local)", c.Neighbors)
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	if c.Workers < 0 {
		bad("Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Regularization == 0 {
		c.Regularization = 500
	}
	if c.Neighbors == 0 {
		c.Neighbors = 1000
		if c.Local {
			c.Neighbors = 200
		}
	}
	return c, errors.Join(errs...)
}
