package nearest_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/nearest"
)

func TestInterestsFindTheBestOfAll(t *testing.T) {
	for _, m := range metrics {
		ix := index(t, m, 300)
		queries := userVector(nil, 3, 3*dim)
		byItem := map[recsys.ItemID]float32{}
		for j := range 3 {
			all, err := ix.Search(nil, queries[j*dim:(j+1)*dim], 300, retrieval.SearchOptions{Filter: even})
			require.NoError(t, err)
			for _, n := range all {
				if old, ok := byItem[n.Item]; !ok || n.Score > old {
					byItem[n.Item] = n.Score
				}
			}
		}
		var want []retrieval.Neighbor
		for item, score := range byItem {
			want = append(want, retrieval.Neighbor{Item: item, Score: score})
		}
		slices.SortFunc(want, func(a, b retrieval.Neighbor) int {
			if a.Score != b.Score && a.Score > b.Score || a.Score == b.Score && a.Item < b.Item {
				return -1
			}
			return 1
		})
		var s nearest.Interests
		stats := retrieval.SearchStats{}
		for _, k := range []int{-1, 0, 1, 10, 40, 500} {
			prefix := []retrieval.Neighbor{{Item: 1}}
			got, err := s.Search(prefix, ix, queries, k, retrieval.SearchOptions{Filter: even, Stats: &stats})
			require.NoError(t, err)
			require.Equal(t, prefix[0], got[0])
			require.Equal(t, want[:max(0, min(k, len(want)))], slices.Clip(got[1:]), "k = %d", k)
		}
		require.Equal(t, 3*150, stats.Scored)
	}
}

func TestBalancedInterestsTakeTurns(t *testing.T) {
	ix := index(t, retrieval.InnerProduct, 300)
	queries := userVector(nil, 3, 2*dim)
	for j := range dim { // the second scores low
		queries[dim+j] *= 0.01
	}
	first, err := ix.Search(nil, queries[:dim], 10, retrieval.SearchOptions{})
	require.NoError(t, err)
	second, err := ix.Search(nil, queries[dim:], 10, retrieval.SearchOptions{})
	require.NoError(t, err)
	got, err := (&nearest.Interests{Balanced: true}).Search(nil, ix, queries, 10, retrieval.SearchOptions{})
	require.NoError(t, err)
	var want, have []recsys.ItemID
	for i := range 10 {
		for _, item := range []recsys.ItemID{first[i].Item, second[i].Item} {
			if len(want) < 10 && !slices.Contains(want, item) {
				want = append(want, item)
			}
		}
	}
	for i, n := range got {
		have = append(have, n.Item)
		if i > 0 {
			require.LessOrEqual(t, n.Score, got[i-1].Score)
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	require.Equal(t, want, have)
	plain, err := new(nearest.Interests).Search(nil, ix, queries, 10, retrieval.SearchOptions{})
	require.NoError(t, err)
	require.NotEqual(t, plain, got)
}

func TestInterestsRefuse(t *testing.T) {
	ix := index(t, retrieval.InnerProduct, 30)
	var s nearest.Interests
	dst := []retrieval.Neighbor{{Item: 4}}
	for _, q := range [][]float32{make([]float32, dim-1), make([]float32, dim+1)} {
		got, err := s.Search(dst, ix, q, 5, retrieval.SearchOptions{})
		require.ErrorIs(t, err, retrieval.ErrDimension)
		require.Equal(t, dst, got)
	}
	bad := make([]float32, 2*dim)
	bad[dim] = float32(math.NaN())
	got, err := s.Search(dst, ix, bad, 5, retrieval.SearchOptions{})
	require.ErrorIs(t, err, retrieval.ErrNotFinite)
	require.Equal(t, dst, got)
	got, err = s.Search(dst, ix, nil, 5, retrieval.SearchOptions{})
	require.NoError(t, err)
	require.Equal(t, dst, got)
}
