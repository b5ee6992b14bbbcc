package lightgbm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/lightgbm"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/treetest"
)

// Source: LightGBM 4.6, Booster.dump_model of models whose text is read elsewhere.
func TestDumpsGiveTheLibrarysScores(t *testing.T) {
	found := 0
	for _, name := range treetest.Names(t, "lgb_") {
		c := treetest.Load(t, name)
		data := c.Model(t, "json")
		if data == nil {
			continue
		}
		found++
		t.Run(name, func(t *testing.T) {
			f, err := lightgbm.ReadJSON(data)
			require.NoError(t, err)
			c.Check(t, f, tolerance(name))
		})
	}
	require.Equal(t, 3, found)
}

const smallDump = `{"name":"tree","version":"v4","num_class":1,"num_tree_per_iteration":1,"objective":"regression","average_output":false,
"feature_names":["a","b"],"tree_info":[
{"tree_index":0,"num_leaves":3,"shrinkage":0.1,"tree_structure":{"split_index":0,"split_feature":0,"split_gain":1,"threshold":0.5,
"decision_type":"<=","default_left":true,"missing_type":"NaN","left_child":{"leaf_index":0,"leaf_value":1},
"right_child":{"split_index":1,"split_feature":1,"threshold":"0||33","decision_type":"==","default_left":false,"missing_type":"None",
"left_child":{"leaf_index":1,"leaf_value":2},"right_child":{"leaf_index":2,"leaf_value":3}}}},
{"tree_index":1,"num_leaves":1,"tree_structure":{"leaf_value":10}}]}`

func TestDumpNumbersNodesAsTheFileDoes(t *testing.T) {
	f, err := lightgbm.ReadJSON([]byte(smallDump))
	require.NoError(t, err)
	for _, c := range []struct{ a, b, want float64 }{{0, 0, 11}, {1, 33, 12}, {1, 0, 12}, {1, 1, 13}} {
		var got [1]float64
		f.Raw(got[:], []float64{c.a, c.b}, 2)
		require.Equal(t, c.want, got[0])
	}
}

func TestBadDumpsAreNamedByPath(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"tree_info"`, `"x"`, "tree_info: is missing"},
		{`"regression"`, `"foo"`, `objective "foo" is not supported`},
		{`"split_index":1`, `"split_index":7`, "right_child.split_index: is 7"},
		{`"split_index":1`, `"split_index":0`, "none"},
		{`"leaf_index":1`, `"leaf_index":0`, "leaf 1 is NaN"},
		{`"split_feature":1`, `"split_feature":2`, "split_feature: is 2"},
		{`"0||33"`, `"0||x"`, `names the category "x"`},
		{`"0||33"`, `"99999999"`, `names the category "99999999"`},
		{`"=="`, `"<"`, `decision_type: is "<"`},
		{`"None"`, `"Maybe"`, `missing_type: is "Maybe"`},
		{`"num_tree_per_iteration":1`, `"num_tree_per_iteration":4`, "2 trees for 4 outputs"},
		{`"right_child"`, `"x"`, "right_child: is missing"},
	} {
		text := strings.Replace(smallDump, c.old, c.new, 1)
		require.NotEqual(t, smallDump, text)
		_, err := lightgbm.ReadJSON([]byte(text))
		require.Error(t, err)
		if c.want != "none" {
			require.ErrorContains(t, err, c.want)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(smallDump))
	f.Fuzz(func(_ *testing.T, data []byte) {
		forest, err := lightgbm.ReadJSON(data)
		if err == nil {
			forest.Raw(make([]float64, forest.Outputs), make([]float64, len(forest.Features)), forest.Rounds())
		}
	})
}

// A category of 8 digits takes 2 MB in the set of its node, of all trees together not more than a machine has.
func TestSetsOfCategoriesOfAllTreesAreBounded(t *testing.T) {
	before, trees, _ := strings.Cut(strings.Replace(smallDump, "0||33", "16777215", 1), `"tree_info":[`)
	trees = strings.TrimSuffix(strings.TrimSpace(trees), "]}")
	_, err := lightgbm.ReadJSON([]byte(before + `"tree_info":[` + trees + strings.Repeat(","+trees, 199) + "]}"))
	var unsupported *tree.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
}

// A feature that no tree reads is of the kind that it was in training, as in the text.
func TestDumpKnowsTheKindsOfUnusedFeatures(t *testing.T) {
	text := strings.Replace(smallDump, `"feature_names":["a","b"]`,
		`"feature_names":["a","b","c","d"],"feature_infos":{"a":{"values":[]},"d":{"values":[]},"c":{"min_value":-1,"max_value":2,"values":[-1,0,2]}}`, 1)
	f, err := lightgbm.ReadJSON([]byte(text))
	require.NoError(t, err)
	for j, want := range []bool{false, true, true, false} {
		require.Equal(t, want, f.Features[j].Categorical, f.Features[j].Name)
	}
	_, err = lightgbm.ReadJSON([]byte(strings.Replace(text, `[-1,0,2]`, `["x"]`, 1)))
	require.ErrorContains(t, err, "feature_infos.c.values: is an array; want an array of numbers")
}
