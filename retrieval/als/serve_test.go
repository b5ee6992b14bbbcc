package als_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

func TestFoldInSolvesTheNormalEquations(t *testing.T) {
	in := random(t, 1, 150, 120, 3000, false)
	for name, cfg := range settings() {
		for _, d := range sizes() {
			cfg.Factors, cfg.Epochs = d, 2
			for _, whole := range []bool{false, true} { // with and without the dual form
				m := train(t, in, cfg)
				if whole {
					als.ForgetAxes(m)
				}
				for _, n := range []int{1, 2, 5, 11, d * 2 / 3, d, 100} {
					var items []recsys.ItemID
					var cols []int32
					var weights []float32
					for k := range n {
						c := (k*37 + n) % 120
						cols, items, weights = append(cols, int32(c)), append(items, recsys.ItemID(10*c)), append(weights, 0.25+float32(k%7)/4)
					}
					want := oracle(m.Config(), m.Vectors(), cols, weights)
					got, err := m.FoldInUser([]float32{99}, items, weights)
					require.NoError(t, err)
					require.Len(t, got, d+1)
					require.EqualValues(t, 99, got[0])
					worst := 0.0
					for i, x := range want {
						worst = max(worst, math.Abs(x-float64(got[i+1])))
					}
					require.Less(t, worst, 2e-4*norm(want)+1e-7, "%s, d=%d, n=%d, whole %v", name, d, n, whole)
				}
			}
		}
	}
}

func TestATrainedUserIsWhatFoldingInGives(t *testing.T) {
	in := random(t, 4, 200, 150, 3000, false)
	for name, cfg := range settings() {
		cfg.Factors, cfg.Epochs = 24, 3
		m := train(t, in, cfg)
		for u, id := range in.Users() {
			cols, weights := in.ByUser().Row(u)
			items := make([]recsys.ItemID, len(cols))
			for k, i := range cols {
				items[k] = in.Items()[i]
			}
			got, err := m.FoldInUser(nil, items, weights)
			require.NoError(t, err)
			want := m.UserVectors().Row(u)
			size := float32(math.Sqrt(dot(want, want)))
			require.InDeltaSlice(t, want, got, float64(1e-4*size), "%s: user %d", name, id)
		}
	}
}

func TestKnownUsersAreServedWithoutHistory(t *testing.T) {
	in := random(t, 12, 100, 80, 2000, false)
	m := train(t, in, als.Config{Factors: 8, History: retrieval.History{Values: true}})
	for u, id := range in.Users() {
		_, learned := retrieve(t, m, &recsys.Request{User: id}, 100)
		require.Len(t, learned, 80)
		_, folded := retrieve(t, m, &recsys.Request{User: id, History: in.History(u)}, 100)
		require.InDeltaSlice(t, learned, folded, 1e-4)
		v, err := m.UserVector(nil, recsys.NewQuery(&recsys.Request{User: id, History: []recsys.Event{{Item: 7}}}, nil, "x"))
		require.NoError(t, err)
		require.Equal(t, m.UserVectors().Row(u), v, "a history of unknown items is none")
	}
	items, _ := retrieve(t, m, &recsys.Request{User: 1}, 100)
	require.Empty(t, items, "an unknown user without history")
	v, err := m.UserVector(nil, recsys.NewQuery(&recsys.Request{User: 1}, nil, "x"))
	require.NoError(t, err)
	require.Empty(t, v)
	dst := []float32{5, 5}
	require.NoError(t, m.ScoreItems(t.Context(), recsys.NewQuery(&recsys.Request{User: 1}, nil, "x"), []recsys.ItemID{0, 10}, dst))
	require.Equal(t, []float32{0, 0}, dst)
}

// An item that nobody took has the vector 0 and says nothing of a user.
func TestAHistoryOfItemsThatWereNotTrainedIsNone(t *testing.T) {
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 1, 2, 2, 3}, Items: []recsys.ItemID{10, 20, 20, 30, 40}, Weights: []float32{1, 1, 1, 1, 0},
	}, retrieval.SumWeights)
	require.NoError(t, err)
	for kind, variant := range variants() {
		m := train(t, in, merge(als.Config{Factors: 2}, variant))
		items, _ := retrieve(t, m, request(40), 10)
		require.Empty(t, items, kind)
		want, scores := retrieve(t, m, &recsys.Request{User: 1}, 10)
		require.Len(t, want, 4)
		require.Positive(t, scores[0])
		got, _ := retrieve(t, m, &recsys.Request{User: 1, History: []recsys.Event{{Item: 40}}}, 10)
		require.Equal(t, want, got, kind)
		why, err := m.Explain(nil, recsys.NewQuery(&recsys.Request{User: 1, History: []recsys.Event{{Item: 40}}}, nil, "x"), 10)
		require.NoError(t, err)
		require.Empty(t, why, kind)
	}
}

