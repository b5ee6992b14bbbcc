package factor_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// random returns a model whose scores are small integers, so that many tie.
func random(t testing.TB, users, items, dim int) *factor.Model {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(items), uint64(dim)))
	fill := func(rows int) vector.Matrix {
		m := vector.NewMatrix(rows, dim)
		for i := range m.Data {
			m.Data[i] = float32(rng.IntN(3) - 1)
		}
		return m
	}
	var userIDs []recsys.UserID
	for u := range users {
		userIDs = append(userIDs, recsys.UserID(3*u+1))
	}
	var itemIDs []recsys.ItemID
	for i := range items {
		itemIDs = append(itemIDs, recsys.ItemID(10*i))
	}
	m, err := factor.New(userIDs, itemIDs, fill(users), fill(items))
	require.NoError(t, err)
	return m
}

type hit struct {
	item  recsys.ItemID
	score float32
}

// naive scores all items one by one and sorts them.
func naive(m *factor.Model, user []float32) []hit {
	hits := []hit{}
	for i, id := range m.Items.IDs() {
		sum := float32(0)
		for k, x := range m.ItemVectors.Row(i) {
			sum += x * user[k]
		}
		hits = append(hits, hit{id, sum})
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.item, b.item))
	})
	return hits
}

func propose(m *factor.Model, user []float32, req recsys.Request, n int) []hit {
	out := recsys.NewSink(n)
	m.Propose(user, recsys.NewQuery(&req, nil, "test"), out)
	items, scores := out.Items()
	hits := []hit{}
	for k := range items {
		hits = append(hits, hit{items[k], scores[k]})
	}
	return hits
}

func TestProposeIsTheSortedCatalogue(t *testing.T) {
	for _, items := range []int{0, 1, 2, 111, 112, 113, 500, 3000} {
		for _, dim := range []int{1, 3, 16, 65} {
			m := random(t, 4, items, dim)
			for u := range m.Users {
				user := m.UserVectors.Row(u)
				want := naive(m, user)
				for _, n := range []int{0, 1, 7, items - 1, items, items + 5} {
					require.Equal(t, want[:min(max(n, 0), items)], propose(m, user, recsys.Request{}, n), "%d items, dim %d, room for %d", items, dim, n)
				}
				scores := make([]float32, items)
				m.Score(user, m.Items.IDs(), scores)
				for _, h := range want {
					require.Equal(t, h.score, scores[h.item/10])
				}
			}
		}
	}
}

func TestAllowedItemsAloneAreProposed(t *testing.T) {
	m := random(t, 1, 300, 8)
	user := m.UserVectors.Row(0)
	allow := []recsys.ItemID{70, 10, 70, 5, 2990, 1 << 60, 0}
	var want []hit
	for _, h := range naive(m, user) {
		if slices.Contains(allow, h.item) {
			want = append(want, h)
		}
	}
	require.Equal(t, want, propose(m, user, recsys.Request{Allow: allow}, 100))
	require.Equal(t, want[:2], propose(m, user, recsys.Request{Allow: allow}, 2))
}

// The pipeline's sink refuses what the request excludes; it must be full all the same.
func TestExcludedItemsTakeNoRoom(t *testing.T) {
	m := random(t, 1, 1000, 8)
	user := m.UserVectors.Row(0)
	all := naive(m, user)
	var exclude []recsys.ItemID
	for _, h := range all[:400] {
		exclude = append(exclude, h.item)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("factor", recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		m.Propose(user, q, out)
		return nil
	}), recsys.Quota(50))).Build()
	require.NoError(t, err)
	for _, explain := range []bool{false, true} {
		res, err := p.Recommend(t.Context(), &recsys.Request{K: 50, Exclude: exclude, Explain: explain})
		require.NoError(t, err)
		require.Len(t, res.Items, 50)
		for k, item := range res.Items {
			require.Equal(t, all[400+k].item, item.ID)
		}
	}
}

