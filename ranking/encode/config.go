package encode

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/ranking"
)

// Config configures [Fit]. The zero value encodes every ID column by itself and with every
// other one, for all heads.
type Config struct {
	// Keys are the combinations of ID columns that have statistics: {{"user"}, {"user", "item"}}. Nil: each
	// ID column of the dataset, and each pair of two.
	Keys [][]string
	// Heads are the labels whose mean is taken. Nil: all of the dataset.
	Heads []string

	// Smoothing is the weight of the mean over all rows, in rows: a key that was seen n times with
	// mean m gets (n m + Smoothing prior) / (n + Smoothing). > 0; 0 means 10.
	Smoothing float64
	// MinCount is the number of rows from which on a key has statistics, >= 0. Others are as if
	// they had never been seen: 2 drops the keys of one row, which are most of the size of a Target.
	MinCount float64
	// NoCounts leaves out the columns that tell how often a key was seen.
	NoCounts bool

	// Folds is the number of parts that the rows are dealt to, >= 2; 0 means 10.
	Folds int
	// Seed deals them.
	Seed uint64
	// Workers is the number of goroutines, >= 0; 0 means GOMAXPROCS. The result does not depend on it.
	Workers int
}

// maxFolds bounds the memory of a key.
const maxFolds = 1 << 10

// resolve checks c for the dataset d and returns it with its defaults in place.
func (c Config) resolve(d *ranking.Dataset) (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("encode: Config."+format, args...)) }
	if !(c.Smoothing >= 0 && c.Smoothing <= math.MaxFloat32) {
		bad("Smoothing is %v; want a finite number > 0, or 0 for 10", c.Smoothing)
	}
	if !(c.MinCount >= 0 && c.MinCount <= math.MaxFloat32) {
		bad("MinCount is %v; want a finite number >= 0", c.MinCount)
	}
	if c.Folds != 0 && (c.Folds < 2 || c.Folds > maxFolds) {
		bad("Folds is %d; want 2 to %d (0 means 10)", c.Folds, maxFolds)
	}
	if c.Workers < 0 {
		bad("Workers is %d; want >= 0 (0 means GOMAXPROCS)", c.Workers)
	}
	if c.Keys == nil {
		c.Keys = singlesAndPairs(d.IDColumns)
	}
	if len(c.Keys) == 0 {
		bad("Keys is empty, and the dataset has no ID columns; want names of ID columns")
	}
	seen := map[string]int{}
	for i, key := range c.Keys {
		name := strings.Join(key, ",")
		if first, ok := seen[name]; ok {
			bad("Keys[%d] is %q, as Keys[%d] is", i, key, first)
		}
		seen[name] = i
		if len(key) == 0 {
			bad("Keys[%d] is empty; want names of ID columns", i)
		}
		for j, column := range key {
			if !slices.Contains(d.IDColumns, column) {
				bad("Keys[%d] names %q; want an ID column (%s)", i, column, strings.Join(d.IDColumns, ", "))
			} else if slices.Contains(key[:j], column) {
				bad("Keys[%d] names %q twice", i, column)
			}
		}
	}
	if c.Heads == nil {
		c.Heads = d.Heads
	}
	for i, head := range c.Heads {
		if !slices.Contains(d.Heads, head) || slices.Contains(c.Heads[:i], head) {
			bad("Heads[%d] is %q; want each head of the dataset once (%s)", i, head, strings.Join(d.Heads, ", "))
		}
	}
	if len(c.Heads) == 0 && c.NoCounts {
		bad("NoCounts is set and there are no Heads: nothing is left to encode")
	}
	c.Smoothing = orDefault(c.Smoothing, 10)
	c.Folds, c.Workers = orDefault(c.Folds, 10), orDefault(c.Workers, runtime.GOMAXPROCS(0))
	return c, errors.Join(errs...)
}

func orDefault[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}

// singlesAndPairs returns each name by itself, then each pair of two.
func singlesAndPairs(names []string) [][]string {
	var keys [][]string
	for _, a := range names {
		keys = append(keys, []string{a})
	}
	for i, a := range names {
		for _, b := range names[i+1:] {
			keys = append(keys, []string{a, b})
		}
	}
	return keys
}
