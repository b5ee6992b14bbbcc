package lightgbm

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Vocabulary is what the categories of a categorical feature stand for.
type Vocabulary struct {
	Feature       int
	IDs           []uint64 // by category
	MissingIsZero bool     // a missing row is the category with the ID 0
}

// MissingIsZero is the key of the header, ours alone, with the features of which a missing row is the category
// with the ID 0. LightGBM passes over it.
const MissingIsZero = "missing_is_id_0"

// Write writes f as a text model, version 4, that LightGBM reads and that predicts the same:
// base scores are added to the leaves of the first round. What the format cannot say is a
// [*tree.UnsupportedError]: sums in float32, a NaN that goes to the left of a categorical
// node, a feature name with a space. vocabularies are those of all categorical features, in their order, or nil.
func Write(w io.Writer, f *tree.Forest, vocabularies []Vocabulary) error {
	if err := f.Check(); err != nil {
		return fmt.Errorf("%s: %w", format, err)
	}
	if len(f.Trees) == 0 { // the format wants some: one leaf for each output, which has the base score
		g := *f
		for o := range f.Outputs {
			g.Trees = append(g.Trees, tree.Tree{Output: o, Leaves: []float64{0}})
		}
		f = &g
	}
	if err := writable(f); err != nil {
		return err
	}
	objective, err := objective(f)
	if err != nil {
		return err
	}
	trees := make([]string, len(f.Trees))
	sizes := make([]string, len(f.Trees))
	for i := range f.Trees {
		trees[i] = fmt.Sprintf("Tree=%d\n%s\n", i, treeText(f, i))
		sizes[i] = strconv.Itoa(len(trees[i]))
	}
	names, infos := make([]string, len(f.Features)), make([]string, len(f.Features))
	for i, feature := range f.Features {
		names[i], infos[i] = feature.Name, info(f, i)
	}
	var zero []string
	for _, v := range vocabularies {
		if infos[v.Feature] == "none" { // which would make it numeric
			infos[v.Feature] = "-1"
		}
		if v.MissingIsZero {
			zero = append(zero, strconv.Itoa(v.Feature))
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree\nversion=v4\nnum_class=%d\nnum_tree_per_iteration=%d\nlabel_index=0\nmax_feature_idx=%d\nobjective=%s\n",
		f.Outputs, f.Outputs, len(f.Features)-1, objective)
	if f.Average {
		b.WriteString("average_output\n")
	}
	if zero != nil {
		fmt.Fprintf(&b, "%s=%s\n", MissingIsZero, strings.Join(zero, " "))
	}
	fmt.Fprintf(&b, "feature_names=%s\nfeature_infos=%s\ntree_sizes=%s\n\n",
		strings.Join(names, " "), strings.Join(infos, " "), strings.Join(sizes, " "))
	for _, t := range trees {
		b.WriteString(t)
	}
	b.WriteString("end of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:" + frame(vocabularies) + "\n")
	_, err = w.Write(b.Bytes())
	return err
}

// frame returns vocabularies as the Python package writes categories: JSON, a list for each column.
func frame(vocabularies []Vocabulary) string {
	if vocabularies == nil {
		return "null"
	}
	b := []byte{'['}
	for i, v := range vocabularies {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '[')
		for c, id := range v.IDs {
			if c > 0 {
				b = append(b, ", "...)
			}
			b = strconv.AppendUint(b, id, 10)
		}
		b = append(b, ']')
	}
	return string(append(b, ']'))
}

func writable(f *tree.Forest) error {
	refuse := func(what string, args ...any) error {
		return &tree.UnsupportedError{Format: format, What: "writing " + fmt.Sprintf(what, args...)}
	}
	if f.Float32 {
		return refuse("a forest that sums in float32")
	}
	if len(f.Trees)%f.Outputs != 0 {
		return refuse("%d trees for %d outputs", len(f.Trees), f.Outputs)
	}
	for _, feature := range f.Features {
		if feature.Name == "" || strings.ContainsAny(feature.Name, " \t\r\n") {
			return refuse("the feature name %q, which is empty or has a space; rename it", feature.Name)
		}
	}
	for i := range f.Trees {
		t := &f.Trees[i]
		if t.Output != i%f.Outputs {
			return refuse("tree %d for output %d; outputs must take turns", i, t.Output)
		}
		for j, n := range t.Nodes {
			if n.Categorical && n.DefaultLeft {
				return refuse("tree %d, node %d: a category that is NaN goes to the left", i, j)
			}
		}
	}
	return nil
}

