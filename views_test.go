package recsys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
)

// agedSource serves one float per item and says that item i is i seconds old; the item 0 is missing.
type agedSource struct {
	column string
	scope  recsys.Scope
	views  []recsys.FeatureView
	err    error
}

func (s agedSource) Columns() []recsys.Column {
	return []recsys.Column{{Name: s.column, Scope: s.scope}}
}
func (s agedSource) WritesAges() bool                   { return true }
func (s agedSource) FeatureViews() []recsys.FeatureView { return s.views }

func (s agedSource) Hydrate(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	for i := range out.Rows {
		if out.Age[i] == out.Age[i] {
			return errors.New("an age of another request")
		}
		out.FloatRow(i)[0], out.Age[i] = 1, 7
		if s.scope == recsys.PerItem {
			out.Age[i] = float32(items[i])
			if items[i] == 0 {
				out.Miss(i)
			}
		}
	}
	return s.err
}

// byAge ranks the oldest first: what it sees of ages decides the slate.
var byAge = recsys.RankerFunc(func(_ context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	f, _ := c.Schema().Field("a")
	u, _ := c.Schema().Field("u")
	for i := range out.Score {
		if c.Ages(u.Group)[i] != q.Age(u.Group) {
			return errors.New("the request's age is not in the row")
		}
		if out.Score[i] = c.Ages(f.Group)[i] * q.Age(u.Group); c.Missing(f.Group).Has(i) {
			out.Score[i] = -1
		}
	}
	return nil
})

var statsView = recsys.FeatureView{Name: "item.stats", Hash: 11}

func agedPipeline(t *testing.T, sink recsys.ExposureSink, more ...recsys.Option) *recsys.Pipeline {
	return build(t, append([]recsys.Option{
		recsys.Retrieve("all", ranked(0, 3, 9, 5)),
		recsys.Features(agedSource{column: "a", views: []recsys.FeatureView{statsView}}, recsys.Name("items")),
		recsys.Features(agedSource{column: "u", scope: recsys.PerRequest}, recsys.Name("user")),
		recsys.Features(recsys.FeatureFunc{Cols: []recsys.Column{{Name: "n"}}, Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
			if out.Age != nil {
				return errors.New("ages for a source that writes none")
			}
			return nil
		}}, recsys.Name("plain")),
		recsys.Rank(byAge), recsys.Log(sink, recsys.Name("slate"), recsys.Sample(2)), recsys.Log(sink, recsys.Name("full"), recsys.LogFull),
	}, more...)...)
}

func TestRecordsCarryAgesAndViews(t *testing.T) {
	for _, remote := range []bool{false, true} {
		var log []*recsys.Exposure
		sink := recsys.ExposureSinkFunc(func(_ context.Context, x *recsys.Exposure) error { log = append(log, x.Clone()); return nil })
		var more []recsys.Option
		if remote {
			more = append(more, recsys.Features(agedSource{column: "far"}, recsys.Name("far"), recsys.Remote(time.Minute)))
		}
		p := agedPipeline(t, sink, more...)
		for range 2 { // memory of the first request is used again
			log = nil
			res, err := p.Recommend(context.Background(), &recsys.Request{ID: "r", K: 2, Now: time.Unix(1, 0)})
			require.NoError(t, err)
			require.Empty(t, res.Degraded)
			require.Equal(t, []recsys.ItemID{9, 5}, []recsys.ItemID{res.Items[0].ID, res.Items[1].ID})
			require.Len(t, log, 2)
			for _, x := range log {
				a, _ := x.Schema.Field("a")
				u, _ := x.Schema.Field("u")
				n, _ := x.Schema.Field("n")
				require.Equal(t, []recsys.StageView{{Stage: "features/items", FeatureView: statsView}}, x.Views)
				require.EqualValues(t, 7, x.Ages[u.Group])
				require.True(t, math.IsNaN(float64(x.Ages[a.Group])))
				require.Len(t, x.Rows, 4)
				for _, row := range x.Rows {
					if row.Item == 0 {
						require.True(t, math.IsNaN(float64(row.Ages[a.Group])))
					} else {
						require.EqualValues(t, row.Item, row.Ages[a.Group])
					}
					require.EqualValues(t, 7, row.Ages[u.Group])
					require.True(t, math.IsNaN(float64(row.Ages[n.Group])))
					if far, ok := x.Schema.Field("far"); ok && row.Item != 0 {
						require.EqualValues(t, row.Item, row.Ages[far.Group])
					}
				}
				back := readLog(t, recsys.AppendExposure(recsys.AppendSchema(nil, x.Schema), x))[0].Exposure
				require.Empty(t, firstDifference(x, back))
			}
			again, err := p.Replay(context.Background(), log[1])
			require.NoError(t, err)
			require.NoError(t, log[1].Diff(again), "the ranker has seen the ages of the record")
		}
	}
}

