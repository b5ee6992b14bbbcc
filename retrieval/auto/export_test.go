package auto

import "github.com/recsyskit/recsys/retrieval/vector"

// Enough is the number of queries that show a recall.
var Enough = enough

// Least is the search for an effort.
var Least = least

// Estimate returns the mean and the bound of recalls, and whether they show a recall.
func Estimate(recalls []float64, recall float64) (mean, bound float64, holds bool) {
	e := estimateOf(&group{}, recalls)
	return e.mean, e.bound, e.holds(recall)
}

// MadeUp returns the queries that are made up, by kind.
func MadeUp(cfg Config, vectors vector.Matrix) map[string]vector.Matrix {
	kinds := map[string]vector.Matrix{}
	for _, g := range cfg.withDefaults().pointer().groups(vectors) {
		kinds[g.kind] = g.queries
	}
	return kinds
}

func (c Config) pointer() *Config { return &c }
