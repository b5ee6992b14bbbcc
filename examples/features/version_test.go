package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/encoder"
	"github.com/recsyskit/recsys/ranking"
)

// A model learned from the numbers of one fit. Whether the encoders stand in the view of the store or are a view of their
// own, encoders that were fitted anew are refused when the pipeline is built, and the error names the view.
func TestBuildRefusesEncodersFittedAfterTheModel(t *testing.T) {
	for name, c := range map[string]struct {
		set  string // name of the set as a view; empty: the view of the store has it
		want string
	}{
		"in the view of the store": {"", "item.stats"},
		"a view of its own":        {"item.encoded", "item.encoded"},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := fitted(t, c.set, []float32{1, 2, 3, 4}), fitted(t, c.set, []float32{1, 2, 3, 400})
			require.NotEqual(t, before.Hash(), after.Hash())
			model := trainedOn(t, before)

			_, err := build(t, before, model)
			require.NoError(t, err)
			_, err = build(t, fitted(t, c.set, []float32{1, 2, 3, 4}), model)
			require.NoError(t, err, "the same parameters are the same version")

			_, err = build(t, after, model)
			var wrong *recsys.ViewError
			require.ErrorAs(t, err, &wrong)
			require.ErrorIs(t, err, recsys.ErrSchema)
			require.Equal(t, c.want, wrong.View)
			require.ErrorContains(t, err, `rank/model: feature view "`+c.want+`"`)
			require.Contains(t, wrong.Reason, "encoders that were fitted anew")
		})
	}
}

// A store whose view still declares the encoders of before is no way around that.
func TestBuildRefusesEncodersThatTheViewDoesNotDeclare(t *testing.T) {
	before, after := fitted(t, "", []float32{1, 2, 3, 4}), fitted(t, "", []float32{1, 2, 3, 400})
	store, err := features.NewStore(features.StoreConfig{View: viewOf(before)})
	require.NoError(t, err)
	_, err = recsys.NewPipeline(
		recsys.Retrieve("none", recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return nil })),
		recsys.Features(store, recsys.Name("stats")), recsys.Features(after), recsys.Rank(trainedOn(t, before)),
	).Build()
	var wrong *recsys.ViewError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, []uint64{before.Hash(), after.Hash()}, []uint64{wrong.Want, wrong.Have})
	require.ErrorContains(t, err, `features/stats: feature view "item.stats"`)
}

var statsColumns = []recsys.Column{{Name: "clicks"}}

func fitted(t *testing.T, name string, clicks []float32) *encoder.Set {
	set, err := encoder.NewSet(encoder.Config{
		Name: name, Inputs: statsColumns,
		Steps: []encoder.Step{{Name: "clicks.scaled", From: []string{"clicks"}, Encoder: encoder.Standard{}}},
	})
	require.NoError(t, err)
	set, err = set.Fit(context.Background(), encoder.One(rowsOf(clicks)), encoder.FitConfig{})
	require.NoError(t, err)
	return set
}

func rowsOf(clicks []float32) *encoder.Rows {
	return &encoder.Rows{Len: len(clicks), Columns: statsColumns, Values: []encoder.Values{{Floats: clicks}}}
}

func viewOf(set *encoder.Set) features.View {
	v := features.View{Name: "item.stats", TTL: time.Hour, Columns: statsColumns}
	if set.Name() == "" {
		v.Encoders = set
	}
	return v
}

// trainedOn returns a model as it is read from its file.
func trainedOn(t *testing.T, set *encoder.Set) *ranking.Linear {
	out := encoder.NewRows(set.Columns(), 4)
	require.NoError(t, set.Apply(context.Background(), out, rowsOf([]float32{1, 2, 3, 4})))
	view := viewOf(set)
	m, err := ranking.TrainLinear(context.Background(), ranking.LinearConfig{}, &ranking.Dataset{
		Columns: []string{"clicks.scaled"}, Floats: out.Values[0].Floats, Heads: []string{"click"}, Labels: []float32{0, 0, 1, 1},
		Views: append([]recsys.FeatureView{view.FeatureView()}, set.FeatureViews()...),
	})
	require.NoError(t, err)
	var file bytes.Buffer
	_, err = m.WriteTo(&file)
	require.NoError(t, err)
	read := new(ranking.Linear)
	_, err = read.ReadFrom(&file)
	require.NoError(t, err)
	return read
}

func build(t *testing.T, set *encoder.Set, model recsys.Ranker) (*recsys.Pipeline, error) {
	store, err := features.NewStore(features.StoreConfig{View: viewOf(set)})
	require.NoError(t, err)
	return recsys.NewPipeline(
		recsys.Retrieve("none", recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return nil })),
		recsys.Features(store), recsys.Features(set), recsys.Rank(model, recsys.Name("model")),
	).Build()
}
