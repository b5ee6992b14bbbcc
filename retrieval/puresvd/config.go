package puresvd

import (
	"errors"
	"fmt"
)

// Config holds the hyper-parameters of a model. The zero value is PureSVD as published,
// with 50 factors.
type Config struct {
	// Factors is the dimension of the vectors, 0 to 1024; 0 means 50, the smaller of those
	// that the authors report. Where the data has a lower rank, the rest of each vector is 0.
	// Each iteration decomposes a dense matrix of that size, in O(Factors³) time.
	Factors int

	// Normalize in [0, 1] divides the column of an item by its norm to this power before
	// the decomposition: 0, the default, is PureSVD; 1 makes all columns as long. What is
	// in between keeps popular items from taking the first factors for themselves.
	//
	// Source: Nikolakopoulos, Kalantzis, Gallopoulos and Garofalakis, EigenRec, Knowledge
	// and Information Systems 2019, section 3, where d = 1-Normalize.
	Normalize float64

	// Iterations is the number of passes over the data and back, 0 to 1000; 0 means 8. Each
	// shrinks the error of the subspace by the ratio of the squares of singular value
	// Factors+Oversampling to singular value Factors.
	Iterations int

	// Oversampling is the number of directions that are iterated beside the Factors that
	// are kept, 0 to 1024; 0 means 16.
	Oversampling int

	// Seed is what the first subspace is drawn from.
	Seed uint64

	// Workers is the number of goroutines in training; 0 means GOMAXPROCS. The model does
	// not depend on it.
	Workers int `json:"-"`

	// MaxBytes bounds the memory of training, >= 0, by an estimate beforehand; 0 means the
	// memory limit of the Go runtime if there is one (GOMEMLIMIT), else 8 GiB.
	MaxBytes int64 `json:"-"`

	// Progress, if not nil, is told after each iteration how many of all are done.
	Progress func(done, all int) `json:"-"`
}

// withDefaults returns c with its zero values replaced, or an error that names every
// field out of its domain.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	count := func(name string, v *int, zero int, means string, most int) {
		if *v < 0 || *v > most {
			errs = append(errs, fmt.Errorf("puresvd: Config.%s is %d; want 0 to %d (0 means %s)", name, *v, most, means))
		}
		if *v == 0 {
			*v = zero
		}
	}
	count("Factors", &c.Factors, 50, "50", 1024)
	count("Iterations", &c.Iterations, 8, "8", 1000)
	count("Oversampling", &c.Oversampling, 16, "16", 1024)
	count("Workers", &c.Workers, 0, "GOMAXPROCS", 1<<20)
	if c.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("puresvd: Config.MaxBytes is %d; want >= 0 (0 means GOMEMLIMIT or 8 GiB)", c.MaxBytes))
	}
	if !(c.Normalize >= 0 && c.Normalize <= 1) {
		errs = append(errs, fmt.Errorf("puresvd: Config.Normalize is %v; want a number in [0, 1]", c.Normalize))
	}
	return c, errors.Join(errs...)
}
