package retrieval_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

var country = recsys.Column{Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest}

// countryOf writes the column country: that of the user's ID, none for user 0.
func countryOf(q *recsys.Query, row *recsys.Block) {
	if q.User == 0 {
		row.Miss(0)
		return
	}
	row.ID[0][0] = uint64(q.User)
}

// askSegment is ask through a pipeline whose requests have the column country.
func askSegment(t testing.TB, p recsys.Retriever, req recsys.Request, n int) []recsys.ItemID {
	t.Helper()
	pipeline, err := recsys.NewPipeline(
		recsys.Features(recsys.FeatureFunc{
			Cols: []recsys.Column{country},
			Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
				if items == nil {
					countryOf(q, out)
				}
				return nil
			},
		}),
		recsys.Retrieve("popular", p, recsys.Quota(n)),
	).Build()
	require.NoError(t, err)
	req.K = n
	res, err := pipeline.Recommend(t.Context(), &req)
	require.NoError(t, err)
	var ids []recsys.ItemID
	for _, item := range res.Items {
		ids = append(ids, item.ID)
	}
	return ids
}

// atlas is data of two countries: 49 with much, 33 with a single act, and one surface.
func atlas(t testing.TB) (*retrieval.Interactions, retrieval.PopularConfig) {
	var all, big, home []act
	for u := range uint64(60) {
		all = append(all, act{u, 1, 0, 1}, act{u, 2 + u%3, 0, 1})
		if u < 30 {
			all = append(all, act{u, 8, 0, 1})
			big = append(big, act{u, 8, 0, 1}, act{u, 2, 0, 1})
		}
		if u < 4 {
			home = append(home, act{u, 4, 0, 1})
		}
	}
	return interactions(t, all...), retrieval.PopularConfig{
		Prior:    50,
		Column:   "country",
		Segments: map[uint64]*retrieval.Interactions{49: interactions(t, big...), 33: interactions(t, act{1, 9, 0, 1})},
		Surfaces: map[string]*retrieval.Interactions{"home": interactions(t, home...)},
	}
}

func TestPopularSegmentComesFromAColumn(t *testing.T) {
	in, cfg := atlas(t)
	p := newPopular(t, in, cfg)
	everywhere := []recsys.ItemID{1, 8, 2, 3, 4}
	require.Equal(t, []recsys.ItemID{8, 2, 1, 3, 4}, askSegment(t, p, recsys.Request{User: 49}, 5), "a segment with data has its own order")
	require.Equal(t, everywhere, askSegment(t, p, recsys.Request{User: 33}, 5), "one act against a prior of 50 changes nothing at the top")
	require.Contains(t, askSegment(t, p, recsys.Request{User: 33}, 6), recsys.ItemID(9), "and is there all the same")
	require.Equal(t, everywhere, askSegment(t, p, recsys.Request{User: 7}, 5), "a segment that is not there")
	require.Equal(t, everywhere, askSegment(t, p, recsys.Request{}, 5), "a request without a segment")
	home := []recsys.ItemID{1, 4, 8, 2, 3}
	require.Equal(t, home, askSegment(t, p, recsys.Request{User: 7, Surface: "home"}, 5), "no segment: the surface")
	require.Equal(t, []recsys.ItemID{8, 2, 1, 3, 4}, askSegment(t, p, recsys.Request{User: 49, Surface: "home"}, 5), "the segment before the surface")
}

func TestPopularSegmentsMustBeBound(t *testing.T) {
	in, cfg := atlas(t)
	p := newPopular(t, in, cfg)
	q := recsys.NewQuery(&recsys.Request{}, nil, "x")
	require.ErrorContains(t, p.Retrieve(t.Context(), q, recsys.NewSink(3)), "not bound")
	require.ErrorContains(t, p.ScoreItems(t.Context(), q, []recsys.ItemID{1}, make([]float32, 1)), "not bound")
	for want, column := range map[string]recsys.Column{
		"country":           {Name: "city", Kind: recsys.ID, Scope: recsys.PerRequest},
		"of items":          {Name: "country", Kind: recsys.ID},
		"as float, want id": {Name: "country", Kind: recsys.Float, Scope: recsys.PerRequest},
	} {
		s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{column}})
		require.NoError(t, err)
		_, err = p.Bind(s)
		require.ErrorContains(t, err, want)
	}
}