func TestRecordsWithoutAgesStillReadAndReplay(t *testing.T) {
	var x *recsys.Exposure
	sink := recsys.ExposureSinkFunc(func(_ context.Context, r *recsys.Exposure) error { x = r.Clone(); return nil })
	p := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Log(sink, recsys.LogFull))
	_, err := p.Recommend(context.Background(), &recsys.Request{ID: "r", K: 2, Now: time.Unix(1, 0)})
	require.NoError(t, err)
	require.Nil(t, x.Ages)
	require.Nil(t, x.Views)
	line := recsys.AppendExposure(nil, x)
	require.False(t, bytes.Contains(line, []byte(`"ages"`)) || bytes.Contains(line, []byte(`"views"`)), "a record without them is what it was")
	res, err := p.Replay(context.Background(), readLog(t, append(recsys.AppendSchema(nil, x.Schema), line...))[0].Exposure)
	require.NoError(t, err)
	require.NoError(t, x.Diff(res))
}

func TestFailedSourceHasNoAges(t *testing.T) {
	var x *recsys.Exposure
	sink := recsys.ExposureSinkFunc(func(_ context.Context, r *recsys.Exposure) error { x = r.Clone(); return nil })
	p := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Features(agedSource{column: "a", err: errors.New("down")}), recsys.Log(sink))
	_, err := p.Recommend(context.Background(), &recsys.Request{ID: "r", K: 2, Now: time.Unix(1, 0)})
	require.NoError(t, err)
	for _, row := range x.Rows {
		require.True(t, math.IsNaN(float64(row.Ages[0])))
	}
}

func TestReplayRefusesRecordsOfAnotherView(t *testing.T) {
	var x *recsys.Exposure
	sink := recsys.ExposureSinkFunc(func(_ context.Context, r *recsys.Exposure) error { x = r.Clone(); return nil })
	_, err := agedPipeline(t, sink).Recommend(context.Background(), &recsys.Request{ID: "r", K: 2, Now: time.Unix(1, 0)})
	require.NoError(t, err)
	x.Views[0].Hash++
	p := agedPipeline(t, sink)
	_, err = p.Replay(context.Background(), x)
	require.ErrorIs(t, err, recsys.ErrVersionMismatch)
	require.ErrorIs(t, p.Propensities(context.Background(), x, make([]float64, x.Shown)), recsys.ErrVersionMismatch)
	var bad *recsys.ViewError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "item.stats", bad.View)
}

// trained is a ranker that knows what it was trained on.
type trained struct {
	recsys.Ranker
	views []recsys.FeatureView
}

func (t trained) TrainedOn() []recsys.FeatureView { return t.views }

// around is a ranker around another.
type around struct{ recsys.Ranker }

func (a around) Unwrap() recsys.Ranker { return a.Ranker }

