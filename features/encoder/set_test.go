package encoder_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/encoder"
)

func TestNewSetNamesEachMistake(t *testing.T) {
	small, err := encoder.NewTable(nil, []float32{1, 2}, 2)
	require.NoError(t, err)
	in := append(encoder.List("tag", 2), recsys.Column{Name: "f"}, recsys.Column{Name: "i", Kind: recsys.ID}, vec("v", 3))
	f, i, v, tags := []string{"f"}, []string{"i"}, []string{"v"}, []string{"tag.0", "tag.1"}
	for _, c := range []struct {
		step encoder.Step
		want string
	}{
		{encoder.Step{Encoder: encoder.Hash{}}, `step "steps[1]": field Name is empty`},
		{encoder.Step{Name: "s"}, `step "s": field Encoder is nil`},
		{encoder.Step{Name: "s", From: i, Encoder: &encoder.Hash{}}, "is a *encoder.Hash; give the struct itself"},
		{encoder.Step{Name: "s", From: i, Encoder: (*encoder.Hash)(nil)}, "is a *encoder.Hash; give the struct itself"},
		{encoder.Step{Name: "s", From: []string{"nowhere"}, Encoder: encoder.Hash{}}, `reads "nowhere", which is neither an input nor written by an earlier step`},
		{encoder.Step{Name: "f", From: i, Encoder: encoder.Hash{}}, `writes "f", which is an input or written by an earlier step`},
		{encoder.Step{Name: "first", From: i, Encoder: encoder.Hash{}}, `writes "first"`},
		{encoder.Step{Name: "s", From: tags, Encoder: encoder.Hash{}}, "reads 2 columns; want 1 ID column, or use Cross"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Hash{}}, `feature "f": source "the set" writes it as float, want id; a number becomes an ID by Buckets`},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.Hash{Buckets: 1<<62 + 1}}, "field Buckets is 4611686018427387905; want at most 2^62"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.Cross{}}, "reads 1 columns; want 2 to 8 ID columns"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.Buckets{}}, "writes it as id, want float"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Buckets{Count: 1}}, "field Count is 1; want 2 to 65536"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Buckets{Boundaries: []float32{2, 2}}}, "field Boundaries[1] is 2, after 2; want strictly ascending"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Buckets{Boundaries: []float32{nan}}}, "field Boundaries[0] is NaN; want a finite number"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Buckets{Boundaries: make([]float32, 1<<16)}}, "field Boundaries has 65536 values"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Log1p{Max: -1}}, "field Max is -1; want a number > 0"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.Log1p{}}, "writes it as id, want float"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Standard{Mean: []float64{1}}}, "field Mean has 1 values and Deviation 0; want 1 each"},
		{encoder.Step{Name: "s", From: v, Encoder: encoder.Standard{Mean: []float64{1, 2, math.NaN()}, Deviation: []float64{1, 1, 0}}}, "field Mean[2] is NaN"},
		{encoder.Step{Name: "s", From: v, Encoder: encoder.Standard{Mean: []float64{1, 2, 3}, Deviation: []float64{1, 1, 0}}}, "field Deviation[2] is 0; want a finite number >="},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Standard{Clip: math.Inf(1)}}, "field Clip is +Inf"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.MinMax{Min: []float64{2}, Max: []float64{1}}}, "field Max[0] is 1; want a finite number >= 2"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Robust{Median: []float64{2}, Range: []float64{-1}}}, "field Range[0] is -1"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.OneHot{}}, "field Categories and Max are not given"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.OneHot{Categories: []uint64{1, 2}, Max: 1}}, "field Max is 1 for 2 categories"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.OneHot{Categories: []uint64{1, 2, 1}}}, "field Categories has 1 twice"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.OneHot{Max: 1 << 17}}, "field Max is 131072"},
		{encoder.Step{Name: "s", From: tags, Encoder: encoder.MultiHot{Buckets: 5, Max: 3}}, "field Buckets stands beside Categories, Max or Other"},
		{encoder.Step{Name: "s", From: tags, Encoder: encoder.MultiHot{Buckets: 1 << 17}}, "field Buckets is 131072; want at most 65536"},
		{encoder.Step{Name: "s", Encoder: encoder.MultiHot{Buckets: 5}}, "reads no columns"},
		{encoder.Step{Name: "s", From: []string{"tag.0", "f"}, Encoder: encoder.MultiHot{Buckets: 5}}, `feature "f"`},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Cyclic{}}, `feature "f"`},
		{encoder.Step{Name: "s", Encoder: encoder.Cyclic{Period: 3}}, "field Period is 3; want Day, Week or Year"},
		{encoder.Step{Name: "s", Encoder: encoder.Cyclic{Offset: 15 * time.Hour}}, "field Offset is 15h0m0s; want -14h to 14h"},
		{encoder.Step{Name: "s", Encoder: encoder.Cyclic{Unit: -1}}, "field Unit is -1ns"},
		{encoder.Step{Name: "s", From: f, Encoder: encoder.Rate{}}, "reads 1 columns; want 2"},
		{encoder.Step{Name: "s", From: []string{"f", "f"}, Encoder: encoder.Rate{Alpha: 1}}, "field Alpha is 1 and Beta 0"},
		{encoder.Step{Name: "s", From: []string{"f", "f"}, Encoder: encoder.Rate{Method: 2}}, "field Method is 2"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.Embedding{}}, "field Table is nil"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.Embedding{Table: small, Unknown: 3}}, "field Unknown is 3"},
		{encoder.Step{Name: "s", From: i, Encoder: encoder.Embedding{Table: small, Unknown: encoder.UnknownRow, UnknownID: 1}}, "field UnknownID is 1, which the table does not have"},
		{encoder.Step{Name: "s", From: tags, Encoder: encoder.Pooling{}}, "field Table is nil"},
		{encoder.Step{Name: "s", From: tags, Encoder: encoder.Pooling{Table: small, Pool: 3}}, "field Pool is 3"},
		{encoder.Step{Name: "s", From: tags, Encoder: encoder.Pooling{Table: small, Pool: encoder.PoolMax, Weighted: true}}, "field Weighted has no meaning for PoolMax"},
		{encoder.Step{Name: "s", From: v, Encoder: encoder.Pooling{Table: small, Weighted: true}}, "reads 1 columns; Weighted wants a weight for each place"},
		{encoder.Step{Name: "s", From: tags, Encoder: encoder.Pooling{Table: small, Weighted: true}}, "want float"},
		{encoder.Step{Name: "s", From: []string{"v", "hot"}, Encoder: encoder.Pooling{Table: small, Weighted: true}}, `the weights "hot" have dimension 2, the list has 3`},
	} {
		_, err := encoder.NewSet(encoder.Config{Inputs: in, Steps: []encoder.Step{
			{Name: "first", From: i, Encoder: encoder.Hash{}}, c.step,
		}})
		if len(c.step.From) == 2 && c.step.From[1] == "hot" {
			_, err = encoder.NewSet(encoder.Config{Inputs: in, Steps: []encoder.Step{
				{Name: "hot", From: i, Encoder: encoder.OneHot{Max: 2}}, c.step,
			}})
		}
		require.ErrorContains(t, err, c.want)
		var step *encoder.StepError
		require.ErrorAs(t, err, &step)
	}
	_, err = encoder.NewSet(encoder.Config{Inputs: in})
	require.ErrorContains(t, err, "encoder: Config.Steps is empty")
	_, err = encoder.NewSet(encoder.Config{Inputs: []recsys.Column{{Name: "a"}, {Name: "a"}, {}}, Steps: []encoder.Step{{Name: "s"}, {Name: "t"}}})
	for _, want := range []string{`feature "a"`, "column has no name", `step "s"`, `step "t"`} {
		require.ErrorContains(t, err, want)
	}
	_, err = encoder.NewSet(encoder.Config{Inputs: in, Steps: []encoder.Step{
		{Name: "wide", From: i, Encoder: encoder.OneHot{Max: 1 << 16}}, {Name: "wider", From: []string{"wide"}, Encoder: encoder.Log1p{}},
	}})
	require.NoError(t, err)
}

