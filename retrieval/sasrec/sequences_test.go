package sasrec

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

func interactions(t *testing.T, r retrieval.Records) *retrieval.Interactions {
	t.Helper()
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

// Ten sessions of three items, u, u+1 and u+2; with times, the first is the latest.
func sessions(t *testing.T, times bool) *retrieval.Interactions {
	var r retrieval.Records
	for u := range 10 {
		for k := range 3 {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(u+k))
			if times {
				r.Times = append(r.Times, int64(100*(10-u)+k))
			}
		}
	}
	return interactions(t, r)
}

func TestTheLatestSequencesAreHeldOut(t *testing.T) {
	cfg := &Config{Architecture: Architecture{Length: 5}, Holdout: LastSequences}
	learn, held := prepare(sessions(t, false), cfg, 0.25)
	require.Equal(t, 8, learn.len())
	require.Equal(t, []heldOut{
		{[]int32{8}, 9},
		{[]int32{8, 9}, 10},
		{[]int32{9}, 10},
		{[]int32{9, 10}, 11},
	}, held)
	learn, held = prepare(sessions(t, true), cfg, 0.1)
	require.Equal(t, 9, learn.len())
	require.Equal(t, []heldOut{{[]int32{0}, 1}, {[]int32{0, 1}, 2}}, held)
	learn, held = prepare(sessions(t, true), cfg, -1)
	require.Equal(t, 10, learn.len())
	require.Empty(t, held)
}

func TestTheLastEventOfSomeUsersIsHeldOut(t *testing.T) {
	cfg := &Config{Architecture: Architecture{Length: 1}, Holdout: LastEvents, Seed: 3}
	learn, held := prepare(sessions(t, false), cfg, 0.3)
	require.Len(t, held, 3)
	for _, h := range held {
		require.Len(t, h.before, 1, "the newest Length")
		require.Equal(t, h.target, h.before[0]+1)
	}
	require.Equal(t, 7*2+3, learn.len(), "one event each, as Length is 1")
	two := interactions(t, retrieval.Records{Users: []recsys.UserID{1, 1}, Items: []recsys.ItemID{1, 2}})
	learn, held = prepare(two, cfg, 0.99)
	require.Empty(t, held, "something must be left to learn")
	require.Equal(t, 1, learn.len())
}

func TestHeldOutEventsAreSpread(t *testing.T) {
	all := make([]heldOut, 1000)
	for i := range all {
		all[i].target = int32(i)
	}
	some := spreadOut(all, 10)
	require.Len(t, some, 10)
	for i, h := range some {
		require.EqualValues(t, 100*i, h.target)
	}
	require.Len(t, spreadOut(some, 10), 10)
}
