package lightgbm

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/document"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

const dumpFormat = "LightGBM JSON"

// ReadJSON reads what Booster.dump_model returned, written as JSON. Errors are a
// [*tree.FileError], with the path to the field, or a [*tree.UnsupportedError].
func ReadJSON(data []byte) (*tree.Forest, error) {
	root, err := document.ReadJSON(data)
	if err == nil {
		d := &dump{f: &tree.Forest{}}
		if err = d.model(root); err == nil {
			if err = d.f.Check(); err == nil {
				return d.f, nil
			}
			err = &document.Error{Where: "the model", Reason: err.Error()}
		}
	}
	var at *document.Error
	if errors.As(err, &at) {
		return nil, &tree.FileError{Format: dumpFormat, Where: at.Where, Reason: at.Reason}
	}
	return nil, err
}

// dump reads a model; its methods return at the first error.
type dump struct {
	f     *tree.Forest
	t     *tree.Tree // being read
	words int        // of the sets of categories so far
}

func (d *dump) model(root document.Node) error {
	names, err := root.Field("feature_names")
	if err != nil {
		return err
	}
	features, err := names.Texts()
	if err != nil {
		return err
	}
	for _, name := range features {
		d.f.Features = append(d.f.Features, tree.Feature{Name: name})
	}
	if err := d.kinds(root); err != nil {
		return err
	}
	outputs, err := root.Field("num_tree_per_iteration")
	if err != nil {
		return err
	}
	if d.f.Outputs, err = outputs.Int(1, 1<<20); err != nil {
		return err
	}
	if objective, ok := root.Find("objective"); ok {
		if d.f.Objective, err = objective.Text(); err != nil {
			return err
		}
	}
	if d.f.Link, err = link(dumpFormat, d.f.Objective, d.f.Outputs); err != nil {
		return err
	}
	if average, ok := root.Find("average_output"); ok {
		n, err := average.Int(0, 1)
		if err != nil {
			return err
		}
		d.f.Average = n == 1
	}
	list, err := root.Field("tree_info")
	if err != nil {
		return err
	}
	trees, err := list.Items()
	if err != nil {
		return err
	}
	if len(trees)%d.f.Outputs != 0 {
		return list.Fail("has %d trees for %d outputs", len(trees), d.f.Outputs)
	}
	d.f.Trees = make([]tree.Tree, len(trees))
	for i, node := range trees {
		d.t = &d.f.Trees[i]
		d.t.Output = i % d.f.Outputs
		if err := d.tree(node); err != nil {
			return err
		}
	}
	return nil
}

// kinds reads which features are categorical, also of those that no tree reads: they have a list of categories.
func (d *dump) kinds(root document.Node) error {
	infos, ok := root.Find("feature_infos")
	if !ok {
		return nil
	}
	at := make(map[string]int, len(d.f.Features))
	for j, f := range d.f.Features {
		at[f.Name] = j
	}
	for name, info := range infos.Fields() {
		j, known := at[name]
		values, ok := info.Find("values")
		if !known || !ok {
			continue
		}
		categories, err := values.Numbers()
		if err != nil {
			return err
		}
		d.f.Features[j].Categorical = len(categories) > 0
	}
	return nil
}

// tree reads one tree. Nodes and leaves have the numbers that the file gives them.
func (d *dump) tree(node document.Node) error {
	root, err := node.Field("tree_structure")
	if err != nil {
		return err
	}
	if shrinkage, ok := node.Find("shrinkage"); ok {
		if d.t.Shrinkage, err = shrinkage.Number(); err != nil {
			return err
		}
	}
	leaves, err := d.count(root)
	if err != nil {
		return err
	}
	d.t.Nodes, d.t.NodeStats = make([]tree.Node, leaves-1), make([]tree.NodeStats, leaves-1)
	d.t.Leaves, d.t.LeafStats = make([]float64, leaves), make([]tree.LeafStats, leaves)
	for i := range d.t.Leaves {
		d.t.Leaves[i] = math.NaN() // what the file does not name stays wrong, and Check says so
	}
	_, err = d.node(root)
	return err
}

