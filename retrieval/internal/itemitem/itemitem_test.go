package itemitem_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/itemitem"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

// random returns interactions with weights in quarters, so that sums are exact, and many ties.
func random(t testing.TB, seed uint64, users, items, n int) *retrieval.Interactions {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	for range n {
		r.Users = append(r.Users, recsys.UserID(rnd.IntN(users)))
		i := min(rnd.IntN(items), rnd.IntN(items)) // some items are popular
		r.Items = append(r.Items, recsys.ItemID(5*i))
		r.Weights = append(r.Weights, float32(rnd.IntN(8)+1)/4)
	}
	in, err := retrieval.NewInteractions(r, retrieval.LastWeight)
	require.NoError(t, err)
	return in
}

func product(in *retrieval.Interactions, keep, workers int) *itemitem.Product {
	return &itemitem.Product{
		Left: in.ByItem(), Right: in.ByUser(), Keep: keep, Workers: workers,
		Scale: func(row, column int32, x float32) float32 { return x - float32((row+column)%3) },
	}
}

// naive is the product by the definition: a dense matrix, each row sorted and cut.
func naive(in *retrieval.Interactions, keep int) (rows [][]int32, weights [][]float32) {
	n := in.NumItems()
	for i := range n {
		type entry struct {
			column int32
			weight float32
		}
		var row []entry
		for j := range n {
			sum := float32(0)
			for u := range in.NumUsers() {
				a, _ := in.ByUser().At(u, i)
				b, _ := in.ByUser().At(u, j)
				sum += a * b
			}
			if w := sum - float32((i+j)%3); i != j && sum > 0 && w > 0 {
				row = append(row, entry{int32(j), w})
			}
		}
		slices.SortFunc(row, func(a, b entry) int {
			return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.column, b.column))
		})
		var columns []int32
		var values []float32
		for _, e := range row[:min(keep, len(row))] {
			columns, values = append(columns, e.column), append(values, e.weight)
		}
		rows, weights = append(rows, columns), append(weights, values)
	}
	return rows, weights
}

func TestProductIsTheNaiveProduct(t *testing.T) {
	for _, size := range []struct{ users, items, n int }{{1, 1, 1}, {3, 5, 9}, {20, 33, 200}, {50, 64, 600}, {30, 100, 900}} {
		for _, keep := range []int{1, 3, 17, 1000} {
			in := random(t, uint64(size.n), size.users, size.items, size.n)
			got, err := product(in, keep, 3).Compute(t.Context())
			require.NoError(t, err)
			require.NoError(t, got.Check(in.NumItems()))
			rows, weights := naive(in, keep)
			for i := range rows {
				index, weight := got.Row(int32(i))
				require.Equal(t, rows[i], append([]int32(nil), index...), "row %d of %v, keep %d", i, size, keep)
				require.Equal(t, weights[i], append([]float32(nil), weight...))
			}
		}
	}
}

func TestProductOfNothingIsEmpty(t *testing.T) {
	in, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
	require.NoError(t, err)
	rows, err := product(in, 10, 4).Compute(t.Context())
	require.NoError(t, err)
	require.NoError(t, rows.Check(0))
	require.NoError(t, rows.Transpose(2).Check(0))
}

func TestProductDoesNotDependOnWorkers(t *testing.T) {
	in := random(t, 7, 200, 150, 4000)
	p := product(in, 20, 1)
	p.Scale = func(_, _ int32, x float32) float32 { return x / 3 }
	want, err := p.Compute(t.Context())
	require.NoError(t, err)
	for _, workers := range []int{2, 3, 16} {
		p.Workers = workers
		got, err := p.Compute(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, want.Transpose(1), got.Transpose(workers))
	}
}

func TestProductReportsProgressInOrder(t *testing.T) {
	in := random(t, 7, 200, 150, 4000)
	p := product(in, 20, 4)
	var steps []int
	p.Progress = func(done, all int) {
		require.Equal(t, in.NumItems(), all)
		steps = append(steps, done)
	}
	_, err := p.Compute(t.Context())
	require.NoError(t, err)
	require.True(t, slices.IsSorted(steps))
	require.Equal(t, in.NumItems(), steps[len(steps)-1])
}

