package gbdt

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/grow"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

func isFinite(x float64) bool { return x-x == 0 }

func orDefault[T int | float64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

func (c *Config) rounds() int { return orDefault(c.Rounds, 100) }

func (c *Config) workers() int { return orDefault(c.Workers, runtime.GOMAXPROCS(0)) }

func (c *Config) learningRate() float64 {
	if c.Boosting == RandomForest {
		return 1
	}
	return orDefault(c.LearningRate, 0.1)
}

// objective returns that of a head.
func (c *Config) objective(head string) Objective {
	if o, ok := c.Heads[head]; ok {
		return o
	}
	return c.Objective
}

// sampled tells whether a tree does not see all rows and features.
func (c *Config) sampled() bool {
	return c.RowFraction != 0 && c.RowFraction < 1 || c.GOSS.on() ||
		c.FeatureFraction != 0 && c.FeatureFraction < 1 || c.NodeFeatureFraction != 0 && c.NodeFeatureFraction < 1
}

// checker collects the mistakes of a configuration.
type checker struct{ errs []error }

func (c *checker) refuse(field string, value any, want string) {
	c.errs = append(c.errs, fmt.Errorf("gbdt: Config.%s is %v; want %s", field, value, want))
}

func (c *checker) err() error { return errors.Join(c.errs...) }

// check returns all mistakes of the configuration for a dataset.
func (c *Config) check(d *ranking.Dataset) error {
	k := new(checker)
	c.checkCounts(k)
	c.checkNumbers(k)
	c.checkSampling(k)
	if c.Boosting >= boostings {
		k.refuse("Boosting", uint8(c.Boosting), "GradientBoosting, DART or RandomForest")
	}
	if c.Patience > 0 && c.Validation == nil {
		k.refuse("Patience", c.Patience, "0, or a Validation to judge by")
	}
	c.Objective.check(k, "Objective")
	for _, head := range slices.Sorted(maps.Keys(c.Heads)) {
		o := c.Heads[head]
		o.check(k, fmt.Sprintf("Heads[%q]", head))
		if !slices.Contains(d.Heads, head) {
			k.refuse("Heads", fmt.Sprintf("given for %q", head), "heads of the dataset: "+list(d.Heads))
		}
	}
	c.checkFeatures(k, d)
	return k.err()
}

func (c *Config) checkCounts(k *checker) {
	for _, f := range []struct {
		field string
		value int
		means string
	}{
		{"Rounds", c.Rounds, "100"},
		{"MaxDepth", c.MaxDepth, "no limit"},
		{"MinRows", c.MinRows, "20"},
		{"MaxCategories", c.MaxCategories, "32"},
		{"OneHotCategories", c.OneHotCategories, "4"},
		{"MinRowsPerCategories", c.MinRowsPerCategories, "100"},
		{"MinRowsPerBin", c.MinRowsPerBin, "3"},
		{"BinRows", c.BinRows, "200,000"},
		{"RowEvery", c.RowEvery, "1"},
		{"MaxDrop", c.MaxDrop, "50"},
		{"Patience", c.Patience, "never to stop early"},
		{"Workers", c.Workers, "GOMAXPROCS"},
	} {
		if f.value < 0 {
			k.refuse(f.field, f.value, ">= 0 (0 means "+f.means+")")
		}
	}
	if c.Leaves != 0 && (c.Leaves < 2 || c.Leaves > maxLeaves) {
		k.refuse("Leaves", c.Leaves, fmt.Sprintf("2 to %d (0 means 31)", maxLeaves))
	}
	if c.Bins != 0 && (c.Bins < 2 || c.Bins > bins.MaxBins) {
		k.refuse("Bins", c.Bins, fmt.Sprintf("2 to %d (0 means %d)", bins.MaxBins, bins.MaxBins))
	}
	if c.MaxBytes < 0 {
		k.refuse("MaxBytes", c.MaxBytes, ">= 0 (0 means no limit)")
	}
}

const maxLeaves = 1 << 16

func (c *Config) checkNumbers(k *checker) {
	for _, f := range []struct {
		field string
		value float64
		want  string
	}{
		{"LearningRate", c.LearningRate, "a number > 0 (0 means 0.1)"},
		{"MinHessian", c.MinHessian, "a number >= 0 (0 means 1e-3)"},
		{"MinGain", c.MinGain, "a number >= 0"},
		{"L1", c.L1, "a number >= 0"},
		{"L2", c.L2, "a number >= 0"},
		{"MaxLeaf", c.MaxLeaf, "a number >= 0 (0 means no limit)"},
		{"PathSmoothing", c.PathSmoothing, "a number >= 0"},
		{"CategorySmoothing", c.CategorySmoothing, "a number > 0 (0 means 10)"},
		{"CategoryL2", c.CategoryL2, "a number > 0 (0 means 10)"},
		{"MinImprovement", c.MinImprovement, "a number >= 0"},
	} {
		if f.value < 0 || !isFinite(f.value) {
			k.refuse(f.field, f.value, f.want)
		}
	}
}

func (c *Config) checkSampling(k *checker) {
	for _, f := range []struct {
		field string
		value float64
		means string
	}{
		{"RowFraction", c.RowFraction, "1"},
		{"FeatureFraction", c.FeatureFraction, "1"},
		{"NodeFeatureFraction", c.NodeFeatureFraction, "1"},
		{"DropRate", c.DropRate, "0.1"},
		{"SkipDrop", c.SkipDrop, "never"},
	} {
		if !(f.value >= 0 && f.value <= 1) {
			k.refuse(f.field, f.value, "0 to 1 (0 means "+f.means+")")
		}
	}
	g := c.GOSS
	switch {
	case g.on() && !(g.Top > 0 && g.Other > 0 && g.Top+g.Other < 1):
		k.refuse("GOSS", fmt.Sprintf("%+v", g), "both above 0 with a sum below 1, such as 0.2 and 0.1")
	case g.on() && c.RowFraction != 0 && c.RowFraction < 1:
		k.refuse("GOSS", "on together with a RowFraction", "one of the two")
	case g.on() && c.Boosting == RandomForest:
		k.refuse("GOSS", "on for a RandomForest", "a RowFraction")
	case c.Boosting == RandomForest && !c.sampled():
		k.refuse("RowFraction", orDefault(c.RowFraction, 1), "less than 1 for a RandomForest, such as 0.632: its trees would all be the same")
	}
}

// checkFeatures checks what names features.
func (c *Config) checkFeatures(k *checker, d *ranking.Dataset) {
	all := slices.Concat(d.Columns, d.IDColumns)
	known := func(field, name string) bool {
		if !slices.Contains(all, name) {
			k.refuse(field, fmt.Sprintf("given for %q", name), "columns of the dataset: "+list(all))
			return false
		}
		return true
	}
	for _, name := range c.Categorical {
		if known("Categorical", name) && !slices.Contains(d.Columns, name) {
			k.refuse("Categorical", fmt.Sprintf("given for %q", name), "float columns only; ID columns are categorical anyway")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Monotone)) {
		way := c.Monotone[name]
		if way < -1 || way > 1 {
			k.refuse(fmt.Sprintf("Monotone[%q]", name), way, "1 (not decreasing), -1 (not increasing) or 0")
		}
		if known("Monotone", name) && way != 0 && (slices.Contains(d.IDColumns, name) || slices.Contains(c.Categorical, name)) {
			k.refuse(fmt.Sprintf("Monotone[%q]", name), way, "0: categories have no order")
		}
	}
	for i, set := range c.Interactions {
		for _, name := range set {
			known(fmt.Sprintf("Interactions[%d]", i), name)
		}
	}
}

// grow returns what the grower is told; features are those of the table, in its order.
func (c *Config) grow(features []tree.Feature) grow.Config {
	g := grow.Config{
		Leaves: orDefault(c.Leaves, 31), Depth: c.MaxDepth, MinRows: orDefault(c.MinRows, 20), Workers: c.workers(),
		MinHessian: orDefault(c.MinHessian, 1e-3), MinGain: c.MinGain, L1: c.L1, L2: c.L2,
		PathSmooth: c.PathSmoothing, MaxValue: c.MaxLeaf,
		OneHot: orDefault(c.OneHotCategories, 4), CatSmooth: orDefault(c.CategorySmoothing, 10),
		CatL2: orDefault(c.CategoryL2, 10), MaxCategories: orDefault(c.MaxCategories, 32),
		MinRowsPerSide: orDefault(c.MinRowsPerCategories, 100),
		NodeFeatures:   c.NodeFeatureFraction, Seed: c.Seed,
	}
	at := map[string]int32{}
	for j, f := range features {
		at[f.Name] = int32(j)
	}
	if len(c.Monotone) > 0 {
		g.Monotone = make([]int8, len(features))
		for name, way := range c.Monotone {
			g.Monotone[at[name]] = int8(way)
		}
	}
	if c.Interactions == nil {
		return g
	}
	alone := maps.Clone(at)
	for _, names := range c.Interactions {
		var set []int32
		for _, name := range names {
			set = append(set, at[name])
			delete(alone, name)
		}
		g.Interactions = append(g.Interactions, set)
	}
	for _, f := range features {
		if j, ok := alone[f.Name]; ok {
			g.Interactions = append(g.Interactions, []int32{j})
		}
	}
	return g
}
