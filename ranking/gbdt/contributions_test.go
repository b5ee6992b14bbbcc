package gbdt_test

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/treetest"
)

// given is the value of a game: the mean of the tree over the rows of training that share the features
// of the subset with x, as the tree knows them.
func given(t *tree.Tree, at int32, x []float64, subset uint) float64 {
	if at < 0 {
		return t.Leaves[^at]
	}
	n := &t.Nodes[at]
	if subset>>uint(n.Feature)&1 != 0 {
		if t.GoesLeft(n, x[n.Feature]) {
			return given(t, n.Left, x, subset)
		}
		return given(t, n.Right, x, subset)
	}
	below := func(at int32) float64 {
		if at < 0 {
			return t.LeafStats[^at].Count
		}
		return t.NodeStats[at].Count
	}
	left, right := below(n.Left), below(n.Right)
	return (left*given(t, n.Left, x, subset) + right*given(t, n.Right, x, subset)) / (left + right)
}

// shapley is the definition: over all subsets without a feature, what the feature adds.
func shapley(t *tree.Tree, x []float64) []float64 {
	d := len(x)
	phi := make([]float64, d+1)
	root := int32(-1)
	if len(t.Nodes) > 0 {
		root = 0
	}
	factorial := func(n int) float64 { return math.Round(math.Gamma(float64(n) + 1)) }
	for j := range d {
		for subset := range uint(1) << d {
			if subset>>uint(j)&1 != 0 {
				continue
			}
			size := bits.OnesCount(subset)
			weight := factorial(size) * factorial(d-size-1) / factorial(d)
			phi[j] += weight * (given(t, root, x, subset|1<<uint(j)) - given(t, root, x, subset))
		}
	}
	phi[d] = given(t, root, x, 0)
	return phi
}

// Source: Shapley 1953; Lundberg, Erion and Lee 2018, equation 2.
func TestContributionsAreShapleyValues(t *testing.T) {
	for seed := range uint64(12) {
		s := shape{features: 6, categorical: 2, rounds: 3, leaves: 2 + int(seed)*2, outputs: 1 + int(seed%2), link: tree.Softmax}
		if s.outputs == 1 {
			s.link = tree.Sigmoid
		}
		rng := rand.New(rand.NewPCG(seed, 2))
		m := s.model(t, seed, false)
		f := s.forest(rand.New(rand.NewPCG(seed, 1)))
		rows := s.rows(rng, 20)
		got, err := m.Contributions(nil, rows)
		require.NoError(t, err)
		want := make([]float64, len(got))
		for i := range 20 {
			for k := range f.Trees {
				tr := &f.Trees[k]
				at := (i*s.outputs + tr.Output) * 7
				for j, v := range shapley(tr, rows[i*6:(i+1)*6]) {
					want[at+j] += v
				}
			}
			for k, b := range f.Base {
				want[(i*s.outputs+k)*7+6] += b
			}
		}
		near(t, fmt.Sprint("seed ", seed), got, want, 1e-11)
	}
}

func TestContributionsAddUpToTheRawScore(t *testing.T) {
	goldenModels(t, "", func(t *testing.T, c *treetest.Case, m *gbdt.Model) {
		rows := flat(c.Rows)
		got, err := m.Contributions(nil, rows)
		if err != nil {
			var unsupported *gbdt.UnsupportedError
			require.True(t, errors.As(err, &unsupported), err)
			require.Contains(t, c.Name, "linear_tree")
			return
		}
		raw, err := m.Raw(nil, rows)
		require.NoError(t, err)
		tolerance := 1e-9
		if c.Name[:3] == "xgb" {
			tolerance = 1e-5 // its raw scores are float32 sums
		}
		d := len(m.Features()) + 1
		sums := make([]float64, len(raw))
		for i := range sums {
			for _, v := range got[i*d : (i+1)*d] {
				sums[i] += v
			}
			if c.Name == "xgb_gblinear" && math.IsInf(raw[i], 0) || math.IsNaN(raw[i]) {
				sums[i] = raw[i]
			}
		}
		near(t, "sum", sums, raw, tolerance)
	})
}

