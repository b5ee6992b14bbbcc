package retrieval_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// act is a record for tests: how many hours before noon the user took the item.
type act struct {
	user, item uint64
	hours      int
	weight     float32
}

func interactions(t testing.TB, acts ...act) *retrieval.Interactions {
	t.Helper()
	var r retrieval.Records
	for _, a := range acts {
		if a.weight == 0 {
			a.weight = 1
		}
		r.Users, r.Items = append(r.Users, recsys.UserID(a.user)), append(r.Items, recsys.ItemID(a.item))
		r.Weights = append(r.Weights, a.weight)
		r.Times = append(r.Times, noon.Add(-time.Duration(a.hours)*time.Hour).UnixNano())
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

func timeless(t testing.TB) *retrieval.Interactions {
	t.Helper()
	in, err := retrieval.NewInteractions(retrieval.Records{Users: []recsys.UserID{1}, Items: []recsys.ItemID{2}}, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

func newPopular(t testing.TB, in *retrieval.Interactions, cfg retrieval.PopularConfig) *retrieval.Popular {
	t.Helper()
	p, err := retrieval.NewPopular(in, cfg)
	require.NoError(t, err)
	return p
}

// ask returns what r proposes for req to a sink with room for n.
func ask(t testing.TB, r recsys.Retriever, req recsys.Request, n int) ([]recsys.ItemID, []float32) {
	t.Helper()
	out := recsys.NewSink(n)
	require.NoError(t, r.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "test"), out))
	return out.Items()
}

func TestPopularCountsWeights(t *testing.T) {
	p := newPopular(t, interactions(t, act{1, 10, 0, 1}, act{1, 10, 5, 1}, act{2, 10, 9, 1}, act{2, 30, 1, 2.5}, act{3, 20, 0, 1}), retrieval.PopularConfig{})
	ids, scores := ask(t, p, recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{10, 30, 20}, ids)
	require.Equal(t, []float32{3, 2.5, 1}, scores)
	ids, _ = ask(t, p, recsys.Request{}, 2)
	require.Equal(t, []recsys.ItemID{10, 30}, ids)
}

func TestPopularHalfLife(t *testing.T) {
	in := interactions(t, act{1, 10, 48, 1}, act{2, 10, 48, 1}, act{3, 10, 48, 1}, act{1, 20, 0, 1})
	p := newPopular(t, in, retrieval.PopularConfig{HalfLife: 24 * time.Hour})
	ids, scores := ask(t, p, recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{20, 10}, ids)
	require.Equal(t, []float32{1, 0.75}, scores, "two half-lives after: three quarters")
}

// All counts decay alike, so the order at a later reference is the same and scores scale.
func TestPopularOrderDoesNotDependOnALaterReference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var acts []act
	for range 500 {
		acts = append(acts, act{rnd.Uint64N(50), rnd.Uint64N(40), rnd.IntN(500), 1})
	}
	in := interactions(t, acts...)
	ids, scores := ask(t, newPopular(t, in, retrieval.PopularConfig{HalfLife: 100 * time.Hour}), recsys.Request{}, 100)
	later := newPopular(t, in, retrieval.PopularConfig{HalfLife: 100 * time.Hour, Reference: noon.Add(200 * time.Hour)})
	ids2, scores2 := ask(t, later, recsys.Request{Now: noon.Add(time.Hour)}, 100)
	require.Equal(t, ids, ids2)
	ratio := float64(scores2[0]) / float64(scores[0])
	require.InDelta(t, 0.25, ratio, 0.01, "two half-lives, and the hour or so from the newest interaction to noon")
	for i := range scores {
		require.InEpsilon(t, ratio, float64(scores2[i])/float64(scores[i]), 1e-5)
	}
}

func TestPopularIgnoresWhatComesAfterTheReference(t *testing.T) {
	in := interactions(t, act{1, 10, 1, 1}, act{2, 10, 2, 1}, act{3, 20, 50, 1})
	p := newPopular(t, in, retrieval.PopularConfig{Reference: noon.Add(-30 * time.Hour)})
	ids, _ := ask(t, p, recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{20}, ids)
}

func TestPopularSurfaceHasCountsOfItsOwnAndFallsBack(t *testing.T) {
	video := interactions(t, act{1, 30, 0, 1}, act{2, 30, 0, 1}, act{3, 20, 0, 1})
	all := interactions(t, act{1, 30, 0, 1}, act{2, 30, 0, 1}, act{3, 20, 0, 1},
		act{1, 10, 0, 1}, act{2, 10, 0, 1}, act{3, 10, 0, 1}, act{4, 10, 0, 1}, act{4, 40, 0, 1})
	p := newPopular(t, all, retrieval.PopularConfig{Prior: 1, Surfaces: map[string]*retrieval.Interactions{"video": video}})
	for _, surface := range []string{"", "home"} {
		ids, _ := ask(t, p, recsys.Request{Surface: surface}, 10)
		require.Equal(t, []recsys.ItemID{10, 30, 20, 40}, ids, "surface %q has the counts of all", surface)
	}
	ids, scores := ask(t, p, recsys.Request{Surface: "video"}, 10)
	require.Equal(t, []recsys.ItemID{30, 20, 10, 40}, ids, "items that the surface has not seen follow by their popularity everywhere")
	require.Equal(t, []float32{2 + 2*8, 1 + 1*8, 4, 1}, scores)

	p = newPopular(t, all, retrieval.PopularConfig{Prior: 1000, Surfaces: map[string]*retrieval.Interactions{"video": video}})
	ids, _ = ask(t, p, recsys.Request{Surface: "video"}, 10)
	require.Equal(t, []recsys.ItemID{10, 30, 20, 40}, ids, "a large prior is popularity everywhere")
}

func TestPopularSurfaceMayHaveItemsOfItsOwn(t *testing.T) {
	p := newPopular(t, interactions(t, act{1, 5, 0, 1}), retrieval.PopularConfig{
		Surfaces: map[string]*retrieval.Interactions{"new": interactions(t, act{1, 3, 0, 1})},
	})
	ids, _ := ask(t, p, recsys.Request{Surface: "new"}, 10)
	require.ElementsMatch(t, []recsys.ItemID{3, 5}, ids)
	ids, _ = ask(t, p, recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{5}, ids)
}

// A pipeline that allows few items of many gets the same as a walk down the whole list.
func TestPopularAllowedItemsComeInOrder(t *testing.T) {
	var acts []act
	for i := range uint64(400) {
		for u := range i/2%7 + 1 {
			acts = append(acts, act{u, i, 0, 1})
		}
	}
	p := newPopular(t, interactions(t, acts...), retrieval.PopularConfig{})
	all, _ := ask(t, p, recsys.Request{}, 1000)
	require.Len(t, all, 400)
	pipeline, err := recsys.NewPipeline(recsys.Retrieve("popular", p, recsys.Quota(30))).Build()
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{1, 2, 10, 24, 25, 26, 100, 399} {
		req := recsys.Request{K: 30, Exclude: []recsys.ItemID{all[0], all[7]}, Allow: []recsys.ItemID{9999}}
		allowed := map[recsys.ItemID]bool{}
		for range n {
			id := all[rnd.IntN(len(all))]
			req.Allow, allowed[id] = append(req.Allow, id), true
		}
		allowed[all[0]], allowed[all[7]] = false, false
		var want []recsys.ItemID
		for _, id := range all {
			if allowed[id] && len(want) < 30 {
				want = append(want, id)
			}
		}
		res, err := pipeline.Recommend(t.Context(), &req)
		if len(want) == 0 {
			require.ErrorIs(t, err, recsys.ErrNoCandidates)
			continue
		}
		require.NoError(t, err)
		var got []recsys.ItemID
		for _, item := range res.Items {
			got = append(got, item.ID)
		}
		require.Equal(t, want, got, "%d allowed", n)
	}
}

func TestPopularConfigErrorsNameTheField(t *testing.T) {
	in := interactions(t, act{1, 1, 0, 1})
	for want, cfg := range map[string]retrieval.PopularConfig{
		"PopularConfig.HalfLife is -1ns":      {HalfLife: -1},
		"PopularConfig.Prior is -1":           {Prior: -1},
		"PopularConfig.Prior is NaN":          {Prior: math.NaN()},
		`PopularConfig.Surfaces["a"] is nil`:  {Surfaces: map[string]*retrieval.Interactions{"a": nil}},
		`no times on surface "b"`:             {HalfLife: 1, Surfaces: map[string]*retrieval.Interactions{"b": timeless(t)}},
		"PopularConfig.Prior is +Inf; want a": {Prior: math.Inf(1), HalfLife: -3},
	} {
		_, err := retrieval.NewPopular(in, cfg)
		require.ErrorContains(t, err, want)
	}
	_, err := retrieval.NewPopular(timeless(t), retrieval.PopularConfig{HalfLife: time.Hour})
	require.ErrorIs(t, err, retrieval.ErrNoTimes)
	_, err = retrieval.NewPopular(timeless(t), retrieval.PopularConfig{Reference: noon})
	require.ErrorIs(t, err, retrieval.ErrNoTimes)
}

func busy(t testing.TB) (*retrieval.Interactions, retrieval.PopularConfig) {
	var acts, home []act
	for i := range uint64(60) {
		for u := range i%9 + 1 {
			acts = append(acts, act{u, i, int(i), 1})
			if i%2 == 0 {
				home = append(home, acts[len(acts)-1])
			}
		}
	}
	return interactions(t, acts...), retrieval.PopularConfig{
		HalfLife: 40 * time.Hour,
		Surfaces: map[string]*retrieval.Interactions{"home": interactions(t, home...)},
	}
}

func TestPopularConformance(t *testing.T) {
	in, cfg := busy(t)
	retrievaltest.Suite{Empty: func() recsys.Retriever {
		return newPopular(t, interactions(t), retrieval.PopularConfig{})
	}}.Run(t, func(t *testing.T) recsys.Retriever { return newPopular(t, in, cfg) })
}

func TestPopularFileRoundTrip(t *testing.T) {
	in, cfg := busy(t)
	p := newPopular(t, in, cfg)
	path := filepath.Join(t.TempDir(), "popular")
	require.NoError(t, p.Save(path))
	back, err := retrieval.LoadPopular(path)
	require.NoError(t, err)
	for _, surface := range []string{"", "home"} {
		ids, scores := ask(t, p, recsys.Request{Surface: surface}, 100)
		ids2, scores2 := ask(t, back, recsys.Request{Surface: surface}, 100)
		require.Equal(t, ids, ids2)
		require.Equal(t, scores, scores2)
	}
	var a, b bytes.Buffer
	n, err := p.WriteTo(&a)
	require.NoError(t, err)
	require.EqualValues(t, a.Len(), n)
	back.WriteTo(&b)
	require.Equal(t, a.Bytes(), b.Bytes())

	_, err = retrieval.LoadPopular(path + "-none")
	require.Error(t, err)
	_, err = back.ReadFrom(bytes.NewReader(a.Bytes()[:a.Len()/2]))
	require.ErrorIs(t, err, envelope.ErrTruncated)
	ids, _ := ask(t, back, recsys.Request{}, 100)
	require.Len(t, ids, 60, "a failed read leaves what was there")
}

func FuzzReadPopular(f *testing.F) {
	in, cfg := busy(f)
	for _, p := range []*retrieval.Popular{
		newPopular(f, interactions(f), retrieval.PopularConfig{}),
		newPopular(f, in, cfg),
	} {
		var b bytes.Buffer
		_, err := p.WriteTo(&b)
		require.NoError(f, err)
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p retrieval.Popular
		if _, err := p.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		ask(t, &p, recsys.Request{Surface: "home"}, 10)
		var b bytes.Buffer
		_, err := p.WriteTo(&b)
		require.NoError(t, err)
		require.Equal(t, data[:b.Len()], b.Bytes())
	})
}

func TestPopularDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	in, cfg := busy(t)
	p := newPopular(t, in, cfg)
	pipeline, err := recsys.NewPipeline(recsys.Retrieve("popular", p)).Build()
	require.NoError(t, err)
	items := []recsys.ItemID{1, 2, 3, 999}
	for _, req := range []recsys.Request{
		{ID: "a", K: 5, Surface: "home", Now: noon},
		{ID: "b", K: 1, Allow: []recsys.ItemID{3, 2}, Now: noon},
	} {
		var res recsys.Result
		run := func() { require.NoError(t, pipeline.RecommendInto(context.Background(), &req, &res)) }
		run()
		require.Zero(t, testing.AllocsPerRun(50, run))
	}
	dst := make([]float32, len(items))
	q := recsys.NewQuery(&recsys.Request{Surface: "home"}, nil, "x")
	require.Zero(t, testing.AllocsPerRun(50, func() { p.ScoreItems(context.Background(), q, items, dst) }))
}

func ExampleNewPopular() {
	in, err := retrieval.NewInteractions(retrieval.Records{
		Users: []recsys.UserID{1, 2, 3, 1, 2, 3},
		Items: []recsys.ItemID{7, 7, 7, 5, 5, 9},
	}, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	popular, err := retrieval.NewPopular(in, retrieval.PopularConfig{})
	if err != nil {
		panic(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("popular", popular)).Build()
	if err != nil {
		panic(err)
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{User: 3, K: 2, Exclude: []recsys.ItemID{7}})
	if err != nil {
		panic(err)
	}
	for _, item := range res.Items {
		fmt.Println(item.ID)
	}
	// Output:
	// 5
	// 9
}
