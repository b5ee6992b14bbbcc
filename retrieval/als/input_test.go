package als_test

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
)

func TestTrainingRefuses(t *testing.T) {
	in := random(t, 8, 20, 10, 100, false)
	_, err := als.Train(t.Context(), nil, als.Config{})
	require.ErrorContains(t, err, "interactions are nil")
	_, err = als.Train(t.Context(), in, als.Config{
		Factors: -1, Regularization: math.NaN(), Exponent: 3, Unobserved: 1.5, Alpha: -2, LogScale: math.Inf(1), Epochs: -7, Steps: -8, Block: 9999,
		Workers: -4, Solver: 7, MaxBytes: -5, History: retrieval.History{Last: -6},
	})
	for _, want := range []string{
		"als: Config.Factors is -1; want 0 to 4096 (0 means 64)", "als: Config.Regularization is NaN", "Exponent is 3", "Unobserved is 1.5", "Alpha is -2", "LogScale is +Inf",
		"Epochs is -7", "Steps is -8", "Block is 9999", "Workers is -4", "Solver is 7", "MaxBytes is -5", "Last is -6",
	} {
		require.ErrorContains(t, err, want)
	}
	for _, c := range []float32{float32(math.NaN()), float32(math.Inf(1)), 0.01, -1, 1 << 61} {
		_, err = als.Train(t.Context(), in, als.Config{Confidence: func(r float32) float32 {
			if r > 1 {
				return c
			}
			return 1
		}})
		require.ErrorContains(t, err, "want at least Unobserved, 0.02, and at most 2^60")
	}
}

func TestTheMemoryThatTrainingTakesIsSaidBeforehand(t *testing.T) {
	in := random(t, 8, 200, 100, 1000, false)
	_, err := als.Train(t.Context(), in, als.Config{MaxBytes: 1 << 20})
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	require.EqualValues(t, 1<<20, refused.Limit)
	require.ErrorContains(t, err, fmt.Sprintf("als: training needs %d bytes and may take 1048576: raise Config.MaxBytes, or lower Factors", refused.Need))
	old := debug.SetMemoryLimit(1 << 20)
	_, err = als.Train(t.Context(), in, als.Config{})
	debug.SetMemoryLimit(old)
	require.ErrorContains(t, err, "may take 1048576")
	train(t, in, als.Config{MaxBytes: 64 << 20})
}

// Vectors of more components than there are items say no more.
func TestFactorsBeyondTheDataStayZero(t *testing.T) {
	in := random(t, 8, 30, 12, 100, false)
	few, many := train(t, in, als.Config{Factors: 12, Epochs: 3}), train(t, in, als.Config{Factors: 4096, Epochs: 3})
	require.Equal(t, 4096, many.Vectors().Dim)
	require.Equal(t, 4096, many.Config().Factors)
	for i := range in.NumItems() {
		require.Equal(t, few.Vectors().Row(i), many.Vectors().Row(i)[:12])
		require.Equal(t, make([]float32, 4084), many.Vectors().Row(i)[12:])
	}
	for u := range in.NumUsers() {
		require.Equal(t, few.UserVectors().Row(u), many.UserVectors().Row(u)[:12])
	}
	more := train(t, in, als.Config{Factors: 4096, Epochs: 2, Start: many})
	require.Equal(t, train(t, in, als.Config{Factors: 12, Epochs: 5}).Vectors().Row(3), more.Vectors().Row(3)[:12], "to the bit")
	_, err := als.Train(t.Context(), in, als.Config{Factors: 4096, MaxBytes: 1 << 20})
	require.ErrorAs(t, err, new(*retrieval.MemoryError))
}