// The lists of a part are stored as differences; an answer is the sorted list of all.
func TestPopularSegmentIsTheSortedList(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	for range 20 {
		var all, part []act
		for range 1 + rnd.IntN(300) {
			a := act{rnd.Uint64N(20), rnd.Uint64N(60), 0, float32(1 + rnd.IntN(3))}
			if all = append(all, a); rnd.IntN(3) == 0 {
				part = append(part, a)
			}
		}
		part = append(part, act{1, 70, 0, 1}) // everyone else lacks it
		p := newPopular(t, interactions(t, all...), retrieval.PopularConfig{
			Prior:    float64(1 + rnd.IntN(50)),
			Surfaces: map[string]*retrieval.Interactions{"s": interactions(t, part...)},
		})
		items := make([]recsys.ItemID, 80)
		for i := range items {
			items[i] = recsys.ItemID(i)
		}
		want := make([]float32, len(items))
		req := recsys.Request{Surface: "s"}
		require.NoError(t, p.ScoreItems(t.Context(), recsys.NewQuery(&req, nil, "x"), items, want))
		sorted := slices.DeleteFunc(slices.Clone(items), func(id recsys.ItemID) bool { return want[id] == 0 })
		slices.SortStableFunc(sorted, func(a, b recsys.ItemID) int { return -cmpFloat(want[a], want[b]) })
		ids, scores := ask(t, p, req, 100)
		require.Equal(t, sorted, ids)
		for k, id := range ids {
			require.Equal(t, want[id], scores[k])
		}
	}
}

func cmpFloat(a, b float32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// drawn returns the acts of parts whose shares are Dirichlet distributed around those of all.
func drawn(t testing.TB, precision float64, parts, perPart int) (*retrieval.Interactions, map[string]*retrieval.Interactions) {
	rnd := rand.New(rand.NewPCG(8, uint64(precision)))
	const n = 50
	mean := make([]float64, n)
	total := 0.0
	for i := range mean {
		mean[i] = 1 / float64(i+1)
		total += mean[i]
	}
	surfaces := map[string]*retrieval.Interactions{}
	var all []act
	user := uint64(0)
	for k := range parts {
		var own []act
		// Pólya's urn: with weight precision a draw from the mean, else a copy of an earlier one.
		for j := range perPart {
			var item uint64
			if rnd.Float64()*(precision+float64(j)) < precision {
				x := rnd.Float64() * total
				for item = 0; x > mean[item] && item < n-1; item++ {
					x -= mean[item]
				}
			} else {
				item = own[rnd.IntN(j)].item
			}
			user++
			own = append(own, act{user, item, 0, 1})
		}
		surfaces[fmt.Sprint(k)] = interactions(t, own...)
		all = append(all, own...)
	}
	return interactions(t, all...), surfaces
}

// With the Prior left to the data, an item's score tells what it was: count everywhere +
// count there × total / Prior.
//
// Source: Minka, Estimating a Dirichlet distribution, 2000, section 4: the precision that
// maximises the Dirichlet-multinomial likelihood, here by a grid and math.Lgamma.
func TestPopularPriorIsTheMostLikelyOne(t *testing.T) {
	for _, precision := range []float64{5, 50, 1000} {
		all, surfaces := drawn(t, precision, 60, 200)
		p := newPopular(t, all, retrieval.PopularConfig{Surfaces: surfaces})
		row, _ := surfaces["0"].ItemRow(0)
		users, _ := surfaces["0"].ByItem().Row(row)
		items := []recsys.ItemID{0}
		here, everywhere := make([]float32, 1), make([]float32, 1)
		require.NoError(t, p.ScoreItems(t.Context(), recsys.NewQuery(&recsys.Request{Surface: "0"}, nil, "x"), items, here))
		require.NoError(t, p.ScoreItems(t.Context(), recsys.NewQuery(&recsys.Request{}, nil, "x"), items, everywhere))
		got := float64(len(users)) * float64(all.Len()) / float64(here[0]-everywhere[0])

		likelihood := func(s float64) float64 {
			l := 0.0
			lgamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
			for _, own := range surfaces {
				l += lgamma(s) - lgamma(s+float64(own.Len()))
				for i, id := range own.Items() {
					at, _ := all.ItemRow(id)
					allUsers, _ := all.ByItem().Row(at)
					ownUsers, _ := own.ByItem().Row(i)
					m := float64(len(allUsers)) / float64(all.Len())
					l += lgamma(s*m+float64(len(ownUsers))) - lgamma(s*m)
				}
			}
			return l
		}
		best, at := math.Inf(-1), 0.0
		for s := 1.0; s < 1e5; s *= 1.01 {
			if l := likelihood(s); l > best {
				best, at = l, s
			}
		}
		require.InEpsilon(t, at, got, 0.03, "precision %v", precision)
		require.InEpsilon(t, precision, got, 0.25, "what the data was drawn with")
	}
}

func TestPopularPriorOfLikeSegmentsIsLarge(t *testing.T) {
	all := interactions(t, act{1, 1, 0, 1}, act{2, 1, 0, 1}, act{1, 2, 0, 1}, act{2, 2, 0, 1})
	half := interactions(t, act{1, 1, 0, 1}, act{1, 2, 0, 1})
	p := newPopular(t, all, retrieval.PopularConfig{Surfaces: map[string]*retrieval.Interactions{"a": half, "b": half}})
	_, scores := ask(t, p, recsys.Request{Surface: "a"}, 2)
	require.InDelta(t, 2, scores[0], 1e-3, "what is the same everywhere tells nothing about a place")
	none := newPopular(t, interactions(t), retrieval.PopularConfig{Surfaces: map[string]*retrieval.Interactions{"a": half, "b": interactions(t)}})
	ids, scores := ask(t, none, recsys.Request{Surface: "a"}, 5)
	require.Equal(t, []recsys.ItemID{1, 2}, ids)
	require.Equal(t, []float32{1, 1}, scores)
}

func TestPopularSegmentConformance(t *testing.T) {
	in, cfg := atlas(t)
	retrievaltest.Suite{
		Columns: []recsys.Column{country},
		Fill:    countryOf,
		Requests: []recsys.Request{
			{User: 49, Now: noon}, {User: 33, Now: noon}, {User: 1, Surface: "home", Now: noon}, {Now: noon},
		},
	}.Run(t, func(t *testing.T) recsys.Retriever { return newPopular(t, in, cfg) })
}

func TestPopularSegmentFileRoundTrip(t *testing.T) {
	in, cfg := atlas(t)
	p := newPopular(t, in, cfg)
	path := filepath.Join(t.TempDir(), "popular")
	require.NoError(t, p.Save(path))
	back, err := retrieval.LoadPopular(path)
	require.NoError(t, err)
	require.Equal(t, p.Version(), back.Version())
	for user := range recsys.UserID(60) {
		req := recsys.Request{User: user, Surface: "home"}
		require.Equal(t, askSegment(t, p, req, 9), askSegment(t, back, req, 9))
	}
}

func TestPopularSegmentDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	in, cfg := atlas(t)
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{country}})
	require.NoError(t, err)
	p, err := newPopular(t, in, cfg).Bind(s)
	require.NoError(t, err)
	items, dst := []recsys.ItemID{1, 9, 999}, make([]float32, 3)
	q := recsys.NewQuery(&recsys.Request{User: 49, Surface: "home"}, s, "x")
	require.Zero(t, testing.AllocsPerRun(50, func() { p.(recsys.ItemScorer).ScoreItems(context.Background(), q, items, dst) }))
}

