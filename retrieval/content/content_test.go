package content_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/content"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var fields = content.Config{
	Bags:    []content.Field{{Name: "words"}, {Name: "genre", Weight: 2}},
	Numbers: []content.Field{{Name: "year", Weight: 0.5}},
}

// shop returns items of five genres, 60 IDs apart, whose words are half of their genre.
func shop(seed uint64, n int) ([]recsys.ItemID, []content.Item) {
	rnd := rand.New(rand.NewPCG(seed, 5))
	var ids []recsys.ItemID
	var items []content.Item
	for i := range n {
		genre := uint64(i % 5)
		var words []uint64
		for range 3 + rnd.IntN(10) {
			word := rnd.Uint64N(200)
			if rnd.IntN(2) == 0 {
				word = 1000*(1+genre) + rnd.Uint64N(20)
			}
			words = append(words, word)
		}
		year := float32(1990 + rnd.IntN(30))
		if i%7 == 0 {
			year = float32(math.NaN())
		}
		ids = append(ids, recsys.ItemID(60*i+1))
		items = append(items, content.Item{Bags: [][]uint64{words, {genre}}, Numbers: []float32{year}})
	}
	return ids, items
}

func train(t testing.TB, ids []recsys.ItemID, items []content.Item, cfg content.Config) *content.Model {
	t.Helper()
	m, err := content.Train(t.Context(), ids, items, cfg)
	require.NoError(t, err)
	return m
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}

// exact is the definition without a projection: sparse vectors by term.
func exact(ids []recsys.ItemID, items []content.Item, cfg content.Config) func(a, b int) float64 {
	vectors := make([]map[string]float64, len(ids))
	for i := range vectors {
		vectors[i] = map[string]float64{}
	}
	for f, field := range cfg.Bags {
		with := map[uint64]float64{}
		for _, it := range items {
			seen := map[uint64]bool{}
			for _, w := range it.Bags[f] {
				if !seen[w] {
					with[w]++
				}
				seen[w] = true
			}
		}
		for i, it := range items {
			count, square := map[uint64]float64{}, 0.0
			for _, w := range it.Bags[f] {
				count[w]++
			}
			weight := func(w uint64) float64 {
				return (1 + math.Log(count[w])) * math.Log(float64(1+len(items))/(1+with[w]))
			}
			for w := range count {
				square += weight(w) * weight(w)
			}
			for w := range count {
				vectors[i][fmt.Sprint("b", f, " ", w)] = field.Weight * weight(w) / math.Sqrt(square)
			}
		}
	}
	return func(a, b int) float64 {
		ab, aa, bb := 0.0, 0.0, 0.0
		for k, x := range vectors[a] {
			ab += x * vectors[b][k]
			aa += x * x
		}
		for _, x := range vectors[b] {
			bb += x * x
		}
		return ab / math.Sqrt(aa*bb)
	}
}

// Source: Kane and Nelson, J. ACM 2014: products keep their value within about 1/√Dim.
func TestProductsAreThoseOfTFIDF(t *testing.T) {
	ids, items := shop(1, 200)
	cfg := fields
	cfg.Numbers = nil
	for i := range items {
		items[i].Numbers = nil
	}
	for _, dim := range []int{256, 4096} {
		cfg.Dim = dim
		m := train(t, ids, items, cfg)
		want := exact(ids, items, m.Config())
		squares, n := 0.0, 0.0
		for a := range ids {
			require.InDelta(t, 1, dot(m.Vectors().Row(a), m.Vectors().Row(a)), 1e-5)
			for b := range a {
				d := dot(m.Vectors().Row(a), m.Vectors().Row(b)) - want(a, b)
				squares += d * d
				n++
			}
		}
		require.Less(t, math.Sqrt(squares/n), 1.1/math.Sqrt(float64(dim)), "dim %d", dim)
	}
}