// What few items left at 0 for every user must not stay there when there are more.
func TestWarmStartUsesTheFactorsThatMoreItemsAllow(t *testing.T) {
	in := random(t, 8, 60, 30, 600, false)
	var r retrieval.Records
	for u, user := range in.Users() {
		items, _ := in.ByUser().Row(u)
		for _, i := range items {
			if i < 4 {
				r.Users, r.Items = append(r.Users, user), append(r.Items, in.Items()[i])
			}
		}
		r.Users, r.Items = append(r.Users, user), append(r.Items, in.Items()[0])
	}
	few, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	require.Equal(t, in.Users(), few.Users())
	start := train(t, few, als.Config{Factors: 16, Epochs: 3})
	loss := func(start *als.Model) (last float64) {
		train(t, in, als.Config{Factors: 16, Epochs: 40, Start: start, Progress: func(_, _ int, x float64) { last = x }})
		return last
	}
	require.Less(t, loss(start), loss(nil), "4 factors alone leave 2.5 times as much")
}

// The vectors of two epochs stand beside each other, and nothing else grows with users × factors.
func TestTheMemoryThatTrainingTakesIsLittleLessThanSaid(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector takes memory of its own")
	}
	in := random(t, 8, 20_000, 10_000, 60_000, false)
	in.ByItem()
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	cfg := als.Config{Factors: 128, Epochs: 2, Workers: 1, MaxBytes: 1}
	_, err := als.Train(t.Context(), in, cfg)
	var refused *retrieval.MemoryError
	require.ErrorAs(t, err, &refused)
	need := refused.Need
	before, most := live(), int64(0)
	cfg.MaxBytes = need
	cfg.Progress = func(int, int, float64) { most = max(most, live()-before) }
	train(t, in, cfg)
	require.Less(t, most, need)
	require.Greater(t, most, need*2/3)
}