// Source: Hu, Koren and Volinsky, ICDM 2008, section 5.
func TestContributionsAddUpToTheScore(t *testing.T) {
	in := random(t, 13, 100, 80, 2000, false)
	for name, cfg := range settings() {
		cfg.Factors, cfg.Epochs, cfg.History = 8, 4, retrieval.History{Values: true}
		m := train(t, in, cfg)
		req := recsys.Request{History: in.History(17)}
		q := recsys.NewQuery(&req, nil, "x")
		cols, _ := in.ByUser().Row(17)
		distinct := len(cols)
		items, scores := retrieve(t, m, &req, 80)
		for k, item := range items {
			parts, err := m.Explain(nil, q, item)
			require.NoError(t, err)
			require.Len(t, parts, distinct)
			sum := float32(0)
			for i, p := range parts {
				sum += p.Score
				if i > 0 {
					require.GreaterOrEqual(t, parts[i-1].Score, p.Score)
				}
			}
			require.InDelta(t, scores[k], sum, 1e-4, "%s: item %d", name, item)
		}
		none, err := m.Explain(nil, q, 5)
		require.NoError(t, err)
		require.Empty(t, none, "an unknown item")
		none, err = m.Explain(nil, recsys.NewQuery(&recsys.Request{User: in.Users()[3]}, nil, "x"), items[0])
		require.NoError(t, err)
		require.Empty(t, none, "no history")
	}
}

func TestConformance(t *testing.T) {
	in := random(t, 1, 40, 30, 600, false)
	suite := retrievaltest.Suite{
		Requests: []recsys.Request{
			{User: 1, History: []recsys.Event{{Item: 10}, {Item: 40}}},
			{User: 2, Items: []recsys.ItemID{70}},
			{User: 3},
		},
		Empty: func() recsys.Retriever {
			none, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
			require.NoError(t, err)
			return train(t, none, als.Config{Factors: 8})
		},
	}
	for kind, variant := range variants() {
		t.Run(kind, func(t *testing.T) {
			suite.Run(t, func(t *testing.T) recsys.Retriever {
				return train(t, in, merge(als.Config{Factors: 8, Epochs: 3}, variant))
			})
		})
	}
}

func TestCheckerboard(t *testing.T) {
	for kind, variant := range variants() {
		t.Run(kind, func(t *testing.T) {
			retrievaltest.Checkerboard{FoldIn: true}.Run(t, func(t *testing.T, in *retrieval.Interactions) recsys.Retriever {
				return train(t, in, merge(als.Config{Factors: 2, Epochs: 40}, variant))
			})
		})
	}
}

// Values may be anything that a log holds: a request must be answered all the same.
func TestHistoriesOfAnyWeightAreServed(t *testing.T) {
	in := random(t, 30, 80, 40, 900, false)
	for _, d := range []int{4, 16, 64} {
		m := train(t, in, als.Config{Factors: d, Epochs: 3, Alpha: 1, History: retrieval.History{Values: true}})
		m, err := m.WithConfidence(func(r float32) float32 { return 1 + 40*r })
		require.NoError(t, err)
		for _, value := range []float32{1e-30, 1, 1e6, 1e12, 1e30, math.MaxFloat32} {
			for _, n := range []int{1, 2, 3, 12, 20, 40} { // fewer than factors, as many, more
				req := &recsys.Request{}
				for k := range n {
					req.History = append(req.History, recsys.Event{Item: recsys.ItemID(10 * k), Value: value / float32(k%3+1)})
				}
				items, scores := retrieve(t, m, req, 40)
				require.Len(t, items, 40, "d=%d, %d events of %g", d, n, value)
				require.NotZero(t, scores[0])
			}
		}
	}
}
