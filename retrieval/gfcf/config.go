package gfcf

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/retrieval"
)

// Config holds the hyper-parameters of a model. The zero value is GF-CF as published.
type Config struct {
	// Factors is the number of singular vectors of the ideal low-pass filter, -1 to 1024; 0
	// means 256, and -1 leaves the filter out.
	Factors int

	// Alpha is the weight of the ideal low-pass filter beside the linear one, > 0; 0 means
	// 0.3, which the authors use.
	Alpha float64

	// UserExponent and ItemExponent are the powers of the degrees of users and items that
	// divide the interactions, in (0, 1]; 0 means 0.5. The larger, the less the interactions
	// of heavy users and of popular items count.
	UserExponent, ItemExponent float64

	// Popularity is the power of its degree by which the score of an item is multiplied, in
	// [-1, 1]; 0, the default, is GF-CF.
	Popularity float64

	// Sharpening is the time T in [0, 2.5] for which the filter is sharpened; 0, the default,
	// is GF-CF. It takes from what all users share and leaves what tells them apart.
	Sharpening float64

	// Iterations and Oversampling are those of the decomposition, 0 to 1000 and 0 to 1024; 0
	// means 6 and 32. See package puresvd. Six leave the subspace short of the singular vectors,
	// which on Gowalla is the better filter: for half of the users recall@20 is 0.1843 and
	// NDCG@20 0.1522, with 20 iterations 0.1827 and 0.1506.
	Iterations, Oversampling int

	// Neighbors is how many weights are kept of those to an item, the largest by magnitude, at
	// 8 bytes each, >= 0. 0 means all: as [itemsim.Dense] weights, at 2 bytes per pair of items,
	// if training then needs at most MaxBytes, and the largest 1,000 if not and there are more
	// than 8,000 items; for up to 1,000 items that is all as well. The low-pass part is dense, so that to leave weights out
	// costs accuracy: on Gowalla's check-ins, with 40,981 items, all give recall@20 0.1869 and
	// NDCG@20 0.1535, the largest 1,000 0.1789 and 0.1450; the authors report 0.1849 and 0.1518.
	Neighbors int

	// Seed is what the first subspace of the decomposition is drawn from.
	Seed uint64

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

// maxSharpening is within where the polynomial is stable: |f| <= 1 up to 2.78.
const maxSharpening = 2.5

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("gfcf: Config."+format, args...)) }
	count := func(name string, v *int, least, most, zero int, means string) {
		if *v < least || *v > most {
			bad("%s is %d; want %d to %d (0 means %s)", name, *v, least, most, means)
		}
		if *v == 0 {
			*v = zero
		}
	}
	number := func(name string, v *float64, most, zero float64) {
		if !(*v >= 0 && *v <= most) {
			bad("%s is %v; want a number in (0, %v] (0 means %v)", name, *v, most, zero)
		}
		if *v == 0 {
			*v = zero
		}
	}
	count("Factors", &c.Factors, -1, 1024, 256, "256, -1 none")
	number("Alpha", &c.Alpha, math.MaxFloat32, 0.3)
	number("UserExponent", &c.UserExponent, 1, 0.5)
	number("ItemExponent", &c.ItemExponent, 1, 0.5)
	if !(c.Popularity >= -1 && c.Popularity <= 1) {
		bad("Popularity is %v; want a number in [-1, 1]", c.Popularity)
	}
	if !(c.Sharpening >= 0 && c.Sharpening <= maxSharpening) {
		bad("Sharpening is %v; want a number in [0, %v]", c.Sharpening, maxSharpening)
	}
	count("Iterations", &c.Iterations, 0, 1000, 6, "6")
	count("Oversampling", &c.Oversampling, 0, 1024, 32, "32")
	count("Neighbors", &c.Neighbors, 0, math.MaxInt32, 0, "all that fit")
	count("Workers", &c.Workers, 0, 1<<20, 0, "GOMAXPROCS")
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes)
	}
	if err := c.History.Validate(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// part returns a callback that reports progress of a step which is the share from from to to
// of all work, in per mille.
func (c *Config) part(from, to int) func(done, all int) {
	if c.Progress == nil {
		return nil
	}
	return func(done, all int) { c.Progress(from+(to-from)*done/all, 1000) }
}
