package encoder_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/encoder"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/race"
)

// sourceOf returns a source that writes the inputs of rows: item i has row i.
func sourceOf(rows *encoder.Rows) recsys.FeatureSource {
	return recsys.FeatureFunc{Cols: inputs, Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for r := range out.Rows {
			at, scope := 0, recsys.PerRequest
			if items != nil {
				at, scope = int(items[r]), recsys.PerItem
			}
			var f, id, v int
			for i, c := range inputs {
				if c.Scope != scope {
					continue
				}
				switch c.Kind {
				case recsys.Float:
					out.FloatRow(r)[f] = rows.Values[i].Floats[at]
					f++
				case recsys.ID:
					out.ID[id][r] = rows.Values[i].IDs[at]
					id++
				case recsys.Vector:
					copy(out.VectorAt(v, r), rows.Values[i].Floats[at*c.Dim:(at+1)*c.Dim])
					v++
				}
			}
		}
		return nil
	}}
}

// served runs a pipeline over the items 0 to n-1 and returns what its ranker sees of the set's columns.
func served(t *testing.T, set *encoder.Set, rows *encoder.Rows) *encoder.Rows {
	t.Helper()
	out := encoder.NewRows(set.Columns(), rows.Len)
	p, err := recsys.NewPipeline(
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, s *recsys.Sink) error {
			for i := range rows.Len {
				s.Add(recsys.ItemID(i), 0)
			}
			return nil
		}), recsys.Quota(rows.Len)),
		recsys.MaxCandidates(rows.Len),
		recsys.Features(sourceOf(rows), recsys.Name("raw")),
		recsys.Features(set),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, q *recsys.Query, c *recsys.Candidates, s recsys.Scores) error {
			clear(s.Score)
			for i, column := range set.Columns() {
				f, _ := c.Schema().Field(column.Name)
				require.Equal(t, column.Scope, f.Scope)
				for r, item := range c.IDs() {
					d := column.Dim
					switch {
					case column.Kind == recsys.Float:
						out.Values[i].Floats[item] = c.Row(r)[f.Index]
					case column.Kind == recsys.ID:
						out.Values[i].IDs[item] = c.IDColumn(f.Index)[r]
					case column.Scope == recsys.PerRequest:
						copy(out.Values[i].Floats[int(item)*d:int(item+1)*d], q.Vector(f.Index))
					default:
						copy(out.Values[i].Floats[int(item)*d:int(item+1)*d], c.Vector(f.Index, r))
					}
				}
			}
			return nil
		}), recsys.Required()),
	).Build()
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close(context.Background())) }()
	res, err := p.Recommend(t.Context(), &recsys.Request{K: 1, Now: time.Unix(0, rows.Time[0])})
	require.NoError(t, err)
	require.Empty(t, res.Degraded)
	return out
}

func requireSame(t *testing.T, want, got *encoder.Rows) {
	t.Helper()
	for i := range want.Columns {
		for r := range want.Len {
			require.Equal(t, bitsOf(want, i, r), bitsOf(got, i, r), "column %s, row %d", want.Columns[i].Name, r)
		}
	}
}

func TestServingAndApplyWriteTheSameBits(t *testing.T) {
	set := fitted(t)
	for seed, n := range []int{1, 2, 255, 256, 257, 700} {
		rows := random(n, uint64(seed+10))
		before := set.Stats()
		online := served(t, set, rows)
		between := set.Stats()
		offline := apply(t, set, rows)
		requireSame(t, offline, online)

		// What is met is counted the same; steps of the request are computed once online, and once for each row offline.
		after := set.Stats()
		for _, s := range set.Steps() {
			a, b, c := before[s.Name], between[s.Name], after[s.Name]
			rowsOnline, rowsOffline := b.Rows-a.Rows, c.Rows-b.Rows
			require.Equal(t, uint64(n), rowsOffline, s.Name)
			if rowsOnline != 1 {
				require.Equal(t, rowsOffline, rowsOnline, s.Name)
			}
			for _, k := range [][3]uint64{
				{a.NaN, b.NaN, c.NaN}, {a.Inf, b.Inf, c.Inf}, {a.Clipped, b.Clipped, c.Clipped}, {a.Unknown, b.Unknown, c.Unknown},
			} {
				require.Equal(t, (k[2]-k[1])*rowsOnline, (k[1]-k[0])*rowsOffline, s.Name)
			}
		}
	}
}

