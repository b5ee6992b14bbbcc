package ease

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of a model. The zero value is exact EASE with a
// regularisation of 100 and all weights, if they fit.
type Config struct {
	// Regularization is what is added to the diagonal of the Gram matrix, > 0; 0 means 100.
	// It has the unit of a squared weight, and is worth searching from 10 to 5,000 for weights
	// of 1: the more interactions an item has, the larger, and the more often what is ranked
	// is a few random items in place of all.
	//
	// 100 is what validation says of sparse data. With a fifth of each user's items held out of
	// Gowalla's check-ins and all items ranked, 20, 50, 100, 200, 400 and 800 give recall@20
	// 0.193, 0.200, 0.201, 0.197, 0.189 and 0.180. On CiteULike-a less is better (0.317, 0.312,
	// 0.308, 0.295, 0.282, 0.263), but not among 100 random items: NDCG@10 0.637, 0.654, 0.667,
	// 0.670, 0.668, 0.663. Others report 80 for Gowalla, 523 for CiteULike-a among 100 items, and
	// Steck 500 for the denser MovieLens-20M.
	Regularization float64

	// Local fits each item to its Neighbors nearest alone, by cosine, in place of all: the
	// form for large catalogues. See the package.
	Local bool

	// Neighbors is how many weights are kept of those to an item, the largest by magnitude, at
	// 8 bytes each, >= 0. 0 means 200 with Local, else all: as [itemsim.Dense] weights, at 2
	// bytes per pair of items, if training then needs at most MaxBytes, and the largest 1,000
	// if not and there are more than 8,000 items; for up to 1,000 items that is all as well. What is left out is small, but it is
	// much: on CiteULike-a, with 16,980 items, 1,000 in place of all lower HR@10 from 0.8806 to
	// 0.8779 and NDCG@10 from 0.7197 to 0.7159.
	Neighbors int

	// MaxBytes bounds the memory of training, its result included, >= 0, by an estimate
	// beforehand; 0 means the memory limit of the Go runtime if there is one (GOMEMLIMIT), else
	// 8 GiB.
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

// fewItems is how many weights are kept of those to an item where all do not fit.
const fewItems = 1000

// maxWorkers bounds Config.Workers: each has memory of its own.
const maxWorkers = 1 << 20

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("ease: Config."+format, args...)) }
	if !(c.Regularization >= 0 && c.Regularization <= math.MaxFloat32) {
		bad("Regularization is %v; want a finite number > 0 (0 means 100)", c.Regularization)
	}
	if c.Neighbors < 0 {
		bad("Neighbors is %d; want >= 0 (0 means all that fit, or 200 with Local)", c.Neighbors)
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	if c.Workers < 0 || c.Workers > maxWorkers {
		bad("Workers is %d; want 0 to %d (0 means GOMAXPROCS)", c.Workers, maxWorkers)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Regularization == 0 {
		c.Regularization = 100
	}
	if c.Neighbors == 0 && c.Local {
		c.Neighbors = 200
	}
	return c, errors.Join(errs...)
}
