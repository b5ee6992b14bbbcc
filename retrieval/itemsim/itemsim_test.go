package itemsim_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// dense is a matrix of weights by rows of items; items have the IDs 3·row.
type dense [][]float32

func (d dense) items() (ids []recsys.ItemID) {
	for i := range d {
		ids = append(ids, recsys.ItemID(3*i))
	}
	return ids
}

func (d dense) csr() *retrieval.CSR {
	c := &retrieval.CSR{Cols: len(d), Start: []int64{0}}
	for _, row := range d {
		for j, w := range row {
			if w != 0 {
				c.Index, c.Weight = append(c.Index, int32(j)), append(c.Weight, w)
			}
		}
		c.Start = append(c.Start, int64(len(c.Index)))
	}
	return c
}

func (d dense) model(t testing.TB, spec itemsim.Spec) *itemsim.Model {
	t.Helper()
	m, err := itemsim.New(d.items(), d.csr(), spec)
	require.NoError(t, err)
	return m
}

// random returns weights with many ties, some below 0, some on the diagonal.
func random(seed uint64, n int) dense {
	rnd := rand.New(rand.NewPCG(seed, uint64(n)))
	d := make(dense, n)
	for i := range d {
		d[i] = make([]float32, n)
		for range rnd.IntN(n/2 + 1) {
			d[i][rnd.IntN(n)] = float32(rnd.IntN(9)-2) / 4
		}
	}
	return d
}

// clicks returns events with the items, in this order.
func clicks(items ...recsys.ItemID) (events []recsys.Event) {
	for _, i := range items {
		events = append(events, recsys.Event{Item: i, Kind: recsys.Click})
	}
	return events
}

// scores returns what a model gives to all of its items.
func scores(t testing.TB, m *itemsim.Model, req recsys.Request) []float32 {
	t.Helper()
	dst := slices.Repeat([]float32{9}, m.NumItems())
	require.NoError(t, m.ScoreItems(t.Context(), recsys.NewQuery(&req, nil, "x"), m.Items(), dst))
	return dst
}

func TestScoreIsTheSumOverTheHistory(t *testing.T) {
	d := dense{{0, 1, -2, 0}, {0.5, 0, 4, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}}
	m := d.model(t, itemsim.Spec{})
	require.Equal(t, []float32{0.5, 2, 0, 0}, scores(t, m, recsys.Request{History: clicks(3, 0, 0, 77)}))
	require.Equal(t, []float32{1, 1, 1, 1}, scores(t, m, recsys.Request{Items: []recsys.ItemID{9}}), "the anchor stands in")
	require.Equal(t, make([]float32, 4), scores(t, m, recsys.Request{}))
	dst := []float32{9, 9}
	req := recsys.Request{History: clicks(0)}
	require.NoError(t, m.ScoreItems(t.Context(), recsys.NewQuery(&req, nil, "x"), []recsys.ItemID{4, 3}, dst))
	require.Equal(t, []float32{0, 1}, dst, "item 4 is unknown")
}

func TestDampingOfTheHistory(t *testing.T) {
	d := dense{{0, 1}, {1, 0}}
	req := recsys.Request{History: []recsys.Event{{Item: 0, Kind: recsys.Click, Value: 4}}}
	h := retrieval.History{Values: true}
	require.Equal(t, []float32{0, 4}, scores(t, d.model(t, itemsim.Spec{History: h}), req))
	require.Equal(t, []float32{0, 2}, scores(t, d.model(t, itemsim.Spec{History: h, Damping: itemsim.SquareRoot}), req))
	saturating := itemsim.Spec{History: h, Damping: itemsim.Saturating, Saturation: []float32{1, 0}}
	require.Equal(t, []float32{0, 4. / 5}, scores(t, d.model(t, saturating), req))
	req.History[0].Value = math.MaxFloat32
	require.Equal(t, []float32{0, 1}, scores(t, d.model(t, saturating), req))
	req.History[0].Item = 3
	require.Equal(t, []float32{1, 0}, scores(t, d.model(t, saturating), req), "s = 0 counts every weight as 1")
}