// info returns what feature_infos say of feature i. The library reads it only to know which
// features are trivial and which are categorical.
func info(f *tree.Forest, i int) string {
	if f.Features[i].Info != "" {
		return f.Features[i].Info
	}
	top, used := int32(-1), false
	for k := range f.Trees {
		for _, n := range f.Trees[k].Nodes {
			if int(n.Feature) == i {
				used, top = true, max(top, n.Words*32-1)
			}
		}
	}
	switch {
	case !used:
		return "none"
	case f.Features[i].Categorical:
		all := make([]string, top+1)
		for c := range all {
			all[c] = strconv.Itoa(c)
		}
		return strings.Join(all, ":")
	}
	return fmt.Sprintf("[%s:%s]", number(-math.MaxFloat32), number(math.MaxFloat32))
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 17, 64) }

// list joins f(0) to f(n-1) with spaces.
func list(n int, f func(i int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = f(i)
	}
	return strings.Join(all, " ")
}

func treeText(f *tree.Forest, i int) string {
	t, base := &f.Trees[i], 0.0
	if i < f.Outputs && len(f.Base) > 0 {
		base = f.Base[i]
	}
	var b strings.Builder
	line := func(key, value string) { b.WriteString(key + "=" + value + "\n") }
	leaves, n := len(t.Leaves), len(t.Nodes)
	threshold, bounds, words := make([]float64, n), []int{0}, []uint32{}
	for j, node := range t.Nodes {
		threshold[j] = node.Threshold
		if node.Categorical {
			threshold[j] = float64(len(bounds) - 1)
			words = append(words, t.Sets[node.Set:node.Set+node.Words]...)
			bounds = append(bounds, len(words))
		}
	}
	nodeStat := func(get func(tree.NodeStats) float64) string {
		return list(n, func(j int) string {
			if len(t.NodeStats) == 0 {
				return "0"
			}
			return number(get(t.NodeStats[j]))
		})
	}
	leafStat := func(get func(tree.LeafStats) float64) string {
		return list(leaves, func(j int) string {
			if len(t.LeafStats) == 0 {
				return "0"
			}
			return number(get(t.LeafStats[j]))
		})
	}
	line("num_leaves", strconv.Itoa(leaves))
	line("num_cat", strconv.Itoa(len(bounds)-1))
	line("split_feature", list(n, func(j int) string { return strconv.Itoa(int(t.Nodes[j].Feature)) }))
	line("split_gain", nodeStat(func(s tree.NodeStats) float64 { return s.Gain }))
	line("threshold", list(n, func(j int) string { return number(threshold[j]) }))
	line("decision_type", list(n, func(j int) string { return strconv.Itoa(decision(&t.Nodes[j])) }))
	line("left_child", list(n, func(j int) string { return strconv.Itoa(int(t.Nodes[j].Left)) }))
	line("right_child", list(n, func(j int) string { return strconv.Itoa(int(t.Nodes[j].Right)) }))
	line("leaf_value", list(leaves, func(j int) string { return number(t.Leaves[j] + base) }))
	line("leaf_weight", leafStat(func(s tree.LeafStats) float64 { return s.Weight }))
	line("leaf_count", leafStat(func(s tree.LeafStats) float64 { return math.Round(s.Count) }))
	line("internal_value", nodeStat(func(s tree.NodeStats) float64 { return s.Value + base }))
	line("internal_weight", nodeStat(func(s tree.NodeStats) float64 { return s.Weight }))
	line("internal_count", nodeStat(func(s tree.NodeStats) float64 { return math.Round(s.Count) }))
	if len(bounds) > 1 {
		line("cat_boundaries", list(len(bounds), func(j int) string { return strconv.Itoa(bounds[j]) }))
		line("cat_threshold", list(len(words), func(j int) string { return strconv.FormatUint(uint64(words[j]), 10) }))
	}
	line("is_linear", strconv.Itoa(min(len(t.Linear), 1)))
	if len(t.Linear) > 0 {
		linearText(line, t, base)
	}
	shrinkage := t.Shrinkage
	if shrinkage == 0 {
		shrinkage = 1
	}
	line("shrinkage", number(shrinkage))
	b.WriteByte('\n')
	return b.String()
}

func linearText(line func(key, value string), t *tree.Tree, base float64) {
	leaves := len(t.Linear)
	line("leaf_const", list(leaves, func(j int) string { return number(t.Linear[j].Const + base) }))
	line("num_features", list(leaves, func(j int) string { return strconv.Itoa(len(t.Linear[j].Features)) }))
	line("leaf_features", list(leaves, func(j int) string {
		l := &t.Linear[j]
		return list(len(l.Features), func(k int) string { return strconv.Itoa(int(l.Features[k])) }) + " "
	}))
	line("leaf_coeff", list(leaves, func(j int) string {
		l := &t.Linear[j]
		return list(len(l.Coefs), func(k int) string { return number(l.Coefs[k]) }) + " "
	}))
}

func decision(n *tree.Node) int {
	d := int(n.Missing) << missingShift
	if n.Categorical {
		d |= categoricalBit
	}
	if n.DefaultLeft {
		d |= defaultLeftBit
	}
	return d
}
