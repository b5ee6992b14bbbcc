package grow_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/grow"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

func TestSmoke(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n, d := 5000, 9
	in := bins.Input{Rows: n, Features: make([]tree.Feature, d), Values: make([]float32, n*d)}
	for j := range in.Features {
		in.Features[j].Name = fmt.Sprint(j)
	}
	in.Features[3].Categorical = true
	grad, hess := make([]float32, n), make([]float32, n)
	for i := range n {
		for j := range d {
			in.Values[i*d+j] = float32(r.NormFloat64())
		}
		in.Values[i*d+3] = float32(r.IntN(30))
		grad[i] = -in.Values[i*d]*in.Values[i*d+1] - float32(int(in.Values[i*d+3])%3)
		hess[i] = 1
	}
	tb, err := bins.New(context.Background(), in, bins.Config{})
	require.NoError(t, err)
	g := grow.New(tb, grow.Default())
	tr, err := g.Grow(context.Background(), grad, hess, nil, nil)
	require.NoError(t, err)
	f := tree.Forest{Features: in.Features, Outputs: 1, Trees: []tree.Tree{*tr}}
	require.NoError(t, f.Check())
	x := make([]float64, d)
	for l := range tr.Leaves {
		for _, row := range g.LeafRows(l) {
			for j := range x {
				x[j] = float64(in.Values[int(row)*d+j])
			}
			require.EqualValues(t, l, tr.Leaf(x))
		}
	}
	dst := make([]int32, n)
	require.NoError(t, g.Assign(context.Background(), dst, tb, nil))
	for l := range tr.Leaves {
		for _, row := range g.LeafRows(l) {
			require.EqualValues(t, l, dst[row])
		}
	}
	t.Log(tr.NodeStats[:5], tr.LeafStats[:3], tr.Nodes[:5])
}
