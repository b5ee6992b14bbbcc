package slim

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of a model. The zero value is SLIM with a Discount.
type Config struct {
	// L1 is the weight of the sum of the weights, >= 0; 0 means 0.1. An item that has at most
	// that much in common with another never speaks for it, and the more items have no
	// weight the larger it is. In units of the products: of users, where every interaction
	// has weight 1. On a validation split of the Gowalla check-ins NDCG@20 is 0.149, 0.149,
	// 0.147 and 0.144 with 0.03, 0.1, 0.5 and 1, which trains in a fifth of the time of 0.1 and
	// serves from fewer weights.
	L1 float64

	// L2 is the weight of the squares of the weights, >= 0; 0 means 100. It shares weight
	// among items that tell the same, and draws all towards 0 where users are few. The unit
	// is that of L1.
	L2 float64

	// Discount in (0, 1] divides the interactions of a user by the number of the user's items
	// to this power, so that users who take everything do not decide alone; 0 means 0.25, and
	// a negative one none, which is SLIM as published. All are then scaled so that L1 and L2 keep
	// their unit. On a validation split of the Gowalla check-ins 0.25 in place of none raised
	// NDCG@20 from 0.147 to 0.149 (200 candidates), on one of CiteULike-a NDCG@10 from 0.719 to
	// 0.722 (300 candidates).
	Discount float64

	// Candidates is how many items are tried for each, >= 0; 0 means 1000: those with the
	// largest cosine. Time grows with it less than in proportion, memory per worker with up
	// to its square times 4 bytes.
	Candidates int

	// Neighbors is how many weights for each item are kept, the largest, >= 0; 0 means all that
	// are not 0. Cutting costs accuracy where items have few users: on CiteULike-a 200 in place
	// of all lowered the hit rate at 10 from 0.892 to 0.880.
	Neighbors int

	// Sweeps is how often the descent goes over all candidates of an item at most, >= 0; 0
	// means 100. It ends earlier where nothing moves by more than Tolerance.
	Sweeps int

	// Tolerance is how far the largest step of a sweep may be from standing still, as a share
	// of the item's largest product, in (0, 1); 0 means 0.001.
	Tolerance float64

	// MaxBytes bounds the memory of training, >= 0, by an estimate beforehand; 0 means the
	// memory limit of the Go runtime if there is one (GOMEMLIMIT), else 8 GiB.
	MaxBytes int64 `json:"-"`

	// History says how the events of a request count at serving. The model can change it:
	// see [itemsim.Model.WithHistory].
	History retrieval.History `json:"-"`

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// Progress, if not nil, is told in training how many items of all are done: by one
	// goroutine at a time, with growing done.
	Progress func(done, all int) `json:"-"`
}

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("slim: Config."+format, args...)) }
	count := func(name string, v *int, zero int, means string) {
		if *v < 0 {
			bad("%s is %d; want >= 0 (0 means %s)", name, *v, means)
		}
		if *v == 0 {
			*v = zero
		}
	}
	penalty := func(name string, v *float64, zero float64) {
		if !(*v >= 0 && *v <= math.MaxFloat32) {
			bad("%s is %v; want a finite number >= 0 (0 means %v)", name, *v, zero)
		}
		if *v == 0 {
			*v = zero
		}
	}
	penalty("L1", &c.L1, 0.1)
	penalty("L2", &c.L2, 100)
	if !(c.Discount >= -math.MaxFloat64 && c.Discount <= 1) {
		bad("Discount is %v; want a number in (0, 1] (0 means 0.25, a negative one none)", c.Discount)
	}
	if c.Discount == 0 {
		c.Discount = 0.25
	}
	count("Candidates", &c.Candidates, 1000, "1000")
	count("Neighbors", &c.Neighbors, 0, "all")
	count("Sweeps", &c.Sweeps, 100, "100")
	count("Workers", &c.Workers, 0, "GOMAXPROCS")
	if !(c.Tolerance >= 0 && c.Tolerance < 1) {
		bad("Tolerance is %v; want a number in (0, 1) (0 means 0.001)", c.Tolerance)
	}
	if c.Tolerance == 0 {
		c.Tolerance = 0.001
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}