func TestTrainingThatDivergesSaysWhere(t *testing.T) {
	// Two items that always go together make equations that are singular but for λ.
	var r retrieval.Records
	for u := range 50 {
		for i := range 2 {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(i))
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	huge := func(float32) float32 { return 1 << 60 }
	for kind, variant := range map[string]als.Config{"exact": {}, "blocks": {Solver: als.Blocks, Block: 64}, "cg": {Solver: als.ConjugateGradient}} {
		cfg := merge(als.Config{Factors: 64, Confidence: huge, Regularization: 1e-30, Unobserved: 1e-30}, variant)
		m, err := als.Train(t.Context(), in, cfg)
		if kind == "cg" && err == nil {
			continue // steps of it need not solve anything
		}
		require.ErrorIs(t, err, als.ErrDiverged, kind)
		require.ErrorContains(t, err, "als: epoch ", kind)
		if m != nil {
			require.Positive(t, m.Config().Epochs)
		}
	}
}

func TestSmallData(t *testing.T) {
	for _, n := range []int{0, 1, 2} {
		var r retrieval.Records
		for i := range n {
			r.Users, r.Items = append(r.Users, recsys.UserID(i)), append(r.Items, recsys.ItemID(i))
		}
		in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		require.NoError(t, err)
		for kind, variant := range variants() {
			m := train(t, in, merge(als.Config{Factors: 3}, variant))
			require.Equal(t, n, m.Vectors().Rows)
			for i := range n {
				items, _ := retrieve(t, m, request(recsys.ItemID(i)), 10)
				require.Len(t, items, n, kind)
				require.Equal(t, recsys.ItemID(i), items[0], kind)
			}
		}
	}
}

func TestIDsMayHaveGaps(t *testing.T) {
	var r retrieval.Records
	for u := range 30 {
		for i := range 4 {
			r.Users = append(r.Users, recsys.UserID(u)*5_000_000_000)
			r.Items = append(r.Items, math.MaxUint64-recsys.ItemID(u%2*4+i)*3_000_000_000)
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	m := train(t, in, als.Config{Factors: 4})
	items, _ := retrieve(t, m, request(math.MaxUint64), 4)
	require.ElementsMatch(t, []recsys.ItemID{math.MaxUint64, math.MaxUint64 - 3_000_000_000, math.MaxUint64 - 6_000_000_000, math.MaxUint64 - 9_000_000_000}, items)
}

// A weight of 0 is as good as no interaction.
func TestWeightsOfZeroDoNotCount(t *testing.T) {
	in := random(t, 23, 40, 30, 400, false)
	var r retrieval.Records
	for u, user := range in.Users() {
		for _, e := range in.History(u) {
			r.Users, r.Items, r.Weights = append(r.Users, user), append(r.Items, e.Item), append(r.Weights, e.Value)
		}
		for i, item := range in.Items() { // pairs that there are not
			if _, ok := in.ByUser().At(u, i); !ok && i%3 == 0 {
				r.Users, r.Items, r.Weights = append(r.Users, user), append(r.Items, item), append(r.Weights, 0)
			}
		}
	}
	more, err := retrieval.NewInteractions(r, retrieval.LastWeight)
	require.NoError(t, err)
	require.Greater(t, more.Len(), in.Len())
	for name, cfg := range settings() {
		cfg.Factors, cfg.Epochs = 6, 3
		require.Equal(t, train(t, in, cfg).Version(), train(t, more, cfg).Version(), name)
	}
	m := train(t, in, als.Config{Factors: 6})
	want, err := m.FoldInUser(nil, []recsys.ItemID{10, 20}, nil)
	require.NoError(t, err)
	got, err := m.FoldInUser(nil, []recsys.ItemID{10, 30, 20}, []float32{1, 0, 1})
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = m.FoldInUser(nil, []recsys.ItemID{30, 12345}, []float32{0, 1})
	require.NoError(t, err)
	require.Equal(t, make([]float32, 6), got)
}

func TestFoldInRefuses(t *testing.T) {
	m := train(t, random(t, 8, 20, 10, 100, false), als.Config{Factors: 3})
	for _, w := range []float32{-1, float32(math.NaN()), float32(math.Inf(1))} {
		dst, err := m.FoldInUser([]float32{7}, []recsys.ItemID{10, 20}, []float32{1, w})
		require.ErrorContains(t, err, "the weight of interaction 1, with 20, is")
		require.Equal(t, []float32{7}, dst)
		_, err = m.FoldInItem(nil, []recsys.UserID{3}, []float32{w})
		require.ErrorContains(t, err, "the weight of interaction 0, with 3, is")
	}
	_, err := m.FoldInItem(nil, []recsys.UserID{3}, []float32{1, 1})
	require.ErrorContains(t, err, "2 weights of 1 interactions")
}

func TestServingAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts of allocations differ under the race detector")
	}
	in := random(t, 24, 300, 250, 6000, false)
	m := train(t, in, als.Config{Factors: 64, Epochs: 1, Alpha: 1})
	for _, n := range []int{5, 100} {
		req := &recsys.Request{}
		items, weights := make([]recsys.ItemID, n), make([]float32, n)
		for k := range n {
			items[k], weights[k] = recsys.ItemID(10*k), 1
			req.History = append(req.History, recsys.Event{Item: items[k]})
		}
		q := recsys.NewQuery(req, nil, "x")
		dst, vec, why := make([]float32, 250), make([]float32, 0, 64), make([]retrieval.Contribution, 0, n)
		for name, f := range map[string]func(){
			"ScoreItems": func() { require.NoError(t, m.ScoreItems(t.Context(), q, m.Items(), dst)) },
			"UserVector": func() { _, err := m.UserVector(vec, q); require.NoError(t, err) },
			"FoldInUser": func() { _, err := m.FoldInUser(vec, items, weights); require.NoError(t, err) },
			"Explain":    func() { _, err := m.Explain(why, q, 50); require.NoError(t, err) },
		} {
			f()
			require.Zero(t, testing.AllocsPerRun(30, f), name)
		}
		sink := testing.AllocsPerRun(30, func() {
			for out := recsys.NewSink(50); out.Add(1, 1); {
			}
		})
		require.Equal(t, sink, testing.AllocsPerRun(30, func() { _ = m.Retrieve(t.Context(), q, recsys.NewSink(50)) }), "no more than the sink alone")
	}
}