func TestScoreInAnyOrder(t *testing.T) {
	m := random(t, 1, 400, 20)
	user := m.UserVectors.Row(0)
	want := map[recsys.ItemID]float32{}
	for _, h := range naive(m, user) {
		want[h.item] = h.score
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		items := make([]recsys.ItemID, rng.IntN(300))
		dst := make([]float32, len(items))
		for i := range items {
			items[i], dst[i] = recsys.ItemID(5*rng.IntN(900)), 99
		}
		m.Score(user, items, dst)
		for i, id := range items {
			require.Equal(t, want[id], dst[i], "item %d", id)
			require.False(t, math.Signbit(float64(dst[i])) && dst[i] == 0)
		}
	}
}

func TestLimitKeepsScoresFinite(t *testing.T) {
	const dim = 1024
	v := vector.NewMatrix(1, dim)
	for i := range v.Data {
		v.Data[i] = factor.Limit
	}
	m, err := factor.New([]recsys.UserID{1}, []recsys.ItemID{1}, v, v)
	require.NoError(t, err)
	hits := propose(m, v.Row(0), recsys.Request{}, 1)
	require.Len(t, hits, 1)
	require.False(t, math.IsInf(float64(hits[0].score), 0))
}

func TestNewRefuses(t *testing.T) {
	one, two := vector.NewMatrix(1, 2), vector.NewMatrix(2, 2)
	bad := func(x float32) vector.Matrix { return vector.From([]float32{0, 0, 0, x}, 2) }
	users, items := []recsys.UserID{1, 2}, []recsys.ItemID{3, 4}
	for want, f := range map[string]func() (*factor.Model, error){
		"user 1 at 1 follows user 2":     func() (*factor.Model, error) { return factor.New([]recsys.UserID{2, 1}, items, two, two) },
		"ascending":                      func() (*factor.Model, error) { return factor.New(users, []recsys.ItemID{4, 4}, two, two) },
		"1 and 2 vectors of 2 users":     func() (*factor.Model, error) { return factor.New(users, items, one, two) },
		"2 and 1 vectors of 2 users":     func() (*factor.Model, error) { return factor.New(users, items, two, one) },
		"2 components, those of items 3": func() (*factor.Model, error) { return factor.New(users, items, two, vector.NewMatrix(2, 3)) },
		"user 2 has a component":         func() (*factor.Model, error) { return factor.New(users, items, bad(float32(math.NaN())), two) },
		"item 4 has a component":         func() (*factor.Model, error) { return factor.New(users, items, two, bad(-2*factor.Limit)) },
	} {
		_, err := f()
		require.ErrorContains(t, err, want)
	}
}

func TestFindUser(t *testing.T) {
	m := random(t, 10, 1, 1)
	for u, id := range m.Users {
		require.Equal(t, u, m.FindUser(id))
		require.Equal(t, -1, m.FindUser(id+1))
	}
}

func TestServingAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts of allocations differ under the race detector")
	}
	m := random(t, 1, 5000, 16)
	user, q := m.UserVectors.Row(0), recsys.NewQuery(&recsys.Request{}, nil, "test")
	dst, out := make([]float32, 5000), recsys.NewSink(100)
	m.Propose(user, q, out)
	require.Zero(t, testing.AllocsPerRun(20, func() { m.Score(user, m.Items.IDs(), dst) }))
	sink := testing.AllocsPerRun(20, func() {
		for out := recsys.NewSink(100); out.Add(1, 1); {
		}
	})
	require.Equal(t, sink, testing.AllocsPerRun(20, func() { m.Propose(user, q, recsys.NewSink(100)) }), "no more than the sink alone")
}

func file(m *factor.Model) []byte {
	var b bytes.Buffer
	w := envelope.NewWriter(&b, "test", 1, 0)
	m.Write(w)
	w.Close()
	return b.Bytes()
}