func TestSetsTooWideAreRefused(t *testing.T) {
	var all []encoder.Step
	for range 17 {
		all = append(all, encoder.Step{Name: string(rune('a' + len(all))), From: []string{"x"}, Encoder: encoder.OneHot{Max: 1 << 16}})
	}
	_, err := encoder.NewSet(encoder.Config{Inputs: id, Steps: all})
	require.ErrorContains(t, err, "or 1048576 floats in a row")
}

func TestScopeAndVisibilityOfColumns(t *testing.T) {
	set := fitted(t)
	scope := map[string]recsys.Scope{}
	for _, c := range set.Columns() {
		scope[c.Name] = c.Scope
	}
	for name, want := range map[string]recsys.Scope{
		"taste.standard": recsys.PerRequest, "hour.sin": recsys.PerRequest, "weekday.cos": recsys.PerRequest,
		"price.log": recsys.PerItem, "crossed": recsys.PerItem, "season.sin": recsys.PerItem,
	} {
		got, ok := scope[name]
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	require.NotContains(t, scope, "age.level")
	require.NotContains(t, scope, "country×age×level")
}

func TestApplyNamesColumnsThatDoNotFit(t *testing.T) {
	set := fitted(t)
	rows := random(3, 1)
	out := func() *encoder.Rows { return encoder.NewRows(set.Columns(), 3) }
	edit := func(change func(r *encoder.Rows)) *encoder.Rows {
		r := *rows
		r.Columns = append([]recsys.Column(nil), rows.Columns...)
		r.Values = append([]encoder.Values(nil), rows.Values...)
		change(&r)
		return &r
	}
	var column *recsys.ColumnError
	err := set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { r.Columns[0].Name = "cost" }))
	require.ErrorAs(t, err, &column)
	require.Equal(t, "price", column.Column)
	require.Contains(t, column.Known, "cost")
	err = set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { r.Columns[0].Kind = recsys.ID }))
	require.ErrorAs(t, err, &column)
	require.Equal(t, recsys.ID, column.Have.Kind)
	var input *encoder.InputError
	err = set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { r.Columns[6].Dim = 2 }))
	require.ErrorAs(t, err, &input)
	require.ErrorContains(t, err, `input "vector" is a vector of dimension 2 per item; the set was made for a vector of dimension 3 per item`)
	err = set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { r.Values[0].Floats = r.Values[0].Floats[:2] }))
	require.ErrorContains(t, err, `column "price": 2 values are too few for 3 rows`)
	err = set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { r.Values[6].Stride = 2 }))
	require.ErrorContains(t, err, `column "vector": Stride is 2; want at least 3`)
	err = set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { r.Values = r.Values[:4] }))
	require.ErrorContains(t, err, "values of 4")
	err = set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { r.Time = nil }))
	require.ErrorContains(t, err, "Time has 0 values for 3 rows")
	err = set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { r.Len = -1 }))
	require.ErrorContains(t, err, "Len is -1")
	err = set.Apply(t.Context(), encoder.NewRows(set.Columns()[1:], 3), rows)
	require.ErrorAs(t, err, &column)
	require.Equal(t, "price.log", column.Column)
	err = set.Apply(t.Context(), encoder.NewRows(set.Columns(), 2), rows)
	require.ErrorContains(t, err, "3 rows do not fit in 2")
	require.NoError(t, set.Apply(t.Context(), out(), edit(func(r *encoder.Rows) { // no step reads this one
		r.Columns[3].Name = "gone"
	})))
	require.NoError(t, set.Apply(t.Context(), encoder.NewRows(set.Columns(), 0), random(0, 1)))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	large := random(10000, 1)
	require.ErrorIs(t, set.Apply(ctx, encoder.NewRows(set.Columns(), large.Len), large), context.Canceled)
	require.ErrorIs(t, set.Apply(&expiring{Context: t.Context(), calls: 1}, encoder.NewRows(set.Columns(), large.Len), large), context.Canceled)
}

