package features_test

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/race"
)

// TestHeapStaysFlatThroughADay turns the clock by 24 hours: keys come and go, rows are late, early, expired, swept, evicted and deleted. From
// the fifth hour on the heap, after a collection each hour, stays within 5 %. "go run ./stores soak" in examples/bench does it with
// as many rows as one likes.
func TestHeapStaysFlatThroughADay(t *testing.T) {
	race.SkipSequential(t)
	for name, config := range map[string]features.StoreConfig{
		"by TTL alone": {Capacity: 8000},
		"by rows":      {MaxRows: 5000},
		"by bytes":     {MaxBytes: 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			now := epoch
			config.View = features.View{Name: "test", Columns: benchmarkColumns(), TTL: 2 * time.Hour}
			config.Clock = func() time.Time { return now }
			s := newStore(t, config)
			rng := rand.New(rand.NewPCG(1, 2))
			row := features.Row{Floats: make([]float32, benchColumns)}
			items := make([]recsys.ItemID, 50)
			block := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
			const perMinute = 60
			var low, high uint64
			for minute := range uint64(24 * 60) {
				now = now.Add(time.Minute)
				first := minute * perMinute
				for range perMinute * 3 / 2 {
					row.Key = first + rng.Uint64N(30*perMinute)
					row.Time = now.Add(time.Duration(rng.IntN(1000)-600) * time.Second)
					mustPut(t, s, row)
				}
				for i := range items {
					items[i] = recsys.ItemID(first + rng.Uint64N(30*perMinute))
				}
				require.NoError(t, s.Hydrate(t.Context(), recsys.NewQuery(at(now), nil, "test"), items, block))
				s.Delete(uint64(items[0]))
				if minute%10 == 9 {
					_, err := s.Sweep(t.Context(), now)
					require.NoError(t, err)
				}
				if minute%60 == 59 && minute > 4*60 {
					runtime.GC()
					runtime.GC() // what earlier tests left in pools goes with the second one
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					if low == 0 {
						low, high = m.HeapAlloc, m.HeapAlloc
					}
					low, high = min(low, m.HeapAlloc), max(high, m.HeapAlloc)
				}
			}
			st := s.Stats()
			require.LessOrEqual(t, float64(high), 1.05*float64(low))
			require.NotZero(t, st.Swept)
			require.NotZero(t, st.Late)
			require.NotZero(t, st.Early)
			require.Equal(t, config.MaxRows+int(config.MaxBytes) > 0, st.Evicted > 0)
			if config.MaxBytes > 0 {
				require.LessOrEqual(t, st.Bytes, config.MaxBytes)
			}
			require.NoError(t, s.Check())
			runtime.KeepAlive(s)
		})
	}
}