func read(data []byte) (*factor.Model, error) {
	r := envelope.NewReader(bytes.NewReader(data), "test", 1)
	m := factor.Read(r)
	_, err := r.Close()
	return m, err
}

func TestFileRoundTrip(t *testing.T) {
	for _, m := range []*factor.Model{random(t, 5, 7, 3), random(t, 0, 0, 2)} {
		back, err := read(file(m))
		require.NoError(t, err)
		require.Equal(t, m.Users, append([]recsys.UserID(nil), back.Users...))
		require.Equal(t, m.Items.IDs(), append([]recsys.ItemID(nil), back.Items.IDs()...))
		require.Equal(t, m.UserVectors, back.UserVectors)
		require.Equal(t, m.ItemVectors, back.ItemVectors)
	}
	wide := random(t, 2, 2, 4)
	m, err := factor.New(wide.Users, wide.Items.IDs(), vector.Matrix{Data: wide.UserVectors.Data, Rows: 2, Dim: 2, Stride: 4},
		vector.Matrix{Data: wide.ItemVectors.Data, Rows: 2, Dim: 2, Stride: 4})
	require.NoError(t, err)
	back, err := read(file(m))
	require.NoError(t, err)
	require.Equal(t, m.ItemVectors.Row(1), back.ItemVectors.Row(1))
}

func TestReadRefuses(t *testing.T) {
	written := func(dim uint32, users []recsys.UserID, items []recsys.ItemID, userVectors, itemVectors []float32) []byte {
		var b bytes.Buffer
		w := envelope.NewWriter(&b, "test", 1, 0)
		envelope.WriteValue(w, "dimension", dim)
		envelope.Write(w, "users", users)
		envelope.Write(w, "items", items)
		envelope.Write(w, "user-vectors", userVectors)
		envelope.Write(w, "item-vectors", itemVectors)
		w.Close()
		return b.Bytes()
	}
	users, items, four := []recsys.UserID{1, 2}, []recsys.ItemID{3, 4}, []float32{1, 2, 3, 4}
	_, err := read(written(2, users, items, four, four))
	require.NoError(t, err)
	for want, data := range map[string][]byte{
		"a dimension of 4000000000": written(4_000_000_000, users, items, four, four),
		"want 6":                    written(3, users, items, four, four),
		"ascending":                 written(2, users, []recsys.ItemID{4, 3}, four, four),
		"want 2":                    written(2, users, []recsys.ItemID{3}, four, four),
		"user 1 has a component":    written(2, users, items, []float32{float32(math.Inf(1)), 0, 0, 0}, four),
	} {
		m, err := read(data)
		require.ErrorIs(t, err, envelope.ErrCorrupt)
		require.ErrorContains(t, err, want)
		require.Nil(t, m)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(random(f, 5, 7, 3)))
	f.Add(file(random(f, 0, 0, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := read(data)
		if err != nil {
			return
		}
		again, err := read(file(m))
		require.NoError(t, err)
		require.Equal(t, m.ItemVectors, again.ItemVectors)
		require.Equal(t, m.UserVectors, again.UserVectors)
		user := make([]float32, m.Dim())
		require.Len(t, propose(m, user, recsys.Request{}, 5), min(5, m.Items.Len()))
	})
}

func BenchmarkPropose(b *testing.B) {
	for _, items := range []int{4_000, 40_000} {
		b.Run(fmt.Sprintf("items=%d/d=64", items), func(b *testing.B) {
			m := random(b, 1, items, 64)
			rng := rand.New(rand.NewPCG(1, 1))
			for i := range m.ItemVectors.Data {
				m.ItemVectors.Data[i] = float32(rng.NormFloat64())
			}
			user, q := m.UserVectors.Row(0), recsys.NewQuery(&recsys.Request{}, nil, "test")
			for b.Loop() {
				m.Propose(user, q, recsys.NewSink(100))
			}
		})
	}
}
