package gbdt_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// shape says what forests and rows look like.
type shape struct {
	features, categorical int // of all features, the last categorical ones are so
	rounds, leaves        int
	outputs               int
	link                  tree.LinkKind
}

// features makes f0, f1, … of which the last ones are categorical; those in vocabulary order have IDs 100, 110, ….
func (s shape) inputs(vocabulary bool) []gbdt.Feature {
	out := make([]gbdt.Feature, s.features)
	for j := range out {
		out[j] = gbdt.Feature{Name: fmt.Sprintf("f%d", j), Categorical: j >= s.features-s.categorical}
		if out[j].Categorical && vocabulary {
			for c := range 40 {
				out[j].IDs = append(out[j].IDs, uint64(100+10*c))
			}
		}
	}
	return out
}

// forest grows trees at random.
func (s shape) forest(rng *rand.Rand) *tree.Forest {
	f := &tree.Forest{Outputs: max(s.outputs, 1), Link: tree.Link{Kind: s.link}, Features: make([]tree.Feature, s.features)}
	for j := range f.Features {
		f.Features[j] = tree.Feature{Name: fmt.Sprintf("f%d", j), Categorical: j >= s.features-s.categorical}
	}
	for k := range f.Outputs {
		f.Base = append(f.Base, rng.NormFloat64()/4+float64(k)/8)
	}
	for i := range s.rounds * f.Outputs {
		t := s.tree(rng)
		t.Output = i % f.Outputs
		f.Trees = append(f.Trees, t)
	}
	return f
}

// tree splits leaves at random until there are enough of them, and gives each node rows.
func (s shape) tree(rng *rand.Rand) tree.Tree {
	t := tree.Tree{Leaves: []float64{rng.NormFloat64()}, LeafStats: []tree.LeafStats{{Weight: 250, Count: 1000}}}
	parent := []int32{-1} // of each leaf
	for len(t.Leaves) < s.leaves {
		leaf := rng.IntN(len(t.Leaves))
		if t.LeafStats[leaf].Count < 2 {
			continue
		}
		at, fresh := int32(len(t.Nodes)), int32(len(t.Leaves))
		if p := parent[leaf]; p >= 0 {
			if t.Nodes[p].Left == ^int32(leaf) {
				t.Nodes[p].Left = at
			} else {
				t.Nodes[p].Right = at
			}
		}
		rows := t.LeafStats[leaf].Count
		left := 1 + float64(rng.IntN(int(rows)-1))
		t.Nodes = append(t.Nodes, s.node(rng, &t, ^int32(leaf), ^fresh))
		t.NodeStats = append(t.NodeStats, tree.NodeStats{Gain: rng.Float64(), Value: rng.NormFloat64(), Weight: rows / 4, Count: rows})
		parent[leaf] = at
		parent = append(parent, at)
		t.LeafStats[leaf] = tree.LeafStats{Weight: left / 4, Count: left}
		t.LeafStats = append(t.LeafStats, tree.LeafStats{Weight: (rows - left) / 4, Count: rows - left})
		t.Leaves = append(t.Leaves, rng.NormFloat64())
	}
	return t
}

func (s shape) node(rng *rand.Rand, t *tree.Tree, left, right int32) tree.Node {
	j := rng.IntN(s.features)
	n := tree.Node{Feature: int32(j), Left: left, Right: right, DefaultLeft: rng.IntN(2) == 0, Missing: tree.Missing(rng.IntN(3))}
	if j < s.features-s.categorical {
		n.Threshold = math.Round(rng.NormFloat64()*8) / 8
		return n
	}
	n.Categorical, n.DefaultLeft, n.Set, n.Words = true, false, int32(len(t.Sets)), 2
	t.Sets = append(t.Sets, rng.Uint32(), rng.Uint32()&0xff)
	return n
}