// count returns the number of leaves below a node.
func (d *dump) count(node document.Node) (int, error) {
	if _, leaf := node.Find("leaf_value"); leaf {
		return 1, nil
	}
	sum := 0
	for _, side := range [2]string{"left_child", "right_child"} {
		child, err := node.Field(side)
		if err != nil {
			return 0, err
		}
		n, err := d.count(child)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// statistic is a field and where it goes.
type statistic struct {
	name string
	to   *float64
}

// fill reads fields of an object; what is absent stays as it is.
func fill(node document.Node, fields ...statistic) error {
	for _, s := range fields {
		if field, ok := node.Find(s.name); ok {
			var err error
			if *s.to, err = field.Number(); err != nil {
				return err
			}
		}
	}
	return nil
}

// node reads a node and all below it, and returns its number: a leaf's is negative.
func (d *dump) node(at document.Node) (int32, error) {
	if _, leaf := at.Find("leaf_value"); leaf {
		return d.leaf(at)
	}
	index, err := at.Field("split_index")
	if err != nil {
		return 0, err
	}
	i, err := index.Int(0, len(d.t.Nodes)-1)
	if err != nil {
		return 0, err
	}
	n := &d.t.Nodes[i]
	if err := d.decision(at, n); err != nil {
		return 0, err
	}
	s := &d.t.NodeStats[i]
	if err := fill(at, statistic{"split_gain", &s.Gain}, statistic{"internal_value", &s.Value},
		statistic{"internal_weight", &s.Weight}, statistic{"internal_count", &s.Count}); err != nil {
		return 0, err
	}
	left, err := at.Field("left_child")
	if err != nil {
		return 0, err
	}
	if n.Left, err = d.node(left); err != nil {
		return 0, err
	}
	right, err := at.Field("right_child")
	if err != nil {
		return 0, err
	}
	n.Right, err = d.node(right)
	return int32(i), err
}

func (d *dump) leaf(at document.Node) (int32, error) {
	i := 0
	if index, ok := at.Find("leaf_index"); ok {
		var err error
		if i, err = index.Int(0, len(d.t.Leaves)-1); err != nil {
			return 0, err
		}
	}
	s := &d.t.LeafStats[i]
	if err := fill(at, statistic{"leaf_value", &d.t.Leaves[i]}, statistic{"leaf_weight", &s.Weight}, statistic{"leaf_count", &s.Count}); err != nil {
		return 0, err
	}
	constant, ok := at.Find("leaf_const")
	if !ok {
		return ^int32(i), nil
	}
	if d.t.Linear == nil {
		d.t.Linear = make([]tree.Linear, len(d.t.Leaves))
	}
	l := &d.t.Linear[i]
	var err error
	if l.Const, err = constant.Number(); err != nil {
		return 0, err
	}
	features, err := at.Field("leaf_features")
	if err != nil {
		return 0, err
	}
	if l.Features, err = features.Ints(0, len(d.f.Features)-1); err != nil {
		return 0, err
	}
	coefs, err := at.Field("leaf_coeff")
	if err != nil {
		return 0, err
	}
	l.Coefs, err = coefs.Numbers()
	return ^int32(i), err
}

var missings = map[string]tree.Missing{"None": tree.MissingNone, "Zero": tree.MissingZero, "NaN": tree.MissingNaN}

// decision reads what a node asks.
func (d *dump) decision(at document.Node, n *tree.Node) error {
	feature, err := at.Field("split_feature")
	if err != nil {
		return err
	}
	j, err := feature.Int(0, len(d.f.Features)-1)
	if err != nil {
		return err
	}
	n.Feature = int32(j)
	missing, err := at.Field("missing_type")
	if err != nil {
		return err
	}
	name, err := missing.Text()
	if err != nil {
		return err
	}
	var ok bool
	if n.Missing, ok = missings[name]; !ok {
		return missing.Fail("is %q; want None, Zero or NaN", name)
	}
	threshold, err := at.Field("threshold")
	if err != nil {
		return err
	}
	kind, err := at.Field("decision_type")
	if err != nil {
		return err
	}
	switch name, err = kind.Text(); {
	case err != nil:
		return err
	case name == "==":
		d.f.Features[j].Categorical = true
		return d.categories(threshold, n)
	case name != "<=":
		return kind.Fail("is %q; want \"<=\" or \"==\"", name)
	}
	left, err := at.Field("default_left")
	if err != nil {
		return err
	}
	flag, err := left.Int(0, 1)
	if err != nil {
		return err
	}
	n.DefaultLeft = flag == 1
	n.Threshold, err = threshold.Number()
	return err
}

// categories reads "1||5||33" into a bit set.
func (d *dump) categories(threshold document.Node, n *tree.Node) error {
	text, err := threshold.Text()
	if err != nil {
		return err
	}
	n.Categorical, n.Set = true, int32(len(d.t.Sets))
	set := map[int]uint32{}
	for field := range strings.SplitSeq(text, "||") {
		c, err := strconv.Atoi(field)
		if err != nil || c < 0 || c >= 1<<24 {
			return threshold.Fail("names the category %q; want a whole number from 0 to %d", document.Clip(field), 1<<24-1)
		}
		set[c>>5] |= 1 << (uint(c) & 31)
		n.Words = max(n.Words, int32(c>>5)+1)
	}
	if d.words += int(n.Words); d.words > maxWords {
		return &tree.UnsupportedError{Format: dumpFormat, What: "a model whose sets of categories take more than 256 MB"}
	}
	for w := range int(n.Words) {
		d.t.Sets = append(d.t.Sets, set[w])
	}
	return nil
}

// maxWords bounds the bit sets of a model: a few bytes of a hostile file could ask for 2 MB each.
const maxWords = 1 << 26
