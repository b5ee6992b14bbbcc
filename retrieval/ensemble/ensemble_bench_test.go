package ensemble_test

import (
	"context"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// fixed proposes and scores from an array.
type fixed struct {
	list
	scores []float32
}

func (f fixed) ScoreItems(_ context.Context, _ *recsys.Query, items []recsys.ItemID, dst []float32) error {
	for i, id := range items {
		dst[i] = f.scores[id]
	}
	return nil
}

// BenchmarkRetrieve is what the blend of three sources adds to their own time: quotas of 200,
// a pool of about 500.
func BenchmarkRetrieve(b *testing.B) {
	const items = 10_000
	var sources []ensemble.Source
	for s := range uint64(3) {
		f := fixed{scores: make([]float32, items)}
		for k := range uint64(200) {
			id := recsys.ItemID(noise(s, 1, k) * items)
			f.scores[id] = 1 - float32(k)/200
			f.list = append(f.list, struct {
				item  recsys.ItemID
				score float32
			}{id, f.scores[id]})
		}
		sources = append(sources, ensemble.Source{Name: string(rune('a' + s)), Retriever: f, Quota: 200, Weight: 1})
	}
	e := blend(b, sources...)
	q, out := recsys.NewQuery(&recsys.Request{}, nil, "x"), new(recsys.Sink)
	for b.Loop() {
		out.Open(q, 100)
		if err := e.Retrieve(b.Context(), q, out); err != nil {
			b.Fatal(err)
		}
	}
}
