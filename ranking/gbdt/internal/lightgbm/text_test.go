package lightgbm_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/lightgbm"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/treetest"
)

// Source: LightGBM 4.6, predictions of Booster.predict on rows that hold NaN, infinities,
// values at the edge of zero and unknown categories.
func TestTextModelsGiveTheLibrarysBits(t *testing.T) {
	for _, name := range treetest.Names(t, "lgb_") {
		t.Run(name, func(t *testing.T) {
			c := treetest.Load(t, name)
			f, err := lightgbm.Read(c.Model(t, "txt"))
			require.NoError(t, err)
			c.Check(t, f, tolerance(name))
		})
	}
}

// tolerance is 0 but for linear trees: the library sums their terms with another compiler's contraction.
func tolerance(name string) float64 {
	if strings.Contains(name, "linear") {
		return 1e-12
	}
	return 0
}

func TestWrittenModelIsTheSameForest(t *testing.T) {
	for _, name := range treetest.Names(t, "lgb_") {
		t.Run(name, func(t *testing.T) {
			c := treetest.Load(t, name)
			f, err := lightgbm.Read(c.Model(t, "txt"))
			require.NoError(t, err)
			var b bytes.Buffer
			require.NoError(t, lightgbm.Write(&b, f, nil))
			again, err := lightgbm.Read(b.Bytes())
			require.NoError(t, err)
			require.Equal(t, f.Features, again.Features)
			require.Equal(t, f.Link, again.Link)
			require.Equal(t, f.Objective, again.Objective)
			c.Check(t, again, tolerance(name))
		})
	}
}

// small is a model of two trees over a number and a category.
const small = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=age kind
feature_infos=[0:1] 0:1:33

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
split_gain=2 1
threshold=0.5 0
decision_type=10 1
left_child=1 -1
right_child=-3 -2
leaf_value=1 2 3
cat_boundaries=0 2
cat_threshold=1 2
is_linear=0
shrinkage=1


Tree=1
num_leaves=1
num_cat=0
leaf_value=0.5