func TestUnfittedSetsDoNotServe(t *testing.T) {
	set, err := encoder.NewSet(encoder.Config{Inputs: inputs, Steps: steps(t)})
	require.NoError(t, err)
	require.False(t, set.Fitted())
	err = set.Apply(t.Context(), encoder.NewRows(set.Columns(), 1), random(1, 1))
	require.ErrorIs(t, err, encoder.ErrUnfitted)
	require.ErrorContains(t, err, `step "ctr"`)
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: inputs})
	require.NoError(t, err)
	_, err = set.Bind(schema)
	require.ErrorIs(t, err, encoder.ErrUnfitted)
	require.Error(t, set.Hydrate(t.Context(), nil, nil, nil))

	var zero encoder.Set
	require.Empty(t, zero.Columns())
	require.ErrorIs(t, zero.Apply(t.Context(), &encoder.Rows{}, &encoder.Rows{}), encoder.ErrUnfitted)
	_, err = zero.Bind(schema)
	require.ErrorIs(t, err, encoder.ErrUnfitted)
	_, err = zero.Fit(t.Context(), encoder.One(), encoder.FitConfig{})
	require.ErrorIs(t, err, encoder.ErrUnfitted)
}

func TestBindNamesColumnsThatDoNotFit(t *testing.T) {
	set := fitted(t)
	bind := func(change func(c []recsys.Column) []recsys.Column) error {
		schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: change(append([]recsys.Column(nil), inputs...))})
		require.NoError(t, err)
		_, err = set.Bind(schema)
		return err
	}
	require.NoError(t, bind(func(c []recsys.Column) []recsys.Column { return c }))
	err := bind(func(c []recsys.Column) []recsys.Column {
		c[0].Name, c[1].Kind, c[6].Dim, c[9].Scope = "cost", recsys.ID, 4, recsys.PerItem
		return c
	})
	var column *recsys.ColumnError
	require.ErrorAs(t, err, &column)
	var input *encoder.InputError
	require.ErrorAs(t, err, &input)
	for _, want := range []string{
		`feature "price": no source writes it`, `feature "clicks": source "test" writes it as id, want float`,
		`input "vector" is a vector of dimension 4 per item`, `input "age" is float per item; the set was made for float per request`,
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestTablesOfAnotherSchemaAreRefused(t *testing.T) {
	set := fitted(t)
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: inputs})
	require.NoError(t, err)
	source, err := set.Bind(schema)
	require.NoError(t, err)
	moved, err := recsys.NewSchema(recsys.SchemaConfig{Columns: append([]recsys.Column{{Name: "new"}}, inputs...)})
	require.NoError(t, err)
	c := recsys.NewCandidates(moved, []recsys.ItemID{1})
	q := recsys.NewQuery(&recsys.Request{K: 1}, moved, "test")
	err = source.(recsys.CandidateHydrator).HydrateCandidates(t.Context(), q, c, recsys.NewBlock(set.Columns(), recsys.PerItem, 1))
	require.ErrorContains(t, err, `input "price" is float column`)
}

