package lightgbm

import (
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// The bits of decision_type.
const (
	categoricalBit = 1
	defaultLeftBit = 2
	missingShift   = 2 // two bits: none, zero, NaN
	decisionBits   = 15
)

// tree reads the tree whose first line was just read.
func (r *reader) tree(f *tree.Forest) (tree.Tree, error) {
	s, _, err := r.section("")
	if err != nil {
		return tree.Tree{}, err
	}
	leaves, err := s.number("num_leaves", 1, 1<<30)
	if err != nil {
		return tree.Tree{}, err
	}
	t := tree.Tree{Shrinkage: 1}
	if t.Leaves, err = s.floats("leaf_value", want{n: leaves}); err != nil {
		return t, err
	}
	if s.has("shrinkage") {
		v, err := s.floats("shrinkage", want{n: 1})
		if err != nil {
			return t, err
		}
		t.Shrinkage = v[0]
	}
	if err := s.nodes(&t, len(f.Features)); err != nil {
		return t, err
	}
	if err := s.statistics(&t); err != nil {
		return t, err
	}
	return t, s.linear(&t)
}

// nodes reads the decisions.
func (s *section) nodes(t *tree.Tree, features int) error {
	n := len(t.Leaves) - 1
	if n == 0 {
		return nil
	}
	feature, err := s.ints("split_feature", want{n: n})
	if err != nil {
		return err
	}
	threshold, err := s.floats("threshold", want{n: n})
	if err != nil {
		return err
	}
	decision, err := s.ints("decision_type", want{n: n, optional: true})
	if err != nil {
		return err
	}
	left, err := s.ints("left_child", want{n: n})
	if err != nil {
		return err
	}
	right, err := s.ints("right_child", want{n: n})
	if err != nil {
		return err
	}
	bounds, err := s.sets(t)
	if err != nil {
		return err
	}
	t.Nodes = make([]tree.Node, n)
	for i := range t.Nodes {
		node := tree.Node{Feature: feature[i], Threshold: threshold[i], Left: left[i], Right: right[i]}
		if feature[i] < 0 || int(feature[i]) >= features {
			return s.fail("split_feature", "value %d is %d; want 0 to %d", i, feature[i], features-1)
		}
		if decision != nil {
			d := decision[i]
			if d&^decisionBits != 0 || d>>missingShift > int32(tree.MissingNaN) {
				return s.fail("decision_type", "value %d is %d, which is no decision", i, d)
			}
			node.Categorical, node.DefaultLeft = d&categoricalBit != 0, d&defaultLeftBit != 0
			node.Missing = tree.Missing(d >> missingShift)
		}
		if node.Categorical {
			k := int(threshold[i])
			if float64(k) != threshold[i] || k < 0 || k+1 >= len(bounds) {
				return s.fail("threshold", "value %d is %v; want the number of one of %d sets of categories", i, threshold[i], max(len(bounds)-1, 0))
			}
			node.Set, node.Words, node.Threshold = bounds[k], bounds[k+1]-bounds[k], 0
			node.DefaultLeft = false // the library sends NaN to the right, whatever the bit says
		}
		t.Nodes[i] = node
	}
	return nil
}

// sets reads the categories of the tree and returns where each set starts and ends.
func (s *section) sets(t *tree.Tree) ([]int32, error) {
	sets, err := s.number("num_cat", 0, len(t.Leaves)-1)
	if err != nil || sets == 0 {
		return nil, err
	}
	bounds, err := s.ints("cat_boundaries", want{n: sets + 1})
	if err != nil {
		return nil, err
	}
	for i, b := range bounds {
		if i == 0 && b != 0 || i > 0 && b < bounds[i-1] {
			return nil, s.fail("cat_boundaries", "value %d is %d; want 0, then no smaller than the one before", i, b)
		}
	}
	t.Sets, err = s.words("cat_threshold", want{n: int(bounds[sets])})
	return bounds, err
}

// statistics reads what is there of gains, values, weights and counts.
func (s *section) statistics(t *tree.Tree) error {
	n := len(t.Nodes)
	columns := map[string][]float64{}
	for _, key := range []string{"split_gain", "internal_value", "internal_weight", "internal_count"} {
		v, err := s.floats(key, want{n: n, optional: true})
		if err != nil {
			return err
		}
		columns[key] = v
	}
	for _, key := range []string{"leaf_weight", "leaf_count"} {
		v, err := s.floats(key, want{n: n + 1, optional: true})
		if err != nil {
			return err
		}
		columns[key] = v
	}
	at := func(key string, i int) float64 {
		if v := columns[key]; v != nil {
			return v[i]
		}
		return 0
	}
	t.NodeStats = make([]tree.NodeStats, n)
	for i := range t.NodeStats {
		t.NodeStats[i] = tree.NodeStats{
			Gain: at("split_gain", i), Value: at("internal_value", i),
			Weight: at("internal_weight", i), Count: at("internal_count", i),
		}
	}
	t.LeafStats = make([]tree.LeafStats, n+1)
	for i := range t.LeafStats {
		t.LeafStats[i] = tree.LeafStats{Weight: at("leaf_weight", i), Count: at("leaf_count", i)}
	}
	return nil
}

// linear reads the models in the leaves.
func (s *section) linear(t *tree.Tree) error {
	if !s.has("is_linear") {
		return nil
	}
	if on, err := s.number("is_linear", 0, 1); err != nil || on == 0 {
		return err
	}
	leaves := len(t.Leaves)
	constant, err := s.floats("leaf_const", want{n: leaves})
	if err != nil {
		return err
	}
	counts, err := s.ints("num_features", want{n: leaves})
	if err != nil {
		return err
	}
	sum := 0
	for i, c := range counts {
		if c < 0 {
			return s.fail("num_features", "value %d is %d; want >= 0", i, c)
		}
		sum += int(c)
	}
	features, err := s.ints("leaf_features", want{n: sum, optional: sum == 0})
	if err != nil {
		return err
	}
	coefs, err := s.floats("leaf_coeff", want{n: sum, optional: sum == 0})
	if err != nil {
		return err
	}
	t.Linear = make([]tree.Linear, leaves)
	for i, c := range counts {
		t.Linear[i] = tree.Linear{Const: constant[i], Features: features[:c:c], Coefs: coefs[:c:c]}
		features, coefs = features[c:], coefs[c:]
	}
	return nil
}
