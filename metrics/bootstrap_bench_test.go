package metrics_test

import (
	"strconv"
	"testing"

	"github.com/recsyskit/recsys/metrics"
)

func BenchmarkBootstrapMean(b *testing.B) {
	for _, users := range []int{1_000, 30_000} {
		b.Run("users="+strconv.Itoa(users), func(b *testing.B) {
			values := normals(1, users, 0)
			for b.Loop() {
				if _, err := (metrics.Bootstrap{Workers: 1}).Mean(values); err != nil {
					b.Fatal(err)
				}
			}
			draws := float64(b.N) * 1000 * float64(users)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/draws, "ns/draw")
		})
	}
}