func TestRowsAreStaleWhereAnInputIs(t *testing.T) {
	cols := func(name string, scope recsys.Scope) []recsys.Column {
		return []recsys.Column{{Name: name, Scope: scope}}
	}
	stale := func(column recsys.Column, rows ...int) recsys.FeatureSource {
		return recsys.FeatureFunc{Cols: []recsys.Column{column}, Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
			for _, r := range rows {
				out.Stale.Set(r)
			}
			return nil
		}}
	}
	a, b, r := cols("a", recsys.PerItem)[0], cols("b", recsys.PerItem)[0], cols("r", recsys.PerRequest)[0]
	for _, c := range []struct {
		from []string
		old  []int // rows of the request's source
		want []int
	}{
		{[]string{"a"}, nil, []int{1}},
		{[]string{"a", "b"}, nil, []int{1, 2}},
		{[]string{"a", "r"}, nil, []int{1}},
		{[]string{"a", "r"}, []int{0}, []int{0, 1, 2}},
		{[]string{"a", "b"}, []int{0}, []int{1, 2}},
	} {
		var all []encoder.Step
		for _, name := range c.from {
			all = append(all, encoder.Step{Name: name + "'", From: []string{name}, Encoder: encoder.Log1p{}})
		}
		all = append(all, encoder.Step{Name: "out", From: append([]string{c.from[0] + "'"}, c.from[len(c.from)-1]+"'"), Encoder: encoder.Rate{Alpha: 1, Beta: 1}})
		set, err := encoder.NewSet(encoder.Config{Inputs: []recsys.Column{a, b, r}, Steps: all})
		require.NoError(t, err)
		var got []int
		p, err := recsys.NewPipeline(
			recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, s *recsys.Sink) error {
				for i := range 3 {
					s.Add(recsys.ItemID(i), 0)
				}
				return nil
			})),
			recsys.Features(stale(a, 1), recsys.Name("a")), recsys.Features(stale(b, 2), recsys.Name("b")), recsys.Features(stale(r, c.old...), recsys.Name("r")),
			recsys.Features(set),
			recsys.Rank(recsys.RankerFunc(func(_ context.Context, q *recsys.Query, table *recsys.Candidates, s recsys.Scores) error {
				clear(s.Score)
				f, _ := table.Schema().Field("out")
				for i := range table.Len() {
					if table.Stale(f.Group).Has(i) {
						got = append(got, i)
					}
				}
				require.True(t, table.Missing(f.Group).Empty())
				if f, ok := table.Schema().Field("r'"); ok {
					require.Equal(t, c.old != nil, q.Stale(f.Group))
				}
				return nil
			})),
		).Build()
		require.NoError(t, err)
		_, err = p.Recommend(t.Context(), &recsys.Request{K: 1})
		require.NoError(t, err)
		require.NoError(t, p.Close(context.Background()))
		require.Equal(t, c.want, got, "%v", c.from)
	}
}