func TestBuildRefusesModelsOfOtherViews(t *testing.T) {
	source := agedSource{column: "a", views: []recsys.FeatureView{statsView}}
	for name, test := range map[string]struct {
		views      []recsys.FeatureView
		want, have []uint64
	}{
		"the same":        {[]recsys.FeatureView{statsView}, nil, nil},
		"none known":      {nil, nil, nil},
		"another version": {[]recsys.FeatureView{{Name: "item.stats", Hash: 12}}, []uint64{12}, []uint64{11}},
		"absent and old":  {[]recsys.FeatureView{{Name: "user", Hash: 5}, {Name: "item.stats", Hash: 12}}, []uint64{5, 12}, []uint64{0, 11}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Features(source),
				recsys.Rank(around{trained{byAge, test.views}}, recsys.Name("main"))).Build()
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, recsys.ErrSchema)
			all := err.(interface{ Unwrap() error }).Unwrap().(interface{ Unwrap() []error }).Unwrap()
			require.Len(t, all, len(test.want), "every mistake is listed")
			for i, err := range all {
				var stage *recsys.StageError
				var bad *recsys.ViewError
				require.ErrorAs(t, err, &stage)
				require.ErrorAs(t, err, &bad)
				require.Equal(t, "rank/main", stage.Stage)
				require.Equal(t, []uint64{test.want[i], test.have[i]}, []uint64{bad.Want, bad.Have})
			}
		})
	}
	_, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Features(source),
		recsys.Features(agedSource{column: "b", views: []recsys.FeatureView{{Name: "item.stats", Hash: 12}}}, recsys.Name("second"))).Build()
	require.ErrorIs(t, err, recsys.ErrSchema, "two versions of one view in a pipeline")
}

// encoders derive a column.
type encoders struct {
	agedSource
	hash uint64
}

func (e encoders) Hash() uint64 { return e.hash }

func TestBuildHoldsViewsToTheirEncoders(t *testing.T) {
	encoded := recsys.FeatureView{Name: "item.stats", Hash: 11, Encoders: 7}
	source := agedSource{column: "a", views: []recsys.FeatureView{encoded}}
	derived := func(hash uint64) recsys.FeatureSource { return encoders{agedSource{column: "b"}, hash} }
	for name, test := range map[string]struct {
		trained recsys.FeatureView
		derived recsys.FeatureSource
		stage   string // that is at fault; empty: none is
		have    uint64
		reason  string
	}{
		"as declared":       {encoded, derived(7), "", 0, ""},
		"others run":        {encoded, derived(8), "features/items", 8, "declare those that run"},
		"none run":          {encoded, agedSource{column: "b"}, "features/items", 0, "add the encoders"},
		"refitted":          {recsys.FeatureView{Name: "item.stats", Hash: 12, Encoders: 6}, derived(7), "rank/main", 11, "fitted anew"},
		"new columns":       {recsys.FeatureView{Name: "item.stats", Hash: 12, Encoders: 7}, derived(7), "rank/main", 11, "the same encoders and other columns or aggregates"},
		"a model of before": {recsys.FeatureView{Name: "item.stats", Hash: 12}, derived(7), "rank/main", 11, "another definition"},
	} {
		t.Run(name, func(t *testing.T) {
			var x *recsys.Exposure
			sink := recsys.ExposureSinkFunc(func(_ context.Context, r *recsys.Exposure) error { x = r.Clone(); return nil })
			p, err := recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Features(source, recsys.Name("items")), recsys.Features(test.derived),
				recsys.Rank(trained{byScore, []recsys.FeatureView{test.trained}}, recsys.Name("main")), recsys.Log(sink)).Build()
			if test.stage == "" {
				require.NoError(t, err)
				_, err = p.Recommend(context.Background(), &recsys.Request{ID: "r", K: 1, Now: time.Unix(1, 0)})
				require.NoError(t, err)
				back := readLog(t, recsys.AppendExposure(recsys.AppendSchema(nil, x.Schema), x))[0].Exposure
				require.Equal(t, x.Views, back.Views, "a record has names and hashes of views, as it is made and as it is read")
				return
			}
			var stage *recsys.StageError
			var bad *recsys.ViewError
			require.ErrorAs(t, err, &stage)
			require.ErrorAs(t, err, &bad)
			require.Equal(t, test.stage, stage.Stage)
			require.Equal(t, test.have, bad.Have)
			require.Contains(t, bad.Reason, test.reason)
		})
	}
}

// byScore ranks by nothing.
var byScore = recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, out recsys.Scores) error {
	clear(out.Score)
	return nil
})

func TestAgesAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	sink := recsys.ExposureSinkFunc(func(context.Context, *recsys.Exposure) error { return nil })
	p := agedPipeline(t, sink)
	req, res := &recsys.Request{ID: "r", K: 2, Now: time.Unix(1, 0)}, new(recsys.Result)
	serve := func() {
		if err := p.RecommendInto(context.Background(), req, res); err != nil || len(res.Degraded) > 0 {
			t.Fatal(err, res.Degraded)
		}
	}
	for range 10 {
		serve()
	}
	require.Zero(t, testing.AllocsPerRun(100, serve))
}