// Retrieve is compared with the sorted list of what the definition gives, under quotas,
// exclusions and allow lists.
func TestRetrieveIsTheSortedListOfPositiveScores(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	for _, n := range []int{1, 2, 10, 60, 300} {
		d := random(5, n)
		m := d.model(t, itemsim.Spec{})
		for range 30 {
			want := make([]float32, n)
			req := recsys.Request{K: 1, Explain: rnd.IntN(2) == 0}
			for _, i := range rnd.Perm(n)[:rnd.IntN(min(n, 6)+1)] {
				req.History = append(req.History, clicks(recsys.ItemID(3*i))...)
				for j, w := range d[i] {
					want[j] += w
				}
			}
			require.Equal(t, want, scores(t, m, req))
			for range rnd.IntN(4) {
				req.Exclude = append(req.Exclude, recsys.ItemID(3*rnd.IntN(n)))
			}
			if rnd.IntN(2) == 0 {
				for range n / 3 {
					req.Allow = append(req.Allow, recsys.ItemID(3*rnd.IntN(n)))
				}
			}
			var ids []recsys.ItemID
			for i, s := range want {
				id := recsys.ItemID(3 * i)
				if s > 0 && !slices.Contains(req.Exclude, id) && (len(req.Allow) == 0 || slices.Contains(req.Allow, id)) {
					ids = append(ids, id)
				}
			}
			slices.SortStableFunc(ids, func(i, j recsys.ItemID) int { return cmp.Compare(want[j/3], want[i/3]) })
			quota := rnd.IntN(n) + 1
			got, values := serve(t, m, req, quota)
			require.Equal(t, ids[:min(quota, len(ids))], got, fmt.Sprint(n, quota, req))
			for k, id := range got {
				require.Equal(t, want[id/3], values[k])
			}
		}
	}
}

// serve asks through a pipeline, since only there a sink minds Exclude and Allow.
func serve(t *testing.T, m *itemsim.Model, req recsys.Request, quota int) (ids []recsys.ItemID, values []float32) {
	r := recsys.RetrieverFunc(func(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
		err := m.Retrieve(ctx, q, out)
		i, v := out.Items()
		ids, values = append(ids, i...), append(values, v...)
		return err
	})
	pipeline, err := recsys.NewPipeline(recsys.Retrieve("m", r, recsys.Quota(quota))).Build()
	require.NoError(t, err)
	if _, err := pipeline.Recommend(t.Context(), &req); err != nil {
		require.ErrorIs(t, err, recsys.ErrNoCandidates)
	}
	return ids, values
}

func TestExtremeWeightsStayFinite(t *testing.T) {
	const most = math.MaxFloat32
	m := dense{{0, most, -most}, {0, most, most}, {0, 0, 0}}.model(t, itemsim.Spec{History: retrieval.History{Values: true}})
	ten := func(items ...recsys.ItemID) recsys.Request {
		events := clicks(items...)
		for i := range events {
			events[i].Value = 10
		}
		return recsys.Request{History: events}
	}
	require.Equal(t, []float32{0, most, 0}, scores(t, m, ten(0, 3)), "Inf is the largest number, Inf - Inf nothing")
	require.Equal(t, []float32{0, most, -most}, scores(t, m, recsys.Request{History: clicks(0)}), "and nothing stays behind")
	req := ten(0)
	require.Equal(t, []retrieval.Contribution{{Item: 0, Score: -most}}, explain(t, m, req, 6))
}

func explain(t *testing.T, m *itemsim.Model, req recsys.Request, item recsys.ItemID) []retrieval.Contribution {
	t.Helper()
	why, err := m.Explain(nil, recsys.NewQuery(&req, nil, "x"), item)
	require.NoError(t, err)
	return why
}

func TestNeighborsOfAnItem(t *testing.T) {
	m := dense{{2, 0, 1, 3, 1}, {0, 0, -1, 0, 0}, {}, {}, {}}.model(t, itemsim.Spec{})
	head := itemsim.Neighbor{Item: 99, Weight: 99}
	require.Equal(t, []itemsim.Neighbor{head, {9, 3}, {0, 2}, {6, 1}, {12, 1}}, m.Neighbors([]itemsim.Neighbor{head}, 0, 10), "appended")
	require.Equal(t, []itemsim.Neighbor{{9, 3}, {0, 2}, {6, 1}}, m.Neighbors(nil, 0, 3), "ties by ID")
	for _, id := range []recsys.ItemID{3, 6, 1, 1 << 63} {
		require.Empty(t, m.Neighbors(nil, id, 10), id)
	}
	require.Empty(t, m.Neighbors(nil, 0, 0))
	require.Empty(t, m.Neighbors(nil, 0, -1))
}

