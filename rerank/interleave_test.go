package rerank_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/rerank"
	"github.com/recsyskit/recsys/rerank/reranktest"
)

// Source: the worked example of Balinski and Young's subject: votes of 47,000, 16,000, 15,800, 12,000, 6,100 and 3,100 for 10 seats are
// 5, 2, 1, 1, 1, 0 by largest remainders; 100,000, 80,000, 30,000 and 20,000 for 8 seats are 4, 3, 1, 0 by D'Hondt.
func TestApportionTextbook(t *testing.T) {
	got, err := rerank.Apportion([]float64{47000, 16000, 15800, 12000, 6100, 3100}, 10, rerank.LargestRemainder)
	require.NoError(t, err)
	require.Equal(t, []int{5, 2, 1, 1, 1, 0}, got)
	got, err = rerank.Apportion([]float64{100000, 80000, 30000, 20000}, 8, rerank.DHondt)
	require.NoError(t, err)
	require.Equal(t, []int{4, 3, 1, 0}, got)
}

// Largest remainders: quota rule. D'Hondt: more places take none away, and no group gets less than the whole part of its share.
func TestApportionProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for range 300 {
		shares, sum := make([]float64, 1+r.IntN(8)), 0.0
		for i := range shares {
			if r.IntN(5) > 0 {
				shares[i] = float64(1 + r.IntN(12))
			}
			sum += shares[i]
		}
		if sum == 0 {
			continue
		}
		var before []int
		for places := range 30 {
			hamilton, err := rerank.Apportion(shares, places, rerank.LargestRemainder)
			require.NoError(t, err)
			dhondt, err := rerank.Apportion(shares, places, rerank.DHondt)
			require.NoError(t, err)
			a, b := 0, 0
			for i, s := range shares {
				exact := s / sum * float64(places)
				a, b = a+hamilton[i], b+dhondt[i]
				require.Less(t, math.Abs(float64(hamilton[i])-exact), 1.0, "%v, %d places: %v", shares, places, hamilton)
				require.GreaterOrEqual(t, float64(dhondt[i]), math.Floor(exact-1e-6), "%v, %d places: %v", shares, places, dhondt)
				if s == 0 {
					require.Zero(t, hamilton[i]+dhondt[i])
				}
				if before != nil {
					require.GreaterOrEqual(t, dhondt[i], before[i])
				}
			}
			require.Equal(t, places, a)
			require.Equal(t, places, b)
			before = dhondt
		}
	}
}

func TestApportionRefuses(t *testing.T) {
	for _, bad := range []struct {
		shares []float64
		places int
		method rerank.Apportionment
		want   string
	}{
		{[]float64{1}, -1, 0, "places is -1; want >= 0"},
		{[]float64{1}, 1, 7, "method is Apportionment(7)"},
		{[]float64{1, -1}, 1, 0, "shares[1] is -1; want a finite number >= 0"},
		{[]float64{math.NaN()}, 1, 0, "shares[0] is NaN"},
		{[]float64{math.Inf(1)}, 1, 0, "shares[0] is +Inf"},
		{[]float64{0, 0}, 1, 0, "none of 2 shares is above 0"},
		{nil, 1, 0, "none of 0 shares is above 0"},
	} {
		_, err := rerank.Apportion(bad.shares, bad.places, bad.method)
		require.ErrorContains(t, err, bad.want)
		if bad.places >= 0 {
			_, err = rerank.SelectInterleaved(nil, nil, bad.shares, 0, bad.method)
			require.ErrorContains(t, err, bad.want)
		}
	}
	_, err := rerank.SelectInterleaved([]float64{1}, nil, []float64{1}, 1, 0)
	require.ErrorContains(t, err, "rel has 1 items and group 0")
	_, err = rerank.SelectInterleaved([]float64{1}, []int{1}, []float64{1}, 1, 0)
	require.ErrorContains(t, err, "group[0] is 1; want -1 to 0")
	_, err = rerank.SelectInterleaved([]float64{math.Inf(-1)}, []int{0}, []float64{1}, 1, 0)
	require.ErrorContains(t, err, "rel[0] is -Inf")
}

