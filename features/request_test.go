package features_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

func TestRequestTimeIsOnTwoCircles(t *testing.T) {
	// 2026-03-02 is a Monday.
	for name, c := range map[string]struct {
		now    time.Time
		offset time.Duration
		hour   float64 // part of a turn
		day    float64
	}{
		"midnight of Monday":   {time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), 0, 0, 0},
		"six":                  {time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC), 0, 0.25, 0},
		"noon of Wednesday":    {time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), 0, 0.5, 2. / 7},
		"last second":          {time.Date(2026, 3, 8, 23, 59, 59, 0, time.UTC), 0, 86399. / 86400, 6. / 7},
		"an hour later":        {time.Date(2026, 3, 8, 23, 30, 0, 0, time.UTC), time.Hour, 0.5 / 24, 0},
		"an hour before":       {time.Date(2026, 3, 2, 0, 30, 0, 0, time.UTC), -time.Hour, 23.5 / 24, 6. / 7},
		"whatever Now's zone":  {time.Date(2026, 3, 2, 9, 0, 0, 0, time.FixedZone("x", 3*3600)), 0, 0.25, 0},
		"fraction of a second": {time.Date(2026, 3, 2, 0, 0, 0, 5e8, time.UTC), 0, 0.5 / 86400, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := hydrated(t, features.RequestTime{Offset: c.offset}, at(c.now), nil)
			want := []float64{
				math.Sin(2 * math.Pi * c.hour), math.Cos(2 * math.Pi * c.hour),
				math.Sin(2 * math.Pi * c.day), math.Cos(2 * math.Pi * c.day),
			}
			for j, v := range b.FloatRow(0) {
				require.InDelta(t, want[j], v, 1e-6, "column %d", j)
			}
			require.False(t, b.Missing.Has(0))
		})
	}
	require.True(t, hydrated(t, features.RequestTime{}, at(time.Time{}), nil).Missing.Has(0))
}

func TestRequestTimeOffsetIsChecked(t *testing.T) {
	require.NoError(t, features.RequestTime{Offset: -14 * time.Hour}.Validate())
	require.ErrorContains(t, features.RequestTime{Offset: 15 * time.Hour}.Validate(), "features: RequestTime.Offset is 15h0m0s; want -14h to 14h")
	require.Error(t, features.RequestTime{Offset: -15 * time.Hour}.Validate())
}

func TestRequestHistory(t *testing.T) {
	for name, c := range map[string]struct {
		now     time.Time
		history []recsys.Event
		want    []float32
	}{
		"none":         {epoch, nil, []float32{0, nan}},
		"dated":        {epoch, []recsys.Event{{Time: epoch.Add(-time.Minute)}, {Time: epoch.Add(-2 * time.Second)}, {}}, []float32{3, 2}},
		"undated":      {epoch, []recsys.Event{{}, {}}, []float32{2, nan}},
		"without Now":  {time.Time{}, []recsys.Event{{Time: epoch}}, []float32{1, nan}},
		"after Now":    {epoch, []recsys.Event{{Time: epoch.Add(time.Hour)}}, []float32{1, 0}},
		"out of order": {epoch, []recsys.Event{{Time: epoch.Add(-time.Second)}, {Time: epoch.Add(-time.Hour)}}, []float32{2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			req := at(c.now)
			req.History = c.history
			b := hydrated(t, features.RequestHistory{}, req, nil)
			require.Equal(t, bitsOf(c.want), bitsOf(b.FloatRow(0)))
			require.False(t, b.Missing.Has(0))
		})
	}
}

var nan = float32(math.NaN())

func TestRequestSourcesTakeAPrefix(t *testing.T) {
	require.Equal(t, []string{"local.hour.sin", "local.hour.cos", "local.weekday.sin", "local.weekday.cos"}, columnNames(features.RequestTime{Prefix: "local."}))
	require.Equal(t, []string{"u.history.length", "u.history.recency"}, columnNames(features.RequestHistory{Prefix: "u."}))
	for _, s := range []recsys.FeatureSource{features.RequestTime{}, features.RequestHistory{}} {
		for _, c := range s.Columns() {
			require.Equal(t, recsys.PerRequest, c.Scope)
		}
	}
}
