package goapi_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/goapi"
)

func BenchmarkLoad(b *testing.B) {
	root := toolchain(b)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			files := 0
			for b.Loop() {
				d, err := goapi.Load(context.Background(), goapi.Config{Root: root, Workers: workers})
				if err != nil {
					b.Fatal(err)
				}
				files += d.Stats.Files
			}
			b.ReportMetric(float64(files)/b.Elapsed().Seconds(), "files/s")
		})
	}
}