func TestPopularSegmentErrors(t *testing.T) {
	in := interactions(t, act{1, 1, 0, 1})
	some := map[uint64]*retrieval.Interactions{4: in}
	for want, cfg := range map[string]retrieval.PopularConfig{
		`Column is ""; want the column`: {Segments: some},
		"Segments is empty; want some":  {Column: "country"},
		"Segments[4] is nil":            {Column: "c", Segments: map[uint64]*retrieval.Interactions{4: nil}},
		"no times in segment 4":         {Column: "c", HalfLife: 1, Segments: map[uint64]*retrieval.Interactions{4: timeless(t)}},
	} {
		_, err := retrieval.NewPopular(in, cfg)
		require.ErrorContains(t, err, want)
	}
	var b bytes.Buffer
	_, err := newPopular(t, in, retrieval.PopularConfig{Column: "c", Segments: some}).WriteTo(&b)
	require.NoError(t, err)
}

func ExamplePopular_segments() {
	take := func(items ...recsys.ItemID) *retrieval.Interactions {
		r := retrieval.Records{Items: items}
		for u := range items {
			r.Users = append(r.Users, recsys.UserID(u))
		}
		in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		if err != nil {
			panic(err)
		}
		return in
	}
	// Everybody takes 7; in country 49 there is a taste for 5, in country 33 one act is known.
	popular, err := retrieval.NewPopular(take(7, 7, 7, 7, 7, 5, 5, 5, 5, 9), retrieval.PopularConfig{
		Column:   "country",
		Segments: map[uint64]*retrieval.Interactions{49: take(5, 5, 5, 5), 33: take(9)},
		Prior:    5,
	})
	if err != nil {
		panic(err)
	}
	country := recsys.Column{Name: "country", Kind: recsys.ID, Scope: recsys.PerRequest}
	p, err := recsys.NewPipeline(
		recsys.Features(recsys.FeatureFunc{
			Cols: []recsys.Column{country},
			Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
				if items == nil {
					out.ID[0][0] = uint64(q.User) // here the user's ID stands for the country
				}
				return nil
			},
		}),
		recsys.Retrieve("popular", popular),
	).Build()
	if err != nil {
		panic(err)
	}
	for _, country := range []recsys.UserID{49, 33} {
		res, err := p.Recommend(context.Background(), &recsys.Request{User: country, K: 2})
		if err != nil {
			panic(err)
		}
		fmt.Println(country, res.Items[0].ID, res.Items[1].ID)
	}
	// Output:
	// 49 5 7
	// 33 7 5
}
