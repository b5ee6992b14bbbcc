package puresvd_test

import (
	"fmt"
	"testing"

	"github.com/recsyskit/recsys/retrieval/puresvd"
)

func BenchmarkTrain(b *testing.B) {
	in, _ := random(b, 1, 2000, 3000, 40_000)
	for _, f := range []int{16, 64, 128} {
		b.Run(fmt.Sprintf("factors=%d", f), func(b *testing.B) {
			for b.Loop() {
				train(b, in, puresvd.Config{Factors: f, Workers: 1})
			}
		})
	}
}