func TestFitLearnsAlongAChain(t *testing.T) {
	in := []recsys.Column{{Name: "x"}}
	set, err := encoder.NewSet(encoder.Config{Inputs: in, Steps: []encoder.Step{
		{Name: "log", From: []string{"x"}, Encoder: encoder.Log1p{}, Hidden: true},
		{Name: "standard", From: []string{"log"}, Encoder: encoder.Standard{}},
		{Name: "level", From: []string{"standard"}, Encoder: encoder.Buckets{Count: 4}},
		{Name: "one", From: []string{"level"}, Encoder: encoder.OneHot{Max: 4}},
		{Name: "range", From: []string{"log"}, Encoder: encoder.MinMax{}},
	}})
	require.NoError(t, err)
	rows := &encoder.Rows{Len: 1000, Columns: in, Values: []encoder.Values{{Floats: make([]float32, 1000)}}}
	for i := range rows.Len {
		rows.Values[0].Floats[i] = float32(i * i)
	}
	var seen []encoder.FitProgress
	set, err = set.Fit(t.Context(), pieces(rows, 300), encoder.FitConfig{Progress: func(p encoder.FitProgress) { seen = append(seen, p) }})
	require.NoError(t, err)
	require.Equal(t, []encoder.FitProgress{
		{Pass: 1, Passes: 3, Rows: 300},
		{Pass: 1, Passes: 3, Rows: 600},
		{Pass: 1, Passes: 3, Rows: 900},
		{Pass: 1, Passes: 3, Rows: 1000},
		{Pass: 2, Passes: 3, Rows: 300},
		{Pass: 2, Passes: 3, Rows: 600},
		{Pass: 2, Passes: 3, Rows: 900},
		{Pass: 2, Passes: 3, Rows: 1000},
		{Pass: 3, Passes: 3, Rows: 300},
		{Pass: 3, Passes: 3, Rows: 600},
		{Pass: 3, Passes: 3, Rows: 900},
		{Pass: 3, Passes: 3, Rows: 1000},
	}, seen)
	out := apply(t, set, rows)
	var sum float64
	var level [5]int
	for i := range rows.Len {
		sum += float64(out.Values[0].Floats[i])
		level[out.Values[1].IDs[i]]++
	}
	require.InDelta(t, 0, sum/1000, 1e-6)
	require.Equal(t, [5]int{0, 250, 250, 250, 250}, level)
	require.Equal(t, []uint64{1, 2, 3, 4}, set.Steps()[3].Encoder.(encoder.OneHot).Categories)
	require.Equal(t, []float32{0, 1}, []float32{out.Values[3].Floats[0], out.Values[3].Floats[999]})
	require.Equal(t, uint64(1000), set.Stats()["level"].Rows, "what Fit went through does not count")

	whole, err := encoder.NewSet(encoder.Config{Inputs: in, Steps: []encoder.Step{
		{Name: "log", From: []string{"x"}, Encoder: encoder.Log1p{}, Hidden: true},
		{Name: "standard", From: []string{"log"}, Encoder: encoder.Standard{}},
		{Name: "level", From: []string{"standard"}, Encoder: encoder.Buckets{Count: 4}},
		{Name: "one", From: []string{"level"}, Encoder: encoder.OneHot{Max: 4}},
		{Name: "range", From: []string{"log"}, Encoder: encoder.MinMax{}},
	}})
	require.NoError(t, err)
	whole, err = whole.Fit(t.Context(), encoder.One(rows), encoder.FitConfig{})
	require.NoError(t, err)
	require.Equal(t, whole.Hash(), set.Hash(), "the result does not depend on the pieces")
	again, err := set.Fit(t.Context(), encoder.One(), encoder.FitConfig{})
	require.NoError(t, err)
	require.Equal(t, set.Hash(), again.Hash(), "what is known is not fitted again")
}

