package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/engine"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/lightgbm"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/treetest"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/xgboost"
)

var kinds = []engine.Kind{engine.Auto, engine.Plain, engine.Walk, engine.Bits, engine.Lanes, engine.Slices}

// table lays rows out as callers may: with a stride, in any order, some columns apart.
func table(r *rand.Rand, data [][]float32, features int) *engine.Rows {
	rows := &engine.Rows{N: len(data), Stride: features + r.IntN(4), Columns: make([]int32, features)}
	rows.Floats = make([]float32, rows.N*rows.Stride)
	at := r.Perm(rows.Stride)[:features]
	if r.IntN(2) == 0 { // in order, as most tables are
		shift := r.IntN(rows.Stride - features + 1)
		for j := range at {
			at[j] = j + shift
		}
	}
	for j := range features {
		rows.Columns[j] = int32(at[j])
		if r.IntN(8) == 0 {
			rows.Columns[j] = ^int32(len(rows.Extra))
			rows.Extra = append(rows.Extra, make([]float32, rows.N))
		}
		for i, row := range data {
			if c := rows.Columns[j]; c < 0 {
				rows.Extra[^c][i] = row[j]
			} else {
				rows.Floats[i*rows.Stride+int(c)] = row[j]
			}
		}
	}
	return rows
}

// requireReference compares every engine with the plain walk of package tree: raw scores by
// their bits, at once and in stages, and leaves.
func requireReference(t *testing.T, r *rand.Rand, f *tree.Forest, data [][]float32) {
	t.Helper()
	require.NoError(t, f.Check())
	k, n := f.Outputs, len(data)
	want, leaves := make([]float64, n*k), make([]int32, n*len(f.Trees))
	wide := make([]float64, len(f.Features))
	for i, row := range data {
		for j, x := range row {
			wide[j] = float64(x)
		}
		f.Raw(want[i*k:(i+1)*k], wide, f.Rounds())
		for j := range f.Trees {
			leaves[i*len(f.Trees)+j] = f.Trees[j].Leaf(wide)
		}
	}
	rows := table(r, data, len(f.Features))
	var s engine.Scratch
	for _, kind := range kinds {
		e := engine.New(f, engine.Options{Kind: kind})
		name := fmt.Sprintf("engine %v of %v, %d rows", e.Kind(), f, n)
		got := make([]float64, n*k)
		e.Raw(got, rows, &s)
		requireBits(t, want, got, name)

		for i := range n {
			copy(got[i*k:(i+1)*k], make([]float64, k))
			copy(got[i*k:(i+1)*k], f.Base)
		}
		for from := 0; from < f.Rounds(); {
			to := from + 1 + r.IntN(f.Rounds())
			e.Add(got, rows, from, to, &s)
			from = to
		}
		requireBits(t, want, got, name+", in stages")

		found := make([]int32, len(leaves))
		e.Leaves(found, rows, &s)
		require.Equal(t, leaves, found, name)
	}
}

func requireBits(t *testing.T, want, got []float64, name string) {
	t.Helper()
	for i := range want {
		if math.Float64bits(want[i]) != math.Float64bits(got[i]) {
			t.Fatalf("%s: score %d is %v; want %v", name, i, got[i], want[i])
		}
	}
}

// reference reads a golden model in whatever format there is.
func reference(t *testing.T, c *treetest.Case) *tree.Forest {
	t.Helper()
	var f *tree.Forest
	var err error
	switch {
	case c.Model(t, "txt") != nil:
		f, err = lightgbm.Read(c.Model(t, "txt"))
	case c.Model(t, "json") != nil:
		f, err = xgboost.ReadJSON(c.Model(t, "json"))
	default:
		f, err = xgboost.ReadUBJSON(c.Model(t, "ubj"))
	}
	require.NoError(t, err)
	return f
}

func TestEnginesEqualThePlainWalkOnReferenceModels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range treetest.Names(t, "") {
		t.Run(name, func(t *testing.T) {
			c := treetest.Load(t, name)
			f := reference(t, c)
			data := make([][]float32, len(c.Rows))
			for i, row := range c.Rows {
				data[i] = make([]float32, len(row))
				for j, x := range row {
					data[i][j] = float32(x)
				}
			}
			requireReference(t, r, f, data)
			requireReference(t, r, f, data[len(data)-14:]) // the edge rows
			requireReference(t, r, f, data[:1])
			if len(c.Leaves) > 0 && !strings.Contains(name, "dart") {
				require.Len(t, c.Leaves[0], len(f.Trees))
			}
		})
	}
}