// rows draws n rows, some values missing.
func (s shape) rows(rng *rand.Rand, n int) []float64 {
	var rows []float64
	for range n {
		for j := range s.features {
			v := math.Round(rng.NormFloat64()*16) / 16
			if j >= s.features-s.categorical {
				v = float64(rng.IntN(44) - 2)
			}
			switch rng.IntN(20) {
			case 0:
				v = math.NaN()
			case 1:
				v = 0
			}
			rows = append(rows, v)
		}
	}
	return rows
}

// model makes a model of one forest.
func (s shape) model(tb testing.TB, seed uint64, vocabulary bool) *gbdt.Model {
	tb.Helper()
	heads := []string{"score"}
	if w := (tree.Link{Kind: s.link}).Width(max(s.outputs, 1)); w > 1 {
		heads = nil
		for k := range w {
			heads = append(heads, fmt.Sprintf("class%d", k))
		}
	}
	m, err := gbdt.NewModel(s.inputs(vocabulary), heads, s.forest(rand.New(rand.NewPCG(seed, 1))))
	require.NoError(tb, err)
	return m
}

// dataset lays rows out as a dataset whose categorical features are ID columns.
func dataset(m *gbdt.Model, rows []float64) *ranking.Dataset {
	features := m.Features()
	d := new(ranking.Dataset)
	for _, f := range features {
		if f.IDs != nil {
			d.IDColumns = append(d.IDColumns, f.Name)
		} else {
			d.Columns = append(d.Columns, f.Name)
		}
	}
	for i := range len(rows) / len(features) {
		for j, f := range features {
			v := rows[i*len(features)+j]
			switch {
			case f.IDs == nil:
				d.Floats = append(d.Floats, float32(v))
			case math.IsNaN(v):
				d.IDs = append(d.IDs, 0)
			case v < 0 || int(v) >= len(f.IDs):
				d.IDs = append(d.IDs, 7) // unknown
			default:
				d.IDs = append(d.IDs, f.IDs[int(v)])
			}
		}
	}
	return d
}

// columnsOf declares the columns of a model, in its order.
func columnsOf(m *gbdt.Model) []recsys.Column {
	var c []recsys.Column
	for _, f := range m.Features() {
		kind := recsys.Float
		if f.IDs != nil {
			kind = recsys.ID
		}
		c = append(c, recsys.Column{Name: f.Name, Kind: kind})
	}
	return c
}

func schemaOf(tb testing.TB, columns ...recsys.Column) *recsys.Schema {
	tb.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns})
	require.NoError(tb, err)
	return s
}

func bind(tb testing.TB, m recsys.Ranker, s *recsys.Schema) recsys.Ranker {
	tb.Helper()
	r, err := recsys.Bind(m, s)
	require.NoError(tb, err)
	return r
}

// table lays d out as candidates.
func table(s *recsys.Schema, d *ranking.Dataset) *recsys.Candidates {
	items := make([]recsys.ItemID, d.Len())
	if len(d.Columns) == 0 && len(d.IDColumns) > 0 {
		items = make([]recsys.ItemID, len(d.IDs)/len(d.IDColumns))
	}
	for i := range items {
		items[i] = recsys.ItemID(i)
	}
	c := recsys.NewCandidates(s, items)
	for j, name := range d.Columns {
		if f, ok := s.Field(name); ok {
			for i := range items {
				c.Row(i)[f.Index] = d.FloatRow(i)[j]
			}
		}
	}
	for k, name := range d.IDColumns {
		if f, ok := s.Field(name); ok {
			for i := range items {
				c.IDColumn(f.Index)[i] = d.IDRow(i)[k]
			}
		}
	}
	return c
}

func rank(tb testing.TB, r recsys.Ranker, c *recsys.Candidates) recsys.Scores {
	tb.Helper()
	out := recsys.NewScores(c.Len(), len(r.(recsys.HeadWriter).Heads()))
	require.NoError(tb, r.Rank(tb.Context(), nil, c, out))
	return out
}

// reread writes a model and reads it under other options.
func reread(tb testing.TB, m *gbdt.Model, o gbdt.Options) *gbdt.Model {
	tb.Helper()
	back, err := gbdt.Read(bytes.NewReader(encode(tb, m)), o)
	require.NoError(tb, err)
	return back
}
