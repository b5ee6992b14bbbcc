package xgboost_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/treetest"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/xgboost"
)

// Source: XGBoost 1.7.4, predictions on rows that hold NaN, infinities and unknown categories.
func TestModelsGiveTheLibrarysScores(t *testing.T) {
	for _, name := range treetest.Names(t, "xgb_") {
		t.Run(name, func(t *testing.T) {
			c := treetest.Load(t, name)
			for extension, read := range map[string]func([]byte) (*tree.Forest, error){
				"json": xgboost.ReadJSON, "ubj": xgboost.ReadUBJSON,
			} {
				data := c.Model(t, extension)
				if data == nil {
					continue
				}
				f, err := read(data)
				require.NoError(t, err)
				c.Check(t, f, 1e-6)
				require.Positive(t, f.Best)
			}
			if old := c.Model(t, "deprecated"); old != nil {
				_, err := xgboost.ReadUBJSON(old)
				var unsupported *tree.UnsupportedError
				require.ErrorAs(t, err, &unsupported)
			}
		})
	}
}

// small is a model of one tree: f0 < 1 ? 1 : (f1 in {0, 33} ? 3 : 2).
const small = `{"version":[1,7,4],"learner":{"attributes":{},"feature_names":[],"feature_types":[],
"learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"2","num_target":"1"},
"objective":{"name":"binary:logistic"},
"gradient_booster":{"name":"gbtree","model":{"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"1"},"tree_info":[0],
"trees":[{"left_children":[1,-1,3,-1,-1],"right_children":[2,-1,4,-1,-1],"split_indices":[0,0,1,0,0],
"split_conditions":[1,1,NaN,2,3],"default_left":[true,false,false,false,false],"split_type":[0,0,1,0,0],
"categories":[0,33],"categories_nodes":[2],"categories_segments":[0],"categories_sizes":[2],
"tree_param":{"num_nodes":"5","size_leaf_vector":"0"}}]}}}}`

func TestBadFilesAreNamedByPath(t *testing.T) {
	_, err := xgboost.ReadJSON([]byte(small))
	require.NoError(t, err)
	for _, c := range []struct{ old, new, want string }{
		{`"learner":`, `"x":`, "learner: is missing"},
		{`"binary:logistic"`, `"rank:foo"`, `objective "rank:foo" is not supported`},
		{`"binary:logistic"`, `"multi:softprob"`, "for 1 classes"},
		{`"num_target":"1"`, `"num_target":"3"`, "a model of 3 targets is not supported"},
		{`"5E-1"`, `"0"`, "cannot start from"},
		{`"5E-1"`, `"[1,2,3]"`, "has 3 values for 1 outputs"},
		{`"num_feature":"2"`, `"num_feature":"1"`, "node 2 reads feature 1 of 1"},
		{`"num_feature":"2"`, `"num_feature":"4000000000"`, "want a whole number from 0 to 1048576"},
		{`"name":"gbtree"`, `"name":"foo"`, `booster "foo" is not supported`},
		{`"tree_info":[0]`, `"tree_info":[1]`, "tree_info: element 0 is 1"},
		{`"tree_info":[0]`, `"tree_info":[0,0]`, "has 2 entries for 1 trees"},
		{`"left_children":[1,`, `"left_children":[0,`, "trees[0]: node 0 has child 0"},
		{`"left_children":[1,`, `"left_children":[9,`, "node 0 has child 9"},
		{`"left_children":[1,`, `"left_children":[1.5,`, "left_children: element 0 is 1.5"},
		{`[2,-1,4,-1,-1]`, `[2,-1,4,-1]`, "right_children: has 4 elements; want 5"},
		{`[1,1,NaN,2,3]`, `[1,Infinity,NaN,2,3]`, "leaf 0 is +Inf"},
		{`[1,1,NaN,2,3]`, `[NaN,1,NaN,2,3]`, "node 0 has the threshold NaN"},
		{`"size_leaf_vector":"0"`, `"size_leaf_vector":"3"`, "a leaf of several values is not supported"},
		{`"categories_sizes":[2]`, `"categories_sizes":[2000000000]`, "there are 2"},
		{`"categories":[0,33]`, `"categories":[0,-1]`, "categories: element 1 is -1"},
		{`"categories_nodes":[2]`, `"categories_nodes":[5]`, "categories_nodes: element 0 is 5"},
	} {
		text := strings.Replace(small, c.old, c.new, 1)
		require.NotEqual(t, small, text, c.old)
		_, err := xgboost.ReadJSON([]byte(text))
		require.ErrorContains(t, err, c.want, "%s -> %s", c.old, c.new)
	}
	for cut := range small {
		_, err := xgboost.ReadJSON([]byte(small[:cut]))
		require.Error(t, err)
	}
}

func TestThresholdIsBelow(t *testing.T) {
	f, err := xgboost.ReadJSON([]byte(small))
	require.NoError(t, err)
	for _, c := range []struct {
		x, category float64
		want        int32
	}{{1, 0, 4}, {1, 33, 4}, {1, 1, 3}, {1, -0.5, 3}, {0.99, 0, 1}, {-1, 0, 1}} {
		tr := &f.Trees[0]
		require.Equal(t, c.want, tr.LeafID(tr.Leaf([]float64{c.x, c.category})), "%+v", c)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(small), false)
	f.Add([]byte("{i\x07learner{}}"), true)
	f.Add([]byte(strings.Replace(small, `"model":{`, `"model":{"cats":{"enc":[{"offsets":[0,1],"values":[97]},{"type":15,"values":[3]}]},`, 1)), false)
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		read := xgboost.ReadJSON
		if binary {
			read = xgboost.ReadUBJSON
		}
		if all, err := xgboost.Categories(data, binary); all != nil && err != nil {
			t.Errorf("categories and the error %v", err)
		}
		forest, err := read(data)
		if err != nil {
			return
		}
		forest.Raw(make([]float64, forest.Outputs), make([]float64, len(forest.Features)), forest.Rounds())
	})
}

// Nodes that share their categories would make reading take nodes x categories steps.
func TestNodesDoNotShareCategories(t *testing.T) {
	text := strings.NewReplacer(`"categories_nodes":[2]`, `"categories_nodes":[2,0]`, `"categories_segments":[0]`, `"categories_segments":[0,0]`,
		`"categories_sizes":[2]`, `"categories_sizes":[2,2]`).Replace(small)
	_, err := xgboost.ReadJSON([]byte(text))
	require.ErrorContains(t, err, "categories_sizes add up to more than the 2 categories")
}

// A category of 8 digits takes 2 MB in the set of its node: trees of a few hundred bytes each must not
// add up to more than a machine has.
func TestSetsOfCategoriesOfAllTreesAreBounded(t *testing.T) {
	before, one, _ := strings.Cut(strings.Replace(small, "[0,33]", "[0,16777215]", 1), `"trees":[`)
	one, after, _ := strings.Cut(one, `]}}}}`)
	const trees = 200
	text := strings.Replace(before, `"tree_info":[0]`, `"tree_info":[0`+strings.Repeat(",0", trees-1)+`]`, 1) +
		`"trees":[` + one + strings.Repeat(","+one, trees-1) + `]}}}}` + after
	_, err := xgboost.ReadJSON([]byte(text))
	var unsupported *tree.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
}
