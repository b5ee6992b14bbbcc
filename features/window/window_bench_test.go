package window_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/window"
)

// traffic is a declaration as services have it, and events for it: 100,000 keys, some of
// which are seen much more than others, about 1000 events a second, a little out of order.
func traffic(n int) (window.Config, []window.Event) {
	clicks, shown := []recsys.EventKind{recsys.Click}, []recsys.EventKind{recsys.Impression}
	windows := []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
	config := window.Config{
		Granularity: 10 * time.Minute,
		Lateness:    time.Minute,
		Aggregates: []window.Aggregate{
			{Name: "shown", Kinds: shown, Windows: windows},
			{Name: "clicks", Kinds: clicks, Windows: windows},
			{Name: "dwell", Func: window.Sum, Kinds: clicks, Windows: windows},
			{Name: "ctr", Func: window.Rate, Kinds: clicks, Of: shown, Windows: windows},
		},
	}
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 100, 100_000-1)
	events := make([]window.Event, n)
	at := int64(1_700_000_000_000_000_000)
	for i := range events {
		at += int64(r.IntN(int(2 * time.Millisecond)))
		events[i] = window.Event{
			Key: zipf.Uint64(), Time: at - int64(r.IntN(int(10*time.Second))), ID: uint64(r.IntN(1e6)),
			Value: r.Float32() * 60, Kind: recsys.EventKind(r.IntN(10) / 9),
		}
	}
	return config, events
}

func BenchmarkAdd(b *testing.B) {
	config, events := traffic(1 << 20)
	a, err := window.New(config)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range events {
		a.Add(e)
	}
	span := events[len(events)-1].Time - events[0].Time
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if i == len(events) {
			i = 0
			for j := range events {
				events[j].Time += span
			}
		}
		a.Add(events[i])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(a.Stats().Bytes)/float64(a.Len()), "bytes/key")
}

func BenchmarkRead(b *testing.B) {
	config, events := traffic(1 << 20)
	a, err := window.New(config)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range events {
		a.Add(e)
	}
	now := events[len(events)-1].Time
	var row window.Row
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		a.Read(events[i&(1<<20-1)].Key, now, &row)
		i += 7919
	}
}
