package fm_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

// allocated returns how many bytes a training takes that is refused, and the error.
func allocated(t *testing.T, cfg fm.Config, d *ranking.Dataset) (uint64, *ranking.MemoryError) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := fm.Train(t.Context(), cfg, d)
	runtime.ReadMemStats(&after)
	var me *ranking.MemoryError
	require.ErrorAs(t, err, &me)
	require.ErrorContains(t, err, "fm: training needs about")
	require.Equal(t, cfg.MaxBytes, me.Most)
	return after.TotalAlloc - before.TotalAlloc, me
}

func TestMemoryIsRefusedBeforeAnythingLarge(t *testing.T) {
	d := problem(20_000, 0, 51)
	for i := 1; i < len(d.IDs); i += len(d.IDColumns) {
		d.IDs[i] = uint64(i) // all different
	}
	for name, cfg := range map[string]fm.Config{
		"vocabulary": {}, "ffm": {Kind: fm.FFM, Factors: 4}, "linear": {Kind: fm.Linear, Optimizer: fm.FTRL},
		"hashed": {HashBits: 16}, "validation": {Validation: d},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Epochs, cfg.MaxBytes = 1, 1000
			spent, me := allocated(t, cfg, d)
			require.Less(t, spent, uint64(100_000))
			// Each refusal says more of what is needed, until it is enough.
			for refused := 1; ; refused++ {
				cfg.MaxBytes = me.Need
				if _, err := fm.Train(t.Context(), cfg, d); err == nil {
					break
				}
				require.LessOrEqual(t, refused, 1+len(d.IDColumns))
				spent, next := allocated(t, cfg, d)
				require.Greater(t, next.Need, me.Need)
				require.Less(t, spent, uint64(me.Need))
				me = next
			}
			require.Greater(t, me.Need, int64(20_000*10*(len(d.Columns)+len(d.IDColumns))))
		})
	}
	// 2^28 buckets of 256 factors: more than a TB, which no machine here has.
	_, me := allocated(t, fm.Config{HashBits: 28, Factors: 256, MaxBytes: 8 << 30}, d)
	require.Greater(t, me.Need, int64(1)<<40)
	require.ErrorContains(t, me, "HashBits, or raise it")
	_, err := fm.Train(t.Context(), fm.Config{MaxBytes: -1}, d)
	require.ErrorContains(t, err, "fm: Config.MaxBytes is -1; want >= 0 (0 means no limit)")
}
