package itemknn_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// grown returns interactions, those with more after them, and the items of what came.
func grown(t testing.TB, seed uint64, n, more int) (before, after *retrieval.Interactions, changed []recsys.ItemID) {
	rnd := rand.New(rand.NewPCG(seed, 9))
	var r retrieval.Records
	var err error
	for k := range n + more {
		if k == n {
			before, err = retrieval.NewInteractions(r, retrieval.SumWeights)
			require.NoError(t, err)
		}
		user, item := recsys.UserID(rnd.IntN(40)), recsys.ItemID(2*min(rnd.IntN(30), rnd.IntN(30)))
		if k >= n {
			item += recsys.ItemID(rnd.IntN(2)) // odd items are new
			changed = append(changed, item)
		}
		r.Users, r.Items = append(r.Users, user), append(r.Items, item)
		r.Weights = append(r.Weights, float32(rnd.IntN(3)+1))
	}
	after, err = retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return before, after, changed
}

func TestUpdateIsANewTrainingOfCosines(t *testing.T) {
	for seed := range uint64(6) {
		before, after, changed := grown(t, seed, 300, 12)
		for _, cfg := range []itemknn.Config{
			{Weighting: itemknn.Cosine, Neighbors: 1000, Shrinkage: 3},
			{Weighting: itemknn.Cosine, Neighbors: 1000, Asymmetry: -0.4},
			{Weighting: itemknn.Cosine, Neighbors: 1000, Keep: itemknn.PerSource, Asymmetry: 0.3},
		} {
			m := train(t, before, cfg)
			version := m.Version()
			got, err := itemknn.Update(t.Context(), m, after, changed...)
			require.NoError(t, err)
			require.Equal(t, train(t, after, cfg).Weights(), got.Weights())
			require.Equal(t, version, m.Version())
		}
	}
}

// With few neighbours the list of a listed item is that of a new training, and the lists of
// the others are at most one longer per update.
func TestUpdatedItemHasItsExactList(t *testing.T) {
	for _, keep := range []itemknn.Keep{itemknn.PerTarget, itemknn.PerSource} {
		for _, weighting := range []itemknn.Weighting{itemknn.TFIDF, itemknn.BM25} {
			before, after, changed := grown(t, 3, 400, 1)
			cfg := itemknn.Config{Neighbors: 4, Keep: keep, Weighting: weighting}
			got, err := itemknn.Update(t.Context(), train(t, before, cfg), after, changed...)
			require.NoError(t, err)
			want := train(t, after, cfg)
			a, b := got.Weights(), want.Weights()
			if keep == itemknn.PerTarget {
				a, b = a.Transpose(), b.Transpose()
			}
			i, _ := slices.BinarySearch(got.Items(), changed[0])
			gotItems, gotWeights := a.Row(i)
			wantItems, wantWeights := b.Row(i)
			require.Equal(t, wantItems, gotItems)
			require.Equal(t, wantWeights, gotWeights)
			require.Len(t, gotItems, 4)
			for j := range a.Rows() {
				items, _ := a.Row(j)
				require.LessOrEqual(t, len(items), 5)
			}
		}
	}
}

func TestUpdateOfEverythingIsANewTraining(t *testing.T) {
	before, after, _ := grown(t, 5, 300, 30)
	for _, weighting := range []itemknn.Weighting{itemknn.TFIDF, itemknn.BM25} {
		cfg := itemknn.Config{Neighbors: 5, Weighting: weighting}
		got, err := itemknn.Update(t.Context(), train(t, before, cfg), after, after.Items()...)
		require.NoError(t, err)
		require.Equal(t, train(t, after, cfg).Version(), got.Version())
	}
}

func TestUpdateJoinsListsWhereItIsBetter(t *testing.T) {
	// Item 1 has the neighbour 2, of whom it shares one user of two; then 3 comes with both.
	old := baskets(t, []recsys.ItemID{1, 2}, []recsys.ItemID{1})
	now := baskets(t, []recsys.ItemID{1, 2, 3}, []recsys.ItemID{1, 3})
	cfg := itemknn.Config{Weighting: itemknn.Cosine, Neighbors: 1}
	m, err := itemknn.Update(t.Context(), train(t, old, cfg), now, 3)
	require.NoError(t, err)
	require.InDelta(t, 1, neighbor(m, 3, 1), 1e-6)
	require.InDelta(t, 1/math.Sqrt2, neighbor(m, 2, 1), 1e-6, "nobody is pushed out")
	require.Zero(t, neighbor(m, 3, 2), "not better than what 2 has")
	m, err = itemknn.Update(t.Context(), train(t, old, cfg), now, 2)
	require.NoError(t, err)
	require.Equal(t, []recsys.ItemID{1, 2}, m.Items(), "item 3 is not listed")
}

func TestUpdateErrors(t *testing.T) {
	in := baskets(t, []recsys.ItemID{1, 2})
	m := train(t, in, itemknn.Config{})
	_, err := itemknn.Update(t.Context(), m, nil, 1)
	require.ErrorContains(t, err, "interactions are nil")
	_, err = itemknn.Update(t.Context(), m, in, 7)
	require.ErrorContains(t, err, "item 7 is not in the interactions")
	other, err := itemsim.New(in.Items(), m.Weights(), itemsim.Spec{Trainer: "slim"})
	require.NoError(t, err)
	_, err = itemknn.Update(t.Context(), other, in, 1)
	require.ErrorContains(t, err, `trainer "slim"; want itemknn`)
	other, err = itemsim.New(in.Items(), m.Weights(), itemsim.Spec{Trainer: "itemknn", Config: itemknn.Config{Neighbors: -1}})
	require.NoError(t, err)
	_, err = itemknn.Update(t.Context(), other, in, 1)
	require.ErrorContains(t, err, "Config.Neighbors is -1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = itemknn.Update(ctx, m, in, 1)
	require.ErrorIs(t, err, context.Canceled)
}
