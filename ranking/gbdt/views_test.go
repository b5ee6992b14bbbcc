package gbdt_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

func TestModelKeepsTheViewsOfItsData(t *testing.T) {
	views := []recsys.FeatureView{{Name: "item.stats", Hash: 1<<63 + 1}}
	train := func(head string, views []recsys.FeatureView) *gbdt.Model {
		d := &ranking.Dataset{Columns: []string{"x"}, Heads: []string{head}, Views: views}
		for i := range 200 {
			d.Floats, d.Labels = append(d.Floats, float32(i)), append(d.Labels, float32(i%2))
		}
		m, err := gbdt.Train(context.Background(), gbdt.Config{Rounds: 2}, d)
		require.NoError(t, err)
		return m
	}
	m := train("click", views)
	require.Equal(t, views, m.TrainedOn())
	var b bytes.Buffer
	_, err := m.WriteTo(&b)
	require.NoError(t, err)
	var back gbdt.Model
	_, err = back.ReadFrom(&b)
	require.NoError(t, err)
	require.Equal(t, views, back.TrainedOn())
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "x"}}})
	require.NoError(t, err)
	bound, err := back.Bind(s)
	require.NoError(t, err)
	require.Equal(t, views, bound.(recsys.ViewUser).TrainedOn())

	both, err := gbdt.Combine(m, train("buy", views), train("dwell", nil))
	require.NoError(t, err)
	require.Equal(t, views, both.TrainedOn())
	_, err = gbdt.Combine(m, train("buy", []recsys.FeatureView{{Name: "item.stats", Hash: 2}}))
	require.ErrorIs(t, err, recsys.ErrSchema)
}
