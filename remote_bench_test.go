package recsys_test

import (
	"context"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// BenchmarkFan measures five remote sources that answer at once, against a goroutine
// and a context.WithTimeout for each.
func BenchmarkFan(b *testing.B) {
	var opts []recsys.Option
	for i := range 5 {
		opts = append(opts, recsys.Retrieve(string(rune('a'+i)), ranked(recsys.ItemID(i), 7, 8, 9), recsys.Remote(time.Second)))
	}
	p := build(b, opts...)
	req := &recsys.Request{ID: "r", K: 4, Now: time.Unix(1, 0)}
	res := new(recsys.Result)
	ours := func() { _ = p.RecommendInto(context.Background(), req, res) }
	src := ranked(1, 7, 8, 9)
	byHand := func() {
		var answers [5]chan *recsys.Sink
		var deadlines [5]context.Context
		for i := range answers {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			answer := make(chan *recsys.Sink, 1)
			answers[i], deadlines[i] = answer, ctx
			go func() {
				s := recsys.NewSink(10)
				_ = src.Retrieve(ctx, nil, s)
				answer <- s
			}()
		}
		for i := range answers {
			select {
			case <-answers[i]:
			case <-deadlines[i].Done():
			}
		}
	}
	sideBySide(b, ours, byHand)
	b.ReportMetric(testing.AllocsPerRun(1000, ours), "allocs/ours")
	b.ReportMetric(testing.AllocsPerRun(1000, byHand), "allocs/hand")
}
