package auto

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Config says what the index is wanted for. The zero value asks for 99 % of the 100
// items with the largest inner product.
type Config struct {
	// Metric is how vectors are compared.
	Metric retrieval.Metric
	// K is how many items a search will ask for, >= 0; 0 means 100.
	K int
	// Recall is the mean share of the true K that searches must find, in [0, 1]; 0 means
	// 0.99. It holds with and without filters; 1 leaves exact search alone.
	Recall float64
	// MaxBytes bounds the memory that stays resident, >= 0; 0 means no bound. Float vectors
	// that can be mapped from a file are not counted. With a bound an index with codes of
	// half a byte a dimension is tried as well, if the others exceed it. While it runs,
	// Build itself takes more.
	MaxBytes int64
	// Queries are vectors to search for, of the dimension of the items. Without any, Build
	// makes up queries of three kinds, and the recall must hold for each kind; also beside
	// given ones that are too few: an index that finds everything shows a recall of r by
	// 2/(1.005-r) queries, 134 for 0.99.
	Queries vector.Matrix
	// Samples is how many of the queries are used, or how many of each kind are made up,
	// >= 0; 0 means 1024 and 512. It is raised to what the recall takes.
	Samples int
	// Candidates names the indexes to try, of "flat", "ivf", "hnsw" and "ivf-pq"; nil means
	// the first three, and the last where MaxBytes excludes them. A single name fixes the
	// choice whatever the times are.
	Candidates []string
	// Seed draws queries and builds the candidates.
	Seed uint64
	// Workers is how many goroutines build and measure recall, >= 0; 0 means GOMAXPROCS.
	// Neither the indexes nor their efforts depend on it.
	Workers int
	// Progress, unless nil, is called from the goroutine of Build with what is being done
	// and how much of it; total is 0 where that is not known.
	Progress func(stage string, done, total int)
}

func (c Config) withDefaults() Config {
	if c.K == 0 {
		c.K = 100
	}
	if c.Recall == 0 {
		c.Recall = 0.99
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Progress == nil {
		c.Progress = func(string, int, int) {}
	}
	return c
}

// stage tells that something has begun.
func (c *Config) stage(what string) { c.Progress(what, 0, 0) }

func (c Config) check(vectors vector.Matrix) error {
	var errs []error
	bad := func(field string, value any, want string) {
		errs = append(errs, fmt.Errorf("auto: Config.%s is %v; want %s", field, value, want))
	}
	if c.Metric > retrieval.L2 {
		bad("Metric", c.Metric, "InnerProduct, Cosine or L2")
	}
	if c.K < 0 {
		bad("K", c.K, ">= 0 (0 means 100)")
	}
	if !(c.Recall >= 0 && c.Recall <= 1) {
		bad("Recall", c.Recall, "a number in [0, 1] (0 means 0.99)")
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes", c.MaxBytes, ">= 0 (0 means no bound)")
	}
	if c.Samples < 0 {
		bad("Samples", c.Samples, ">= 0 (0 means 1024 given or 512 of each kind made up)")
	}
	if c.Workers < 0 {
		bad("Workers", c.Workers, ">= 0 (0 means GOMAXPROCS)")
	}
	if c.Candidates != nil && len(c.Candidates) == 0 {
		bad("Candidates", "empty", "at least one name, or nil for all")
	}
	for _, name := range c.Candidates {
		if !slices.Contains(names(), name) {
			bad("Candidates", fmt.Sprintf("%q", name), fmt.Sprint("names of ", names()))
		}
	}
	if c.Queries.Rows > 0 {
		if c.Queries.Dim != vectors.Dim && vectors.Rows > 0 {
			bad("Queries.Dim", c.Queries.Dim, fmt.Sprintf("%d, as the items", vectors.Dim))
		} else if err := c.Queries.Check(); err != nil {
			errs = append(errs, fmt.Errorf("auto: Config.Queries: %w", err))
		}
	}
	return errors.Join(errs...)
}
