package protocol_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/protocol"
	"github.com/recsyskit/recsys/internal/race"
)

func TestColdRowsByHand(t *testing.T) {
	s := table{1: {9, 8, 7, 6, 5}, 2: {1, 2, 2, 3, 0}}
	task := of(5, []int{1, 2},
		protocol.Case{Request: recsys.Request{User: 1}, Excluded: []int32{0}, Relevant: []int32{0, 1, 3}, Cold: true, Weight: 0.5},
		protocol.Case{Request: recsys.Request{User: 2}, Relevant: []int32{2, 3}},
	)
	r := evaluate(t, task, s)
	require.Equal(t, protocol.Part{Cases: 1, Recall: []float64{1. / 3, 1. / 3}}, r.ColdUsers)
	require.Equal(t, protocol.Part{Cases: 1, Recall: []float64{0.5, 0.75}}, r.WarmUsers, "1 and 2 tie for the second place")
	require.Zero(t, r.ColdItems)
	task.ColdItems = []bool{true, false, true, false, true}
	r = evaluate(t, task, s)
	// User 1: cold 0, which is excluded; warm 1 and 3. User 2, of twice the weight: cold 2, warm 3.
	require.Equal(t, 2, r.ColdItems.Cases)
	require.InDeltaSlice(t, []float64{0, 0.5 / 1.5}, r.ColdItems.Recall, 1e-12)
	require.InDeltaSlice(t, []float64{(0.25 + 1) / 1.5, (0.25 + 1) / 1.5}, r.WarmItems.Recall, 1e-12)
}

// Cold and warm parts add up to the whole, for any length of the catalogue.
func TestColdAndWarmAddUp(t *testing.T) {
	for _, items := range []int{12, 60} {
		task, s := random(21, 150, items)
		cases := task.Case
		task.Case = func(i int, c *protocol.Case) {
			cases(i, c)
			c.Cold = i%3 == 0
		}
		task.ColdItems = make([]bool, items)
		for i := range task.ColdItems {
			task.ColdItems[i] = i%4 == 0
		}
		r := evaluate(t, task, s)
		require.Equal(t, 150, r.ColdUsers.Cases+r.WarmUsers.Cases)
		for k := range task.Cutoffs {
			require.InDelta(t, r.Recall[k], (r.ColdUsers.Recall[k]*50+r.WarmUsers.Recall[k]*100)/150, 1e-12)
		}
		all := slices.Repeat([]bool{true}, items)
		task.ColdItems = all
		r = evaluate(t, task, s)
		require.InDeltaSlice(t, r.Recall, r.ColdItems.Recall, 1e-12)
		require.Zero(t, r.WarmItems.Cases)
	}
}

// The short cut through a long catalogue against the long way, with NaN, infinities, ties and
// exclusions.
func TestSelectionGivesWhatRankingEverythingGives(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	const items = 3000
	s := table{}
	values := []float32{0, 0, 0, 1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), -1, 2.5}
	var list []protocol.Case
	for u := range recsys.UserID(60) {
		row := make([]float32, items)
		for i := range row {
			switch u % 6 {
			case 0:
				row[i] = rnd.Float32()
			case 1:
				row[i] = values[rnd.IntN(len(values))]
			case 2:
				row[i] = float32(i) // the bar rises at every step
			case 3:
				row[i] = -float32(i)
			case 4:
				if row[i] = float32(math.NaN()); i%400 == 7 {
					row[i] = 1
				}
			case 5:
				row[i] = float32(rnd.IntN(40))
			}
		}
		s[u] = row
		some := func(n int) []int32 {
			var p []int32
			for _, i := range rnd.Perm(items)[:n] {
				p = append(p, int32(i))
			}
			slices.Sort(p)
			return p
		}
		list = append(list, protocol.Case{Request: recsys.Request{User: u}, Relevant: some(200), Excluded: some(rnd.IntN(500))})
	}
	task := of(items, []int{1, 10, 37}, list...)
	task.ColdItems = make([]bool, items)
	for i := range task.ColdItems {
		task.ColdItems[i] = i%5 == 0
	}
	got := evaluate(t, task, s)
	task.Cutoffs = append(task.Cutoffs, items) // too long for a short cut
	want := evaluate(t, task, s)
	for k := range 3 {
		require.InDelta(t, want.Recall[k], got.Recall[k], 1e-12)
		require.InDelta(t, want.NDCG[k], got.NDCG[k], 1e-12)
		require.InDelta(t, want.HitRate[k], got.HitRate[k], 1e-12)
		require.InDelta(t, want.ReciprocalRank[k], got.ReciprocalRank[k], 1e-12)
		require.InDelta(t, want.ColdItems.Recall[k], got.ColdItems.Recall[k], 1e-12)
		require.InDelta(t, want.WarmItems.Recall[k], got.WarmItems.Recall[k], 1e-12)
	}
}

func TestACaseAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts differ under the race detector")
	}
	s := table{1: make([]float32, 5000)}
	for i := range s[1] {
		s[1][i] = float32(i * 7919 % 5003)
	}
	c := protocol.Case{Request: recsys.Request{ID: "x", Seed: 1, User: 1}, Relevant: []int32{5, 70, 900}, Excluded: []int32{1, 2, 4999}}
	cost := func(cases int) float64 {
		task := of(5000, []int{5, 20}, slices.Repeat([]protocol.Case{c}, cases)...)
		return testing.AllocsPerRun(5, func() { evaluate(t, task, s) })
	}
	require.Less(t, cost(500)-cost(100), 4.0, "beyond one list of results for all cases")
}
