package nn_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

const (
	tableRows = 60
	tableDim  = 5
)

// touches returns lists of gradients that touch some rows often and others never.
func touches(seed uint64) []*nn.Grads {
	rng := random(seed)
	var lists []*nn.Grads
	for range 3 {
		g := &nn.Grads{}
		stride := tableDim + rng.IntN(3)
		g.Reset(normal(rng, 20*stride), stride)
		for range 300 {
			row := rng.IntN(tableRows) * rng.IntN(2)
			if row == 7 {
				continue
			}
			g.Add(int32(row), int32(rng.IntN(20)), float32(rng.NormFloat64()))
		}
		lists = append(lists, g)
	}
	return lists
}

func newTable() *nn.Table {
	t := nn.NewTable(tableRows, tableDim)
	t.Init(0.5, random(9))
	return t
}

// dense returns the gradient of the whole table, and which rows it touches.
func dense(lists []*nn.Grads) (grad []float32, touched []bool) {
	grad, touched = make([]float32, tableRows*tableDim), make([]bool, tableRows)
	for _, l := range lists {
		for _, t := range l.Touches {
			touched[t.Row] = true
			simd.Axpy(t.Scale, l.G[int(t.From)*l.Stride:][:tableDim], grad[int(t.Row)*tableDim:][:tableDim])
		}
	}
	return grad, touched
}

func TestUpdaterIsTheDenseStepOnTouchedRows(t *testing.T) {
	for _, opt := range []nn.Optimizer{{}, {Kind: nn.AdaGrad}, {Decay: 0.1}} {
		got, want := newTable(), newTable()
		u := nn.NewUpdater(got, opt)
		ref := nn.WeightsOf(append([]float32(nil), want.W...), opt)
		for step := 1; step < 6; step++ {
			lists := touches(uint64(step))
			grad, touched := dense(lists)
			for row, is := range touched {
				if !is {
					continue
				}
				at, to := row*tableDim, (row+1)*tableDim
				var m []float32
				if ref.M != nil {
					m = ref.M[at:to]
				}
				s := opt.At(step, 0.1)
				s.Apply(ref.W[at:to], grad[at:to], m, ref.V[at:to])
			}
			u.Step(2, step, 0.1, lists...)
			require.Equal(t, ref.W, got.W, "step %d", step)
		}
		require.Equal(t, want.Row(7), got.Row(7), "what is never touched stays")
		m, v := u.State()
		require.Equal(t, ref.M, m)
		require.Equal(t, ref.V, v)
	}
}

func TestUpdaterDoesNotDependOnWorkers(t *testing.T) {
	var first []float32
	for _, workers := range []int{1, 2, 3, 8} {
		table := nn.NewTable(4000, 3)
		u := nn.NewUpdater(table, nn.Optimizer{})
		for step := 1; step < 4; step++ {
			rng := random(uint64(step))
			var g nn.Grads
			g.Reset(normal(rng, 300), 3)
			for range 9000 {
				g.Add(int32(rng.IntN(4000)), int32(rng.IntN(100)), 1)
			}
			u.Step(workers, step, 0.01, &g)
		}
		if first == nil {
			first = table.W
		}
		require.Equal(t, first, table.W, "%d workers", workers)
	}
}

func TestUpdaterDecaysWhatItTouches(t *testing.T) {
	table := newTable()
	before := slices.Clone(table.W)
	u := nn.NewUpdater(table, nn.Optimizer{Kind: nn.AdaGrad})
	u.Decay = 2
	var g nn.Grads
	g.Reset(make([]float32, tableDim), tableDim)
	g.Add(3, 0, 1)
	u.Step(1, 1, 0.01, &g)
	for i, w := range table.W {
		switch {
		case i/tableDim != 3:
			require.Equal(t, before[i], w)
		case before[i] > 0:
			require.Less(t, w, before[i])
		default:
			require.Greater(t, w, before[i])
		}
	}
}

// A row of length 1 keeps it, and goes where the gradient says but for its own direction.
func TestUpdaterKeepsUnitRows(t *testing.T) {
	table := newTable()
	nn.Normalize(table.W, make([]float32, tableRows), tableDim)
	old := slices.Clone(table.W)
	u := nn.NewUpdater(table, nn.Optimizer{Kind: nn.AdaGrad})
	u.Unit = true
	lists := touches(4)
	u.Step(1, 1, 0.1, lists...)
	grad, touched := dense(lists)
	for row := range int32(tableRows) {
		now, was := table.Row(row), old[int(row)*tableDim:][:tableDim]
		require.InDelta(t, 1, simd.Dot(now, now), 1e-5)
		if !touched[row] {
			require.Equal(t, was, now)
			continue
		}
		g := grad[int(row)*tableDim:][:tableDim]
		along := simd.Dot(was, g)
		moved := 0.0
		for i := range g {
			moved += float64(g[i]-float32(along*was[i])) * float64(now[i]-was[i])
		}
		require.Less(t, moved, 0.0, "row %d", row)
	}
}

func TestWeightsStepDoesNotDependOnWorkers(t *testing.T) {
	const n = 70_000
	grad := normal(random(1), n)
	var first []float32
	for _, workers := range []int{1, 2, 8} {
		w := nn.NewWeights(n, nn.Optimizer{})
		for step := 1; step < 4; step++ {
			copy(w.G, grad)
			w.Step(workers, step, 0.01)
		}
		if first == nil {
			first = w.W
		}
		require.Equal(t, first, w.W)
	}
}

func TestOptimizerNames(t *testing.T) {
	for _, k := range []nn.Kind{nn.Adam, nn.AdaGrad} {
		text, err := k.MarshalText()
		require.NoError(t, err)
		var back nn.Kind
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, k, back)
		require.True(t, k.Valid())
	}
	var k nn.Kind
	require.ErrorContains(t, k.UnmarshalText([]byte("sgd")), `unknown optimizer "sgd"`)
	require.False(t, nn.Kind(9).Valid())
	require.Equal(t, "Kind(9)", nn.Kind(9).String())
}

func TestTableCheck(t *testing.T) {
	require.NoError(t, newTable().Check())
	require.Error(t, (&nn.Table{Rows: 2, Dim: 3, W: make([]float32, 5)}).Check())
	require.Error(t, (&nn.Table{Rows: 1 << 40, Dim: 3, W: make([]float32, 3)}).Check())
	require.Error(t, (&nn.Table{Dim: 0}).Check())
}
