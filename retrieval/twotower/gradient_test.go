package twotower

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// withFeatures returns a training of few users and items with features of every kind, some
// of them missing.
func withFeatures(t *testing.T, cfg Config) *trainer {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	var r retrieval.Records
	for range 70 {
		r.Users, r.Items = append(r.Users, recsys.UserID(rng.IntN(12))), append(r.Items, recsys.ItemID(rng.IntN(9)))
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	input := Input{
		Interactions: in,
		Users: &Features[recsys.UserID]{
			Keys:    []recsys.UserID{3, 1, 7, 9},
			Columns: []Column{{Name: "country", Categories: []uint64{4, 4, 5, 6}}, {Name: "age", Floats: []float32{1, 2, float32(math.NaN()), 4}}},
		},
		Items: &Features[recsys.ItemID]{
			Keys: []recsys.ItemID{2, 5, 6, 100},
			Columns: []Column{
				{Name: "genre", Categories: []uint64{1, 2, 1, 3}},
				{Name: "text", Vectors: vector.From([]float32{1, 2, 3, 4, 5, 6, 7, 8}, 2)},
				{Name: "shop", Categories: []uint64{1, 1, 1, 3}},
			},
		},
	}
	cfg.Dim, cfg.CategoryDim, cfg.CategoryBuckets, cfg.Workers = 5, 3, 50, 1
	cfg, err = cfg.withDefaults()
	require.NoError(t, err)
	tr, err := newTrainer(input, cfg)
	require.NoError(t, err)
	rng = rand.New(rand.NewPCG(8, 8))
	for _, w := range tr.everything() { // so that nothing is 0
		for i := range w {
			w[i] += float32(0.2 * rng.NormFloat64())
		}
	}
	return tr
}

// Every derivative of the loss of a step, by the weights of layers and by the rows of all
// tables, is the difference quotient.
func TestStepGradients(t *testing.T) {
	for name, cfg := range map[string]Config{
		"cosine":    {},
		"dot":       {Dot: true, Untied: true, Debias: 0.5},
		"layers":    {Hidden: []int{7, 6}, Dropout: 0.3, IDDropout: 0.4},
		"attention": {Pooling: Attention, Temperature: 0.5},
		"hashed":    {Pooling: Attention, UserBuckets: 6, ItemBuckets: 5, Temperature: 0.5, Dot: true},
		"anonymous": {Anonymous: true, Hidden: []int{8}, Before: true, Negatives: -1},
	} {
		t.Run(name, func(t *testing.T) {
			tr := withFeatures(t, cfg)
			examples := make([]int32, min(40, len(tr.stream.items)))
			for i := range examples {
				examples[i] = int32(i)
			}
			last, interval := slices.Clone(tr.freq.last), slices.Clone(tr.freq.interval)
			loss := func() (float64, []*shard, []*shard) {
				copy(tr.freq.last, last)
				copy(tr.freq.interval, interval)
				l, users, items := tr.gradients(examples, 5)
				return l / float64(len(examples)), users, items
			}
			_, users, items := loss()
			grads := tr.collect(users, items)
			quotient := func(w []float32, i int, h float32) (mean, kink float64) {
				old := w[i]
				here, _, _ := loss()
				w[i] = old + h
				above, _, _ := loss()
				w[i] = old - h
				below, _, _ := loss()
				w[i] = old
				return (above - below) / float64(2*h), math.Abs(above+below-2*here) / float64(h)
			}
			samples := 60
			if race.Enabled {
				samples = 6
			}
			checked, nonzero := 0, 0
			rng := rand.New(rand.NewPCG(1, 9))
			for k, w := range tr.everything() {
				require.Len(t, grads[k], len(w))
				for range min(len(w), samples) {
					i := rng.IntN(len(w))
					want, kink := quotient(w, i, 1./256)
					if kink > 5e-3 { // of ReLU, or a curve
						if want, kink = quotient(w, i, 1./1024); kink > 5e-3 {
							continue
						}
					}
					require.InDelta(t, want, float64(grads[k][i]), 3e-3+0.02*math.Abs(want), fmt.Sprintf("weights %d, element %d of %d", k, i, len(w)))
					checked++
					if grads[k][i] != 0 {
						nonzero++
					}
				}
			}
			require.Greater(t, checked, 5*samples/2)
			require.Greater(t, nonzero, samples/2)
		})
	}
}

// collect returns the gradients of a step in the order of everything.
func (t *trainer) collect(users, items []*shard) [][]float32 {
	grads := [][]float32{make([]float32, len(t.net.userWeights)), make([]float32, len(t.net.itemWeights))}
	for _, s := range users {
		simd.Add(grads[0], s.weights)
	}
	for _, s := range items {
		simd.Add(grads[1], s.weights)
	}
	for _, u := range t.updaters {
		sum := make([]float32, len(u.table.W))
		for _, l := range t.listsOf(u.table, users, items) {
			for _, touch := range l.Touches {
				simd.Axpy(touch.Scale, l.G[int(touch.From)*l.Stride:][:u.table.Dim], sum[int(touch.Row)*u.table.Dim:][:u.table.Dim])
			}
		}
		grads = append(grads, sum)
	}
	return grads
}

// Source: Yi et al., RecSys 2019, section 4.2: the estimate of the time between two hits
// of an item converges to 1/p, and follows p when it changes.
func TestFrequencyFollowsTheStream(t *testing.T) {
	f := newFrequency([]int32{1, 1, 98}, 1, 0.01)
	require.InDelta(t, 0.98, f.probability(2), 1e-6, "at first it is what the counts say")
	require.InDelta(t, 0.01, f.probability(0), 1e-6)
	rng := rand.New(rand.NewPCG(4, 4))
	for step := 1; step <= 40_000; step++ {
		p := 0.05
		if step > 20_000 {
			p = 0.5
		}
		if rng.Float64() < p {
			f.see(0, step)
		}
		if step == 20_000 {
			require.InEpsilon(t, 0.05, f.probability(0), 0.3) // sd about sqrt(0.01/2)
		}
	}
	require.InEpsilon(t, 0.5, f.probability(0), 0.3)
	require.InDelta(t, 0.01, f.probability(1), 1e-6, "what is not seen stays")
}

func TestFrequencyOfABatch(t *testing.T) {
	f := newFrequency([]int32{10, 90, 0}, 16, 0.01)
	require.InEpsilon(t, 1-math.Pow(0.9, 16), f.probability(0), 1e-5)
	require.InEpsilon(t, 1-math.Pow(0.1, 16), f.probability(1), 1e-5)
	require.InEpsilon(t, 1-math.Pow(0.99, 16), f.probability(2), 1e-5)
	require.InDelta(t, 1, newFrequency([]int32{5}, 1024, 0.01).probability(0), 1e-9)
}

func TestHistoriesHaveAllButTheTarget(t *testing.T) {
	var r retrieval.Records
	for i := range 30 {
		r.Users, r.Items, r.Times = append(r.Users, 1), append(r.Items, recsys.ItemID(i)), append(r.Times, int64(-i))
	}
	r.Users, r.Items, r.Times = append(r.Users, 2), append(r.Items, 4), append(r.Times, 0)
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	rows := make([]int32, 30)
	for i := range rows {
		rows[i] = int32(i)
	}
	for _, last := range []int{5, 28, 29, 50} {
		s := newStream(in, rows, &Config{Last: last})
		seen := map[int32]bool{}
		for e := range int32(30) {
			past := s.history(nil, e, uint64(last))
			require.Len(t, past, min(last, 29))
			require.NotContains(t, past, s.items[e])
			slices.Sort(past)
			require.Len(t, slices.Compact(past), min(last, 29))
			seen[s.items[e]] = true
		}
		require.Len(t, seen, 30)
		require.Empty(t, s.history(nil, 30, 1), "of an only item nothing is left")
		if last == 5 {
			require.NotEqual(t, s.history(nil, 3, 1), s.history(nil, 3, 2), "the key chooses")
		}
	}
	s := newStream(in, rows, &Config{Last: 3, Before: true})
	require.Equal(t, []int32{29, 28, 27}, s.items[:3], "in the order of time")
	require.Equal(t, []int32{28, 27, 26}, s.history(nil, 4, 1))
	require.Equal(t, []int32{29}, s.history(nil, 1, 1))
	require.Empty(t, s.history(nil, 0, 1))
}
