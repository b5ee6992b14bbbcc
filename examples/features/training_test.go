package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/ranking"
)

// servedOnce is a log of one slate of two items, the second of which was clicked.
func servedOnce(t *testing.T, schema *recsys.Schema, views ...recsys.StageView) func(func(recsys.Joined, error) bool) {
	x := &recsys.Exposure{
		ID: "r1", User: 9, Now: time.Unix(1000, 0), Schema: schema, Views: views, Shown: 2, Rows: []recsys.ExposureRow{
			{Item: 1, Propensity: 0.5, Floats: []float32{10}}, {Item: 2, Row: 1, Position: 1, Propensity: 0.25, Floats: []float32{20}},
		},
	}
	joiner, err := recsys.NewJoiner(recsys.JoinerConfig{})
	require.NoError(t, err)
	return joiner.Join(func(yield func(recsys.LogRecord, error) bool) {
		_ = yield(recsys.LogRecord{Exposure: x}, nil) &&
			yield(recsys.LogRecord{Feedback: &recsys.Feedback{Request: "r1", User: 9, Item: 2, Kind: recsys.Click, Time: time.Unix(1010, 0)}}, nil)
	})
}

// What a join collects is a dataset by a conversion, and a model that is trained on it knows the views of both halves: of what was served and
// of what was joined.
func TestJoinedRowsAreADataset(t *testing.T) {
	view := features.View{Name: "item.views", Columns: []recsys.Column{{Name: "views", Default: new(float32(0))}}}
	table := asof.TableOf(&view)
	table.Rows = asof.Rows([]asof.Row{{Key: 2, Time: time.Unix(500, 0).UnixNano(), Floats: []float32{3}}})
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "price"}}})
	require.NoError(t, err)
	price, _ := schema.Field("price")
	served := recsys.StageView{Stage: price.Source, FeatureView: recsys.FeatureView{Name: "item.price", Hash: 7}}
	labels, err := asof.Exposures(asof.ExposureConfig{
		Heads: []string{"click"}, Columns: []string{"price"},
		Label: func(dst []float32, feedback []recsys.Feedback) error {
			dst[0] = float32(len(feedback))
			return nil
		},
	}, servedOnce(t, schema, served))
	require.NoError(t, err)
	j, err := asof.New(asof.Config{Labels: labels, Tables: []asof.Table{table}})
	require.NoError(t, err)
	rows, err := j.Collect(context.Background())
	require.NoError(t, err)

	data := ranking.Dataset(*rows)
	require.NoError(t, data.Validate())
	require.Equal(t, []string{"price", "views"}, data.Columns)
	require.Equal(t, []float32{10, 0, 20, 3}, data.Floats)
	require.Equal(t, []recsys.FeatureView{view.FeatureView(), served.FeatureView}, data.Views)
	m, err := ranking.TrainLinear(context.Background(), ranking.LinearConfig{}, &data)
	require.NoError(t, err)
	require.Equal(t, data.Views, m.TrainedOn())
}
