package recsys_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
)

func TestAnOpenedSinkKeepsTheRuleOfTheRequest(t *testing.T) {
	var s recsys.Sink
	fill := func(q *recsys.Query, n int) []recsys.ItemID {
		s.Open(q, n)
		require.Equal(t, n, s.Room())
		for id := recsys.ItemID(1); id <= 9 && s.Add(id, 1); id++ {
		}
		ids, _ := s.Items()
		return ids
	}
	excluding := recsys.NewQuery(&recsys.Request{Exclude: []recsys.ItemID{1, 3, 3}}, nil, "x")
	require.Equal(t, []recsys.ItemID{2, 4}, fill(excluding, 2))
	require.False(t, s.Accepts(3))
	allowing := recsys.NewQuery(&recsys.Request{Exclude: []recsys.ItemID{4}, Allow: []recsys.ItemID{4, 7, 8}}, nil, "x")
	require.Equal(t, []recsys.ItemID{7, 8}, fill(allowing, 5))
	require.Equal(t, []recsys.ItemID{1, 2, 3}, fill(recsys.NewQuery(&recsys.Request{}, nil, "x"), 3), "nothing is left of the call before")
	require.Empty(t, fill(excluding, 0))
	require.Zero(t, testing.AllocsPerRun(100, func() { s.Open(excluding, 3) }))
}