func TestViewsPrintTheirHashes(t *testing.T) {
	v := recsys.FeatureView{Name: "item.stats", Hash: 0x7c434fec2b35ce67, Encoders: 3}
	require.Equal(t, "item.stats 7c434fec2b35ce67", fmt.Sprint(v))
	require.Equal(t, "[features/items: item.stats 7c434fec2b35ce67]", fmt.Sprint([]recsys.StageView{{Stage: "features/items", FeatureView: v}}))
}

// panickingViews does not say what it serves.
type panickingViews struct{ agedSource }

func (panickingViews) FeatureViews() []recsys.FeatureView { panic("no views") }

// A source without a name has that of its view; what else is in the pipeline keeps its label, and its randomness.
func TestSourcesAreNamedAfterTheirView(t *testing.T) {
	serves := func(column string, views ...string) recsys.FeatureSource {
		s := agedSource{column: column}
		for _, name := range views {
			s.views = append(s.views, recsys.FeatureView{Name: name, Hash: 11})
		}
		return s
	}
	p := build(t, recsys.Retrieve("item.stats", ranked(1)),
		recsys.Features(serves("a", "item.stats")),
		recsys.Features(serves("b", "item.stats")),                      // another part of the view
		recsys.Features(serves("c", "user")),                            // has the name that another stage is given
		recsys.Features(serves("d", "item.price"), recsys.Name("user")), // a name that is given counts
		recsys.Features(serves("e", "x", "y")),                          // no one view
		recsys.Features(serves("f")),
		recsys.Features(serves("g", "")),
		recsys.Rank(byScore),
	)
	var labels []string
	res, err := p.Recommend(context.Background(), &recsys.Request{ID: "r", K: 1, Now: time.Unix(1, 0)})
	require.NoError(t, err)
	for _, s := range res.Trace.Stages {
		labels = append(labels, s.Name)
	}
	require.Equal(t, []string{
		"retrieve/item.stats", "merge", "features/item.stats", "features/item.stats#2", "features/user#2", "features/user",
		"features/recsys_test.agedSource", "features/recsys_test.agedSource#2", "features/recsys_test.agedSource#3", "rank/recsys.RankerFunc", "select",
	}, labels)

	_, err = recsys.NewPipeline(recsys.Retrieve("a", ranked(1)), recsys.Features(panickingViews{agedSource{column: "a"}})).Build()
	require.ErrorContains(t, err, "features/recsys_test.panickingViews: ")
}

// bindingSource reads a column of another source.
type bindingSource struct {
	agedSource
	reads string
}

func (b bindingSource) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	_, err := s.Float(b.reads)
	return b, err
}

func TestBuildSaysWhichSourceComesTooLate(t *testing.T) {
	reads := func(scope recsys.Scope, opts ...recsys.StageOption) recsys.Option {
		return recsys.Features(bindingSource{agedSource{column: "ctr", scope: scope}, "price"}, append(opts, recsys.Name("derived"))...)
	}
	price := recsys.Features(agedSource{column: "price"}, recsys.Name("items"))
	user := recsys.Features(agedSource{column: "price", scope: recsys.PerRequest}, recsys.Name("items"))
	for name, c := range map[string]struct {
		opts []recsys.Option
		want string
	}{
		"later":  {[]recsys.Option{reads(recsys.PerItem), price}, `features/derived: feature "price": source "features/items" writes it later; move that before this stage`},
		"before": {[]recsys.Option{price, reads(recsys.PerItem)}, ""},
		"never":  {[]recsys.Option{reads(recsys.PerItem)}, `features/derived: feature "price": no source writes it (float columns: none)`},
		"a remote source of the request row, which none comes before": {
			[]recsys.Option{reads(recsys.PerRequest, recsys.Remote(time.Second)), user}, `features/derived: feature "price": no source writes it`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := recsys.NewPipeline(append(c.opts, recsys.Retrieve("a", ranked(1)))...).Build()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			var column *recsys.ColumnError
			require.ErrorAs(t, err, &column)
			require.Equal(t, name == "later", column.Later == "features/items")
		})
	}
}
