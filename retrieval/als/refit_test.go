package als_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
)

// scores returns what each user of m gives each item.
func scores(m *als.Model) map[recsys.UserID]map[recsys.ItemID]float64 {
	all := map[recsys.UserID]map[recsys.ItemID]float64{}
	for u, user := range m.Users() {
		all[user] = map[recsys.ItemID]float64{}
		for i, item := range m.Items() {
			all[user][item] = dot(m.UserVectors().Row(u), m.Vectors().Row(i))
		}
	}
	return all
}

// only returns the interactions that keep says.
func only(t *testing.T, in *retrieval.Interactions, keep func(user recsys.UserID, item recsys.ItemID) bool) *retrieval.Interactions {
	t.Helper()
	var r retrieval.Records
	for u, user := range in.Users() {
		for _, e := range in.History(u) {
			if keep(user, e.Item) {
				r.Users, r.Items, r.Weights = append(r.Users, user), append(r.Items, e.Item), append(r.Weights, e.Value)
			}
		}
	}
	out, err := retrieval.NewInteractions(r, retrieval.LastWeight)
	require.NoError(t, err)
	return out
}

func TestRefitGivesUsersWhatFoldingInGives(t *testing.T) {
	in := random(t, 20, 100, 80, 2000, false)
	for name, cfg := range settings() {
		cfg.Factors = 8
		m := train(t, in, cfg)
		before := scores(m)
		// User 6 takes other things than in training, user 1 is new, user 9 has left.
		var r retrieval.Records
		took := map[recsys.UserID][]recsys.ItemID{6: {10, 200, 310, 790}, 1: {20, 30, 40}}
		for user, items := range took {
			for _, item := range append(items, 999) { // which nobody knows
				r.Users, r.Items = append(r.Users, user), append(r.Items, item)
			}
		}
		fresh, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		require.NoError(t, err)
		next, err := m.Refit(t.Context(), fresh, []recsys.UserID{9, 6, 1, 6}, nil)
		require.NoError(t, err)
		require.Len(t, next.Users(), 101)
		require.Equal(t, m.Items(), next.Items())
		after := scores(next)
		for user, items := range after {
			if user == 9 {
				v, err := next.UserVector(nil, recsys.NewQuery(&recsys.Request{User: 9}, nil, "x"))
				require.NoError(t, err)
				require.Empty(t, v)
				continue
			}
			want := before[user]
			if took[user] != nil {
				v, err := m.FoldInUser(nil, append(took[user], 999), nil)
				require.NoError(t, err)
				want = map[recsys.ItemID]float64{}
				for i, item := range m.Items() {
					want[item] = dot(v, m.Vectors().Row(i))
				}
			}
			for item, got := range items {
				require.InDelta(t, want[item], got, 1e-3, "%s: user %d, item %d", name, user, item)
			}
		}
	}
}

// A model of the first items, refitted with the others, knows them about as well as one that
// was trained with them.
func TestRefitAddsItems(t *testing.T) {
	in := random(t, 21, 300, 60, 5000, true)
	cfg := als.Config{Factors: 8, Epochs: 20, Regularization: 0.003, Unobserved: 0.1}
	isNew := func(item recsys.ItemID) bool { return item%70 == 0 }
	old := only(t, in, func(_ recsys.UserID, item recsys.ItemID) bool { return !isNew(item) })
	m := train(t, old, cfg)
	var items []recsys.ItemID
	for _, item := range in.Items() {
		if isNew(item) {
			items = append(items, item)
		}
	}
	next, err := m.Refit(t.Context(), in, in.Users(), items)
	require.NoError(t, err)
	require.Equal(t, in.Items(), next.Items())
	whole := train(t, in, cfg)
	require.Less(t, loss(next.Config(), in, next.UserVectors(), next.Vectors()), 1.05*loss(whole.Config(), in, whole.UserVectors(), whole.Vectors()))
	for u, id := range in.Users() {
		cols, _ := in.ByUser().Row(u)
		var row []recsys.ItemID
		for _, i := range cols {
			row = append(row, in.Items()[i])
		}
		v, err := next.FoldInUser(nil, row, nil)
		require.NoError(t, err)
		require.InDeltaSlice(t, next.UserVectors().Row(u), v, 1e-3, "user %d", id)
	}
}

func TestRefitOfNothingChangesNoScore(t *testing.T) {
	in := random(t, 22, 50, 40, 600, false)
	m := train(t, in, als.Config{Factors: 5})
	next, err := m.Refit(t.Context(), in, nil, nil)
	require.NoError(t, err)
	after := scores(next)
	for user, items := range scores(m) {
		for item, want := range items {
			require.InDelta(t, want, after[user][item], 1e-5)
		}
	}
	_, err = m.Refit(t.Context(), nil, nil, nil)
	require.ErrorContains(t, err, "interactions are nil")
	ctx, progress := stop(t, 1)
	progress(1, 1, 0)
	_, err = m.Refit(ctx, in, in.Users(), in.Items())
	require.ErrorIs(t, err, errEnough)
}