// Two numbers have the product 1 - 2|p - p'|, where p is their place among all.
func TestNumbersAreComparedByTheirPlace(t *testing.T) {
	var ids []recsys.ItemID
	var items []content.Item
	for i := range 1601 {
		ids = append(ids, recsys.ItemID(i))
		items = append(items, content.Item{Numbers: []float32{float32(math.Exp(float64(i) / 100))}}) // as skewed as prices
	}
	m := train(t, ids, items, content.Config{Numbers: []content.Field{{Name: "price"}}, Dim: 4096})
	for _, p := range [][2]int{{0, 1600}, {0, 800}, {800, 1600}, {300, 340}, {100, 900}, {1600, 1600}} {
		got := dot(m.Vectors().Row(p[0]), m.Vectors().Row(p[1]))
		require.InDelta(t, 1-2*math.Abs(float64(p[0]-p[1]))/1600, got, 0.06, "%v", p)
	}
	at := func(x float32) []float32 {
		v, err := m.Embed(nil, &content.Item{Numbers: []float32{x}})
		require.NoError(t, err)
		return v
	}
	require.Equal(t, m.Vectors().Row(0), at(-7), "below all")
	require.Equal(t, m.Vectors().Row(1600), at(1e30), "above all")
	for _, x := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		require.Equal(t, make([]float32, 4096), at(x), "unknown")
	}
}

func TestNumbersThatAreAllAlikeTellNothing(t *testing.T) {
	items := []content.Item{{Numbers: []float32{3}}, {Numbers: []float32{3}}}
	m := train(t, []recsys.ItemID{1, 2}, items, content.Config{Numbers: []content.Field{{Name: "n"}}})
	require.Equal(t, make([]float32, 512), m.Vectors().Data)
	items[1].Numbers[0] = 4 // half of the items on each side
	m = train(t, []recsys.ItemID{1, 2}, items, content.Config{Numbers: []content.Field{{Name: "n"}}})
	require.Less(t, dot(m.Vectors().Row(0), m.Vectors().Row(1)), 0.3)
}

func TestItemsOfAGenreAreNear(t *testing.T) {
	ids, items := shop(2, 300)
	m := train(t, ids, items, fields)
	index, err := retrievaltest.NewExact(retrieval.Cosine, m.Items(), m.Vectors())
	require.NoError(t, err)
	for i := range 50 {
		hits, err := index.Search(nil, m.Vectors().Row(i), 20, retrieval.SearchOptions{})
		require.NoError(t, err)
		require.Equal(t, ids[i], hits[0].Item)
		for _, h := range hits {
			require.Equal(t, i%5, int(h.Item-1)/60%5)
		}
	}
}

// A new item with words that nobody has used embeds like one that was there.
func TestEmbedIsWhatTrainDoes(t *testing.T) {
	ids, items := shop(3, 150)
	m := train(t, ids, items, fields)
	for i := range items {
		got, err := m.Embed([]float32{42}, &items[i])
		require.NoError(t, err)
		require.Equal(t, m.Vectors().Row(i), got[1:])
		require.Equal(t, float32(42), got[0])
	}
	fresh, err := m.Embed(nil, &content.Item{Bags: [][]uint64{{1 << 60, 77}, {2}}, Numbers: []float32{2001}})
	require.NoError(t, err)
	require.InDelta(t, 1, dot(fresh, fresh), 1e-5)
	for i := range items {
		similarity := dot(fresh, m.Vectors().Row(i))
		if i%5 == 2 {
			require.Greater(t, similarity, 0.4)
		} else {
			require.Less(t, similarity, 0.5)
		}
	}
	for want, it := range map[string]content.Item{
		"1 bags; want the 2":    {Bags: [][]uint64{nil}, Numbers: []float32{1}},
		"0 numbers; want the 1": {Bags: [][]uint64{nil, nil}},
	} {
		got, err := m.Embed([]float32{1}, &it)
		require.ErrorContains(t, err, want)
		require.Equal(t, []float32{1}, got)
	}
	none, err := m.Embed(nil, &content.Item{Bags: [][]uint64{nil, {}}, Numbers: []float32{float32(math.NaN())}})
	require.NoError(t, err)
	require.Equal(t, make([]float32, m.Dim()), none)
}

func TestModelDoesNotDependOnOrderOrWorkers(t *testing.T) {
	ids, items := shop(4, 700)
	want := train(t, ids, items, content.Config{Bags: fields.Bags, Numbers: fields.Numbers, Workers: 1}).Version()
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(ids), func(i, j int) {
		ids[i], ids[j] = ids[j], ids[i]
		items[i], items[j] = items[j], items[i]
	})
	for _, workers := range []int{1, 2, 7} {
		require.Equal(t, want, train(t, ids, items, content.Config{Bags: fields.Bags, Numbers: fields.Numbers, Workers: workers}).Version())
	}
	require.NotEqual(t, want, train(t, ids, items, content.Config{Bags: fields.Bags, Numbers: fields.Numbers, Seed: 1}).Version())
}