func TestExplanationAddsUpToTheScore(t *testing.T) {
	d := random(4, 40)
	m := d.model(t, itemsim.Spec{Damping: itemsim.SquareRoot})
	req := recsys.Request{History: clicks(0, 9, 9, 30, 60, 90, 91)}
	for j, want := range scores(t, m, req) {
		why := explain(t, m, req, recsys.ItemID(3*j))
		require.True(t, slices.IsSortedFunc(why, func(a, b retrieval.Contribution) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
		}))
		sum := float32(0)
		for _, w := range why {
			count := float64(1)
			if w.Item == 9 {
				count = 2
			}
			require.InDelta(t, math.Sqrt(count)*float64(d[w.Item/3][j]), w.Score, 1e-6)
			require.NotZero(t, w.Score)
			sum += w.Score
		}
		require.InDelta(t, want, sum, 1e-5)
	}
	require.Empty(t, explain(t, m, req, 1), "unknown")
	same, err := m.Explain(make([]retrieval.Contribution, 2), recsys.NewQuery(&req, nil, "x"), 1)
	require.NoError(t, err)
	require.Len(t, same, 2)
}

func TestHistoryWeightsCountAtServing(t *testing.T) {
	m := dense{{0, 1, 0, 0}, {}, {0, 0, 0, 1}, {}}.model(t, itemsim.Spec{})
	now := time.Unix(1e9, 0)
	req := recsys.Request{Now: now, History: []recsys.Event{
		{Item: 0, Kind: recsys.Click, Time: now.Add(-2 * time.Hour)}, {Item: 6, Kind: recsys.Purchase, Time: now},
	}}
	require.Equal(t, []float32{0, 1, 0, 1}, scores(t, m, req))
	for want, h := range map[[2]float32]retrieval.History{
		{0.5, 1}:  {Decay: 0.5},
		{0.25, 1}: {HalfLife: time.Hour},
		{0, 1}:    {Last: 1},
		{1, 3}:    {Kinds: map[recsys.EventKind]float64{recsys.Purchase: 3}},
	} {
		other, err := m.WithHistory(h)
		require.NoError(t, err)
		require.Equal(t, []float32{0, want[0], 0, want[1]}, scores(t, other, req))
		require.NotEqual(t, m.Version(), other.Version())
		require.Equal(t, h, other.History())
		for k := range h.Kinds {
			h.Kinds[k] = 100
			require.Equal(t, []float32{0, want[0], 0, want[1]}, scores(t, other, req), "the map is the caller's")
		}
	}
	require.Equal(t, []float32{0, 1, 0, 1}, scores(t, m, req), "the first model is as it was")
	_, err := m.WithHistory(retrieval.History{Decay: 2})
	require.ErrorContains(t, err, "History.Decay is 2")
}

