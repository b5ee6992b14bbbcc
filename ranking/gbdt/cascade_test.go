package gbdt_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// staged is the cascade by its definition: scores of the first rounds choose, rows that stop come last.
func TestCascadeIsItsDefinition(t *testing.T) {
	for _, s := range []shape{
		{features: 6, categorical: 2, rounds: 20, leaves: 8, link: tree.Sigmoid},
		{features: 3, rounds: 7, leaves: 2, link: tree.Identity},
		{features: 4, rounds: 9, leaves: 5, outputs: 2, link: tree.Sigmoid},
	} {
		m := s.model(t, 3, false)
		first := reread(t, m, gbdt.Options{Rounds: 4})
		d := dataset(m, s.rows(rand.New(rand.NewPCG(7, 7)), 301))
		schema := schemaOf(t, columnsOf(m)...)
		full, early := rank(t, bind(t, m, schema), table(schema, d)), rank(t, bind(t, first, schema), table(schema, d))
		c, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 4, Keep: 0.3})
		require.NoError(t, err)
		out := rank(t, bind(t, c, schema), table(schema, d))

		order := make([]int, 301)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(early.Score[b], early.Score[a]) })
		const keep = 91 // 0.3 of 301, rounded up
		heads := len(m.Heads())
		least := float32(2e9)
		for _, i := range order[:keep] {
			require.Equal(t, full.Heads[i*heads:(i+1)*heads], out.Heads[i*heads:(i+1)*heads])
			least = min(least, out.Score[i])
		}
		for at, i := range order[keep:] {
			require.Less(t, out.Score[i], least)
			require.Equal(t, early.Heads[i*heads+1:(i+1)*heads], out.Heads[i*heads+1:(i+1)*heads], "heads that are not the first")
			if at > 0 {
				before := order[keep+at-1]
				require.GreaterOrEqual(t, out.Score[before], out.Score[i])
				if early.Score[before] == early.Score[i] {
					require.Equal(t, out.Score[before], out.Score[i])
				}
			}
		}
	}
}

func TestCascadeMeasuresItsLoss(t *testing.T) {
	s := shape{features: 6, rounds: 40, leaves: 16, link: tree.Sigmoid}
	m := s.model(t, 4, false)
	d := dataset(m, s.rows(rand.New(rand.NewPCG(9, 9)), 400))
	for i := range 400 {
		d.Groups = append(d.Groups, uint64(i/100))
	}
	measure := func(cfg gbdt.CascadeConfig) gbdt.CascadeLoss {
		c, err := gbdt.NewCascade(m, cfg)
		require.NoError(t, err)
		loss, err := c.Measure(d, 10)
		require.NoError(t, err)
		return loss
	}
	require.Equal(t, gbdt.CascadeLoss{Groups: 4, Overlap: 1, Worst: 1, Same: 1, Cost: 1}, measure(gbdt.CascadeConfig{Rounds: 10, Keep: 1}))
	some, few := measure(gbdt.CascadeConfig{Rounds: 10, Keep: 0.5}), measure(gbdt.CascadeConfig{Rounds: 10, Keep: 0.1})
	require.InDelta(t, 0.25+0.75*0.5, some.Cost, 1e-12)
	require.InDelta(t, 0.25+0.75*0.1, few.Cost, 1e-12)
	require.Less(t, few.Overlap, some.Overlap)
	require.Less(t, few.Overlap, 1.0)
	require.LessOrEqual(t, few.Worst, few.Overlap)
	require.Equal(t, 1.0, measure(gbdt.CascadeConfig{Rounds: 1, AtLeast: 100}).Overlap)

	c, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 1})
	require.NoError(t, err)
	_, err = c.Measure(d, 0)
	require.ErrorContains(t, err, "k is 0; want >= 1")
	_, err = c.Measure(&ranking.Dataset{}, 3)
	require.ErrorContains(t, err, "the dataset has no column f0")
	loss, err := c.Measure(&ranking.Dataset{Columns: d.Columns}, 3)
	require.NoError(t, err)
	require.Equal(t, gbdt.CascadeLoss{Overlap: 1, Worst: 1, Same: 1, Cost: 1}, loss)
}