// random makes forests of all that a forest can hold.
func random(r *rand.Rand) *tree.Forest {
	f := &tree.Forest{Outputs: 1, Features: make([]tree.Feature, 1+r.IntN(40)), Float32: r.IntN(3) == 0}
	if r.IntN(3) == 0 {
		f.Outputs = 1 + r.IntN(4)
	}
	if r.IntN(2) == 0 {
		f.Base = make([]float64, f.Outputs)
		for i := range f.Base {
			f.Base[i] = r.NormFloat64()
		}
	}
	for j := range f.Features {
		f.Features[j] = tree.Feature{Name: fmt.Sprint("f", j), Categorical: r.IntN(4) == 0}
	}
	limits := []int{1, 2, 3, 8, 31, 32, 33, 63, 64, 65, 100}
	limit := limits[r.IntN(len(limits))]
	linear := r.IntN(5) == 0
	f.Trees = make([]tree.Tree, r.IntN(4)*r.IntN(12))
	for i := range f.Trees {
		t := &f.Trees[i]
		t.Output = i % f.Outputs
		if r.IntN(8) == 0 {
			t.Output = r.IntN(f.Outputs)
		}
		leaves := 1 + r.IntN(limit)
		if r.IntN(2) == 0 {
			leaves = limit
		}
		grow(r, f, t, leaves)
		if linear && r.IntN(2) == 0 {
			addModels(r, f, t)
		}
	}
	return f
}

// grow splits leaves at random until there are enough; some trees become long and thin.
func grow(r *rand.Rand, f *tree.Forest, t *tree.Tree, leaves int) {
	t.Leaves = append(t.Leaves, r.NormFloat64())
	type edge struct {
		node int
		left bool
	}
	parents := []edge{{-1, false}} // of each leaf
	thin := r.IntN(4) == 0
	for len(t.Leaves) < leaves {
		at := r.IntN(len(t.Leaves))
		if thin {
			at = len(t.Leaves) - 1
		}
		n, id := randomNode(r, f, t), len(t.Nodes)
		n.Left, n.Right = ^int32(at), ^int32(len(t.Leaves))
		t.Nodes = append(t.Nodes, n)
		if p := parents[at]; p.node >= 0 && p.left {
			t.Nodes[p.node].Left = int32(id)
		} else if p.node >= 0 {
			t.Nodes[p.node].Right = int32(id)
		}
		parents[at] = edge{id, true}
		parents = append(parents, edge{id, false})
		t.Leaves = append(t.Leaves, r.NormFloat64())
	}
	r.Shuffle(len(t.Leaves), func(i, j int) { t.Leaves[i], t.Leaves[j] = t.Leaves[j], t.Leaves[i] })
}

var edges = []float64{0, math.Copysign(0, -1), 1, -1, 1e-36, -1e-36, 1e-35, 1e300, -1e300, math.Inf(1), math.Inf(-1), 5e-324, -5e-324, 0.1, tree.ZeroThreshold, -tree.ZeroThreshold, math.MaxFloat32}

func randomNode(r *rand.Rand, f *tree.Forest, t *tree.Tree) tree.Node {
	j := r.IntN(len(f.Features))
	n := tree.Node{Feature: int32(j), DefaultLeft: r.IntN(2) == 0, Missing: tree.Missing(r.IntN(3))}
	if !f.Features[j].Categorical {
		n.Threshold = math.Round(8*r.NormFloat64()) / 8
		switch r.IntN(4) {
		case 0:
			n.Threshold = edges[r.IntN(len(edges))]
		case 1:
			n.Threshold = r.NormFloat64()
		}
		return n
	}
	n.Categorical, n.Floor = true, r.IntN(2) == 0
	n.Set, n.Words = int32(len(t.Sets)), int32(r.IntN(4))
	for range n.Words {
		t.Sets = append(t.Sets, r.Uint32()&r.Uint32())
	}
	return n
}

func addModels(r *rand.Rand, f *tree.Forest, t *tree.Tree) {
	t.Linear = make([]tree.Linear, len(t.Leaves))
	for i := range t.Linear {
		l := &t.Linear[i]
		l.Const = r.NormFloat64()
		for range r.IntN(4) {
			l.Features = append(l.Features, int32(r.IntN(len(f.Features))))
			l.Coefs = append(l.Coefs, r.NormFloat64())
		}
	}
}

var values = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 1e-36, -1e-36, 1e-35, 1e-34, -1e-34, 1e30, -1e30, -0.5, -0.999, 2.7, 1000, 1e7, 3e9, 31, 32, 63,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.Float32frombits(0xffc00001), math.SmallestNonzeroFloat32, math.MaxFloat32, -math.MaxFloat32,
}