// pieces gives rows in pieces of n.
func pieces(rows *encoder.Rows, n int) func(func(*encoder.Rows, error) bool) {
	return func(yield func(*encoder.Rows, error) bool) {
		for at := 0; at < rows.Len; at += n {
			piece := &encoder.Rows{Len: min(n, rows.Len-at), Columns: rows.Columns}
			for i := range rows.Columns {
				v := rows.Values[i]
				if v.IDs != nil {
					v.IDs = v.IDs[at:]
				} else {
					v.Floats = v.Floats[at*max(rows.Columns[i].Dim, 1):]
				}
				piece.Values = append(piece.Values, v)
			}
			if rows.Time != nil {
				piece.Time = rows.Time[at:]
			}
			if !yield(piece, nil) {
				return
			}
		}
	}
}

func TestFitOfMoreThanTheSampleIsNearTheQuantiles(t *testing.T) {
	values := make([]float32, 20000)
	for i := range values {
		values[i] = float32(i)
	}
	rows := &encoder.Rows{Len: len(values), Columns: x, Values: []encoder.Values{floats(values...)}}
	set, err := encoder.NewSet(encoder.Config{Inputs: x, Steps: []encoder.Step{{Name: "b", From: []string{"x"}, Encoder: encoder.Buckets{Count: 4}}}})
	require.NoError(t, err)
	var found [][]float32
	for range 2 {
		set, err := set.Fit(t.Context(), encoder.One(rows), encoder.FitConfig{Sample: 2000, Seed: 3})
		require.NoError(t, err)
		found = append(found, set.Steps()[0].Encoder.(encoder.Buckets).Boundaries)
	}
	require.Equal(t, found[0], found[1])
	for i, b := range found[0] {
		// The deviation of the median of 2,000 uniform values is 0.011 of the range; the seed is fixed.
		require.InDelta(t, 5000*float32(i+1), b, 700)
	}
	_, err = set.Fit(t.Context(), encoder.One(rows), encoder.FitConfig{Sample: -1})
	require.ErrorContains(t, err, "FitConfig.Sample is -1")
}

