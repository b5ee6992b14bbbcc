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