// Every group gets what it is apportioned, its items come best first, and no prefix is two places off a share.
func TestSelectInterleavedHoldsTheQuotasEverywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	for range 200 {
		groups, n := 1+r.IntN(5), 200
		shares, sum := make([]float64, groups), 0.0
		for g := range shares {
			shares[g] = float64(1 + r.IntN(6))
			sum += shares[g]
		}
		rel, group := make([]float64, n), make([]int, n)
		for i := range rel {
			rel[i], group[i] = r.Float64(), i%groups
		}
		k := r.IntN(40)
		for _, method := range []rerank.Apportionment{rerank.LargestRemainder, rerank.DHondt} {
			order, err := rerank.SelectInterleaved(rel, group, shares, k, method)
			require.NoError(t, err)
			seats, err := rerank.Apportion(shares, k, method)
			require.NoError(t, err)
			held, last := make([]int, groups), make([]float64, groups)
			for i, item := range order {
				g := group[item]
				if held[g] > 0 {
					require.LessOrEqual(t, rel[item], last[g])
				}
				held[g], last[g] = held[g]+1, rel[item]
				if method == rerank.LargestRemainder {
					for g, s := range shares {
						require.Less(t, math.Abs(float64(held[g])-s/sum*float64(i+1)), 2.0, "%v, place %d", shares, i)
					}
				}
			}
			require.Equal(t, seats, held)
		}
	}
}

// Where a group has too few the others share its places; those of no group, and of no share, come last.
func TestSelectInterleavedWithTooFew(t *testing.T) {
	rel := []float64{9, 8, 7, 6, 5, 4, 3}
	group := []int{-1, 0, 0, 0, 1, 2, 2}
	order, err := rerank.SelectInterleaved(rel, group, []float64{1, 1, 0}, 10, rerank.LargestRemainder)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 4, 2, 3, 0, 5, 6}, order)
}

func TestInterleaveIsItsCoreOverTheTable(t *testing.T) {
	for _, method := range []rerank.Apportionment{rerank.LargestRemainder, rerank.DHondt} {
		for _, rest := range []float64{0, 2} {
			c, order := table(t, 150, dim, 3)
			f := field(t, c.Schema(), "category")
			var rel []float64
			var group []int
			shares := []float64{3, 1.5}
			if rest > 0 {
				shares = append(shares, rest)
			}
			for _, row := range order {
				rel = append(rel, float64(c.Utility()[row]))
				g := len(shares) - 1 // the rest, or none
				if rest == 0 {
					g = -1
				}
				switch v := c.IDColumn(f.Index)[row]; {
				case c.Missing(f.Group).Has(int(row)): // of unknown value
				case v == 2:
					g = 0
				case v == 0:
					g = 1
				}
				group = append(group, g)
			}
			want, err := rerank.SelectInterleaved(rel, group, shares, 40, method)
			require.NoError(t, err)
			got := reRank(t, rerank.Interleave{
				Attribute: "category", Slots: []rerank.Slot{{Value: 2, Share: 3}, {Value: 0, Share: 1.5}}, Rest: rest, Method: method,
			}, query(40), c, order)
			for i, place := range want {
				require.Equal(t, order[place], got[i], "place %d", i)
			}
		}
	}
}

func TestInterleaveConformance(t *testing.T) {
	for _, x := range []rerank.Interleave{
		{Attribute: "category", Slots: []rerank.Slot{{Value: 1, Share: 2}, {Value: 3, Share: 1}}},
		{Attribute: "category", Slots: []rerank.Slot{{Value: 1, Share: 2}, {Value: 3, Share: 1}}, Rest: 4, Method: rerank.DHondt},
	} {
		t.Run(x.Version(), func(t *testing.T) {
			reranktest.Run(t, func(*testing.T) recsys.ReRanker { return x }, reranktest.Greedy())
		})
	}
}

