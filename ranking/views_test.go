package ranking_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

func TestLinearKeepsTheViewsOfItsData(t *testing.T) {
	views := []recsys.FeatureView{{Name: "item.stats", Hash: 1<<63 + 1}}
	d := &ranking.Dataset{
		Columns: []string{"x"}, Floats: []float32{0, 1, 2, 3}, Heads: []string{"click"}, Labels: []float32{0, 1, 0, 1}, Views: views,
	}
	save := func(d *ranking.Dataset) (*ranking.Linear, []byte) {
		m, err := ranking.TrainLinear(context.Background(), ranking.LinearConfig{}, d)
		require.NoError(t, err)
		var b bytes.Buffer
		_, err = m.WriteTo(&b)
		require.NoError(t, err)
		return m, b.Bytes()
	}
	m, file := save(d)
	require.Equal(t, views, m.TrainedOn())
	var back ranking.Linear
	_, err := back.ReadFrom(bytes.NewReader(file))
	require.NoError(t, err)
	require.Equal(t, views, back.TrainedOn())

	bound, err := back.Bind(viewSchema(t, recsys.Column{Name: "x"}))
	require.NoError(t, err)
	require.Equal(t, views, bound.(recsys.ViewUser).TrainedOn())

	require.Equal(t, views, d.Rows([]int32{0, 1}).Views)
	d.Views = nil
	m, file = save(d)
	require.Nil(t, m.TrainedOn())
	_, err = back.ReadFrom(bytes.NewReader(file))
	require.NoError(t, err)
	require.Nil(t, back.TrainedOn(), "a file without views is one of the first version")
}

func viewSchema(t *testing.T, columns ...recsys.Column) *recsys.Schema {
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns})
	require.NoError(t, err)
	return s
}

func TestCollectorKeepsTheViewsOfItsColumns(t *testing.T) {
	s := viewSchema(t, recsys.Column{Name: "x"})
	x, _ := s.Field("x")
	view := func(stage, name string, hash, encoders uint64) recsys.StageView {
		return recsys.StageView{Stage: stage, FeatureView: recsys.FeatureView{Name: name, Hash: hash, Encoders: encoders}}
	}
	record := func(id string, views ...recsys.StageView) *recsys.Exposure {
		r := exposure(t, id, s, 1, recsys.ExposureRow{Floats: []float32{1}})
		r.Views = views
		return r
	}
	stats, derived, other := view(x.Source, "stats", 1, 0), view("elsewhere", "raw", 2, 3), view("elsewhere", "other", 4, 0)
	later := view(x.Source, "stats", 5, 0)
	collect := func(all bool) (*ranking.Collector, error) {
		c, err := ranking.NewCollector(ranking.CollectorConfig{Heads: []string{"click"}, AnyVersion: all})
		require.NoError(t, err)
		require.NoError(t, c.Add(record("r1", stats, derived, other), []float32{1}))
		require.NoError(t, c.Add(record("r2", derived, view("elsewhere", "other", 7, 0)), []float32{0}), "no column of it is taken")
		return c, c.Add(record("r3", later, derived), []float32{1})
	}

	c, err := collect(false)
	var wrong *recsys.ViewError
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, `exposure "r3": feature view "stats"`)
	require.Equal(t, []uint64{1, 5}, []uint64{wrong.Want, wrong.Have})
	d, err := c.Dataset()
	require.NoError(t, err)
	require.Equal(t, 2, d.Len(), "nothing of the record was added")
	require.Equal(t, []recsys.FeatureView{stats.FeatureView, derived.FeatureView}, d.Views)

	c, err = collect(true)
	require.NoError(t, err)
	d, err = c.Dataset()
	require.NoError(t, err)
	require.Equal(t, 3, d.Len())
	require.Equal(t, []recsys.FeatureView{later.FeatureView, derived.FeatureView}, d.Views)
}