func TestModelSaysWhatItWasMadeOf(t *testing.T) {
	d := random(2, 12)
	m := d.model(t, itemsim.Spec{Trainer: "mine", Config: map[string]int{"neighbors": 7}, History: retrieval.History{Last: 3}})
	require.Equal(t, "mine", m.Trainer())
	require.JSONEq(t, `{"neighbors":7}`, string(m.Config()))
	require.Equal(t, retrieval.History{Last: 3}, m.History())
	require.Equal(t, d.items(), m.Items())
	require.Equal(t, 12, m.NumItems())
	require.Equal(t, d.csr(), m.Weights())
	require.Len(t, m.Version(), 16)
	require.Equal(t, m.Version(), d.model(t, itemsim.Spec{Trainer: "mine", Config: map[string]int{"neighbors": 7}, History: retrieval.History{Last: 3}}).Version())
	require.NotEqual(t, m.Version(), d.model(t, itemsim.Spec{Trainer: "mine", History: retrieval.History{Last: 3}}).Version())
	require.JSONEq(t, "null", string(d.model(t, itemsim.Spec{}).Config()))
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	two := []recsys.ItemID{1, 2}
	none := &retrieval.CSR{Cols: 2, Start: []int64{0, 0, 0}}
	for want, c := range map[string]struct {
		items   []recsys.ItemID
		weights *retrieval.CSR
		spec    itemsim.Spec
	}{
		"weights are nil":                      {two, nil, itemsim.Spec{}},
		"want ascending IDs":                   {[]recsys.ItemID{2, 1}, none, itemsim.Spec{}},
		"weights of 2 × 2 items; want 1 × 1":   {two[:1], none, itemsim.Spec{}},
		"weights of 2 × 3 items; want 2 × 2":   {two, &retrieval.CSR{Cols: 3, Start: []int64{0, 0, 0}}, itemsim.Spec{}},
		"has column 2 after -1":                {two, &retrieval.CSR{Cols: 2, Start: []int64{0, 1, 1}, Index: []int32{2}, Weight: []float32{1}}, itemsim.Spec{}},
		"from item 1 to item 2 is NaN":         {two, &retrieval.CSR{Cols: 2, Start: []int64{0, 1, 1}, Index: []int32{1}, Weight: []float32{nan}}, itemsim.Spec{}},
		"from item 2 to item 1 is +Inf":        {two, &retrieval.CSR{Cols: 2, Start: []int64{0, 0, 1}, Index: []int32{0}, Weight: []float32{inf}}, itemsim.Spec{}},
		"Spec.Damping is 7":                    {two, none, itemsim.Spec{Damping: 7}},
		"Spec.Saturation has 1 items; want 2":  {two, none, itemsim.Spec{Damping: itemsim.Saturating, Saturation: []float32{1}}},
		"Spec.Saturation without Saturating":   {two, none, itemsim.Spec{Saturation: []float32{1, 1}}},
		"Spec.Saturation of item 2 is NaN":     {two, none, itemsim.Spec{Damping: itemsim.Saturating, Saturation: []float32{1, nan}}},
		"Spec.Saturation of item 1 is -1":      {two, none, itemsim.Spec{Damping: itemsim.Saturating, Saturation: []float32{-1, 1}}},
		"History.Last is -1; want >= 0":        {two, none, itemsim.Spec{History: retrieval.History{Last: -1}}},
		"Spec.Config: json: unsupported type:": {two, none, itemsim.Spec{Config: func() {}}},
	} {
		_, err := itemsim.New(c.items, c.weights, c.spec)
		require.ErrorContains(t, err, want)
	}
}

func TestConformance(t *testing.T) {
	spec := itemsim.Spec{}
	retrievaltest.Suite{
		Requests: []recsys.Request{
			{User: 1, History: clicks(0, 9, 21)},
			{User: 2, Items: []recsys.ItemID{12}},
			{User: 99999, History: clicks(15, 30)},
		},
		Empty: func() recsys.Retriever { return dense{}.model(t, spec) },
	}.Run(t, func(t *testing.T) recsys.Retriever { return random(3, 60).model(t, spec) })
}

func TestOneItem(t *testing.T) {
	m := dense{{2}}.model(t, itemsim.Spec{})
	require.Equal(t, []float32{2}, scores(t, m, recsys.Request{History: clicks(0)}))
	ids, _ := serve(t, m, recsys.Request{K: 5, History: clicks(0)}, 10)
	require.Equal(t, []recsys.ItemID{0}, ids)
}

func TestServingDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	d := random(9, 500)
	saturation := slices.Repeat([]float32{0.5}, 500)
	for _, spec := range []itemsim.Spec{
		{},
		{Damping: itemsim.Saturating, Saturation: saturation, History: retrieval.History{Decay: 0.9, HalfLife: time.Hour, Last: 10}},
	} {
		m := d.model(t, spec)
		p, err := recsys.NewPipeline(recsys.Retrieve("m", m, recsys.Quota(200))).Build()
		require.NoError(t, err)
		req := recsys.Request{ID: "a", K: 20, Now: time.Unix(1e9, 0), Exclude: []recsys.ItemID{3, 6}}
		for i := range 20 {
			req.History = append(req.History, recsys.Event{Item: recsys.ItemID(3 * i), Kind: recsys.Click, Time: req.Now})
		}
		var res recsys.Result
		run := func() { require.NoError(t, p.RecommendInto(context.Background(), &req, &res)) }
		run()
		require.Zero(t, testing.AllocsPerRun(50, run))
		q := recsys.NewQuery(&req, nil, "x")
		dst := make([]float32, m.NumItems())
		require.Zero(t, testing.AllocsPerRun(50, func() { m.ScoreItems(context.Background(), q, m.Items(), dst) }))
		list := m.Neighbors(nil, 3, 10)
		require.Zero(t, testing.AllocsPerRun(50, func() { list = m.Neighbors(list[:0], 3, 10) }))
		why := explain(t, m, req, 300)
		require.Zero(t, testing.AllocsPerRun(50, func() { why, _ = m.Explain(why[:0], q, 300) }))
	}
}