end of trees
`

func TestBaseScoreIsAddedToTheFirstRound(t *testing.T) {
	f, err := lightgbm.Read([]byte(small))
	require.NoError(t, err)
	f.Base = []float64{10}
	var b bytes.Buffer
	require.NoError(t, lightgbm.Write(&b, f, nil))
	again, err := lightgbm.Read(b.Bytes())
	require.NoError(t, err)
	require.Empty(t, again.Base)
	for _, row := range [][]float64{{0, 33}, {1, 0}, {math.NaN(), 1}} {
		var got, want [1]float64
		again.Raw(got[:], row, 2)
		f.Raw(want[:], row, 2)
		require.InDelta(t, want[0], got[0], 1e-12)
	}
}

func TestForestWithoutTreesIsWrittenAsItsBaseScore(t *testing.T) {
	f, err := lightgbm.Read([]byte(small))
	require.NoError(t, err)
	f.Trees, f.Base = nil, []float64{10}
	var b bytes.Buffer
	require.NoError(t, lightgbm.Write(&b, f, nil))
	again, err := lightgbm.Read(b.Bytes())
	require.NoError(t, err)
	var got [1]float64
	again.Raw(got[:], []float64{0, 0}, again.Rounds())
	require.Equal(t, 10., got[0])
	require.Empty(t, f.Trees)
}

func TestWriteRefusesWhatTheFormatCannotSay(t *testing.T) {
	for want, change := range map[string]func(*tree.Forest){
		"sums in float32":     func(f *tree.Forest) { f.Float32 = true },
		`feature name "a b"`:  func(f *tree.Forest) { f.Features[0].Name = "a b" },
		"2 trees for 3":       func(f *tree.Forest) { f.Outputs = 3 },
		"goes to the left":    func(f *tree.Forest) { f.Trees[0].Nodes[1].DefaultLeft = true },
		"whose link is":       func(f *tree.Forest) { f.Link.Kind = tree.Step },
		"outputs must take t": func(f *tree.Forest) { f.Outputs, f.Trees[0].Output = 2, 1 },
	} {
		f, err := lightgbm.Read([]byte(small))
		require.NoError(t, err)
		change(f)
		err = lightgbm.Write(&bytes.Buffer{}, f, nil)
		require.ErrorContains(t, err, want)
		var unsupported *tree.UnsupportedError
		require.ErrorAs(t, err, &unsupported)
	}
}

func TestBadFilesAreNamedByLineAndField(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"tree\n", "bush\n", `line 1: begins with "bush"`},
		{"version=v4", "version=v9", "version v9 is not supported"},
		{"objective=binary sigmoid:1", "objective=rank_foo", `objective "rank_foo" is not supported`},
		{"sigmoid:1", "sigmoid:-1", "is not supported"},
		{"max_feature_idx=1", "max_feature_idx=x", `line 6: max_feature_idx: "x"; want a whole number`},
		{"feature_names=age kind", "feature_names=age", "line 8: feature_names: 1 names"},
		{"num_leaves=3", "num_leaves=4000000000", `line 12: num_leaves: "4000000000"`},
		{"num_leaves=3", "num_leaves=1000000000", "line 20: leaf_value: 3 values; want 1000000000"},
		{"threshold=0.5 0", "threshold=0.5", "line 16: threshold: 1 values; want 2"},
		{"threshold=0.5 0", "threshold=0.5 7", "line 16: threshold: value 1 is 7"},
		{"threshold=0.5 0", "threshold=nan 0", "the threshold is NaN"},
		{"threshold=0.5 0", "threshold=5e 0", `value 0 is "5e"; want a number`},
		{"decision_type=10 1", "decision_type=16 1", "decision_type: value 0 is 16"},
		{"left_child=1 -1", "left_child=0 -1", "which has another parent or is the root"},
		{"left_child=1 -1", "left_child=9 -1", "child 9 of 2 nodes"},
		{"split_feature=0 1", "split_feature=0 2", "split_feature: value 1 is 2; want 0 to 1"},
		{"cat_boundaries=0 2", "cat_boundaries=0 2000000000", "cat_threshold: 2 values; want 2000000000"},
		{"cat_boundaries=0 2", "cat_boundaries=1 2", "cat_boundaries: value 0 is 1"},
		{"cat_threshold=1 2", "cat_threshold=1 -2", `cat_threshold: value 1 is "-2"`},
		{"leaf_value=1 2 3", "leaf_value=1 2 inf", "leaf 2 is +Inf"},
		{"leaf_value=1 2 3", "leaf_value=1 2 3\nleaf_value=1 2 3", "leaf_value stands twice"},
		{"Tree=1", "Tree=2", `line 27: "Tree=2"; want tree 1`},
		{"end of trees\n", "", "the file ends after tree 1"},
		{"num_class=1\nnum_tree_per_iteration=1", "num_class=4\nnum_tree_per_iteration=4", "2 trees for 4 outputs"},
	} {
		text := strings.Replace(small, c.old, c.new, 1)
		require.NotEqual(t, small, text, c.old)
		_, err := lightgbm.Read([]byte(text))
		require.ErrorContains(t, err, c.want, "%s -> %s", c.old, c.new)
		var file *tree.FileError
		var unsupported *tree.UnsupportedError
		require.True(t, errors.As(err, &file) || errors.As(err, &unsupported), "%T", err)
	}
	for cut := range len(small) - 1 {
		_, err := lightgbm.Read([]byte(small[:cut]))
		require.Error(t, err, "the first %d bytes", cut)
	}
	_, err := lightgbm.Read([]byte(strings.ReplaceAll(small, "\n", "\r\n")))
	require.NoError(t, err)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(strings.ReplaceAll(small, "is_linear=0", "is_linear=1\nleaf_const=1 2 3\nnum_features=1 0 0\nleaf_features=0 \nleaf_coeff=2 ")))
	f.Fuzz(func(t *testing.T, data []byte) {
		forest, err := lightgbm.Read(data)
		if err != nil {
			return
		}
		row, raw := make([]float64, len(forest.Features)), make([]float64, forest.Outputs)
		forest.Raw(raw, row, forest.Rounds())
		var b bytes.Buffer
		if lightgbm.Write(&b, forest, nil) != nil {
			return
		}
		again, err := lightgbm.Read(b.Bytes())
		require.NoError(t, err)
		twice := make([]float64, forest.Outputs)
		again.Raw(twice, row, forest.Rounds())
		require.Equal(t, raw, twice)
	})
}
