package rerank_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
)

const dim = 8

// schema has one column of each kind that the stages read, in two sources of their own bits.
func schema(t testing.TB, d int) *recsys.Schema {
	t.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{
		{Name: "embedding", Kind: recsys.Vector, Dim: d},
		{Name: "creator", Kind: recsys.ID},
		{Name: "category", Kind: recsys.ID},
		{Name: "published", Kind: recsys.ID},
		{Name: "age", Kind: recsys.Float},
		{Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest},
		{Name: "user", Kind: recsys.Vector, Dim: d, Scope: recsys.PerRequest},
	}})
	require.NoError(t, err)
	return s
}

var now = time.Unix(1_700_000_000, 0)

func query(k int) *recsys.Query {
	return recsys.NewQuery(&recsys.Request{K: k, Now: now, Seed: 1}, nil, "test")
}

// table is a table of n random rows, known but for every eleventh, and the order of its scores.
func table(t testing.TB, n, d int, seed uint64) (*recsys.Candidates, []int32) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	items := make([]recsys.ItemID, n)
	for i := range items {
		items[i] = recsys.ItemID(1000 + i)
	}
	s := schema(t, d)
	c := recsys.NewCandidates(s, items)
	vector, creator, category := field(t, s, "embedding"), field(t, s, "creator"), field(t, s, "category")
	published, age := field(t, s, "published"), field(t, s, "age")
	missing := c.Missing(vector.Group)
	missing.Reset()
	for i := range n {
		v := c.Vector(vector.Index, i)
		if i%11 == 10 {
			missing.Set(i)
		} else {
			for j := range v {
				v[j] = float32(r.NormFloat64())
			}
			c.IDColumn(creator.Index)[i] = r.Uint64N(uint64(n)/4 + 1)
			c.IDColumn(category.Index)[i] = r.Uint64N(4)
			hours := r.Float64() * 100
			c.IDColumn(published.Index)[i] = uint64(now.Unix()) - uint64(hours*3600)
			c.Row(i)[age.Index] = float32(hours)
		}
		c.Scores()[i] = float32(r.Float64())
	}
	return c, sorted(c)
}

func field(t testing.TB, s *recsys.Schema, name string) recsys.Field {
	t.Helper()
	f, ok := s.Field(name)
	require.True(t, ok, name)
	return f
}

// sorted resets the utilities to the scores and returns the rows by score, ties by item ID.
func sorted(c *recsys.Candidates) []int32 {
	order := make([]int32, c.Len())
	for i := range order {
		order[i] = int32(i)
		c.Utility()[i] = c.Scores()[i]
		if u := c.Utility()[i]; u != u {
			c.Utility()[i] = float32(math.Inf(-1))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch x, y := c.Utility()[a], c.Utility()[b]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return int(int64(c.IDs()[a]) - int64(c.IDs()[b]))
	})
	return order
}

func bound[S any](t testing.TB, stage S, s *recsys.Schema) S {
	t.Helper()
	if v, ok := any(stage).(recsys.Validator); ok {
		require.NoError(t, v.Validate())
	}
	b, err := recsys.Bind(stage, s)
	require.NoError(t, err)
	return b
}

// rerank runs a stage on a copy of order.
func reRank(t testing.TB, x recsys.ReRanker, q *recsys.Query, c *recsys.Candidates, order []int32) []int32 {
	t.Helper()
	out, err := x.ReRank(t.Context(), q, c, slices.Clone(order))
	require.NoError(t, err)
	return out
}
