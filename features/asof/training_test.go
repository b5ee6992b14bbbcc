package asof_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
)

func TestTrainingNamesTheViewsOfItsTables(t *testing.T) {
	view := features.View{Name: "item.stats", Columns: []recsys.Column{{Name: "ctr"}}}
	stats := asof.TableOf(&view)
	stats.Rows = asof.Rows(nil)
	plain := asof.Table{Name: "plain", Key: "item", Columns: []recsys.Column{{Name: "x"}}, Rows: asof.Rows(nil)}
	j, err := asof.New(asof.Config{
		Labels: asof.Labels{Keys: []string{"item"}, Rows: asof.LabelRows([]asof.Label{{Time: 1, Keys: []uint64{7}, Weight: 1}})},
		Tables: []asof.Table{stats, plain},
	})
	require.NoError(t, err)
	rows, err := j.Collect(context.Background())
	require.NoError(t, err)
	require.Equal(t, []recsys.FeatureView{view.FeatureView()}, rows.Views, "a table that is no view has no version")
}

// collectServed joins exposures that were served from versions of a view, whose stage wrote the column, with a table of it.
func collectServed(t *testing.T, anyVersion bool, table recsys.FeatureView, column string, served ...recsys.StageView) (*asof.Training, error) {
	var log []any
	for i, v := range served {
		x := exposure(string(rune('a'+i)), int64(100*(i+1)), 1)
		x.Views = []recsys.StageView{v}
		log = append(log, x)
	}
	cfg := asof.ExposureConfig{Heads: []string{"click"}, Label: clicked, Columns: []string{column}, AnyVersion: anyVersion}
	l, err := asof.Exposures(cfg, joinedLog(t, log...))
	require.NoError(t, err)
	j, err := asof.New(asof.Config{Labels: l, Tables: []asof.Table{
		{Name: table.Name, View: table, Key: "item", Columns: []recsys.Column{{Name: "x"}}, Rows: asof.Rows(nil)},
	}})
	require.NoError(t, err)
	return j.Collect(context.Background())
}

func TestTrainingNamesTheViewsThatWereServed(t *testing.T) {
	field, _ := schema.Field("ctr")
	view := func(stage, name string, hash uint64) recsys.StageView {
		return recsys.StageView{Stage: stage, FeatureView: recsys.FeatureView{Name: name, Hash: hash}}
	}
	table := recsys.FeatureView{Name: "item.x", Hash: 1}
	stats, later := view(field.Source, "stats", 2), view(field.Source, "stats", 3)

	rows, err := collectServed(t, false, table, "ctr", stats, stats, view("elsewhere", "other", 9))
	require.NoError(t, err)
	require.Equal(t, []recsys.FeatureView{table, stats.FeatureView}, rows.Views, "no column of the other view is taken")

	var wrong *recsys.ViewError
	_, err = collectServed(t, false, table, "ctr", stats, later)
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, `exposure "b"`)
	require.Equal(t, []uint64{2, 3}, []uint64{wrong.Want, wrong.Have})
	rows, err = collectServed(t, true, table, "ctr", stats, later)
	require.NoError(t, err)
	require.Equal(t, []recsys.FeatureView{table, later.FeatureView}, rows.Views)

	_, err = collectServed(t, false, table, "ctr", view(field.Source, table.Name, 4))
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, []uint64{1, 4}, []uint64{wrong.Want, wrong.Have})
	rows, err = collectServed(t, true, table, "ctr", view(field.Source, table.Name, 4))
	require.NoError(t, err)
	require.Equal(t, []recsys.FeatureView{table}, rows.Views)
}
