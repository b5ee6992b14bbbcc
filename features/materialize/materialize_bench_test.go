package materialize_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
)

// BenchmarkMaterialize reads a log of 20,000 lines into stores in memory: what an event costs from text to row. Batches counts the
// same log for a batch.
func BenchmarkMaterialize(b *testing.B) {
	st := newStory(rand.New(rand.NewPCG(1, 9)), 20_000)
	text := []byte(st.text())
	views := []*features.View{itemView(), userView(), pairView()}
	for _, n := range []int{0, 1, 3} {
		b.Run(fmt.Sprintf("views=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cfg := newShelves().config(materialize.Log{Reader: bytes.NewReader(text)})
				cfg.FlushEvents, cfg.Batch = 10_000, 500
				for i := range cfg.Targets {
					store, err := features.NewStore(features.StoreConfig{View: *views[i]})
					if err != nil {
						b.Fatal(err)
					}
					cfg.Targets[i].Store = store
				}
				if n == 0 { // nobody's event
					cfg.Targets = cfg.Targets[:1]
					cfg.Targets[0].Key = func(*materialize.Event) (uint64, bool) { return 0, false }
				} else {
					cfg.Targets = cfg.Targets[:n]
				}
				if _, err := materialize.Materialize(context.Background(), cfg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(st.lines)), "ns/line")
		})
	}
}