func randomRows(r *rand.Rand, f *tree.Forest, n int) [][]float32 {
	data := make([][]float32, n)
	for i := range data {
		data[i] = make([]float32, len(f.Features))
		for j := range data[i] {
			x := float32(math.Round(8*r.NormFloat64()) / 8)
			switch {
			case r.IntN(4) == 0:
				x = values[r.IntN(len(values))]
			case f.Features[j].Categorical:
				x = float32(r.IntN(140))
			case r.IntN(2) == 0:
				x = float32(r.NormFloat64())
			}
			data[i][j] = x
		}
	}
	return data
}

func TestEnginesEqualThePlainWalkOnRandomForests(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	sizes := []int{0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 70}
	rounds := 400
	if testing.Short() || race.Enabled {
		rounds = 40
	}
	for range rounds {
		f := random(r)
		requireReference(t, r, f, randomRows(r, f, sizes[r.IntN(len(sizes))]))
	}
}

// TestEveryTier runs the comparisons again, in a process for each tier that this processor has
// besides the one in use.
func TestEveryTier(t *testing.T) {
	if race.Enabled || os.Getenv(simd.EnvVar) != "" {
		t.Skip("under the race detector, or told which tier to use")
	}
	for _, tier := range simd.Available()[1:] {
		t.Run(tier.String(), func(t *testing.T) {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEnginesEqual|^TestScoringDoesNot", "-test.short")
			c.Env = append(os.Environ(), simd.EnvVar+"="+tier.String())
			out, err := c.CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

// TestAutoChoosesByShape: what Auto is for whom.
func TestAutoChoosesByShape(t *testing.T) {
	for _, c := range []struct {
		leaves int
		fast   engine.Kind // with AVX2 at least
	}{{31, engine.Bits}, {64, engine.Bits}, {65, engine.Slices}} {
		f, _, _ := shaped(3, c.leaves, 5, false)
		want := c.fast
		if simd.Active() < simd.AVX2 {
			want = engine.Slices
		}
		require.Equal(t, want, engine.New(f, engine.Options{}).Kind(), "%d leaves", c.leaves)
	}
}

// TestHugeCategoriesAreWalkedPlainly: tables that would take more memory than the sets of
// the model by far.
func TestHugeCategoriesAreWalkedPlainly(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	f := &tree.Forest{Outputs: 1, Features: []tree.Feature{{Name: "id", Categorical: true}}}
	for i := range 400 {
		t := tree.Tree{Leaves: []float64{1, 2}, Sets: make([]uint32, 1)}
		n := tree.Node{Categorical: true, Left: ^0, Right: ^1, Words: 1}
		if i == 7 {
			t.Sets = make([]uint32, 1<<16)
			n.Words = 1 << 16
		}
		t.Sets[len(t.Sets)-1] = 5
		t.Nodes = []tree.Node{n}
		f.Trees = append(f.Trees, t)
	}
	require.Equal(t, engine.Plain, engine.New(f, engine.Options{}).Kind())
	requireReference(t, r, f, randomRows(r, f, 9))
}

// TestColumnsApart: no feature stands in the table.
func TestColumnsApart(t *testing.T) {
	f, rows, _ := shaped(20, 16, 6, true)
	for j := range rows.Columns {
		rows.Columns[j] = ^int32(j)
		rows.Extra = append(rows.Extra, make([]float32, 100))
	}
	rows.N = 100
	var s engine.Scratch
	want, got := make([]float64, 100), make([]float64, 100)
	engine.New(f, engine.Options{Kind: engine.Plain}).Raw(want, rows, &s)
	for _, kind := range kinds {
		engine.New(f, engine.Options{Kind: kind}).Raw(got, rows, &s)
		requireBits(t, want, got, "no table")
	}
}

func TestScoringDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		f := random(r)
		for _, kind := range kinds {
			e := engine.New(f, engine.Options{Kind: kind})
			for _, n := range []int{1, 70} {
				rows := table(r, randomRows(r, f, n), len(f.Features))
				var s engine.Scratch
				dst, leaves := make([]float64, n*f.Outputs), make([]int32, n*len(f.Trees))
				allocs := testing.AllocsPerRun(3, func() {
					e.Raw(dst, rows, &s)
					e.Leaves(leaves, rows, &s)
				})
				require.Zero(t, allocs, "engine %v, %d rows", e.Kind(), n)
			}
		}
	}
}
