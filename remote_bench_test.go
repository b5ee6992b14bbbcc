package recsys_test

import (
	"context"
	"runtime"
	"slices"
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

// BenchmarkHung measures how much longer than its budget of 10 ms a request takes when
// a remote source ignores its context for 200 ms.
func BenchmarkHung(b *testing.B) {
	const budget = 10 * time.Millisecond
	p := build(b, recsys.Retrieve("hung", slow(200*time.Millisecond, ranked(9)), recsys.Remote(budget)), recsys.Retrieve("a", ranked(1, 2)))
	req := &recsys.Request{ID: "r", K: 2, Now: time.Unix(1, 0)}
	var over []float64
	before := runtime.NumGoroutine()
	for b.Loop() {
		t0 := time.Now()
		res, err := p.Recommend(context.Background(), req)
		over = append(over, float64(time.Since(t0)-budget)/1e6)
		if err != nil || len(res.Items) != 2 {
			b.Fatal(err)
		}
	}
	if err := p.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	slices.Sort(over)
	b.ReportMetric(over[len(over)/2], "ms-over-p50")
	b.ReportMetric(over[len(over)*99/100], "ms-over-p99")
	b.ReportMetric(float64(runtime.NumGoroutine()-before), "goroutines-left")
}
