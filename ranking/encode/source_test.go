package encode_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/encode"
)

func column(name string, kind recsys.Kind, scope recsys.Scope) recsys.Column {
	return recsys.Column{Name: name, Kind: kind, Scope: scope}
}

// ids is a source of the ID columns of the dataset: user and hour of the request, item of the candidate.
func ids(user, hour uint64) recsys.FeatureSource {
	return recsys.FeatureFunc{
		Cols: []recsys.Column{
			column("user", recsys.ID, recsys.PerRequest), column("hour", recsys.ID, recsys.PerRequest), column("item", recsys.ID, recsys.PerItem),
		},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			if items == nil {
				out.ID[0][0], out.ID[1][0] = user, hour
			}
			for i, item := range items {
				out.ID[0][i] = uint64(item)
			}
			return nil
		},
	}
}

func TestThePipelineSeesWhatTransformWrites(t *testing.T) {
	data := random(300, 4)
	target, _, err := encode.Fit(t.Context(), encode.Config{}, data)
	if err != nil {
		t.Fatal(err)
	}
	items := []recsys.ItemID{0, recsys.ItemID(data.IDs[1]), recsys.ItemID(data.IDs[4]), 12345}
	want := &ranking.Dataset{IDColumns: data.IDColumns}
	for _, item := range items {
		want.IDs = append(want.IDs, 3, uint64(item), 2)
	}
	if want, err = target.Transform(want); err != nil {
		t.Fatal(err)
	}
	rows := 0
	ranker := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i := range c.IDs() {
			for j, name := range target.Names() {
				f, err := c.Schema().Float(name)
				if err != nil {
					return err
				}
				if got := c.Row(i)[f.Index]; got != want.FloatRow(i)[j] {
					t.Errorf("item %d, %s: %v, want %v", c.IDs()[i], name, got, want.FloatRow(i)[j])
				}
			}
			rows++
		}
		clear(out.Score)
		return nil
	})
	p, err := recsys.NewPipeline(
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for _, item := range items {
				out.Add(item, 1)
			}
			return nil
		})),
		recsys.Features(ids(3, 2)), recsys.Features(target), recsys.Rank(ranker, recsys.Required()),
	).Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Recommend(t.Context(), &recsys.Request{K: 4}); err != nil || rows != 4 {
		t.Fatalf("%d rows, error %v", rows, err)
	}
}

func TestBuildNamesAnIDColumnThatNoSourceWrites(t *testing.T) {
	target, _, err := encode.Fit(t.Context(), encode.Config{}, random(20, 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = recsys.NewPipeline(
		recsys.Retrieve("none", recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return nil })),
		recsys.Features(target)).Build()
	if err == nil || !strings.Contains(err.Error(), `feature "item"`) || !strings.Contains(err.Error(), `feature "user"`) {
		t.Errorf("error %v; want one that names item and user", err)
	}
	if err := target.Hydrate(t.Context(), nil, nil, nil); err == nil {
		t.Error("no error without the table")
	}
	source, _, out := hydrator(t, 3)
	err = source.HydrateCandidates(t.Context(), nil, recsys.NewCandidates(nil, make([]recsys.ItemID, 3)), out)
	if _, typed := errors.AsType[*recsys.ColumnError](err); !typed || !strings.Contains(err.Error(), `feature "user"`) {
		t.Errorf("another table: error %v; want one that names user", err)
	}
}

// hydrator returns a bound target, and a table of n candidates for it.
func hydrator(tb testing.TB, n int) (recsys.CandidateHydrator, *recsys.Candidates, *recsys.Block) {
	target, _, err := encode.Fit(tb.Context(), encode.Config{}, random(5000, 1))
	if err != nil {
		tb.Fatal(err)
	}
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{
		column("user", recsys.ID, recsys.PerItem), column("item", recsys.ID, recsys.PerItem), column("hour", recsys.ID, recsys.PerItem),
	}})
	if err != nil {
		tb.Fatal(err)
	}
	source, err := recsys.Bind[recsys.FeatureSource](target, schema)
	if err != nil {
		tb.Fatal(err)
	}
	c := recsys.NewCandidates(schema, make([]recsys.ItemID, n))
	for j := range 3 {
		for i := range n {
			c.IDColumn(j)[i] = uint64(i % 7)
		}
	}
	return source.(recsys.CandidateHydrator), c, recsys.NewBlock(target.Columns(), recsys.PerItem, n)
}

func TestHydrateAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	h, c, out := hydrator(t, 100)
	if n := testing.AllocsPerRun(100, func() {
		if err := h.HydrateCandidates(t.Context(), nil, c, out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}

func BenchmarkHydrate(b *testing.B) {
	h, c, out := hydrator(b, 500)
	ctx := b.Context()
	for b.Loop() {
		if err := h.HydrateCandidates(ctx, nil, c, out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500/6, "ns/lookup")
}