func TestFitFailsByName(t *testing.T) {
	set, err := encoder.NewSet(encoder.Config{Inputs: inputs, Steps: steps(t)})
	require.NoError(t, err)
	_, err = set.Fit(t.Context(), encoder.One(), encoder.FitConfig{})
	require.ErrorIs(t, err, encoder.ErrNoData)
	for _, name := range []string{"price.standard", "vector.minmax", "vector.robust", "price.level", "creator.one", "tags.many", "ctr"} {
		require.ErrorContains(t, err, `step "`+name+`"`)
	}
	rows := random(50, 1)
	v := rows.Values[6].Floats
	for i := 1; i < len(v); i += 3 {
		v[i] = nan
	}
	_, err = set.Fit(t.Context(), encoder.One(rows), encoder.FitConfig{})
	require.ErrorIs(t, err, encoder.ErrNoData)
	require.ErrorContains(t, err, `step "vector.minmax": component 1: no usable value`)

	broken := errors.New("broken")
	_, err = set.Fit(t.Context(), func(yield func(*encoder.Rows, error) bool) {
		_ = yield(random(50, 1), nil) && yield(nil, broken)
	}, encoder.FitConfig{})
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = set.Fit(ctx, encoder.One(random(50, 1), random(50, 1)), encoder.FitConfig{Progress: func(encoder.FitProgress) { cancel() }})
	require.ErrorIs(t, err, context.Canceled)
	rows.Columns = rows.Columns[1:]
	rows.Values = rows.Values[1:]
	var column *recsys.ColumnError
	_, err = set.Fit(t.Context(), encoder.One(rows), encoder.FitConfig{})
	require.ErrorAs(t, err, &column)
}

