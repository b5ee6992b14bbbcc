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