// Rows that tie go on by their IDs, wherever they stand.
func TestCascadeBreaksTiesByItem(t *testing.T) {
	stump := func(threshold, high float64) tree.Tree {
		return tree.Tree{Nodes: []tree.Node{{Threshold: threshold, Left: ^int32(0), Right: ^int32(1)}}, Leaves: []float64{0, high}}
	}
	f := &tree.Forest{Outputs: 1, Trees: []tree.Tree{stump(100, 1), stump(-100, 5)}}
	m, err := gbdt.NewModel(shape{features: 1}.inputs(false), []string{"y"}, f)
	require.NoError(t, err)
	c, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 1, Keep: 0.4})
	require.NoError(t, err)
	schema := schemaOf(t, columnsOf(m)...)
	for _, items := range [][]recsys.ItemID{{5, 4, 3, 2, 1}, {3, 1, 2, 5, 4}} {
		out := rank(t, bind(t, c, schema), recsys.NewCandidates(schema, items))
		for i, id := range items {
			require.Equal(t, id <= 2, out.Score[i] == 5, "item %d: score %v", id, out.Score[i])
		}
	}
}

func TestKeepIsRoundedUp(t *testing.T) {
	m := shape{features: 3, rounds: 4, leaves: 3}.model(t, 1, false)
	for _, c := range []struct {
		keep             float64
		atLeast, n, want int
	}{
		{keep: 0, n: 10, want: 5}, // the default
		{keep: 0, n: 11, want: 6}, // 5.5
		{keep: 0.3, n: 301, want: 91},
		{keep: 0.07, n: 100, want: 7}, // 7.000000000000001
		{keep: 0.1, n: 1, want: 1},
		{keep: 5e-324, n: 1_000_000, want: 1},
		{keep: 1, n: 7, want: 7},
		{keep: 1 - 1e-16, n: 7, want: 7},
		{keep: 0.1, n: 50, atLeast: 20, want: 20},
		{keep: 0.9, n: 50, atLeast: 20, want: 45},
		{keep: 0.1, n: 5, atLeast: 20, want: 5},
	} {
		cascade, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 1, Keep: c.keep, AtLeast: c.atLeast})
		require.NoError(t, err)
		require.Equal(t, c.want, cascade.Goes(c.n), "%+v", c)
	}
	for _, keep := range []float64{-0.1, 1.0000001, math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 1, Keep: keep})
		require.ErrorContains(t, err, fmt.Sprintf("gbdt: CascadeConfig.Keep is %v; want a share in (0, 1], or 0 for 0.5", keep))
	}
}

func TestCascadeConfigNamesItsMistakes(t *testing.T) {
	m := shapes["classes"].model(t, 1, false)
	_, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 9, Keep: 1.5, AtLeast: -1})
	for _, want := range []string{
		"CascadeConfig.Rounds is 9; want 1 to 4", "CascadeConfig.Keep is 1.5", "CascadeConfig.AtLeast is -1", `a cascade over head "class0"`,
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = gbdt.NewCascade(new(gbdt.Model), gbdt.CascadeConfig{})
	require.ErrorContains(t, err, "Model is empty")
}

func TestCascadeAllocatesNothingWhenRowsTie(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	s := shape{features: 3, rounds: 4, leaves: 3}
	m := s.model(t, 1, false)
	c, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 1, Keep: 0.3})
	require.NoError(t, err)
	schema := schemaOf(t, columnsOf(m)...)
	bound, rows, out := bind(t, c, schema), table(schema, dataset(m, s.rows(rand.New(rand.NewPCG(1, 1)), 400))), recsys.NewScores(400, 1)
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(20, func() {
		if err := bound.Rank(ctx, nil, rows, out); err != nil {
			t.Fatal(err)
		}
	}))
}
