package features_test

import (
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

func ExampleRequestSession() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p, err := recsys.NewPipeline(
		recsys.Features(features.RequestSession{Kinds: []recsys.EventKind{recsys.Click}, Windows: []time.Duration{24 * time.Hour}, Last: 1}),
		recsys.Retrieve("last", recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
			fmt.Println("session:", q.Floats()[0], "events,", q.Floats()[1], "items,", q.Floats()[3], "seconds")
			fmt.Println("clicks in 24h:", q.Floats()[8], "last item:", q.IDs()[0])
			out.Add(1, 1)
			return nil
		})),
	).Build()
	if err != nil {
		panic(err)
	}
	defer p.Close(context.Background())
	_, err = p.Recommend(context.Background(), &recsys.Request{K: 1, Now: now, History: []recsys.Event{
		{Item: 7, Kind: recsys.Click, Time: now.Add(-3 * time.Hour)},
		{Item: 8, Kind: recsys.Impression, Time: now.Add(-50 * time.Second)},
		{Item: 8, Kind: recsys.Click, Time: now.Add(-40 * time.Second)},
	}})
	if err != nil {
		panic(err)
	}
	// Output:
	// session: 2 events, 1 items, 50 seconds
	// clicks in 24h: 2 last item: 8
}