func TestProductStopsWithTheCauseOfTheContext(t *testing.T) {
	in := random(t, 7, 200, 150, 4000)
	why := errors.New("the deploy is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	p := product(in, 20, 2)
	p.Progress = func(int, int) { cancel(why) }
	_, err := p.Compute(ctx)
	require.ErrorIs(t, err, why)
}

func TestTransposeIsTheTransposedMatrix(t *testing.T) {
	in := random(t, 3, 40, 50, 700)
	rows, err := product(in, 8, 1).Compute(t.Context())
	require.NoError(t, err)
	back := rows.Transpose(2)
	require.NoError(t, back.Check(rows.Len()))
	at := func(r *itemitem.Rows, i, j int32) float32 {
		index, weight := r.Row(i)
		if k := slices.Index(index, j); k >= 0 {
			return weight[k]
		}
		return 0
	}
	for i := range int32(rows.Len()) {
		for j := range int32(rows.Len()) {
			require.Equal(t, at(rows, i, j), at(back, j, i))
		}
	}
	require.Equal(t, rows, back.Transpose(3))
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	nan := float32(math.NaN())
	for want, r := range map[string]itemitem.Rows{
		"2 row starts; want 3":             {Start: []int64{0, 0}},
		"1 columns and 0 weights":          {Start: []int64{0, 1, 1}, Index: []int32{1}},
		"do not cover":                     {Start: []int64{0, 0, 0}, Index: []int32{1}, Weight: []float32{1}},
		"row 0 ends before it starts":      {Start: []int64{0, -1, 1}, Index: []int32{1}, Weight: []float32{1}},
		"row 1 ends before it starts":      {Start: []int64{0, 2, 1}, Index: []int32{1}, Weight: []float32{1}},
		"column 2 of 2":                    {Start: []int64{0, 1, 1}, Index: []int32{2}, Weight: []float32{1}},
		"column -1 of 2":                   {Start: []int64{0, 1, 1}, Index: []int32{-1}, Weight: []float32{1}},
		"is NaN; want a finite":            {Start: []int64{0, 1, 1}, Index: []int32{1}, Weight: []float32{nan}},
		"row 0 is out of order at entry 1": {Start: []int64{0, 2, 2}, Index: []int32{0, 1}, Weight: []float32{1, 2}},
		"row 1 is out of order at entry 1": {Start: []int64{0, 0, 2}, Index: []int32{1, 0}, Weight: []float32{1, 1}},
	} {
		require.ErrorContains(t, r.Check(2), want)
	}
	_, err := itemitem.New([]recsys.ItemID{2, 1}, itemitem.Rows{Start: []int64{0, 0, 0}})
	require.ErrorContains(t, err, "ascending")
}

// matrix returns a served matrix, some of whose weights are negative.
func matrix(t testing.TB, n int) *itemitem.Matrix {
	rnd := rand.New(rand.NewPCG(5, uint64(n)))
	rows := itemitem.Rows{Start: []int64{0}}
	ids := make([]recsys.ItemID, n)
	for i := range n {
		ids[i] = recsys.ItemID(3 * i)
		columns := rnd.Perm(n)[:rnd.IntN(n/2+1)]
		weights := make([]float32, len(columns))
		for k := range weights {
			weights[k] = float32(rnd.IntN(9)-2) / 4 // many ties, also at 0
		}
		slices.SortFunc(weights, func(a, b float32) int { return cmp.Compare(b, a) })
		for k := range columns { // equal weights by column
			end := k
			for end < len(columns) && weights[end] == weights[k] {
				end++
			}
			slices.Sort(columns[k:end])
		}
		for k, c := range columns {
			rows.Index, rows.Weight = append(rows.Index, int32(c)), append(rows.Weight, weights[k])
		}
		rows.Start = append(rows.Start, int64(len(rows.Index)))
	}
	m, err := itemitem.New(ids, rows)
	require.NoError(t, err)
	return m
}

// scores is what the served scores must be.
func scores(m *itemitem.Matrix, p []profile.Entry) []float32 {
	sums := make([]float32, m.Items.Len())
	for _, e := range p {
		index, weight := m.Row(e.Item)
		for k, c := range index {
			sums[c] += e.Weight * weight[k]
		}
	}
	return sums
}

func TestProposeIsTheSortedListOfPositiveScores(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	for _, n := range []int{1, 2, 10, 60, 300} {
		m := matrix(t, n)
		for range 30 {
			var p []profile.Entry
			for _, i := range rnd.Perm(n)[:rnd.IntN(min(n, 6)+1)] {
				p = append(p, profile.Entry{Item: int32(i), Weight: float32(rnd.IntN(4)+1) / 2})
			}
			want := scores(m, p)
			var order []int
			for i, s := range want {
				if s > 0 {
					order = append(order, i)
				}
			}
			slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(want[j], want[i]) })
			for _, explain := range []bool{false, true} {
				exclude := map[recsys.ItemID]bool{}
				req := recsys.Request{K: 1, Explain: explain}
				for range rnd.IntN(4) {
					id := recsys.ItemID(3 * rnd.IntN(n))
					exclude[id], req.Exclude = true, append(req.Exclude, id)
				}
				if rnd.IntN(2) == 0 {
					for range n / 3 {
						req.Allow = append(req.Allow, recsys.ItemID(3*rnd.IntN(n)))
					}
				}
				var ids []recsys.ItemID
				for _, i := range order {
					id := recsys.ItemID(3 * i)
					if !exclude[id] && (len(req.Allow) == 0 || slices.Contains(req.Allow, id)) {
						ids = append(ids, id)
					}
				}
				quota := rnd.IntN(n) + 1
				got, values := serve(t, m, p, req, quota)
				require.Equal(t, ids[:min(quota, len(ids))], got, fmt.Sprint(n, quota, req))
				for k, id := range got {
					require.Equal(t, want[id/3], values[k])
				}
			}
			s := m.Acquire()
			s.Profile = append(s.Profile[:0], p...)
			items, dst := []recsys.ItemID{1}, []float32{9}
			for i := range n {
				items, dst = append(items, recsys.ItemID(3*i)), append(dst, 9)
			}
			m.Score(s, items, dst)
			m.Release(s)
			require.Equal(t, append([]float32{0}, want...), dst)
		}
	}
}