func TestHashTellsSetsApart(t *testing.T) {
	base := func() encoder.Config {
		return encoder.Config{Inputs: []recsys.Column{{Name: "a"}, {Name: "i", Kind: recsys.ID}, {Name: "j", Kind: recsys.ID}, vec("v", 2)}, Steps: []encoder.Step{
			{Name: "log", From: []string{"a"}, Encoder: encoder.Log1p{}},
			{Name: "hash", From: []string{"i"}, Encoder: encoder.Hash{Buckets: 10}},
		}}
	}
	small, err := encoder.NewTable(nil, []float32{1, 2}, 2)
	require.NoError(t, err)
	other, err := encoder.NewTable(nil, []float32{1, 3}, 2)
	require.NoError(t, err)
	named, err := encoder.NewTable([]uint64{0}, []float32{1, 2}, 2)
	require.NoError(t, err)
	seen := map[uint64]string{}
	add := func(name string, change func(c *encoder.Config)) {
		c := base()
		change(&c)
		set, err := encoder.NewSet(c)
		require.NoError(t, err, name)
		if first, ok := seen[set.Hash()]; ok {
			t.Errorf("%s and %s have the same hash", first, name)
		}
		seen[set.Hash()] = name
	}
	add("base", func(*encoder.Config) {})
	add("input name", func(c *encoder.Config) { c.Inputs[2].Name = "k" })
	add("input kind", func(c *encoder.Config) { c.Inputs[2].Kind = recsys.Float })
	add("input dim", func(c *encoder.Config) { c.Inputs[3].Dim = 3 })
	add("input scope", func(c *encoder.Config) { c.Inputs[2].Scope = recsys.PerRequest })
	add("step name", func(c *encoder.Config) { c.Steps[0].Name = "other" })
	add("from", func(c *encoder.Config) { c.Steps[1].From[0] = "j" })
	add("hidden", func(c *encoder.Config) { c.Steps[0].Hidden = true })
	add("order", func(c *encoder.Config) { c.Steps[0], c.Steps[1] = c.Steps[1], c.Steps[0] })
	add("less", func(c *encoder.Config) { c.Steps = c.Steps[:1] })
	for name, e := range map[string]encoder.Encoder{
		"seed": encoder.Hash{Buckets: 10, Seed: 1}, "buckets": encoder.Hash{Buckets: 11},
		"one": encoder.OneHot{Categories: []uint64{1}}, "other": encoder.OneHot{Categories: []uint64{1}, Other: true},
		"max": encoder.OneHot{Categories: []uint64{1}, Max: 2}, "category": encoder.OneHot{Categories: []uint64{2}},
		"unfitted": encoder.OneHot{Max: 2}, "none": encoder.OneHot{Max: 2, Categories: []uint64{}},
		"multi": encoder.MultiHot{Categories: []uint64{1}}, "hashed": encoder.MultiHot{Buckets: 3}, "hashed by": encoder.MultiHot{Buckets: 3, Seed: 1},
		"table": encoder.Embedding{Table: small}, "values": encoder.Embedding{Table: other}, "ids": encoder.Embedding{Table: named},
		"unknown": encoder.Embedding{Table: small, Unknown: encoder.UnknownMean}, "pool": encoder.Pooling{Table: small}, "sum": encoder.Pooling{Table: small, Pool: encoder.PoolSum},
		"day": encoder.Cyclic{}, "week": encoder.Cyclic{Period: encoder.Week}, "offset": encoder.Cyclic{Offset: 1}, "unit": encoder.Cyclic{Unit: 1},
	} {
		add(name, func(c *encoder.Config) { c.Steps[1].Encoder = e })
	}
	for name, e := range map[string]encoder.Encoder{
		"log max": encoder.Log1p{Max: 2}, "levels": encoder.Buckets{}, "levels given": encoder.Buckets{Boundaries: []float32{1}}, "count": encoder.Buckets{Count: 3},
		"standard": encoder.Standard{}, "given": encoder.Standard{Mean: []float64{1}, Deviation: []float64{1}}, "clip": encoder.Standard{Clip: 1},
		"robust": encoder.Robust{}, "range": encoder.MinMax{}, "range given": encoder.MinMax{Min: []float64{1}, Max: []float64{1}},
	} {
		add(name, func(c *encoder.Config) { c.Steps[0].Encoder = e })
	}
	for name, e := range map[string]encoder.Rate{"rate": {}, "moments": {Method: encoder.Moments}, "prior": {Alpha: 1, Beta: 2}, "other prior": {Alpha: 2, Beta: 1}} {
		add(name, func(c *encoder.Config) { c.Steps[0].From, c.Steps[0].Encoder = []string{"a", "a"}, e })
	}

	set, err := encoder.NewSet(base())
	require.NoError(t, err)
	same := base()
	def := float32(3)
	same.Inputs[0].MaxAge, same.Inputs[0].Default = time.Hour, &def
	again, err := encoder.NewSet(same)
	require.NoError(t, err)
	require.Equal(t, set.Hash(), again.Hash(), "MaxAge and Default are of the source")
	require.Len(t, set.Version(), 16)
	require.Nil(t, set.FeatureViews())
	same.Name = "items.encoded"
	again, err = encoder.NewSet(same)
	require.NoError(t, err)
	require.Equal(t, []recsys.FeatureView{{Name: "items.encoded", Hash: set.Hash(), Encoders: set.Hash()}}, again.FeatureViews(), "the name is not in the hash")

	// A view of the inputs records the version of the set.
	view := features.View{Name: "items", Columns: []recsys.Column{{Name: "a"}}}
	bare := view.Hash()
	view.Encoders = set
	require.NoError(t, view.Validate())
	require.NotEqual(t, bare, view.Hash())
}

// expiring is a context that is done after some calls of Err.
type expiring struct {
	context.Context
	calls int
}

func (c *expiring) Err() error {
	if c.calls--; c.calls < 0 {
		return context.Canceled
	}
	return nil
}
