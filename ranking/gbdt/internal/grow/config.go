package grow

import (
	"errors"
	"fmt"
	"math"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Config says how trees grow. Zeros are taken as they are, except where it is said;
// [Default] returns LightGBM's values, whose names are given.
type Config struct {
	Leaves  int // most leaves of a tree, num_leaves; below 2 means 1
	Depth   int // most splits above a leaf, max_depth; 0: no limit
	MinRows int // of a leaf, exactly, min_data_in_leaf
	Workers int // 0 means 1; the result does not depend on it
	// Monotone has a direction for each feature, or none at all: 1 if the tree must not fall as
	// the feature rises, -1 if it must not rise, 0. monotone_constraints, by the basic method: a
	// split bounds what is below it by the middle of its two values.
	Monotone []int8

	MinHessian float64 // sum of a leaf, to the rounding of hessians, min_sum_hessian_in_leaf
	MinGain    float64 // of a split, min_gain_to_split
	L1, L2     float64 // lambda_l1, lambda_l2
	PathSmooth float64 // rows by which a leaf is drawn to its parent's value, path_smooth
	MaxValue   float64 // largest magnitude of a leaf, max_delta_step; 0: no limit

	OneHot         int     // with so many categories or fewer a split takes one, max_cat_to_onehot
	CatSmooth      float64 // cat_smooth: rows a category needs, and hessian added to its mean
	CatL2          float64 // cat_l2: added to L2 for splits of several categories
	MaxCategories  int     // on the left of a split, max_cat_threshold
	MinRowsPerSide int     // of a step over categories, min_data_per_group

	// Interactions are sets of features; those on a path from the root must be together in a
	// set. Empty: any may meet any. interaction_constraints
	Interactions [][]int32
	// NodeFeatures is the share of the features that a node chooses from, drawn for each
	// node; 0 means 1. feature_fraction_bynode
	NodeFeatures float64
	Seed         uint64

	// HistogramBytes bounds the memory of histograms that are kept for subtraction; 0 means 1
	// GiB. A worker and the leaves being split have theirs in any case.
	HistogramBytes int64
}

// Default returns LightGBM's defaults.
func Default() Config {
	return Config{
		Leaves: 31, MinRows: 20, MinHessian: 1e-3,
		OneHot: 4, CatSmooth: 10, CatL2: 10, MaxCategories: 32, MinRowsPerSide: 100,
	}
}

// Check reports all that is wrong with c for trees over the features.
func (c *Config) Check(features []tree.Feature) error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf("grow: "+format, args...)) }
	for _, f := range []struct {
		name  string
		value int
	}{
		{"Depth", c.Depth},
		{"MinRows", c.MinRows},
		{"Workers", c.Workers},
		{"OneHot", c.OneHot},
		{"MaxCategories", c.MaxCategories},
		{"MinRowsPerSide", c.MinRowsPerSide},
	} {
		if f.value < 0 {
			refuse("%s is %d; want >= 0", f.name, f.value)
		}
	}
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"MinHessian", c.MinHessian},
		{"MinGain", c.MinGain},
		{"L1", c.L1},
		{"L2", c.L2},
		{"PathSmooth", c.PathSmooth},
		{"MaxValue", c.MaxValue},
		{"CatSmooth", c.CatSmooth},
		{"CatL2", c.CatL2},
	} {
		if !(f.value >= 0) || math.IsInf(f.value, 0) {
			refuse("%s is %v; want a number >= 0", f.name, f.value)
		}
	}
	if !(c.NodeFeatures >= 0 && c.NodeFeatures <= 1) {
		refuse("NodeFeatures is %v; want a share of 1", c.NodeFeatures)
	}
	if len(c.Monotone) != 0 && len(c.Monotone) != len(features) {
		refuse("Monotone has %d directions for %d features", len(c.Monotone), len(features))
	}
	for j, m := range c.Monotone {
		if m < -1 || m > 1 {
			refuse("Monotone[%d] is %d; want -1, 0 or 1", j, m)
		} else if m != 0 && j < len(features) && features[j].Categorical {
			refuse("Monotone[%d] is %d; want 0 for %q, which is categorical", j, m, features[j].Name)
		}
	}
	for i, set := range c.Interactions {
		for _, j := range set {
			if j < 0 || int(j) >= len(features) {
				refuse("Interactions[%d] has feature %d of %d", i, j, len(features))
			}
		}
	}
	return errors.Join(errs...)
}