// factors are vectors of a model that only knows the genre of an item.
func factors(ids []recsys.ItemID) vector.Matrix {
	v := vector.NewMatrix(len(ids), 6)
	for i, id := range ids {
		v.Row(i)[int(id-1)/60%5] = 1
		v.Row(i)[5] = 0.25 // a bias
	}
	return v
}

// Source: Gantner et al., ICDM 2010: what items without interactions get is what a linear map
// from their attributes to the factors of the others predicts.
func TestOntoPredictsTheVectorsOfNewItems(t *testing.T) {
	ids, items := shop(5, 400)
	warm := factors(ids[:300])
	m := train(t, ids, items, fields)
	mapped, err := m.Onto(t.Context(), ids[:300], warm, 1)
	require.NoError(t, err)
	require.Equal(t, 6, mapped.Dim())
	require.Equal(t, m.Items(), mapped.Items())
	want := factors(ids)
	for i := range ids {
		got := mapped.Vectors().Row(i)
		if i < 300 {
			require.Equal(t, want.Row(i), got, "an item that the other model has keeps its vector")
			continue
		}
		require.Greater(t, dot(got[:5], want.Row(i)[:5]), 0.5)
		require.Less(t, dot(got, got)-got32(got[5]), 1.5)
		require.InDelta(t, 0.25, got[5], 0.02)
		embedded, err := mapped.Embed(nil, &items[i])
		require.NoError(t, err)
		require.Equal(t, got, embedded)
	}
	require.NotEqual(t, m.Version(), mapped.Version())
}

func got32(x float32) float64 { return float64(x) * float64(x) }

// The map solves (XᵀX + λI) W = XᵀY of the centred data: its gradient is zero.
func TestOntoIsTheRidgeSolution(t *testing.T) {
	ids, items := shop(6, 120)
	rnd := rand.New(rand.NewPCG(2, 2))
	target := vector.NewMatrix(len(ids), 3)
	for i := range target.Data {
		target.Data[i] = rnd.Float32() - 0.5
	}
	cfg := fields
	cfg.Dim = 16
	m := train(t, ids, items, cfg)
	const ridge = 2
	mapped, err := m.Onto(t.Context(), ids, target, ridge)
	require.NoError(t, err)
	// Predictions for all: the map is affine, so W and the shift follow from Embed of parts. Here
	// the gradient by W: Xᶜᵀ(Y - prediction) = λ W, tested through two models that differ in λ.
	predict := func(i int) []float32 {
		v, err := mapped.Embed(nil, &items[i])
		require.NoError(t, err)
		return v
	}
	loss := func(scale float64) float64 { // of W scaled about the mean prediction
		mean := make([]float64, 3)
		for i := range ids {
			for k, y := range predict(i) {
				mean[k] += float64(y) / float64(len(ids))
			}
		}
		sum := 0.0
		for i := range ids {
			for k, y := range predict(i) {
				d := float64(target.Row(i)[k]) - (mean[k] + scale*(float64(y)-mean[k]))
				sum += d * d
			}
		}
		return sum
	}
	// At the optimum d/ds [loss(s) + λ s² |W|²] = 0 at s = 1, so that the loss still falls.
	slope := (loss(1.001) - loss(0.999)) / 0.002
	require.Negative(t, slope)
	free, err := m.Onto(t.Context(), ids, target, 1e-3)
	require.NoError(t, err)
	mapped = free
	require.InDelta(t, 0, (loss(1.001)-loss(0.999))/0.002, math.Abs(slope)/20, "without regularisation the residual is orthogonal to the fit")
}

