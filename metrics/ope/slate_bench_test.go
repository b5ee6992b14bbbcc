package ope_test

import (
	"fmt"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

func BenchmarkSlates(b *testing.B) {
	for _, places := range []int{3, 10, 20} {
		slates := randomSlates(1, 1000, places)
		for _, e := range []ope.SlateEstimator{ope.SIPS(), ope.RIPS(), ope.SNRIPS(), ope.CascadeDR()} {
			b.Run(fmt.Sprintf("places=%d/estimator=%v", places, e), func(b *testing.B) {
				a, err := ope.NewSlateAccumulator(ope.Options{}, e)
				if err != nil {
					b.Fatal(err)
				}
				for i := 0; b.Loop(); i++ {
					if err := a.Add(&slates[i%len(slates)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