func TestApplyDoesNotDependOnHowRowsAreCutAndLaid(t *testing.T) {
	set, rows := fitted(t), random(600, 77)
	want := apply(t, set, rows)

	// One row-major matrix of all floats and one of all IDs, read and written in place.
	columns := append(append([]recsys.Column(nil), inputs...), set.Columns()...)
	var floatsWide, idsWide int
	for _, c := range columns {
		if c.Kind == recsys.ID {
			idsWide++
		} else {
			floatsWide += max(c.Dim, 1)
		}
	}
	matrix, numbers := make([]float32, rows.Len*floatsWide), make([]uint64, rows.Len*idsWide)
	wide := &encoder.Rows{Len: rows.Len, Columns: columns, Time: rows.Time}
	f, id := 0, 0
	for i, c := range columns {
		d := max(c.Dim, 1)
		if c.Kind == recsys.ID {
			wide.Values = append(wide.Values, encoder.Values{IDs: numbers[id:], Stride: idsWide})
			id++
		} else {
			wide.Values = append(wide.Values, encoder.Values{Floats: matrix[f:], Stride: floatsWide})
			f += d
		}
		if i >= len(inputs) {
			continue
		}
		for r := range rows.Len {
			if c.Kind == recsys.ID {
				wide.Values[i].IDs[r*idsWide] = rows.Values[i].IDs[r]
			} else {
				copy(wide.Values[i].Floats[r*floatsWide:r*floatsWide+d], rows.Values[i].Floats[r*d:])
			}
		}
	}
	require.NoError(t, set.Apply(t.Context(), wide, wide))
	for i, c := range set.Columns() {
		v := wide.Values[len(inputs)+i]
		for r := range rows.Len {
			var got []uint64
			if c.Kind == recsys.ID {
				got = v.IDs[r*idsWide : r*idsWide+1]
			} else {
				for _, x := range v.Floats[r*floatsWide : r*floatsWide+max(c.Dim, 1)] {
					got = append(got, uint64(math.Float32bits(x)))
				}
			}
			require.Equal(t, bitsOf(want, i, r), got, "column %s, row %d", c.Name, r)
		}
	}
}

// The numbers may never change: models were trained on them. The test runs on every processor, tier (RECSYS_SIMD,
// the tag purego) and architecture that the module is tested on, so it also shows that they agree.
func TestBitsStayWhatTheyWere(t *testing.T) {
	all := steps(t)
	for i := range all { // given parameters: what Fit finds may differ in the last bit between architectures
		switch all[i].Name {
		case "price.standard":
			all[i].Encoder = encoder.Standard{Mean: []float64{1.5}, Deviation: []float64{7.25}, Clip: 3}
		case "price.log.standard":
			all[i].Encoder = encoder.Standard{Mean: []float64{2.1}, Deviation: []float64{0.3}}
		case "vector.minmax":
			all[i].Encoder = encoder.MinMax{Min: []float64{-10, -20, -30}, Max: []float64{10, 21, 32}}
		case "vector.robust":
			all[i].Encoder = encoder.Robust{Median: []float64{0.1, 0.2, 0.3}, Range: []float64{9, 10, 11}, Clip: 10}
		case "price.level":
			all[i].Encoder = encoder.Buckets{Boundaries: []float32{-20, -5, 0, 0.1, 5, 20}}
		case "creator.one":
			all[i].Encoder = encoder.OneHot{Categories: []uint64{0, 4, 5, 9}, Other: true}
		case "tags.many":
			all[i].Encoder = encoder.MultiHot{Categories: []uint64{1, 2, 3, 4, 5, 6}}
		case "ctr":
			all[i].Encoder = encoder.Rate{Alpha: 1.3, Beta: 20.7}
		}
	}
	set, err := encoder.NewSet(encoder.Config{Inputs: inputs, Steps: all})
	require.NoError(t, err)
	require.True(t, set.Fitted())
	out := apply(t, set, random(300, 99))
	h := uint64(0)
	for i := range out.Columns {
		for r := range out.Len {
			h = hash.Combine(h, bitsOf(out, i, r)...)
		}
	}
	require.Equal(t, uint64(0xa53a6d782dc2bf82), h, "%#x", h)
	require.Equal(t, uint64(0xeb67c1946c5acd71), set.Hash(), "%#x", set.Hash())
}

func TestServingDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates, and empties pools")
	}
	set := fitted(t)
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: inputs})
	require.NoError(t, err)
	source, err := set.Bind(schema)
	require.NoError(t, err)
	items := make([]recsys.ItemID, 500)
	c := recsys.NewCandidates(schema, items)
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: time.Unix(1e9, 0)}, schema, "test")
	perItem := recsys.NewBlock(set.Columns(), recsys.PerItem, len(items))
	perRequest := recsys.NewBlock(set.Columns(), recsys.PerRequest, 1)
	require.Zero(t, testing.AllocsPerRun(20, func() {
		if err := source.Hydrate(t.Context(), q, nil, perRequest); err != nil {
			t.Fatal(err)
		}
		if err := source.(recsys.CandidateHydrator).HydrateCandidates(t.Context(), q, c, perItem); err != nil {
			t.Fatal(err)
		}
	}))
}