func TestInterleaveValidateAndBind(t *testing.T) {
	require.ErrorContains(t, rerank.Interleave{}.Validate(), "rerank: Interleave.Slots has 0 elements; want 1 to 63")
	require.ErrorContains(t, rerank.Interleave{Slots: make([]rerank.Slot, 64)}.Validate(), "Slots has 64 elements")
	err := rerank.Interleave{
		Slots: []rerank.Slot{{Share: 0}, {Source: "a", Value: 2, Share: math.NaN()}, {Source: "b", Share: 1}, {Source: "b", Share: 2}},
		Rest:  -1, Method: 9,
	}.Validate()
	for _, want := range []string{
		"Slots[0].Share is 0; want a finite number > 0",
		"Slots[0].Source is empty; name a retriever, or name an ID column of items in Attribute",
		"Slots[1].Share is NaN",
		"Slots[1].Value is 2; want 0, since Attribute is empty",
		`Slots[3] names "b" a second time`,
		"Rest is -1; want a finite number >= 0",
		"Method is 9; want LargestRemainder or DHondt",
	} {
		require.ErrorContains(t, err, want)
	}
	err = rerank.Interleave{Attribute: "x", Slots: []rerank.Slot{{Source: "a", Share: 1}}}.Validate()
	require.ErrorContains(t, err, `Slots[0].Source is "a"; want "", since Attribute is "x"`)
	_, err = rerank.Interleave{Slots: []rerank.Slot{{Source: "nobody", Share: 1}}}.Bind(schema(t, dim))
	require.ErrorContains(t, err, "rerank: Interleave.Slots[0].Source: ")
	_, err = rerank.Interleave{Attribute: "nothing", Slots: []rerank.Slot{{Share: 1}}}.Bind(schema(t, dim))
	require.ErrorContains(t, err, `rerank: Interleave.Attribute: feature "nothing"`)
	require.Equal(t, `attribute="" slots="als":3 rest=0 method=dhondt`,
		fmt.Sprint(rerank.Interleave{Slots: []rerank.Slot{{Source: "als", Share: 3}}, Method: rerank.DHondt}.Version()))
}

func TestInterleaveDoesNotAllocate(t *testing.T) {
	allocations(t, rerank.Interleave{Attribute: "category", Slots: []rerank.Slot{{Value: 1, Share: 2}}, Rest: 1}, 300)
}

// Retrievers take turns; an item that both proposed counts for the one whose turn it was.
func TestInterleaveOfRetrievers(t *testing.T) {
	source := func(from, to recsys.ItemID) recsys.Retriever {
		return recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for id := from; id < to; id++ {
				out.Add(id, float32(to-id))
			}
			return nil
		})
	}
	// The scores are those of als for its items, and those of the others are far below.
	rank := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i, id := range c.IDs() {
			out.Score[i] = -float32(id)
		}
		return nil
	})
	for _, tc := range []struct {
		k     int
		slots []rerank.Slot
		want  []recsys.ItemID
	}{
		{10, []rerank.Slot{{Source: "als", Share: 3}, {Source: "new", Share: 2}}, []recsys.ItemID{0, 35, 1, 36, 2, 3, 37, 4, 38, 5}},
		{5, []rerank.Slot{{Source: "new", Share: 1}}, []recsys.ItemID{35, 36, 37, 38, 39}},
		{4, []rerank.Slot{{Source: "new", Share: 1}, {Source: "als", Share: 1}}, []recsys.ItemID{35, 0, 36, 1}},
	} {
		p, err := recsys.NewPipeline(
			recsys.Retrieve("als", source(0, 40), recsys.Quota(40)), recsys.Retrieve("new", source(35, 80), recsys.Quota(45)),
			recsys.Rank(rank), recsys.ReRank(rerank.Interleave{Slots: tc.slots}),
		).Build()
		require.NoError(t, err)
		res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: tc.k, Now: now})
		require.NoError(t, err)
		var got []recsys.ItemID
		for _, item := range res.Items {
			got = append(got, item.ID)
		}
		require.Equal(t, tc.want, got)
	}
}