// serve asks through a pipeline, since only there a sink minds Exclude and Allow.
func serve(t *testing.T, m *itemitem.Matrix, p []profile.Entry, req recsys.Request, quota int) (ids []recsys.ItemID, values []float32) {
	ids = []recsys.ItemID{}
	r := recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		s := m.Acquire()
		defer m.Release(s)
		s.Profile = append(s.Profile[:0], p...)
		m.Propose(s, q, out)
		i, v := out.Items()
		ids, values = append(ids, i...), append(values, v...)
		return nil
	})
	pipeline, err := recsys.NewPipeline(recsys.Retrieve("m", r, recsys.Quota(quota))).Build()
	require.NoError(t, err)
	if _, err := pipeline.Recommend(t.Context(), &req); err != nil {
		require.ErrorIs(t, err, recsys.ErrNoCandidates)
	}
	if len(ids) == 0 {
		ids = nil
	}
	return ids, values
}

func TestExtremeWeightsStayFinite(t *testing.T) {
	m, err := itemitem.New([]recsys.ItemID{0, 1, 2}, itemitem.Rows{
		Start: []int64{0, 2, 4, 4}, Index: []int32{1, 2, 1, 2},
		Weight: []float32{math.MaxFloat32, -math.MaxFloat32, math.MaxFloat32, math.MaxFloat32},
	})
	require.NoError(t, err)
	s := m.Acquire()
	s.Profile = []profile.Entry{{Item: 0, Weight: 10}, {Item: 1, Weight: 10}}
	dst := make([]float32, 3)
	m.Score(s, []recsys.ItemID{0, 1, 2}, dst)
	m.Release(s)
	require.Equal(t, []float32{0, math.MaxFloat32, 0}, dst, "Inf is the largest number, Inf - Inf nothing")
	s = m.Acquire()
	s.Profile = []profile.Entry{{Item: 0, Weight: 1}}
	m.Score(s, []recsys.ItemID{0, 1, 2}, dst)
	require.Equal(t, []float32{0, math.MaxFloat32, -math.MaxFloat32}, dst, "and nothing stays behind")
}
