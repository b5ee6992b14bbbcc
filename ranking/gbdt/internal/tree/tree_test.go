package tree_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// sample has one tree: x0 <= 1 ? (category x1 in {0, 33} ? leaf 0 : leaf 1) : leaf 2.
func sample() *tree.Forest {
	return &tree.Forest{
		Features: []tree.Feature{{Name: "a"}, {Name: "b", Categorical: true}}, Outputs: 1,
		Trees: []tree.Tree{{
			Nodes: []tree.Node{
				{Feature: 0, Threshold: 1, Left: 1, Right: ^2, Missing: tree.MissingNaN},
				{Feature: 1, Categorical: true, Words: 2, Left: ^0, Right: ^1},
			},
			Sets: []uint32{1, 2}, Leaves: []float64{10, 20, 30},
		}},
	}
}

func TestPlainWalkDecidesAsDocumented(t *testing.T) {
	nan, f := math.NaN(), sample()
	require.NoError(t, f.Check())
	for _, c := range []struct {
		x       [2]float64
		missing tree.Missing
		left    bool
		want    float64
	}{
		{[2]float64{1, 0}, tree.MissingNaN, false, 10},
		{[2]float64{1, 33}, tree.MissingNaN, false, 10},
		{[2]float64{1, 32}, tree.MissingNaN, false, 20},
		{[2]float64{1, -0.5}, tree.MissingNaN, false, 10}, // cut to 0
		{[2]float64{1, -1}, tree.MissingNaN, false, 20},
		{[2]float64{1, 1e30}, tree.MissingNaN, false, 20},
		{[2]float64{1, nan}, tree.MissingNaN, false, 20},
		{[2]float64{1.5, 0}, tree.MissingNaN, false, 30},
		{[2]float64{nan, 0}, tree.MissingNaN, false, 30},
		{[2]float64{nan, 0}, tree.MissingNaN, true, 10},
		{[2]float64{nan, 0}, tree.MissingNone, false, 10}, // NaN counts as 0
		{[2]float64{1e-36, 0}, tree.MissingZero, false, 30},
		{[2]float64{1e-34, 0}, tree.MissingZero, false, 10},
		{[2]float64{nan, 0}, tree.MissingZero, true, 10},
	} {
		f.Trees[0].Nodes[0].Missing, f.Trees[0].Nodes[0].DefaultLeft = c.missing, c.left
		var got [1]float64
		f.Raw(got[:], c.x[:], 1)
		require.Equal(t, c.want, got[0], "%+v", c)
	}
}

func TestCheckNamesWhatIsNoForest(t *testing.T) {
	for want, spoil := range map[string]func(*tree.Forest){
		"outputs":                           func(f *tree.Forest) { f.Outputs = 0 },
		"base score 0 is +Inf":              func(f *tree.Forest) { f.Base = []float64{math.Inf(1)} },
		"link 99":                           func(f *tree.Forest) { f.Link.Kind = 99 },
		"tree 0 adds to output 1":           func(f *tree.Forest) { f.Trees[0].Output = 1 },
		"one leaf more":                     func(f *tree.Forest) { f.Trees[0].Leaves = nil },
		"leaf 1 is NaN":                     func(f *tree.Forest) { f.Trees[0].Leaves[1] = math.NaN() },
		"feature 2 of 2":                    func(f *tree.Forest) { f.Trees[0].Nodes[0].Feature = 2 },
		"categories 1 to 3 of 2":            func(f *tree.Forest) { f.Trees[0].Nodes[1].Set = 1 },
		"threshold is NaN":                  func(f *tree.Forest) { f.Trees[0].Nodes[0].Threshold = math.NaN() },
		"child 2 of 2":                      func(f *tree.Forest) { f.Trees[0].Nodes[0].Left = 2 },
		"another parent or is the root":     func(f *tree.Forest) { f.Trees[0].Nodes[1].Left = 0 },
		"child -4 of 2":                     func(f *tree.Forest) { f.Trees[0].Nodes[1].Left = ^3 },
		"the root reaches 3 of 5":           func(f *tree.Forest) { f.Trees[0] = cycle() },
		"2 leaf names for 3 leaves":         func(f *tree.Forest) { f.Trees[0].LeafIDs = []int32{1, 2} },
		"leaf 0: constant NaN":              func(f *tree.Forest) { f.Trees[0].Linear = []tree.Linear{{Const: math.NaN()}, {}, {}} },
		"leaf 0: 0 coefficients for 1":      func(f *tree.Forest) { f.Trees[0].Linear = []tree.Linear{{Features: []int32{0}}, {}, {}} },
		"1 node statistics for 2 nodes":     func(f *tree.Forest) { f.Trees[0].NodeStats = make([]tree.NodeStats, 1) },
		"kind of missing value 7":           func(f *tree.Forest) { f.Trees[0].Nodes[0].Missing = 7 },
		"slope of the link is -1":           func(f *tree.Forest) { f.Link.Slope = -1 },
		"2 base scores for 1 outputs":       func(f *tree.Forest) { f.Base = []float64{1, 2} },
		"child 1, which has another parent": func(f *tree.Forest) { f.Trees[0].Nodes[1].Right = 1 },
	} {
		f := sample()
		spoil(f)
		require.ErrorContains(t, f.Check(), want)
	}
}

// cycle has two nodes; the second is its own child and the root has two leaves.
func cycle() tree.Tree {
	return tree.Tree{
		Nodes:  []tree.Node{{Left: ^0, Right: ^1}, {Left: 1, Right: ^2}},
		Leaves: []float64{1, 2, 3},
	}
}