func TestOntoRefuses(t *testing.T) {
	ids, items := shop(7, 20)
	m := train(t, ids, items, fields)
	v := factors(ids)
	bad := vector.From([]float32{float32(math.NaN())}, 1)
	mapped, err := m.Onto(t.Context(), ids, v, 1)
	require.NoError(t, err)
	for want, f := range map[string]func() (*content.Model, error){
		"of Onto already":           func() (*content.Model, error) { return mapped.Onto(t.Context(), ids, v, 1) },
		"ridge is 0":                func() (*content.Model, error) { return m.Onto(t.Context(), ids, v, 0) },
		"ridge is NaN":              func() (*content.Model, error) { return m.Onto(t.Context(), ids, v, math.NaN()) },
		"20 items with 3 vectors":   func() (*content.Model, error) { return m.Onto(t.Context(), ids, v.Slice(0, 3), 1) },
		"of dimension 0":            func() (*content.Model, error) { return m.Onto(t.Context(), nil, vector.Matrix{}, 1) },
		"has NaN":                   func() (*content.Model, error) { return m.Onto(t.Context(), ids[:1], bad, 1) },
		"none of the 1 items":       func() (*content.Model, error) { return m.Onto(t.Context(), []recsys.ItemID{7}, v.Slice(0, 1), 1) },
		"want ascending":            func() (*content.Model, error) { return m.Onto(t.Context(), []recsys.ItemID{61, 1}, v.Slice(0, 2), 1) },
		"Onto stopped: no patience": func() (*content.Model, error) { return m.Onto(cancelled(), ids, v, 1) },
	} {
		got, err := f()
		require.ErrorContains(t, err, want)
		require.Nil(t, got)
	}
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("no patience"))
	return ctx
}

func TestTrainRefuses(t *testing.T) {
	ids, items := shop(8, 3)
	_, err := content.Train(t.Context(), ids, items, content.Config{
		Dim: 7, Workers: -1, Bags: []content.Field{{Name: "a"}, {Name: "a", Weight: -1}, {Name: "b", Weight: 1e-200}}, Numbers: []content.Field{{Name: "a", Weight: math.Inf(1)}},
	})
	for _, want := range []string{"Dim is 7", "Workers is -1", `Bags[1].Name is "a"`, "Bags[1].Weight is -1", "Bags[2].Weight is 1e-200; want a finite number >= 1e-30", `Numbers[0].Name is "a"`, "Numbers[0].Weight is +Inf"} {
		require.ErrorContains(t, err, "content: Config."+want)
	}
	_, err = content.Train(t.Context(), ids, items, content.Config{})
	require.ErrorContains(t, err, "want a field")
	_, err = content.Train(t.Context(), ids[:2], items, fields)
	require.ErrorContains(t, err, "2 items with 3 descriptions")
	_, err = content.Train(t.Context(), []recsys.ItemID{5, 1, 5}, items, fields)
	require.ErrorContains(t, err, "item 5 is there twice")
	items[1].Numbers = nil
	_, err = content.Train(t.Context(), ids, items, fields)
	require.ErrorContains(t, err, "content: item 61 with 0 numbers")
	items[1].Numbers = []float32{1}
	_, err = content.Train(cancelled(), ids, items, fields)
	require.ErrorContains(t, err, "no patience")
}

func TestNoItems(t *testing.T) {
	m := train(t, nil, nil, fields)
	require.Empty(t, m.Items())
	v, err := m.Embed(nil, &content.Item{Bags: [][]uint64{{1}, {2}}, Numbers: []float32{3}})
	require.NoError(t, err)
	require.Equal(t, make([]float32, 256), v, "ln(1/1): of a catalogue without items no term is rare")
}

func TestEmbedDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	ids, items := shop(9, 50)
	m := train(t, ids, items, fields)
	mapped, err := m.Onto(t.Context(), ids, factors(ids), 1)
	require.NoError(t, err)
	dst := make([]float32, 0, 256)
	for _, m := range []*content.Model{m, mapped} {
		require.Zero(t, testing.AllocsPerRun(50, func() { m.Embed(dst, &items[3]) }))
	}
}

// serve joins a model with an index, as a service does.
func serve(t *testing.T, m *content.Model) recsys.Retriever {
	t.Helper()
	ix, err := retrievaltest.NewExact(retrieval.InnerProduct, m.Items(), m.Vectors())
	require.NoError(t, err)
	r, err := nearest.New(ix, nearest.Config{})
	require.NoError(t, err)
	return r
}

func TestConformance(t *testing.T) {
	ids, items := shop(10, 60)
	retrievaltest.Run(t, func(t *testing.T) recsys.Retriever { return serve(t, train(t, ids, items, fields)) },
		recsys.Request{User: 1, History: []recsys.Event{{Item: 1}, {Item: 61}}},
		recsys.Request{User: 2, Items: []recsys.ItemID{121}})
}

func BenchmarkEmbed(b *testing.B) {
	ids, items := shop(11, 2000)
	m := train(b, ids, items, fields)
	dst := make([]float32, 0, m.Dim())
	for b.Loop() {
		m.Embed(dst, &items[17])
	}
}