// A path of many features is where the sums of the algorithm lose digits.
func TestContributionsOfADeepTreeAddUp(t *testing.T) {
	const depth = 30
	tr := tree.Tree{}
	rows := 1 << 20
	for j := range depth {
		right := int32(j + 1)
		if j == depth-1 {
			right = ^int32(depth)
		}
		tr.Nodes = append(tr.Nodes, tree.Node{Feature: int32(j), Threshold: 0, Left: ^int32(j), Right: right})
		tr.NodeStats = append(tr.NodeStats, tree.NodeStats{Count: float64(rows), Gain: 1})
		tr.Leaves = append(tr.Leaves, math.Sin(float64(j)))
		left := max(rows/3, 1)
		tr.LeafStats = append(tr.LeafStats, tree.LeafStats{Count: float64(left)})
		rows -= left
	}
	tr.Leaves, tr.LeafStats = append(tr.Leaves, 2), append(tr.LeafStats, tree.LeafStats{Count: float64(rows)})
	s := shape{features: depth}
	m, err := gbdt.NewModel(s.inputs(false), []string{"y"}, &tree.Forest{Outputs: 1, Trees: []tree.Tree{tr}})
	require.NoError(t, err)
	for at := range depth + 1 {
		row := make([]float64, depth)
		for j := range row {
			row[j] = 1
			if j == at {
				row[j] = -1
			}
		}
		phi, err := m.Contributions(nil, row)
		require.NoError(t, err)
		sum := 0.0
		for _, v := range phi {
			sum += v
		}
		require.InDelta(t, tr.Leaves[at], sum, 1e-9)
	}
}

func TestExplainIsTheContributionOfThatHead(t *testing.T) {
	s := shape{features: 5, categorical: 2, rounds: 4, leaves: 9, outputs: 3, link: tree.Softmax}
	m := s.model(t, 3, true)
	rows := s.rows(rand.New(rand.NewPCG(3, 3)), 30)
	d := dataset(m, rows)
	// Unknown IDs count as category -1, whatever number they had.
	coded, err := m.AppendRows(nil, d)
	require.NoError(t, err)
	want, err := m.Contributions(nil, coded)
	require.NoError(t, err)
	for i := range 30 {
		for k, head := range m.Heads() {
			ids := d.IDs[i*2 : i*2+2]
			got, err := m.Explain(nil, head, d.Floats[i*3:i*3+3], ids)
			require.NoError(t, err)
			near(t, head, got, want[(i*3+k)*6:(i*3+k+1)*6], 0)
		}
	}
	_, err = m.Explain(nil, "class0", d.Floats[:2], d.IDs[:2])
	require.ErrorContains(t, err, "row has 2 floats and 2 ids; want 3 and 2")
	_, err = m.Explain(nil, "click", d.Floats[:3], d.IDs[:2])
	require.ErrorContains(t, err, `no head "click" (heads: class0, class1, class2)`)
}

func TestContributionsNeedWhatTheFileKnowsOfLeaves(t *testing.T) {
	f := shape{features: 2}.forest(rand.New(rand.NewPCG(1, 1)))
	tr := shape{features: 2, leaves: 4}.tree(rand.New(rand.NewPCG(1, 1)))
	tr.LeafStats = nil
	f.Trees = []tree.Tree{tr}
	m, err := gbdt.NewModel(shape{features: 2}.inputs(false), []string{"y"}, f)
	require.NoError(t, err)
	_, err = m.Contributions(nil, []float64{1, 2})
	var unsupported *gbdt.UnsupportedError
	require.True(t, errors.As(err, &unsupported))
	require.Contains(t, err.Error(), "says nothing of the rows in its leaves")
}

// A chain of nodes, as a hostile file may hold, must not overflow the stack.
func TestTooDeepATreeIsNotExplained(t *testing.T) {
	const depth = 1 << 20
	tr := tree.Tree{Leaves: make([]float64, depth+1), LeafStats: make([]tree.LeafStats, depth+1)}
	for j := range int32(depth) {
		right := j + 1
		if j == depth-1 {
			right = ^int32(depth)
		}
		tr.Nodes = append(tr.Nodes, tree.Node{Left: ^j, Right: right})
		tr.LeafStats[j].Count = 1
	}
	m, err := gbdt.NewModel(shape{features: 1}.inputs(false), []string{"y"}, &tree.Forest{Outputs: 1, Trees: []tree.Tree{tr}})
	require.NoError(t, err)
	_, err = m.Contributions(nil, []float64{1})
	var unsupported *gbdt.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
	require.ErrorContains(t, err, "1048576 nodes on the way to a leaf; at most 2048")
}
