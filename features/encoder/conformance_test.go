package encoder_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/encoder"
	"github.com/recsyskit/recsys/features/featurestest"
)

func TestSetKeepsTheContract(t *testing.T) {
	set := fitted(t)
	featurestest.Run(t, func(*testing.T) recsys.FeatureSource { return set }, featurestest.Config{
		Items: []recsys.ItemID{1, 2, 3}, Users: []recsys.UserID{1},
		Request:  recsys.Request{Now: time.Date(2026, 3, 1, 17, 30, 0, 0, time.UTC)},
		Upstream: recsys.SchemaConfig{Columns: inputs, Sources: []string{"all"}},
	})
}

func TestSetsAreSafeForConcurrentUse(t *testing.T) {
	set, rows := fitted(t), random(300, 6)
	want := apply(t, set, rows)
	before := set.Stats()["price.log"].Rows
	outs := make([]*encoder.Rows, 8)
	var wg sync.WaitGroup
	for i := range outs {
		outs[i] = encoder.NewRows(set.Columns(), rows.Len)
		wg.Go(func() {
			for range 5 {
				if err := set.Apply(t.Context(), outs[i], rows); err != nil {
					t.Error(err)
				}
				set.Stats()
			}
		})
	}
	wg.Wait()
	for _, out := range outs {
		requireSame(t, want, out)
	}
	require.Equal(t, before+8*5*300, set.Stats()["price.log"].Rows)
}
