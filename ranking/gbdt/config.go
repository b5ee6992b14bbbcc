package gbdt

import (
	"time"

	"github.com/recsyskit/recsys/ranking"
)

// Config configures [Train]. The zero value trains 100 trees of 31 leaves for the squared error, with
// LightGBM's defaults throughout.
//
// The package documentation has a table of what LightGBM's parameters are called here.
type Config struct {
	// Objective is that of every head that Heads does not name.
	Objective Objective
	// Heads gives heads objectives of their own, by name. All heads share the bins and all else.
	Heads map[string]Objective

	// Rounds is the largest number of rounds of each head, >= 0; 0 means 100. A round is a
	// tree, or a tree for each class.
	Rounds int
	// LearningRate multiplies the values of leaves, > 0; 0 means 0.1. RandomForest has none.
	LearningRate float64
	// Boosting says how the trees come together; GradientBoosting by default.
	Boosting Boosting

	Leaves     int     // most leaves of a tree, 2 to 65536; 0 means 31
	MaxDepth   int     // most decisions above a leaf, >= 0; 0 means no limit
	MinRows    int     // fewest rows of a leaf, >= 0; 0 means 20
	MinHessian float64 // least sum of hessians of a leaf, >= 0; 0 means 1e-3
	MinGain    float64 // least gain of a split, >= 0
	L1, L2     float64 // regularisation of leaf values and gains, >= 0; not of values that a loss computes anew: see Loss
	MaxLeaf    float64 // largest magnitude of a leaf before LearningRate, >= 0; 0 means no limit
	// PathSmoothing draws the value of a leaf of n rows to that of its parent by
	// PathSmoothing/(n+PathSmoothing), >= 0.
	PathSmoothing float64

	// Monotone makes raw scores not decrease (1) or not increase (-1) in a numeric feature, by name.
	Monotone map[string]int
	// Interactions lists sets of features, by name: features on one path from root to leaf are all
	// in one of the sets. A feature that is in no set meets no other. Nil: any may meet any.
	Interactions [][]string

	// Categorical names float columns that hold categories: integers in [0, 2^24). ID columns are
	// categorical without being named. A value that is no category counts as one never seen.
	Categorical          []string
	CategorySmoothing    float64 // added to a category's hessian when categories are sorted, > 0; 0 means 10
	CategoryL2           float64 // added to L2 for splits by several categories, > 0; 0 means 10
	MaxCategories        int     // most categories on the smaller side of a split, >= 0; 0 means 32
	OneHotCategories     int     // a feature with so few is split one against the rest, >= 0; 0 means 4
	MinRowsPerCategories int     // rows between two candidates of a split, >= 0; 0 means 100

	Bins          int  // most bins of a feature, 2 to 255; 0 means 255
	MinRowsPerBin int  // rows of the sample in a bin, >= 0; 0 means 3
	BinRows       int  // rows sampled to find bins, >= 0; 0 means 200,000
	ZeroAsMissing bool // a numeric 0 counts as missing

	// RowFraction is the share of rows that a tree learns from, in (0, 1]; 0 means 1. A
	// row is in or out by a draw of its own.
	RowFraction float64
	RowEvery    int  // rounds after which rows are drawn anew, >= 0; 0 means 1
	RowsByGroup bool // draw groups instead of rows
	// FeatureFraction is the share of features that a tree may use, in (0, 1]; 0 means 1.
	FeatureFraction float64
	// NodeFeatureFraction is the share of those that a node may use, in (0, 1]; 0 means 1.
	NodeFeatureFraction float64
	// GOSS samples rows by their gradient; off by default.
	GOSS GOSS

	// DropRate is the mean share of earlier trees that DART drops in a round, in (0, 1]; 0 means
	// 0.1. SkipDrop is the probability that a round drops none, in [0, 1]. MaxDrop bounds the number of
	// dropped rounds, >= 0; 0 means 50.
	DropRate, SkipDrop float64
	MaxDrop            int

	// Validation, if not nil, has all the columns and heads of the training data, in any order.
	// Its metric is computed after each round.
	Validation *ranking.Dataset
	// Patience stops a head whose validation metric has not improved by more than
	// MinImprovement for so many rounds, and drops the trees after its best: >= 0. 0: all trees stay.
	Patience       int
	MinImprovement float64 // >= 0

	// Init, if not nil, is a model that training goes on from: Rounds further rounds on top of its
	// trees, which stay. It has the same heads, features and links; vocabularies of ID columns
	// are extended. After training on the same data with the same Config, the result is that of
	// one training of all rounds, except with DART, whose early trees are then not dropped any more.
	Init *Model

	// MaxBytes bounds the memory that training allocates, >= 0; 0 means no limit. What it would
	// need is computed first; only how many IDs there are is seen as they are counted. See [MemoryError].
	MaxBytes int64

	// Seed is what all draws derive from.
	Seed uint64
	// Workers is the number of goroutines, >= 0; 0 means GOMAXPROCS. It does not change the result.
	Workers int

	// Progress, if not nil, is called after each round of each head, by the goroutine that
	// called Train.
	Progress func(Progress)
	// Clock tells the time for Progress; nil means time.Now.
	Clock func() time.Time
}

// Boosting says how trees come together.
type Boosting uint8

// The ways to boost.
const (
	// GradientBoosting adds trees one after the other, each to what is left (Friedman 2001).
	GradientBoosting Boosting = iota
	// DART drops trees at random while it fits the next one, and then makes room for both
	// (Rashmi and Gilad-Bachrach, AISTATS 2015). Trees are dropped in proportion to
	// their weight, as in LightGBM.
	DART
	// RandomForest averages trees that are fitted to the base score, each to a sample: RowFraction or
	// a fraction of features below 1.
	RandomForest
	boostings
)

var boostingNames = [boostings]string{"GradientBoosting", "DART", "RandomForest"}

// String returns the name of the constant.
func (b Boosting) String() string {
	if b < boostings {
		return boostingNames[b]
	}
	return "Boosting(?)"
}

// GOSS is gradient-based one-side sampling: a tree learns from the share Top of the rows with the largest
// |gradient x hessian| and a random share Other of all rows from the rest, whose gradients
// are multiplied by (1-Top)/Other. Both are in (0, 1) with a sum below 1; the zero value is off.
// (LightGBM: 0.2 and 0.1.) The first 1/LearningRate rounds take all rows.
//
// Source: Ke et al., "LightGBM", NIPS 2017, algorithm 2, which sorts by |gradient|.
type GOSS struct {
	Top, Other float64
}

func (g GOSS) on() bool { return g != GOSS{} }
